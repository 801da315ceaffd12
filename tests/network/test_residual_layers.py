"""residual: layers that add their input, from the constructor to files and texts."""

import numpy as np
import pytest

import pynn
from pynn.displays import NetworkDisplay, TraceDisplay


@pytest.fixture
def net():
    """Numbers that are easy to follow: z = 2 - 1 = 1 in the second hidden layer, which adds 2."""
    net = pynn.Network(
        [1, 1, 1, 1], activation="identity", residual=True, initializer="zeros", dtype="float64"
    )
    for W, weight in zip(net.weights, [2, 1, 3], strict=True):
        W[...] = weight
    net.biases[1][...] = -1
    return net


def test_the_next_layer_reads_activation_plus_input(net):
    trace = net.trace([[1.0]], [[0.0]])
    assert [float(z.item()) for z in trace.z] == [2, 1, 9]
    assert [float(a.item()) for a in trace.a] == [2, 3, 9]


def test_its_derivative_goes_both_ways(net):
    """The cost is 81 / 2; the output's delta is 9, so 27 comes back, and 27 once more."""
    trace = net.trace([[1.0]], [[0.0]])
    assert [float(da.item()) for da in trace.sensitivities] == [54, 27, 9]
    assert trace.input_sensitivities.item() == 108


def test_a_trace_writes_the_sums(net):
    text = net.trace([[1.0]], [[0.0]]).text()
    assert "a = z, plus a of layer 1" in text
    assert "2·1 − 1 = 1, identity → 1; 1 + 2 = 3" in text
    assert "∂C/∂a = sum of ∂C/∂z of layer 2 times weights, plus ∂C/∂a of layer 2" in text
    assert "∂C/∂a = 27·1 + 27 = 54" in text


def test_slopes_are_those_of_the_activation_without_the_input():
    net = pynn.Network([1, 1, 1, 1], activation="tanh", residual=True, initializer="zeros")
    net.weights[0][:] = net.weights[2][:] = 1  # so the second layer's tanh is 0, its slope 1
    text = net.trace([[0.5]], [[0.0]]).text()
    assert "tanh′ = 1 − a², a without a of layer 1" in text
    assert "∂C/∂z = 0.4621·(1 − 0²) = 0.4621" in text


def test_a_trace_lists_the_sums(net):
    assert "activations of layer 2, identity plus a[0]" in str(net.trace([[1.0]], [[0.0]]))


def test_pictures_of_passes_name_residual_layers(net):
    diagram = TraceDisplay(net.trace([[1.0]], [[0.0]]), direction="backward").diagram
    named = ["identity", "identity + input", "identity"]
    assert [column.activation for column in diagram.columns[1:]] == named


def test_a_tanh_that_adds_its_input_is_not_shaded_relative_to_1():
    net = pynn.Network([1, 1, 1, 1], activation="tanh", residual=True, random_state=0)
    net.parameters[:] = 0.1
    display = NetworkDisplay.from_estimator(net, [[1.0]])
    a = [abs(float(layer.item())) for layer in net.trace([[1.0]], [[0.0]]).a]
    scales = [display._scale_of(column) for column in display.diagram.columns[1:3]]
    np.testing.assert_allclose(scales, [1, a[1]])


def test_neuron_inputs_name_the_neuron_that_is_added(net):
    inputs = net.neuron_inputs(2, 0, [[1.0]])
    assert (inputs.z.item(), inputs.a.item()) == (1, 3)
    assert str(inputs).endswith("sum to 1, identity plus neuron 1 of layer 1 → 3")
    assert str(net.neuron_inputs(1, 0, [[1.0]])).endswith("sum to 2, identity → 2")


def test_true_chooses_the_layers_of_equal_size():
    net = pynn.Network([4, 4, 6, 6, 3, 3, 2], residual=True)
    assert net._architecture.residual == (False, False, True, False, True, False)
    assert pynn.Network([4, 3, 2])._architecture.residual == ()
    for given in ([False, False, True], np.array([False, False, True])):
        chosen = pynn.Network([4, 6, 6, 6, 2], residual=given)
        assert chosen._architecture.residual == (False, False, True, False)


@pytest.mark.parametrize(
    ("sizes", "residual", "message"),
    [
        ([4, 4, 2], True, "needs a hidden layer with as many units"),
        ([4, 6, 5, 2], True, "needs a hidden layer with as many units"),
        ([4, 4, 4, 2], [True, False], "hidden layer 1 must have as many units"),
        ([4, 6, 5, 2], [False, True], "hidden layer 2 must have as many units"),
        ([4, 6, 6, 2], [True], "True, False or 2 of them"),
        ([4, 6, 6, 2], [0, 1], "True, False or 2 of them"),
    ],
    ids=str,
)
def test_layers_that_cannot_add_their_input_are_refused(sizes, residual, message):
    with pytest.raises(ValueError, match=message):
        pynn.Network(sizes, residual=residual)


@pytest.mark.parametrize("wrong", [1, None, "yes", 0.5])
def test_anything_else_is_refused(wrong):
    with pytest.raises(TypeError, match="residual must be True, False or a sequence"):
        pynn.Network([4, 6, 6, 2], residual=wrong)
