"""norm: layer and batch normalisation, in numbers that are easy to follow, and as text."""

import numpy as np
import pytest

import pynn


@pytest.fixture
def net():
    """Numbers that are easy to follow: u = 2, 6 in the first layer; their deviation is about 2."""
    net = pynn.Network(
        [1, 2, 1], activation="identity", norm="layer", initializer="zeros", dtype="float64"
    )
    net.weights[0][...] = [[2, 6]]
    net.weights[1][...] = [[4], [1]]
    net.gains[0][...] = [3, 2]
    net.biases[0][...] = [1, -1]
    return net


def test_sums_are_normalised_then_scaled_and_shifted(net):
    trace = net.trace([[1.0]], [[0.0]])
    np.testing.assert_allclose(trace.normalised[0], [[-1, 1]], rtol=1e-5)
    np.testing.assert_allclose(trace.z[0], [[-2, 1]], rtol=1e-5)
    assert trace.a[0].tobytes() == trace.z[0].tobytes()
    np.testing.assert_allclose(trace.a[1], [[-7]], rtol=1e-5)


def test_gradients_of_gains_and_biases_are_those_of_z(net):
    trace = net.trace([[1.0]], [[0.0]])
    np.testing.assert_allclose(trace.z_sensitivities[0], [[-28, -7]], rtol=1e-5)
    np.testing.assert_allclose(trace.d_biases[0], [-28, -7], rtol=1e-5)
    np.testing.assert_allclose(trace.d_gains[0], [28, -7], rtol=1e-5)
    np.testing.assert_allclose(trace.deltas[0], 0, atol=1e-3)  # two sums are always -1 and 1
    np.testing.assert_array_equal(trace.d_weights[0], trace.deltas[0])
    assert trace.d_gains[1] is None


def test_a_trace_writes_the_normalisation(net):
    text = net.trace([[1.0]], [[0.0]]).text(learning_rate=0.1)
    assert "Layer 1, layer norm, identity" in text
    assert "m = mean of all u = 4, std = √(variance of all u + 1e−05) = 2" in text
    assert "u = 1·2 = 2; n = (2 − 4) / 2 = −1; z = (−1)·3 + 1 = −2, identity → −2" in text
    assert "p = −49, q = 35" in text
    assert "∂C/∂n = (−28)·3 = −84" in text
    assert "∂C/∂u = ((−84) − (−49) − (−1)·35) / 2 = " in text
    assert "∂C/∂x = sum of ∂C/∂u of layer 1 times weights" in text
    assert "∂C/∂g = (−28)·(−1) = 28; new g = 3 − 0.1·28 = 0.2" in text
    assert "likewise b and g" in text


def test_a_trace_lists_the_arrays(net):
    listed = str(net.trace([[1.0]], [[0.0]]))
    assert "gains of layer 1 times normalised[0], plus biases" in listed
    assert "∂C/∂u of the weighted sums of layer 1" in listed
    assert "all of d_weights, d_biases and d_gains in one vector" in listed


def test_the_inputs_of_a_neuron_sum_to_what_is_normalised(net):
    inputs = net.neuron_inputs(1, 0, [[1.0]])
    assert (inputs.z.item(), inputs.gain, inputs.bias) == (2, 3, 1)
    assert "sum to 2; layer norm with gain 3 and bias 1, identity → −2" in str(inputs)
    assert net.neuron_inputs(2, 0).gain is None


def test_larger_inputs_hardly_change_the_outputs(rng):
    """The first layer divides its weighted sums by their standard deviation."""
    net = pynn.Network([5, 8, 3], norm="layer", random_state=0)
    net.biases[0][...] = rng.normal(size=8)
    X = rng.normal(size=(9, 5))
    np.testing.assert_allclose(net.predict(1000 * X), net.predict(X), atol=1e-3)


@pytest.fixture
def batch_net(net):
    """The same network with batch normalisation, whose running statistics give n = 2, 1."""
    batch = pynn.Network(
        [1, 2, 1], activation="identity", norm="batch", initializer="zeros", dtype="float64"
    )
    for name, group in net._architecture.split(net.parameters).items():
        batch._architecture.split(batch.parameters)[name][...] = group
    batch.means[0][...], batch.variances[0][...] = [1, 4], [0.25, 4]
    return batch


def test_all_but_updates_use_the_running_statistics(batch_net):
    trace = batch_net.trace([[1.0]], [[0.0]])
    np.testing.assert_allclose(trace.normalised[0], [[2, 1]], rtol=1e-4)
    np.testing.assert_allclose(trace.z[0], [[7, 1]], rtol=1e-4)
    np.testing.assert_allclose(batch_net.predict([[1.0]]), [[29]], rtol=1e-4)
    np.testing.assert_allclose(trace.deltas[0], [[29 * 4 * 3 / 0.5, 29 * 2 / 2]], rtol=1e-3)
    assert batch_net.group_of("means", trace.gradient)[0].tolist() == [0, 0]
    assert batch_net.group_of("variances", trace.gradient)[0].tolist() == [0, 0]


def test_an_update_moves_the_running_statistics_a_tenth_of_the_way(batch_net):
    """To the mean of the batch's sums and to their unbiased variance."""
    batch_net.fit([[1.0], [3.0]], [[0.0], [0.0]], alpha=1.0)
    np.testing.assert_allclose(batch_net.means[0], [0.9 * 1 + 0.1 * 4, 0.9 * 4 + 0.1 * 12])
    np.testing.assert_allclose(batch_net.variances[0], [0.9 * 0.25 + 0.1 * 8, 0.9 * 4 + 0.1 * 72])


def test_a_trace_writes_batch_normalisation(batch_net):
    text = batch_net.trace([[1.0]], [[0.0]]).text()
    assert "Layer 1, batch norm, identity" in text
    assert "n = (u − m) / std, m = running mean, std = √(running variance + 1e−05)" in text
    assert "u = 1·2 = 2; n = (2 − 1) / 0.5 = 2; z = 2·3 + 1 = 7, identity → 7" in text
    assert "∂C/∂u = ∂C/∂n / std" in text
    assert "∂C/∂n = 116·3 = 348\n                       ∂C/∂u = 348 / 0.5 = 696" in text
    listed = str(batch_net.trace([[1.0]], [[0.0]]))
    assert "d_weights, d_biases, d_gains and 0 for means and variances in one vector" in listed
    assert "batch norm with gain 3 and bias 1" in str(batch_net.neuron_inputs(1, 0, [[1.0]]))


def test_batch_normalisation_makes_training_indifferent_to_the_scale_of_inputs(rng):
    X, y = rng.normal(size=(64, 5)), rng.normal(size=(64, 1))
    costs = []
    for scale in (1, 1000):
        net = pynn.Network([5, 16, 1], norm="batch", dtype="float64", random_state=0)
        net.fit(scale * X, y, epochs=1, batch_size=64)
        costs.append(net.history["cost"])
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-3)


@pytest.mark.parametrize("average", [pynn.EMA(0.5), pynn.SWA(1)], ids=repr)
def test_averages_include_the_running_statistics(average, batch_net):
    means = []
    batch_net.fit(
        [[1.0], [3.0]], [[0.0], [0.0]], epochs=3, average=average, optimizer=pynn.SGD(0.0001),
        callbacks=[lambda state: means.append(batch_net.means[0][0])], trainable=[True, False],
    )  # fmt: skip
    assert means[0] == pytest.approx(1.3)
    assert means[0] < means[1] < means[2] < 1.9
