"""Weights as the arrays of PyTorch and Keras."""

import numpy as np
import pytest
from cases import HIDDEN
from exported import error, network

import pynn
from pynn.export import from_keras, from_torch, to_keras, to_torch

READERS = {"torch": (to_torch, from_torch), "keras": (to_keras, from_keras)}
BOTH = pytest.mark.parametrize(("write", "read"), READERS.values(), ids=READERS)


@BOTH
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_round_trip_keeps_the_bits(write, read, dtype, rng):
    net, _ = network(rng, dtype, hidden="gelu", output="softmax", cost="cross_entropy")
    again = read(write(net), activation="gelu", output_activation="softmax")
    assert repr(again) == repr(net)
    assert (again.parameters == net.parameters).all()
    assert not np.shares_memory(again.parameters, net.parameters)


@BOTH
def test_input_scale_and_batch_normalisation_are_part_of_the_weights(write, read, rng):
    net, X = network(rng, scale=True, norm="batch")
    assert error(read(write(net), activation="tanh").predict(X), net.predict(X)) < 1e-13


def test_layers_without_biases(rng):
    weights = [rng.normal(size=(3, 4)), rng.normal(size=(4, 2))]
    net = from_keras(weights)
    assert not net.bias
    assert (net.weights[1] == weights[1]).all()
    assert (from_torch({"0.weight": weights[0].T}).weights[0] == weights[0]).all()


@pytest.mark.parametrize("hidden", HIDDEN)
def test_pytorch_computes_the_same(hidden, rng):
    torch = pytest.importorskip("torch")
    names = {"identity": "Identity", "relu": "ReLU", "leaky_relu": "LeakyReLU", "elu": "ELU",
             "selu": "SELU", "gelu": "GELU", "silu": "SiLU"}  # fmt: skip
    f = getattr(torch.nn, names.get(hidden, hidden.capitalize()))
    net, X = network(rng, hidden=hidden, output="softmax", cost="cross_entropy")
    linear = [torch.nn.Linear(n_in, n_out) for n_in, n_out in [(6, 9), (9, 9), (9, 4)]]
    layers = [linear[0], f(), linear[1], f(), linear[2], torch.nn.Softmax(dim=1)]
    model = torch.nn.Sequential(*layers).double()
    model.load_state_dict({name: torch.from_numpy(a) for name, a in to_torch(net).items()})
    assert error(model(torch.from_numpy(X)).detach().numpy(), net.predict(X)) < 1e-12
    again = from_torch(model.state_dict(), activation=hidden, output_activation="softmax")
    assert (again.parameters == net.parameters).all()
    from_torch(dict(model.named_parameters()))  # with gradients


ONE = np.zeros((3, 2))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "arrays of float32 or of float64, got none"),
        ({"0.weight": ONE, "1.running_mean": np.zeros(3)}, r"got '1\.running_mean'"),
        ({"0.weight": ONE, "2.bias": np.zeros(3)}, r"got '2\.bias'"),
        ({"0.weight": ONE, "0.bias": np.zeros(2)}, "layers must follow each other"),
        ({"0.weight": ONE, "2.weight": ONE}, "layers must follow each other"),
        ({"0.weight": np.zeros((3, 2, 2))}, "layers must follow each other"),
        ({"0.weight": ONE, "0.bias": np.zeros(3, "f")}, r"got \['float32', 'float64'\]"),
        ({"0.weight": ONE.astype(int)}, r"got \['int64'\]"),
        ({"0.weight": ONE + np.nan}, "finite"),
    ],
)
def test_other_state_dicts_are_refused(state, message):
    with pytest.raises(ValueError, match=message):
        from_torch(state)


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="state_dict must be a mapping, got list"):
        from_torch([])
    with pytest.raises(TypeError, match="weights must be a sequence of arrays, got dict"):
        from_keras({})
    with pytest.raises(ValueError, match="layers must follow each other"):
        from_keras([np.zeros((2, 3)), np.zeros(3), np.zeros((3, 1))])


def test_classes_and_costs_are_those_of_network():
    net = from_keras([np.eye(2)], output_activation="softmax", classes=["a", "b"])
    assert net.predict_classes([[0, 1]]).tolist() == ["b"]
    assert net.cost_function == "cross_entropy"
    assert from_keras([np.eye(2)], cost=pynn.Huber(2)).cost_function == pynn.Huber(2)
