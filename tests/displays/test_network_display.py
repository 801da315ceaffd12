"""NetworkDisplay, ActivationsDisplay, WeightsDisplay: what they draw is the network's numbers."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from cases import examples
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.colors import same_color, to_rgb
from mlp_cases import BOTH, DATA, few_epochs_are_meant, small  # noqa: F401 (a fixture)
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

import pynn
from pynn.displays import ActivationsDisplay, NetworkDisplay, WeightsDisplay
from pynn.displays.units import grid_of, input_names, output_names, pass_of, strength_rule
from pynn.inspection.colours import palette
from pynn.inspection.diagram import Diagram

PLUS, MINUS, _ = palette()
ALL = pytest.mark.parametrize("Display", [NetworkDisplay, ActivationsDisplay, WeightsDisplay])
NETS = {
    "1-1": ([1, 1], {}),
    "2-3-1": ([2, 3, 1], {"activation": "tanh"}),
    "64-30-10": ([64, 30, 10], {"output_activation": "softmax", "cost": "cross_entropy"}),
    "784-16-16-10": ([784, 16, 16, 10], {"bias": False}),
    "10 layers": ([5, *[12] * 8, 3], {}),
    "huge": ([1024, 4096, 4096, 100], {"initializer": "zeros"}),
}


def network(name):
    sizes, parameters = NETS[name]
    return pynn.Network(sizes, random_state=0, **parameters)


def rows_for(net, n=3):
    return np.random.default_rng(0).normal(size=(n, net.layer_sizes[0])).astype(net.dtype)


def draw(Display, net, **parameters):
    data = () if Display is WeightsDisplay else (rows_for(net),)
    return Display.from_estimator(net, *data, **parameters)


@pytest.fixture(scope="module")
def iris():
    """(classifier of flowers by name, data with names of columns)"""
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    model = pynn.MLPClassifier((6, 4), activation="tanh", random_state=0, max_iter=50, tol=1)
    return model.fit(X, names[y]), X


# ---- All of them ---------------------------------------------------------------------------------


@ALL
def test_names_that_come_from_data_are_no_formulas(Display):
    X = pd.DataFrame(np.eye(3), columns=["$5", r"$a\frac$", "_b"])
    classes = [r"$0\frac$", "_b", "$1-$2"]
    model = pynn.MLPClassifier((3,), random_state=0, max_iter=1, tol=1).fit(X, classes)
    layer = {"layer": -1} if Display is WeightsDisplay else {"X": X}
    Display.from_estimator(model, **layer).figure_.draw_without_rendering()


@ALL
@pytest.mark.parametrize("name", NETS)
def test_every_network_is_drawn_and_left_as_it_was(Display, name):
    net = network(name)
    style = ("default", "dark_background")[[*NETS].index(name) % 2]
    before = net.parameters.copy()
    with mpl.style.context(style):
        display = draw(Display, net)
        display.figure_.draw_without_rendering()
    assert isinstance(display, Display)
    assert display.ax_.figure is display.figure_
    assert max(display.figure_.get_size_inches()) < 20
    np.testing.assert_array_equal(net.parameters, before)


@ALL
def test_given_axes_are_drawn_on(Display):
    figure, (left, right) = plt.subplots(1, 2)
    display = draw(Display, network("64-30-10"), ax=right)
    assert display.ax_ is right
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert not left.has_data()


@ALL
def test_plot_draws_again_elsewhere_and_returns_the_display(Display):
    display = draw(Display, network("2-3-1"))
    first = display.ax_
    assert display.plot() is display
    assert display.ax_ is not first


@ALL
@BOTH
def test_estimators(Display, Estimator):
    X, y = DATA[Estimator]
    data = () if Display is WeightsDisplay else (X,)
    model = small(Estimator)
    with pytest.raises(NotFittedError):
        Display.from_estimator(model, *data)
    model.fit(X, y)
    before = model.predict(X)
    Display.from_estimator(model, *data)
    np.testing.assert_array_equal(model.predict(X), before)
    with pytest.raises(TypeError, match="estimator must be a Network, a fitted"):
        Display.from_estimator("model", *data)


@ALL
def test_text_and_outlines_are_of_the_style(Display):
    with mpl.style.context("dark_background"):
        display = draw(Display, network("64-30-10"))
    texts = display.figure_.findobj(mpl.text.Text)
    assert texts
    assert all(same_color(text.get_color(), "white") for text in texts if text.get_text())


@ALL
def test_pictures_are_saved_as_svg(Display, tmp_path):
    display = draw(Display, network("2-3-1"))
    with mpl.rc_context({"svg.fonttype": "none"}):
        display.figure_.savefig(tmp_path / "network.svg")
    text = (tmp_path / "network.svg").read_text(encoding="utf-8")
    words = {"input 1", "neuron 1"} if Display is WeightsDisplay else {"input", "layer 1", "output"}
    assert {word for word in words if word in text} == words


# ---- One row on its way --------------------------------------------------------------------------


def test_activations_are_those_of_the_network():
    net = network("2-3-1")
    X = rows_for(net)
    (x, hidden, output), prediction = pass_of(net, X, -1)
    np.testing.assert_array_equal(x, X[2])
    expected = np.tanh(X[2] @ net.weights[0] + net.biases[0])
    np.testing.assert_allclose(hidden, expected, rtol=1e-6)
    np.testing.assert_array_equal(output, net.predict(X)[2])
    assert prediction == f"predicted: {output[0]:.4g}"


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array, pd.DataFrame, list])
def test_rows_of_any_kind(kind):
    net = network("2-3-1")
    X = rows_for(net).tolist()
    X = X if kind is list else kind(np.array(X))
    expected = pass_of(net, rows_for(net), 1)[0]
    for layer, same in zip(pass_of(net, X, 1)[0], expected, strict=True):
        np.testing.assert_array_equal(layer, same)


@pytest.mark.parametrize("row", [3, -4, 1.0, True, None])
def test_a_row_that_there_is_not(row):
    net = network("2-3-1")
    with pytest.raises((TypeError, ValueError), match="row must be"):
        pass_of(net, rows_for(net), row)


def test_what_is_predicted_in_words(iris):
    model, X = iris
    share = model.predict_proba(X)[0].max()
    assert pass_of(model, X, 0)[1] == f"predicted: {model.predict(X)[0]} ({share:.1%})"
    net = network("64-30-10")
    output = net.predict(rows_for(net))[0]
    said = pass_of(net, rows_for(net), 0)[1]
    assert said == f"predicted: class {output.argmax()} ({output.max():.1%})"
    assert pass_of(network("10 layers"), rows_for(network("10 layers")), 0)[1] == ""


def test_two_classes_share_an_output():
    X, y = np.array([[-1.0], [1.0]] * 20), np.array(["no", "yes"] * 20)
    model = small(pynn.MLPClassifier, solver="lbfgs", max_iter=100).fit(X, y)
    assert output_names(model) == ["yes"]
    share = 1 - model.predict_proba(X)[0, 1]
    assert pass_of(model, X, 0)[1] == f"predicted: no ({share:.1%})"


def test_several_labels():
    X = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0]] * 10)
    model = small(pynn.MLPClassifier, solver="lbfgs", max_iter=100).fit(X, (X > 0).astype(int))
    assert output_names(model) == ["0", "1"]
    said = [pass_of(model, X, row)[1] for row in range(3)]
    assert said == ["predicted: none of the labels", "predicted: 0", "predicted: 0, 1"]


def test_names_where_there_are_some(iris):
    model, X = iris
    assert input_names(model) == list(X.columns)
    assert output_names(model) == ["setosa", "versicolor", "virginica"]
    assert input_names(network("64-30-10")) is None
    assert output_names(network("64-30-10")) == list("0123456789")
    assert output_names(network("2-3-1")) is None


# ---- NetworkDisplay ------------------------------------------------------------------------------


@examples(20)
@given(sizes=st.lists(st.integers(1, 20), min_size=2, max_size=6), max_units=st.integers(3, 12))
def test_lines_and_circles_are_those_of_the_diagram(sizes, max_units):
    net = pynn.Network(sizes, random_state=1)
    display = NetworkDisplay.from_estimator(net, max_units=max_units, max_layers=4)
    diagram = Diagram.of(net, max_units, 4, strength_rule("weakest", net))
    lines = list(diagram.lines())
    colours, widths = display.lines_.get_colors(), display.lines_.get_linewidths()
    assert len(display.lines_.get_segments()) == len(lines) == len(colours)
    for line, colour in zip(lines, colours, strict=True):
        if line.weight:
            assert same_color(colour[:3], PLUS if line.weight > 0 else MINUS)
        assert colour[3] == pytest.approx(line.opacity)
    assert (np.diff(widths) >= -1e-9).all() or len(diagram.links) > 1
    assert [len(nodes.get_paths()) for nodes in display.nodes_] == [
        len(column.units) for column in diagram.columns
    ]
    texts = [text.get_text() for text in display.texts_]
    for column in diagram.columns:
        assert f"{column.name}\n{column.size} {column.activation}".strip() in texts
        assert texts.count(f"⋮ +{column.n_left_out}") >= (column.n_left_out > 0)
        assert set(column.numbers()) <= {*texts, ""}
    plt.close(display.figure_)


def test_lines_end_at_their_circles():
    display = NetworkDisplay.from_estimator(network("2-3-1"))
    centres = {
        tuple(np.round(path.get_extents().get_points().mean(axis=0), 6))
        for nodes in display.nodes_
        for path in nodes.get_paths()
    }
    assert len(centres) == 6
    for start, end in display.lines_.get_segments():
        assert tuple(np.round(start - np.array([0.42, 0]), 6)) in centres
        assert tuple(np.round(end + np.array([0.42, 0]), 6)) in centres


def test_circles_are_shaded_by_activations():
    net = pynn.Network([2, 2], initializer="zeros")
    net.weights[0][:] = [[1, 0], [0, 2]]
    display = NetworkDisplay.from_estimator(net, [[4, -1]])
    inputs, outputs = (nodes.get_facecolors() for nodes in display.nodes_)
    np.testing.assert_allclose(inputs, [(*to_rgb(PLUS), 1), (*to_rgb(MINUS), 0.25)])
    np.testing.assert_allclose(outputs, [(*to_rgb(PLUS), 1), (*to_rgb(MINUS), 0.5)])
    without = NetworkDisplay.from_estimator(net)
    assert all(len(nodes.get_facecolors()) == 0 for nodes in without.nodes_)


def test_numbers_are_written_where_they_have_room():
    net = pynn.Network([2, 2], initializer="zeros")
    net.weights[0][:] = [[0.14, -0.2], [0.25, 3]]
    net.biases[0][1] = -2.5

    def written(**parameters):
        display = NetworkDisplay.from_estimator(net, [[0.05, 0.1]], **parameters)
        return {text.get_text() for text in display.texts_}

    weights, activations = (
        {"0.14", "-0.2", "0.25", "3", "bias 0", "bias -2.5"},
        {"0.05", "0.1", "0.032", "-2.21"},
    )
    assert weights | activations <= written()
    assert not (weights | activations) & written(values=False)
    large = NetworkDisplay.from_estimator(network("64-30-10"), rows_for(network("64-30-10")))
    texts = [text.get_text() for text in large.texts_[:-1]]
    assert not any("." in text for text in texts if "max" not in text)


def test_small_and_large_activations_fit_into_circles():
    net = pynn.Network([5, 1], initializer="zeros")
    display = NetworkDisplay.from_estimator(net, [[-0.000523, 0.00123, -12345678, 1e-30, 0.5]])
    assert {"-5e-4", "0.001", "-1e7", "1e-30", "0.5"} <= {t.get_text() for t in display.texts_}


def test_names_beside_the_units(iris):
    model, X = iris
    display = NetworkDisplay.from_estimator(model, X)
    texts = {text.get_text() for text in display.texts_}
    assert {*X.columns, "setosa", "versicolor", "virginica"} <= texts
    assert display.ax_.get_title().startswith("predicted: ")
    names = [str(i) for i in range(784)]
    wide = network("784-16-16-10")
    display = NetworkDisplay.from_estimator(wide, input_names=names, omit="middle")
    texts = {text.get_text() for text in display.texts_}
    assert {"0", "4", "780", "783"} <= texts
    assert "300" not in texts


def test_weights_that_are_not_finite_are_dotted():
    net = pynn.Network([2, 2], initializer="zeros")
    net.weights[0][:] = [[np.inf, np.nan], [1, 0]]
    display = NetworkDisplay.from_estimator(net)
    dashes = [style[1] is not None for style in display.lines_.get_linestyle()]
    assert sorted(dashes) == [False, False, True, True]
    assert "widest ±1, dotted: not finite" in display.texts_[-1].get_text().replace("\n", " ")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"activations": [[1, 2]]}, "activations must have 2 layers, got 1"),
        ({"activations": [[1, 2], [1, 2]]}, r"of output must be of shape \(1,\), got \(2,\)"),
        ({"activations": [[1, np.nan], [1]]}, "activations of input must be finite"),
        ({"input_names": ["a"]}, "input_names must be 2 names, got 1"),
        ({"output_names": "a"}, "output_names must be a sequence of 1 names, got 'a'"),
    ],
)
def test_data_that_do_not_fit_the_diagram(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        NetworkDisplay(Diagram.of(pynn.Network([2, 1])), **wrong)
    with pytest.raises(TypeError, match="diagram must be a Diagram, got Network"):
        NetworkDisplay(pynn.Network([2, 1]))


def units_drawn(net, X=None, **parameters):
    display = NetworkDisplay.from_estimator(net, X, max_units=4, **parameters)
    plt.close(display.figure_)
    return [column.units for column in display.diagram.columns]


def test_wide_layers_show_the_units_with_the_largest_weights():
    net = pynn.Network([6, 5, 7], initializer="zeros")
    net.weights[0][[1, 3, 5], [0, 1, 2]] = [-2, 3, 1]
    net.weights[1][[4, 0, 2], :3] = [[0, -5, 0], [1, 1, 1], [0, 0, 1]]
    # Norms of outgoing weights, and of outputs of incoming ones: 1, sqrt(26), sqrt(2), 0, ...
    assert units_drawn(net) == [(1, 3, 5), (0, 2, 4), (0, 1, 2)]
    assert units_drawn(net, omit="middle") == [(0, 1, 5), (0, 1, 4), (0, 1, 6)]


def test_with_a_row_a_unit_is_as_strong_as_its_part_in_the_next_layer():
    net = pynn.Network([5, 4], initializer="zeros", input_scale=True)
    net.weights[0][:, 0] = [1, 1, 1, 1, 10]
    net.biases[0][:] = [0, -9, 8, 7]
    net.scale[:] = [1, 1, 1, 0, 1]
    X = [[0.5, -3, 0.4, 100, 0.1]]
    wide = pynn.Network([5, 5], initializer="zeros")
    wide.weights[0][:], wide.biases[0][:] = np.eye(5), [0, 0, 0, 0, 0.3]
    assert units_drawn(net, X)[0] == (0, 1, 4)
    assert units_drawn(net)[0] == (0, 1, 4)  # the fourth is scaled by 0
    assert units_drawn(wide, [[0.2, -3, 0.4, 0, 0]])[1] == (1, 2, 4)


def test_equally_strong_units_are_drawn_in_order_and_nan_before_all():
    net = pynn.Network([8, 1], initializer="zeros")
    assert units_drawn(net)[0] == (0, 1, 2)
    net.weights[0][[4, 6]] = [[np.nan], [-1]]
    assert units_drawn(net)[0] == (0, 4, 6)


def test_units_of_wide_layers_have_numbers():
    net = pynn.Network([12, 12, 12], random_state=0)
    display = NetworkDisplay.from_estimator(net, max_units=4)
    expected = [f"#{i + 1}" for column in display.diagram.columns for i in column.units]
    texts = [text.get_text() for text in display.texts_]
    assert sorted(text for text in texts if text[0] == "#") == sorted(expected)
    assert texts.count("⋮ +9") == 3
    small = NetworkDisplay.from_estimator(net, max_units=12)
    assert not any("#" in text.get_text() for text in small.texts_)


def test_the_widest_line_can_be_that_of_each_layer():
    net = pynn.Network([2, 2, 1], initializer="zeros")
    net.weights[0][:], net.weights[1][:] = [[0.1, -0.05], [0, 0]], [[4], [-1]]
    display = NetworkDisplay.from_estimator(net, scale="layer")
    widths, opacities = display.lines_.get_linewidths(), display.lines_.get_colors()[:, 3]
    np.testing.assert_allclose(widths, [0.6, 0.6, 1.8, 3.0, 1.2, 3.0], rtol=1e-6)
    np.testing.assert_allclose(opacities, [0.2, 0.2, 0.6, 1.0, 0.4, 1.0], rtol=1e-6)
    texts = {text.get_text() for text in display.texts_}
    assert {"widest\n±0.1", "widest\n±4"} <= texts
    assert "widest by layer" in display.texts_[-1].get_text()
    usual = NetworkDisplay.from_estimator(net).lines_.get_linewidths()
    np.testing.assert_allclose(usual[3], 0.6 + 2.4 * 0.1 / 4, rtol=1e-6)


def test_shades_have_a_scale():
    net = network("64-30-10")
    display = NetworkDisplay.from_estimator(net, rows_for(net))
    shades = display.shades_.get_array()[0]
    assert (shades[0], shades[-1]) == (-1, 1)
    assert (display.shades_.norm.vmin, display.shades_.norm.vmax) == (-1, 1)
    texts = [text.get_text() for text in display.texts_]
    assert {"shades: −max", "max"} <= set(texts)
    assert f"input\n64\nmax {abs(rows_for(net)[0]).max():.3g}" in texts
    assert "output\n10 softmax\nmax 1" in texts
    positive = NetworkDisplay.from_estimator(net, np.abs(rows_for(net)))
    assert positive.shades_.get_array()[0, 0] == 0
    assert NetworkDisplay.from_estimator(net).shades_ is None


@pytest.mark.parametrize("wrong", [{"omit": "first"}, {"scale": "unit"}])
def test_words_that_network_display_refuses(wrong):
    ((name, given),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} must be one of .*; got '{given}'"):
        NetworkDisplay.from_estimator(network("2-3-1"), **wrong)


# ---- ActivationsDisplay --------------------------------------------------------------------------


def test_bars_are_activations():
    net = network("2-3-1")
    X = rows_for(net)
    display = ActivationsDisplay.from_estimator(net, X, row=1)
    for bars, layer in zip(display.artists_, pass_of(net, X, 1)[0], strict=True):
        np.testing.assert_allclose([bar.get_width() for bar in bars], layer)
        signs = [PLUS if value > 0 else MINUS for value in layer]
        assert all(
            same_color(bar.get_facecolor()[:3], sign) for bar, sign in zip(bars, signs, strict=True)
        )
    titles = [ax.get_title() for ax in display.axes_]
    assert titles == ["input\n2 units", "layer 1, tanh\n3 units", "output, identity\n1 unit"]
    assert all(ax.get_xlabel() == "activation" for ax in display.axes_)
    low, high = display.axes_[0].get_ylim()
    assert low > high  # the first unit is on top


def test_many_units_are_a_grid():
    net = network("784-16-16-10")
    X = rows_for(net)
    display = ActivationsDisplay.from_estimator(net, X)
    np.testing.assert_allclose(display.artists_[0].get_array(), X[0].reshape(28, 28))
    assert len(display.artists_[1]) == 16
    limit = display.artists_[0].norm.vmax
    assert limit == abs(X[0]).max() == -display.artists_[0].norm.vmin
    display = ActivationsDisplay.from_estimator(net, X, shape=(14, 56), max_bars=10)
    assert [artist.get_array().shape for artist in display.artists_[:3]] == [
        (14, 56),
        (4, 4),
        (4, 4),
    ]
    assert len(display.artists_[3]) == 10


def test_hidden_layers_are_all_bars_or_all_grids():
    layers = [np.ones(3), np.ones(30), np.ones(4), np.ones(2)]
    small, large, other, output = ActivationsDisplay(layers).plot().artists_
    assert (len(small), len(output)) == (3, 2)
    assert (large.get_array().shape, other.get_array().shape) == ((5, 6), (2, 2))
    bars = ActivationsDisplay([layers[1], *layers[2:]]).plot().artists_
    assert bars[0].get_array().shape == (5, 6)
    assert [len(each) for each in bars[1:]] == [4, 2]


def test_of_many_outputs_the_largest_are_bars_with_their_classes():
    output = np.array([0.0, 0.1, -0.9, 0.2, 0.3])
    names = ["ant", "bee", "cat", "dog", "eel"]
    display = ActivationsDisplay([[1.0], output], output_names=names).plot(max_bars=3)
    bars, panel = display.artists_[1], display.axes_[1]
    assert [bar.get_width() for bar in bars] == [-0.9, 0.2, 0.3]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["cat", "dog", "eel"]
    assert panel.get_title() == "output\n5 units, 3 largest"


def test_cells_of_a_last_row_that_are_no_units_are_outside_the_outline():
    panel = ActivationsDisplay([np.zeros(23), [1.0]]).plot().axes_[0]
    assert panel.images[0].get_array().shape == (5, 5)
    (outline,) = panel.patches
    corners = {tuple(corner) for corner in outline.get_xy() + 0.5}
    assert corners == {(0, 0), (5, 0), (5, 4), (3, 4), (3, 5), (0, 5)}
    assert not any(spine.get_visible() for spine in panel.spines.values())


def test_narrow_axes_show_fewer_layers():
    net = network("10 layers")
    _, ax = plt.subplots(figsize=(3.5, 2.6), layout="constrained")
    display = ActivationsDisplay.from_estimator(net, rows_for(net), ax=ax)
    assert display.layers_ == (0, 1, 9)
    told = [text.get_text().replace("\n", " ") for text in ax.texts]
    assert told == ["7 layers in the middle not drawn"]
    for panel in display.axes_:
        display.figure_.canvas.draw()
        boxes = [label.get_window_extent() for label in panel.get_xticklabels()]
        assert boxes
        assert not boxes[0].overlaps(boxes[-1]) or len(boxes) == 1


def test_a_last_row_that_is_not_full():
    values = np.arange(1, 38)
    display = ActivationsDisplay([values, [1.0]]).plot()
    cells = display.artists_[0].get_array()
    assert cells.shape == (6, 7)
    np.testing.assert_array_equal(cells.compressed(), values)
    assert cells.mask.sum() == 5


def test_layers_left_out_are_told():
    net = network("10 layers")
    display = ActivationsDisplay.from_estimator(net, rows_for(net), max_layers=5)
    assert display.layers_ == (0, 1, 8, 9)
    assert len(display.axes_) == len(display.artists_) == 4
    assert "6 layers in the middle not drawn" in [text.get_text() for text in display.ax_.texts]


def test_bars_have_names_and_the_prediction_is_told(iris):
    model, X = iris
    display = ActivationsDisplay.from_estimator(model, X, row=-1)
    inputs, *_, output = ([t.get_text() for t in ax.get_yticklabels()] for ax in display.axes_)
    assert inputs == list(X.columns)
    assert output == ["setosa", "versicolor", "virginica"]
    assert display.ax_.texts[0].get_text() == pass_of(model, X, -1)[1]


@pytest.mark.parametrize(
    ("activations", "message"),
    [
        ([[1.0]], "an input and an output at least, got 1"),
        ([[1.0], []], r"layer 1 must be of shape \(n_units,\), got \(0,\)"),
        ([[[1.0]], [1.0]], r"layer 0 must be of shape \(n_units,\)"),
        ([[1.0], [np.inf]], "layer 1 must be finite"),
    ],
)
def test_what_are_no_activations(activations, message):
    with pytest.raises(ValueError, match=message):
        ActivationsDisplay(activations)


@pytest.mark.parametrize(
    "wrong", [{"max_bars": 0}, {"max_layers": 2}, {"shape": (2, 2)}, {"shape": 3}]
)
def test_what_cannot_be_drawn(wrong):
    display = ActivationsDisplay([[1.0], [2.0]])
    with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
        display.plot(**wrong)
    assert plt.get_fignums() == []


@given(n=st.integers(1, 5000))
def test_grids_hold_all_and_are_near_to_a_square(n):
    height, width = grid_of(n)
    assert height * width >= n > (height - 1) * width
    assert n == 2 or max(height, width) <= 2 * min(height, width)
    if int(n**0.5) ** 2 == n:
        assert height == width
    assert grid_of(n, (1, n)) == (1, n)


# ---- WeightsDisplay ------------------------------------------------------------------------------


def test_each_unit_is_a_grid_of_its_weights():
    net = network("784-16-16-10")
    display = WeightsDisplay.from_estimator(net)
    assert len(display.images_) == 16
    for image, weights in zip(display.images_, net.weights[0].T, strict=True):
        np.testing.assert_array_equal(image.get_array(), weights.reshape(28, 28))
    assert [t.get_text() for t in display.texts_] == [f"neuron {i}" for i in range(1, 17)]
    assert display.ax_.get_title() == "weights of layer 1: 16 neurons"


def test_all_grids_have_one_scale():
    display = WeightsDisplay([[1, -2], [0.5, 0]], shape=(1, 2)).plot()
    norms = {(image.norm.vmin, image.norm.vmax) for image in display.images_}
    assert norms == {(-2, 2)}
    assert (display.colorbar_.vmin, display.colorbar_.vmax) == (-2, 2)
    assert display.colorbar_.ax.get_ylabel() == "weight"


def test_units_left_out_are_told():
    display = WeightsDisplay.from_estimator(network("huge"), layer=2, max_units=5)
    assert display.images_[0].get_array().shape == (5, 4096)
    assert display.ax_.get_title() == "weights of layer 2: 5 of 4,096 neurons"


def test_units_that_are_asked_for():
    net = network("64-30-10")
    display = WeightsDisplay.from_estimator(net, units=[3, -1], shape=(4, 16))
    np.testing.assert_array_equal(
        display.images_[1].get_array(), net.weights[0][:, 29].reshape(4, 16)
    )
    assert [t.get_text() for t in display.texts_] == ["neuron 4", "neuron 30"]
    assert display.ax_.get_title() == "weights of layer 1: 2 of 30 neurons"
    output = WeightsDisplay.from_estimator(net, layer=-1)
    assert [t.get_text() for t in output.texts_] == list("0123456789")
    np.testing.assert_array_equal(output.images_[0].get_array(), net.weights[1].T)


def test_a_table_is_a_heat_map_with_names(iris):
    model, _ = iris
    display = WeightsDisplay.from_estimator(model)
    (image,) = display.images_
    np.testing.assert_array_equal(image.get_array(), model.coefs_[0].T)
    assert image.norm.vmax == -image.norm.vmin == abs(model.coefs_[0]).max()
    columns = [text.get_text() for text in display.ax_.get_xticklabels()]
    assert columns == list(model.feature_names_in_)
    assert [t.get_text() for t in display.texts_] == [f"neuron {i}" for i in range(1, 7)]
    last = WeightsDisplay.from_estimator(model, layer=-1)
    columns = [text.get_text() for text in last.ax_.get_xticklabels()]
    assert columns == [f"neuron {i}" for i in range(1, 5)]
    assert [t.get_text() for t in last.texts_] == ["setosa", "versicolor", "virginica"]


@pytest.mark.parametrize(
    ("n_in", "parameters", "n_images"),
    [
        (64, {}, 3),  # 8 × 8 pixels
        (64, {"in_names": [f"x{i}" for i in range(64)]}, 1),
        (65, {}, 1),
        (49, {}, 1),
        (49, {"shape": (7, 7)}, 3),
        (6, {"shape": (2, 3), "in_names": list("abcdef")}, 3),
    ],
)
def test_images_are_drawn_of_images_only(n_in, parameters, n_images):
    display = WeightsDisplay(np.ones((3, n_in)), **parameters).plot()
    assert len(display.images_) == n_images


def test_hidden_units_are_no_image():
    net = pynn.Network([4, 64, 3], random_state=0)
    (image,) = WeightsDisplay.from_estimator(net, layer=2).images_
    assert image.get_array().shape == (3, 64)


def test_a_large_heat_map_names_every_few_columns():
    display = WeightsDisplay(np.ones((3, 200)), in_names=[f"x{i}" for i in range(200)]).plot()
    places = display.ax_.get_xticks()
    names = [text.get_text() for text in display.ax_.get_xticklabels()]
    assert names == [f"x{place}" for place in places]
    assert 20 <= len(names) < 100


def test_grids_do_not_overlap():
    for shape in ((1, 30), (30, 1), (5, 6)):
        display = WeightsDisplay(np.ones((7, 30)), shape=shape).plot()
        boxes = [image.get_extent() for image in display.images_]
        low, high = display.ax_.get_ylim()
        for i, (left, right, bottom, top) in enumerate(boxes):
            assert low <= bottom < top <= high
            for other in boxes[:i]:
                beside = other[1] < left or right < other[0]
                assert beside or top < other[2] or other[3] < bottom


@pytest.mark.parametrize("weights", [0.0, 3e38, 1e-45, -1.0])
def test_weights_that_are_all_the_same(weights):
    net = pynn.Network([4, 2], initializer="zeros")
    net.weights[0][:] = weights
    display = WeightsDisplay.from_estimator(net)
    display.figure_.draw_without_rendering()
    place = {0: 0.5, 1: 1.0, -1: 0.0}[int(np.sign(weights))]
    image = display.images_[0]
    assert image.norm(image.get_array()).ravel().tolist() == [place] * 8


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layer": 0}, "layer must be from 1 to 2, or from -2 to -1; got 0"),
        ({"layer": 3}, "layer must be from 1 to 2, or from -2 to -1; got 3"),
        ({"layer": -3}, "layer must be from 1 to 2, or from -2 to -1; got -3"),
        ({"layer": "1"}, "layer must be an integer, got '1'"),
        ({"units": [30]}, "each of units must be from -30 to 29, got 30"),
        ({"units": []}, r"weights must be of shape \(n_units, n_in\)"),
        ({"max_units": 0}, "max_units must be"),
        ({"shape": (8, 9)}, "shape must be of 64 cells, got 8 × 9"),
        ({"n_columns": 0}, "n_columns must be"),
        ({"layer": 2, "n_columns": 2}, "n_columns arranges images, but a heat map is drawn"),
        ({"in_names": ["a"]}, "in_names must be 64 names, got 1"),
    ],
)
def test_what_weights_display_refuses(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        WeightsDisplay.from_estimator(network("64-30-10"), **wrong)
    assert plt.get_fignums() == []


def test_weights_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="weights must be finite"):
        WeightsDisplay([[1, 2], [np.nan, 0]])


@pytest.mark.parametrize("output", ["sigmoid", "tanh", "softmax"])
def test_what_cannot_be_more_than_1_is_shaded_as_part_of_1(output):
    """A no stays pale, though it is the largest of its layer."""
    net = pynn.Network([1, 2], output_activation=output, initializer="zeros")
    net.biases[0][:] = {"sigmoid": [-2, -9], "tanh": [0.1, 0.0], "softmax": [0, 0]}[output]
    display = NetworkDisplay.from_estimator(net, [[1.0]])
    activations = net.predict([[1.0]])[0]
    np.testing.assert_allclose(display.nodes_[1].get_facecolors()[:, 3], activations, atol=1e-6)
