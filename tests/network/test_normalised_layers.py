"""norm="layer": layer normalisation, from the constructor to files and texts."""

import copy
import pickle

import numpy as np
import pytest
from cases import digits_like

import pynn
from pynn.inspection import gradient_check, tables


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
    assert "m = mean of all u = 4, s = √(variance of all u + 1e−05) = 2" in text
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


def test_the_summary_counts_gains(net):
    rows = tables.summary(net, None).rows
    assert rows[2][:6] == ["layer 1", "2", "layer norm identity", "1 × 2", "2", "6"]
    assert rows[3][2] == "identity"


def test_the_inputs_of_a_neuron_sum_to_what_is_normalised(net):
    inputs = net.neuron_inputs(1, 0, [[1.0]])
    assert (inputs.z.item(), inputs.gain, inputs.bias) == (2, 3, 1)
    assert "sum to 2; layer norm with gain 3 and bias 1, identity → −2" in str(inputs)
    assert net.neuron_inputs(2, 0).gain is None


def test_gains_follow_the_biases_of_their_layer():
    net = pynn.Network([2, 3, 4, 1], norm=[None, "layer"], random_state=0)
    assert net.gains[0] is net.gains[2] is None
    net.gains[1][...] = [5, 6, 7, 8]
    assert net.parameters[9 + 16 : 9 + 16 + 4].tolist() == [5, 6, 7, 8]
    assert net.n_parameters == 9 + 20 + 5
    assert net.gains_of(2 * net.parameters)[1].tolist() == [10, 12, 14, 16]


def test_gains_start_at_1():
    for initializer in ("zeros", "auto", "normal"):
        net = pynn.Network([2, 3, 1], norm="layer", initializer=initializer, random_state=0)
        assert net.gains[0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("norm", [["layer"], ["layer", "x"], ["layer", 1], "batch", [True, None]])
def test_other_norms_are_refused(norm):
    with pytest.raises(ValueError, match='norm must be None, "layer" or 2 of them'):
        pynn.Network([4, 6, 6, 2], norm=norm)


@pytest.mark.parametrize("wrong", [1, True, 0.5])
def test_anything_else_is_refused(wrong):
    with pytest.raises(TypeError, match='norm must be None, "layer" or a sequence'):
        pynn.Network([4, 6, 6, 2], norm=wrong)


def test_a_network_without_hidden_layers_has_nothing_to_normalise():
    with pytest.raises(ValueError, match="needs a hidden layer"):
        pynn.Network([4, 2], norm="layer")
    assert pynn.Network([4, 6, 2], norm=[None]).gains == (None, None)


def test_factors_of_biases_count_for_gains_without_biases(rng):
    net = pynn.Network([5, 6, 3], norm="layer", bias=False, random_state=0)
    factors = {"biases": 0}
    net.fit(rng.normal(size=(9, 5)), rng.normal(size=(9, 3)), learning_rate_factors=factors)
    assert net.gains[0].tolist() == [1] * 6


@pytest.mark.parametrize("bias", [True, False])
def test_its_gradient_agrees_with_finite_differences(bias, rng):
    net = pynn.Network([5, 6, 6, 3], activation="tanh", norm="layer", residual=True, bias=bias,
                       input_scale=True, random_state=0)  # fmt: skip
    X, y = rng.normal(size=(9, 5)), rng.normal(size=(9, 3))
    assert gradient_check(net, X, y).passed
    net.weights[0][...] *= 0.01  # weighted sums are 100 times more sensitive
    assert gradient_check(net, X, y).passed


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_and_pickles_keep_it(twin, rng):
    X, y = digits_like(rng)
    net = pynn.Network([5, 8, 8, 3], norm="layer", random_state=0).fit(X, np.eye(3)[y])
    again = twin(net)
    assert again.fit(X, np.eye(3)[y]).predict(X).tobytes() == (
        net.fit(X, np.eye(3)[y]).predict(X).tobytes()
    )


def test_pickles_of_versions_without_it_load():
    net = pynn.Network([5, 8, 3], random_state=0)
    state = net.__getstate__()
    del state["_architecture"]["normed"]
    old = object.__new__(pynn.Network)
    old.__setstate__(state)
    np.testing.assert_array_equal(old.predict(np.eye(5)), net.predict(np.eye(5)))


@pytest.mark.parametrize("norm", ["layer", [None, "layer", None]], ids=str)
def test_files_keep_it(norm, tmp_path, rng):
    pytest.importorskip("safetensors")
    path = tmp_path / "net.safetensors"
    net = pynn.Network([5, 8, 8, 8, 3], norm=norm, random_state=0)
    net.gains[1][...] = rng.normal(size=8)
    net.save(path)
    loaded = pynn.Network.load(path)
    assert loaded._architecture == net._architecture
    np.testing.assert_array_equal(loaded.parameters, net.parameters)


def test_files_name_gains_and_those_of_other_networks_do_not_mention_them(tmp_path):
    safetensors = pytest.importorskip("safetensors")
    path = tmp_path / "net.safetensors"
    for norm in (None, [None, "layer"]):
        pynn.Network([5, 8, 8, 3], norm=norm).save(path)
        with safetensors.safe_open(path, framework="numpy") as file:
            assert ("norm" in file.metadata()["pynn.Network"]) == (norm is not None)
            gains = [name for name in file.keys() if name.startswith("gains")]  # noqa: SIM118
            assert gains == ([] if norm is None else ["gains.1"])


def test_a_fit_goes_on_from_a_checkpoint_with_the_same_bits(rng, tmp_path):
    X, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 3))

    def fitted(epochs, *callbacks):
        net = pynn.Network([5, 8, 3], norm="layer", random_state=0)
        return net.fit(X, y, epochs=epochs, optimizer="adam", callbacks=callbacks)

    keep = pynn.callbacks.Checkpoint(tmp_path / "net.npz", resume=True)
    fitted(2, keep)
    assert fitted(5, keep).parameters.tobytes() == fitted(5).parameters.tobytes()


def test_members_of_a_population_learn_as_alone(rng):
    X, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 3))
    members = [
        pynn.Network([5, 8, 3], norm=norm, random_state=i) for i, norm in enumerate(["layer", None])
    ]
    alone = [copy.deepcopy(net).fit(X, y, epochs=2) for net in members]
    pynn.Population(members).fit(X, y, epochs=2)
    for one, other in zip(members, alone, strict=True):
        assert one.parameters.tobytes() == other.parameters.tobytes()


def test_larger_inputs_hardly_change_the_outputs(rng):
    """The first layer divides its weighted sums by their standard deviation."""
    net = pynn.Network([5, 8, 3], norm="layer", random_state=0)
    net.biases[0][...] = rng.normal(size=8)
    X = rng.normal(size=(9, 5))
    np.testing.assert_allclose(net.predict(1000 * X), net.predict(X), atol=1e-3)
