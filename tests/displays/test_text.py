"""Text of all displays can be read: 8 points at least in a new figure, and none covers another."""

import numpy as np
import pytest
from long import IS_LONG
from matplotlib import pyplot as plt
from matplotlib.text import Text
from sklearn.datasets import load_iris, make_moons

import pynn
from pynn.displays import (
    ActivationsDisplay,
    CostLandscapeDisplay,
    GradientFlowDisplay,
    LossCurveDisplay,
    NetworkDisplay,
    TraceDisplay,
    WeightsDisplay,
    decision_boundary,
)

STEPS = np.linspace(-1, 1, 11)
BOWL = STEPS**2 + 3 * STEPS[:, np.newaxis] ** 2
ROW = np.linspace(-0.0123, 0.0456, 4)[np.newaxis]


def net(*sizes):
    return pynn.Network(sizes, activation="tanh", random_state=0)


def flowers():
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    model = pynn.MLPClassifier((12, 4), random_state=0, max_iter=300, tol=1)
    return model.fit(X, names[y]), X


def boundary():
    X, y = make_moons(50, random_state=0)
    return decision_boundary(net(2, 3, 1), X, y)


DISPLAYS = {
    "values": lambda: NetworkDisplay.from_estimator(net(4, 2, 1), ROW),
    "no names": lambda: NetworkDisplay.from_estimator(net(4, 8, 8, 2), 1000 * ROW),
    "flowers": lambda: NetworkDisplay.from_estimator(*flowers()),
    "deep": lambda: NetworkDisplay.from_estimator(net(*[20] * 30)),
    "activations": lambda: ActivationsDisplay.from_estimator(*flowers()),
    "wide": lambda: ActivationsDisplay.from_estimator(net(4, 300, 2), ROW),
    "weights": lambda: WeightsDisplay.from_estimator(net(784, 100, 10), max_units=100),
    "few weights": lambda: WeightsDisplay.from_estimator(flowers()[0], layer=-1),
    "loss": lambda: LossCurveDisplay({"a": {"train": STEPS}, "b": {"train": STEPS}}).plot(),
    "gradients": lambda: GradientFlowDisplay(np.ones((3, 30))).plot(),
    "landscape": lambda: CostLandscapeDisplay(STEPS, STEPS, BOWL, path=[(0.9, 0), (0, 0)]).plot(),
    "boundary": boundary,
}


@pytest.mark.parametrize("name", DISPLAYS)
def test_text_has_8_points_at_least(name):
    figure = DISPLAYS[name]().figure_
    figure.canvas.draw()
    sizes = {
        text.get_text(): text.get_fontsize()
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text()
    }
    plt.close(figure)
    assert sizes
    assert {text: size for text, size in sizes.items() if size < 8} == {}


# Small axes have text of 8 points too: beside circles if these are not closer, below them always.
IN_AXES = {
    "small": lambda ax: NetworkDisplay.from_estimator(net(2, 3, 1), [[0.5, -1.0]], ax=ax),
    "wide": lambda ax: NetworkDisplay.from_estimator(net(784, 16, 16, 10), ax=ax),
    "layers": lambda ax: NetworkDisplay.from_estimator(net(64, 30, 10), scale="layer", ax=ax),
    "deep": lambda ax: NetworkDisplay.from_estimator(net(5, *[12] * 8, 3), ax=ax),
    "forward": lambda ax: TraceDisplay.from_estimator(net(2, 3, 1), [[0, 1]], [1], ax=ax),
    "activations": lambda ax: ActivationsDisplay.from_estimator(*flowers(), ax=ax),
    "deep activations": lambda ax: ActivationsDisplay.from_estimator(
        net(5, *[12] * 8, 3), np.ones((1, 5)), ax=ax
    ),
    "wide forward": lambda ax: TraceDisplay.from_estimator(
        net(64, 30, 10), np.eye(64), [0] * 64, ax=ax
    ),
}


@pytest.mark.parametrize("shape", [None, (8, 8)])
def test_names_of_weights_do_not_overlap_in_small_axes(shape):
    figure, ax = plt.subplots(figsize=(3.5, 2.6), layout="constrained")
    weights = np.sin(np.arange(30 * 64)).reshape(30, 64)
    names = None if shape else [f"feature {i}" for i in range(64)]
    display = WeightsDisplay(weights, shape=shape, in_names=names).plot(ax)
    figure.canvas.draw()
    assert min(text.get_fontsize() for text in display.texts_) >= 8
    boxes = [text.get_window_extent() for text in display.texts_]
    assert len(boxes) >= 5
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
    plt.close(figure)


SLOW_IF_LARGE = {"deep", "activations", "deep activations"}  # text is scarcer in small axes


@pytest.mark.parametrize(
    ("name", "width"),
    [(name, 3.5) for name in IN_AXES]
    + [(name, 12) for name in IN_AXES if IS_LONG or name not in SLOW_IF_LARGE],
)
def test_diagrams_fit_small_and_large_axes(name, width):
    figure, ax = plt.subplots(figsize=(width, 0.75 * width), layout="constrained")
    display = IN_AXES[name](ax)
    figure.canvas.draw()
    texts = getattr(display, "texts_", display.ax_.texts)
    texts = [text for text in texts if not text.get_text().startswith("#")]
    texts += [panel.title for panel in getattr(display, "axes_", [])]
    texts += [text for panel in getattr(display, "axes_", []) for text in panel.get_yticklabels()]
    assert min(text.get_fontsize() for text in texts) >= 7.99
    boxes = [text.get_window_extent() for text in texts]
    for i, box in enumerate(boxes):
        assert figure.bbox.padded(1).containsx(box.x0)
        assert figure.bbox.padded(1).containsx(box.x1)
        assert not any(box.overlaps(other) for other in boxes[:i])
    plt.close(figure)


@pytest.mark.parametrize("name", ["values", "no names", "flowers"])
def test_no_text_of_a_network_leaves_the_figure_or_covers_another(name):
    display = DISPLAYS[name]()
    display.figure_.canvas.draw()
    boxes = [text.get_window_extent() for text in display.texts_ if "." not in text.get_text()]
    for i, box in enumerate(boxes):
        assert display.figure_.bbox.padded(1).containsx(box.x0)
        assert display.figure_.bbox.padded(1).containsx(box.x1)
        assert not box.overlaps(boxes[i - 1])
    plt.close(display.figure_)
