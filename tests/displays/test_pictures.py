"""Pictures are those of tests/displays/pictures/, which were looked at.

After a change that is meant to change them,

    python tests/displays/test_pictures.py

draws them anew: look at each before it is committed. They are without text, whose shapes differ
with versions of matplotlib, and of networks whose weights are set by a formula.
"""

import os

os.environ["MPLBACKEND"] = "Agg"

from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.legend import Legend
from matplotlib.text import Text

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

FOLDER = Path(__file__).parent / "pictures"


def network(*layer_sizes, **more):
    """One whose parameters, in their order, are 2 sin(1), 2 sin(2), ..."""
    net = pynn.Network(layer_sizes, initializer="zeros", dtype="float64", **more)
    net.parameters[:] = 2 * np.sin(np.arange(1, net.n_parameters + 1))
    return net


def path_of(net, n_points=12):
    """A curve that ends at the network's parameters."""
    times = np.linspace(1, 0, n_points)[:, np.newaxis]
    numbers = np.arange(net.n_parameters)
    return net.parameters + times * np.cos(numbers) + times**2 * np.sin(numbers)


GRID = np.stack(np.meshgrid(np.linspace(-1, 1, 6), np.linspace(-1, 1, 5)), axis=-1).reshape(-1, 2)
CLASSES = np.digitize(GRID.sum(axis=1), [-0.5, 0.7])
EPOCHS = np.arange(1, 41)


def small_network(ax):
    NetworkDisplay.from_estimator(network(2, 3, 1), ax=ax)


def small_network_at_work(ax):
    NetworkDisplay.from_estimator(network(3, 4, 2, activation="tanh"), [[1, -0.5, 0]], ax=ax)


def wide_and_deep_network(ax):
    NetworkDisplay.from_estimator(network(20, *[15] * 9, 3), max_units=6, ax=ax)


def trace_of(*layer_sizes):
    net = network(*layer_sizes, activation="tanh")
    return net.trace(np.cos([np.arange(layer_sizes[0])]), np.ones((1, layer_sizes[-1])))


def pass_forward(ax):
    TraceDisplay(trace_of(2, 3, 1)).plot(ax)


def pass_backward(ax):
    TraceDisplay(trace_of(2, 3, 1), direction="backward").plot(ax)


def pass_backward_through_a_wide_network(ax):
    TraceDisplay(trace_of(20, 15, 15, 3), direction="backward", max_units=6).plot(ax)


def weights(ax):
    WeightsDisplay.from_estimator(network(12, 5, 1), shape=(3, 4), ax=ax)


def weights_of_a_table(ax):
    WeightsDisplay.from_estimator(network(7, 4, 1), ax=ax)


def activations(ax):
    net = network(4, 3, 2, activation="tanh")
    ActivationsDisplay.from_estimator(net, [[1, -0.5, 0, 0.25]], ax=ax)


def activations_of_many_units(ax):
    X = np.sin(np.arange(64))[np.newaxis]
    ActivationsDisplay.from_estimator(network(64, 30, 4, activation="tanh"), X, ax=ax)


def loss_curve(ax):
    net, other = network(2, 1), network(2, 1)
    net.history.update({"cost": list(2 / EPOCHS), "val_cost": list(2 / EPOCHS + 0.01 * EPOCHS)})
    other.history.update({"cost": list(np.where(EPOCHS % 10, 3 / EPOCHS, np.nan))})
    LossCurveDisplay.from_estimator({"one": net, "other": other}, ax=ax, log=True)


def loss_curve_of_one(ax):
    curves = {"train": 2 / EPOCHS, "validation": 2 / EPOCHS + 0.01 * EPOCHS}
    LossCurveDisplay({"": curves}, best_epochs={"": 14}).plot(ax)


def gradient_flow(ax):
    net = network(2, 4, 4, 1, activation="tanh")
    GradientFlowDisplay.from_estimator(net, GRID, GRID[:, :1], path=path_of(net), ax=ax)


def gradient_flow_of_many_layers(ax):
    norms = np.exp(-np.outer(EPOCHS, np.arange(12, 0, -1)) / 40)
    GradientFlowDisplay(norms).plot(ax, linewidth=1)


def cost_landscape(ax):
    net = network(2, 3, 1, activation="tanh")
    path = path_of(net)
    CostLandscapeDisplay.from_estimator(net, GRID, GRID[:, :1], path=path, resolution=15, ax=ax)


def cost_landscape_in_random_directions(ax):
    net = network(2, 3, 1, activation="tanh")
    CostLandscapeDisplay.from_estimator(net, GRID, GRID[:, :1], resolution=15, ax=ax)


def boundary(ax):
    net = network(2, 3, 1, output_activation="sigmoid")
    decision_boundary(net, GRID, CLASSES > 0, grid_resolution=30, eps=0.3, ax=ax)


def boundary_of_three_classes(ax):
    net = network(2, 3, 3, output_activation="softmax", cost="cross_entropy")
    decision_boundary(net, GRID, CLASSES, grid_resolution=30, eps=0.3, ax=ax)


def boundary_of_numbers(ax):
    decision_boundary(network(2, 3, 1), GRID, GRID[:, 0], grid_resolution=30, eps=0.3, ax=ax)


# Of the root mean square over pixels and colours, which go from 0 to 255. Versions of matplotlib
# from 3.8 to 3.11 differ by less than 0.1, but where grids may be moved by a pixel, or lines have
# gaps for their labels.
TOLERANCE = 1.0
TOLERANCES = {
    weights: 16.0,
    activations_of_many_units: 10.0,
    cost_landscape: 5.0,
    cost_landscape_in_random_directions: 5.0,
}
WIDE = {wide_and_deep_network, activations, activations_of_many_units}
DARK = {
    small_network_at_work,
    pass_backward,
    weights,
    activations,
    cost_landscape,
    boundary,
    gradient_flow,
}
PICTURES = [
    small_network,
    small_network_at_work,
    wide_and_deep_network,
    pass_forward,
    pass_backward,
    pass_backward_through_a_wide_network,
    weights,
    weights_of_a_table,
    activations,
    activations_of_many_units,
    loss_curve,
    loss_curve_of_one,
    gradient_flow,
    gradient_flow_of_many_layers,
    cost_landscape,
    cost_landscape_in_random_directions,
    boundary,
    boundary_of_three_classes,
    boundary_of_numbers,
]
CASES = [(draw, "default") for draw in PICTURES] + [
    (draw, "dark_background") for draw in PICTURES if draw in DARK
]


def file_of(draw, style):
    return FOLDER / f"{draw.__name__}{'_dark' if style != 'default' else ''}.png"


def drawn(draw, style):
    """The picture without its text, as pixels (height, width, 4) from 0 to 255."""
    with plt.style.context(["default", style]):
        figure = plt.figure(figsize=(6, 3) if draw in WIDE else (3, 2), dpi=60)
        draw(figure.add_axes((0.05, 0.05, 0.9, 0.9)))
        for ax in figure.axes:
            ax.tick_params(which="both", length=0)
        for words in figure.findobj(lambda artist: isinstance(artist, Text | Legend)):
            words.set_visible(False)
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba()).copy()
        plt.close(figure)
    return pixels


def distance(one, other):
    return np.sqrt(np.mean((one.astype(float) - other) ** 2))


@pytest.mark.parametrize(("draw", "style"), CASES)
def test_it_is_as_it_was(draw, style, tmp_path):
    pixels = drawn(draw, style)
    before = np.round(255 * plt.imread(file_of(draw, style)))
    assert pixels.shape == before.shape
    plt.imsave(tmp_path / "now.png", pixels)
    found = distance(pixels, before)
    assert found <= TOLERANCES.get(draw, TOLERANCE), (
        f"{tmp_path}/now.png is {found:.1f} from {file_of(draw, style)}; if that is meant: "
        "python tests/displays/test_pictures.py"
    )


def test_no_picture_is_left_over():
    assert {path.name for path in FOLDER.iterdir()} == {file_of(*case).name for case in CASES}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        plt.imsave(file_of(*case), drawn(*case), pil_kwargs={"optimize": True})
        print(file_of(*case))
