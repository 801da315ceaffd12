"""Embeddings, input scale, residual layers, norms, Parametric and members in one network."""

import numpy as np
import pytest

import pynn
from pynn.inspection import gradient_check

EMBEDDINGS = {
    1: pynn.Periodic(5, 6),
    3: pynn.PiecewiseLinear((-1, 0, 0.5, 2), 3),
    4: pynn.Categories(4, 3),
}
KINDS = {
    "layer norm": {"norm": "layer", "activation": pynn.Parametric("tanh")},
    "batch norm": {"norm": "batch", "activation": pynn.Parametric("silu")},
    "members": {"members": 3, "activation": "tanh"},
}
FIT = {"dropout": 0.2, "alpha": 0.01, "clip_norm": 1.0, "max_norm": 3.0, "average": pynn.EMA(0.9)}


@pytest.fixture
def data(rng):
    """(X, y) of 40 rows; the last column has codes of categories."""
    X = rng.normal(size=(40, 5))
    X[:, 4] = rng.integers(0, 4, 40)
    return X, rng.normal(size=(40, 2))


@pytest.fixture(params=KINDS)
def network(request, isa):
    """Make such a network."""

    def make(**options):
        of_all = {"embeddings": EMBEDDINGS, "input_scale": True, "residual": True}
        return pynn.Network(
            [5, 24, 24, 2], **of_all, **KINDS[request.param], random_state=1, **options
        )

    return make


def test_the_gradient_agrees_with_finite_differences(network, data):
    check = gradient_check(network(dtype="float64"), *data)
    assert check.passed, str(check)


def test_one_to_three_threads_give_the_same_bits(network, data):
    nets = [network(n_threads=n).fit(*data, epochs=3, batch_size=17, **FIT) for n in (1, 2, 3)]
    assert np.isfinite(nets[0].parameters).all()
    for net in nets[1:]:
        np.testing.assert_array_equal(net.parameters, nets[0].parameters)
        np.testing.assert_array_equal(net.predict(data[0]), nets[0].predict(data[0]))


def test_the_gradient_of_many_rows_is_the_mean_over_chunks(network, data):
    net = network(dtype="float64")
    few = net.gradient(*data)
    many = net.gradient(*(np.tile(array, (60, 1)) for array in data))
    np.testing.assert_allclose(many, few, rtol=0, atol=1e-12)


def test_files_and_members_compute_the_same(network, data, tmp_path):
    pytest.importorskip("safetensors")
    net = network().fit(*data, epochs=2)
    net.save(tmp_path / "net.safetensors")
    loaded = pynn.Network.load(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(loaded.predict(data[0]), net.predict(data[0]))
    if net.members:
        apart = net.predict_members(data[0])
        np.testing.assert_allclose(apart.mean(axis=0), net.predict(data[0]), rtol=0, atol=1e-5)
        own = [net.member(k).predict(data[0]) for k in range(net.members)]
        np.testing.assert_allclose(own, apart, rtol=0, atol=1e-4)
