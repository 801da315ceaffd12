"""TraceDisplay: the numbers that it writes are those of the trace."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy import sparse

import pynn
from pynn.displays import NetworkDisplay, TraceDisplay
from pynn.inspection.tables import number

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
LIT = np.array([[0.0], [1.0], [1.0], [0.0]])
SIGMOID = {"activation": "sigmoid", "output_activation": "sigmoid", "cost": "squared_error"}


@pytest.fixture
def net():
    return pynn.Network([2, 2, 1], dtype="float64", random_state=0, **SIGMOID)


def texts_of(display):
    return [text.get_text() for text in display.texts_]


def written(values):
    return [number(value, 3) for value in np.ravel(values)]


def test_forward_it_writes_weights_sums_activations_biases_and_targets(net):
    trace = net.trace(XOR, LIT)
    texts = texts_of(TraceDisplay(trace, row=1).plot())
    expected = written(XOR[1])
    for layer in range(2):
        expected += written(net.weights[layer])
        expected += written(trace.a[layer][1])
        expected += [f"z = {z}" for z in written(trace.z[layer][1])]
        expected += [f"b = {b}" for b in written(net.biases[layer])]
    expected += ["y = 1", "input", "layer 1\nsigmoid", "output\nsigmoid"]
    assert sorted(texts[:-1]) == sorted(expected)


def test_backward_it_writes_gradients_deltas_and_sensitivities_of_the_row_alone(net):
    """The gradient of a trace is of the mean cost of four rows; the picture is of one row."""
    trace = net.trace(XOR, LIT)
    texts = texts_of(TraceDisplay(trace, row=-1, direction="backward").plot())
    d_weights, _ = net.views(net.gradient(XOR[3:], LIT[3:]))
    expected = written(trace.input_sensitivities[3])
    for layer in range(2):
        expected += written(d_weights[layer])
        expected += written(trace.deltas[layer][3])
        expected += [f"∂C/∂a = {s}" for s in written(trace.sensitivities[layer][3])]
    expected += ["input", "layer 1\nsigmoid", "output\nsigmoid"]
    assert sorted(texts[:-1]) == sorted(expected)


def test_with_an_input_scale_the_gradient_is_that_of_the_network():
    net = pynn.Network([2, 2, 1], input_scale=True, dtype="float64", random_state=0, **SIGMOID)
    net.scale[:] = [2, -3]
    display = TraceDisplay.from_estimator(net, [[0.5, 1.0]], [[1.0]], direction="backward")
    d_weights, _ = net.views(net.gradient([[0.5, 1.0]], [[1.0]]))
    drawn = [links.weights for links in display.diagram.links]
    np.testing.assert_allclose(drawn[0], d_weights[0], rtol=1e-12)
    np.testing.assert_allclose(drawn[1], d_weights[1], rtol=1e-12)


def test_the_cost_of_the_row_is_in_the_title(net):
    trace = net.trace(XOR, LIT)
    for direction in ("forward", "backward"):
        display = TraceDisplay(trace, row=2, direction=direction).plot()
        assert display.ax_.get_title() == f"{direction}: cost C = {number(trace.costs[2])}"


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_text_can_be_read_and_lies_apart(net, direction, style):
    with mpl.style.context(style):
        display = TraceDisplay(net.trace(XOR, LIT), row=1, direction=direction).plot()
        display.figure_.draw_without_rendering()
    assert min(text.get_fontsize() for text in display.texts_) >= 8
    boxes = [text.get_window_extent() for text in display.texts_]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_large_networks_are_cut_and_without_numbers():
    net = pynn.Network([30, *[12] * 9, 3], random_state=0)
    display = TraceDisplay.from_estimator(net, np.eye(30), [0] * 30, direction="backward")
    texts = texts_of(display)
    assert {"⋮ +21", "⋮ +3", "⋯\n4 layers"} <= set(texts)
    inputs = np.abs(display.trace.input_sensitivities[0])
    assert display.diagram.columns[0].units == tuple(sorted(np.argsort(-inputs)[:9]))
    hidden, drawn = np.abs(display.trace.deltas[0][0]), list(display.diagram.columns[1].units)
    assert hidden[drawn].min() >= np.delete(hidden, drawn).max()
    assert {f"#{unit + 1}" for unit in display.diagram.columns[0].units} <= set(texts)
    assert display.shades_.get_array()[0, -1] == 1
    assert not any("∂C/∂a =" in text for text in texts)
    assert any("∂C/∂a =" in text for text in texts_of(display.plot(values=True)))


def test_forward_the_strongest_units_are_those_of_network_display():
    net = pynn.Network([30, 12, 3], random_state=0)
    X = np.sin(np.arange(30.0))[np.newaxis]
    trace = TraceDisplay.from_estimator(net, X, [0], max_units=5).diagram
    network = NetworkDisplay.from_estimator(net, X, max_units=5).diagram
    assert [c.units for c in trace.columns] == [c.units for c in network.columns]
    ends = TraceDisplay(net.trace(X, [0]), max_units=5, omit="middle").diagram
    assert ends.columns[0].units == (0, 1, 28, 29)


def test_sparse_rows_and_infinite_sensitivities():
    """A softmax output of 0 where the class is: ∂C/∂a is infinite, the delta is not."""
    net = pynn.Network([1, 2], output_activation="softmax", cost="cross_entropy", dtype="float64")
    net.parameters[:] = [0, 0, 0, 1000]
    trace = net.trace(sparse.csr_array([[1.0]]), [0])
    display = TraceDisplay(trace, direction="backward").plot()
    display.figure_.draw_without_rendering()
    assert "∂C/∂a = −∞" in texts_of(display)


def test_given_axes_are_drawn_on(net):
    figure, (left, right) = plt.subplots(1, 2)
    display = TraceDisplay.from_estimator(net, XOR, LIT, ax=right)
    assert display.ax_ is right
    assert display.figure_ is figure
    assert not left.has_data()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"direction": "up"}, "direction must be one of forward, backward; got 'up'"),
        ({"row": 4}, "row must be from -4 to 3, got 4"),
        ({"max_units": 2}, "max_units must be at least 3, got 2"),
    ],
)
def test_what_is_refused(net, wrong, message):
    with pytest.raises(ValueError, match=message):
        TraceDisplay(net.trace(XOR, LIT), **wrong)


def test_a_network_is_no_trace(net):
    with pytest.raises(TypeError, match="trace must be a Trace, got Network"):
        TraceDisplay(net)
    with pytest.raises(TypeError, match="estimator must be a Network"):
        TraceDisplay.from_estimator("net", XOR, LIT)
