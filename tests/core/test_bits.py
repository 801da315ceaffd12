"""The same bits for any number of threads, and the same numbers from every instruction set."""

from contextlib import suppress

import cases
import numpy as np
import patterns
import pytest
import threadpoolctl
from hypothesis import given
from hypothesis import strategies as st

import pynn
from pynn import _core
from pynn.model import threads

OPTIMIZERS = [
    pynn.SGD(0.01),
    pynn.SGD(0.01, momentum=0.9),
    pynn.SGD(0.01, momentum=0.9, nesterov=True),
    pynn.Adam(),
    pynn.AdamW(),
    pynn.RMSprop(),
    pynn.Rprop(),
]

networks = st.fixed_dictionaries(
    {
        "layer_sizes": st.lists(st.integers(1, 130), min_size=2, max_size=5),
        "output": st.sampled_from(cases.PAIRS),
        "activation": st.sampled_from(cases.HIDDEN),
        "dtype": st.sampled_from(cases.DTYPES),
        "bias": st.booleans(),
        "random_state": st.integers(0, 2**32 - 1),
    }
)
N_THREADS = range(1, 6)


def trained(n_threads, network, optimizer, n_rows, batch_size, alpha, weighted, pattern):
    """Everything that a network of so many threads computes, as bytes."""
    arguments = dict(network)
    output, cost = arguments.pop("output")
    net = pynn.Network(output_activation=output, cost=cost, n_threads=n_threads, **arguments)
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n_rows, net.layer_sizes[0])).astype(net.dtype)
    pattern(rng, X)
    y = rng.random((n_rows, net.layer_sizes[-1]))
    weights = rng.random(n_rows) if weighted else None
    figures = [net.gradient(X, y, weights, alpha), net.cost(X, y, weights, alpha), net.predict(X)]
    with suppress(FloatingPointError):  # then parameters and history are as they were
        net.fit(X, y, epochs=2, batch_size=batch_size, optimizer=optimizer, alpha=alpha,
                sample_weight=weights)  # fmt: skip
    figures += [net.parameters, net.predict(X), net.history["cost"]]
    return [np.asarray(figure).tobytes() for figure in figures]


@cases.examples(30)
@given(
    isa=st.sampled_from(_core.available_isas()),
    network=networks,
    optimizer=st.sampled_from(OPTIMIZERS),
    n_rows=st.integers(1, 300),
    batch_size=st.integers(1, 300),
    alpha=st.sampled_from([0.0, 0.01]),
    weighted=st.booleans(),
    pattern=st.sampled_from(patterns.PATTERNS),
)
def test_one_to_five_threads_give_the_same_bits(isa, **problem):
    """Batches that do and do not divide the rows, inputs with and without zeros."""
    with cases.instruction_set(isa):
        alone, *others = (trained(n_threads, **problem) for n_threads in N_THREADS)
    for other in others:
        assert other == alone


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batches_larger_than_a_chunk_give_the_same_bits(isa, dtype):
    problem = {
        "network": {
            "layer_sizes": [20, 150, 4],
            "output": ("identity", "squared_error"),
            "activation": "tanh",
            "dtype": dtype,
            "random_state": 0,
        },
        "optimizer": pynn.Adam(),
        "n_rows": 2500,
        "batch_size": 2300,
        "alpha": 0.1,
        "weighted": True,
        "pattern": patterns.zero_columns,
    }
    alone = trained(1, **problem)
    for n_threads in (2, 4):
        assert trained(n_threads, **problem) == alone


@pytest.mark.parametrize("sizes", [(100, 600, 30), (600, 100, 90, 10), (1030, 33, 530)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_large_sizes_go_through_blocks(isa, dtype, sizes):
    rng = np.random.default_rng(0)
    net = pynn.Network(sizes, activation="tanh", dtype=dtype, random_state=0)
    exact = pynn.Network(sizes, activation="tanh", dtype="float64", random_state=0)
    X, y = rng.normal(size=(1500, sizes[0])).astype(dtype), rng.normal(size=(1500, sizes[-1]))
    a = X.astype(float)
    for layer, (W, b) in enumerate(zip(exact.weights, exact.biases, strict=True)):
        z = a @ W + b
        a = z if layer == len(sizes) - 2 else np.tanh(z)
    np.testing.assert_allclose(net.predict(X), a, atol=2e3 * np.finfo(dtype).eps)
    gradient, twin = net.gradient(X, y), exact.gradient(X, y)
    np.testing.assert_allclose(
        gradient, twin, rtol=0, atol=200 * np.finfo(dtype).eps * np.abs(twin).max()
    )


def test_threads_are_limited_from_outside(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    processors = threads.usable()
    with threadpoolctl.threadpool_limits(limits=1):
        assert threads.usable() == 1
        assert threads.chosen(1e12) == 1
    assert threads.usable() == processors
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads.usable() == 1


def test_small_steps_take_one_thread():
    assert threads.chosen(1000) == 1


@pytest.mark.parametrize("n_threads", [0, -1, 1.5, "two", True])
def test_what_is_no_number_of_threads(n_threads):
    with pytest.raises((TypeError, ValueError), match="n_threads"):
        pynn.Network([2, 1], n_threads=n_threads)


@pytest.mark.slow
def test_a_long_step_keeps_its_gradient_and_gives_the_same_numbers():
    """Above 3e9 multiply-adds the gradient is written down before the update, for Ctrl-C's sake."""
    rng = np.random.default_rng(0)
    sizes, n_rows = [2000, 1600, 10], 1000
    assert n_rows * (2001 * 1600 + 1601 * 10) > 3e9
    X = rng.normal(size=(n_rows, sizes[0])).astype(np.float32)
    y = rng.integers(0, 10, n_rows)
    bits = []
    for n_threads in (1, 2):
        net = pynn.Network(sizes, output_activation="softmax", cost="cross_entropy",
                           n_threads=n_threads, random_state=0)  # fmt: skip
        want = net.parameters - np.float32(0.1) * net.gradient(X, y, alpha=0.01)
        net.fit(X, y, batch_size=n_rows, optimizer=pynn.SGD(0.1), alpha=0.01, shuffle=False)
        np.testing.assert_allclose(net.parameters, want, rtol=1e-5, atol=1e-7)
        bits.append(net.parameters.tobytes())
    assert bits[0] == bits[1]
