"""Every kernel that goes through a row, for every instruction set, dtype and length of a row.

A row ends anywhere in a vector: what is behind its end must be neither read nor written.
"""

import cases
import numpy as np
import pytest
from bare import Bare, Guarded

import pynn
from pynn import _core

# All up to two vectors of the widest, and where the third and the fourth begin and end.
LENGTHS = [*range(1, 36), *range(47, 50), *range(63, 68)]


def parameters(rng, n, dtype):
    return (rng.normal(size=n) / 2).astype(np.float32).astype(dtype)


def rows(rng, n_rows, n, dtype):
    return rng.normal(size=(n_rows, n)).astype(np.float32).astype(dtype)


def check(net, X, y, w=None, alpha=0.0, label=""):
    """Outputs, cost and gradient are the oracle's."""
    p, data = net.p, (X, y, w, alpha)
    cost = sum(net.core.cost(net.guarded.array, _core.Data(X, y, w), net.regularisation(alpha)))
    cases.assert_agree(net.predict(X), net.oracle.predict(p, X), cases.ONE_PASS, net.dtype, label)
    cases.assert_agree(cost, net.oracle.cost(p, *data), cases.ONE_PASS, net.dtype, label)
    cases.assert_agree(
        net.gradient(*data), net.oracle.gradient(p, *data), cases.ONE_PASS, net.dtype, label
    )


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", cases.HIDDEN)
def test_hidden_activations_and_their_derivatives(name, isa, dtype, rng):
    for n in LENGTHS:
        p = parameters(rng, 3 * n + n + 1, dtype)
        p[3 * n :] /= np.sqrt(n)
        net = Bare([2, n, 1], [name, "identity"], "squared_error", p, offset=n % 16)
        n_rows = 1 + n % 4
        check(net, rows(rng, n_rows, 2, dtype), rows(rng, n_rows, 1, dtype), label=f"{n=}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_averages(isa, dtype, rng):
    """Of one batch in each of two calls."""
    for n in LENGTHS:
        X, y = rows(rng, 5, 2, dtype), rows(rng, 5, n, dtype)
        net = Bare([2, n], ["identity"], "squared_error", parameters(rng, 3 * n, dtype), n % 16)
        mean, after = Guarded(np.zeros(3 * n, dtype), n % 16), []
        for t in range(2):
            net.train(pynn.SGD(0.1), X, y, t=t, average=mean.array, decay=0.75)
            after.append(net.p)
        expected = (0.75 * after[0] + after[1]) / 1.75
        cases.assert_agree(mean.intact(), expected, 2, dtype, f"{n=}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", _core.ACTIVATIONS)
def test_output_activations_and_their_derivatives(name, isa, dtype, rng):
    for n in LENGTHS:
        p = parameters(rng, 3 * n, dtype)
        net = Bare([2, n], [name], "squared_error", p, offset=n % 16)
        n_rows = 1 + n % 4
        check(net, rows(rng, n_rows, 2, dtype), rows(rng, n_rows, n, dtype), label=f"{n=}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("cost", _core.COSTS)
def test_costs_and_their_deltas(cost, isa, dtype, rng):
    """Row by row too: the weight of a row that has none keeps the others' as it is."""
    output = _core.COSTS[cost] or "identity"
    for n in LENGTHS:
        net = Bare([2, n], [output], cost, parameters(rng, 3 * n, dtype), offset=n % 16)
        n_rows = 1 + n % 5
        X = rows(rng, n_rows, 2, dtype)
        y = cases.targets(rng, cost, (n_rows, n)).astype(np.float32).astype(dtype)
        check(net, X, y, label=f"{n=}")
        w = np.zeros(n_rows)
        w[n % n_rows] = 0.5
        check(net, X, y, w, label=f"{n=} weighted")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rule", cases.EVERY_RULE, ids=str)
def test_updates(rule, isa, dtype, rng):
    """Parameters of any number, beginning anywhere; two updates, so that state counts."""
    for n in LENGTHS:
        n_in, n_rows, alpha = n % 3 + 1, 6, n % 2 * 0.1
        p = parameters(rng, (n_in + 1) * n, dtype)
        net = Bare([n_in, n], ["identity"], "squared_error", p, offset=n % 16)
        X, y = rows(rng, n_rows, n_in, dtype), rows(rng, n_rows, n, dtype)
        want, _ = net.oracle.train(net.p, X, y, [np.arange(n_rows)], 3, rule, alpha)
        slots = [np.zeros(p.size, dtype)] * _core.RULES[rule._rule()]
        got, _ = net.train(rule, X, y, None, alpha, batch_size=3, slots=slots)
        cases.assert_agree(got, want, 2 * cases.PER_UPDATE, dtype, f"{n=}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_the_penalty_sums_all_weights_and_no_bias(isa, dtype, rng):
    for n in range(1, 200):
        net = Bare([1, n], ["identity"], "squared_error", np.ones(2 * n, dtype), offset=n % 16)
        net.guarded.array[:n] = rng.integers(-9, 10, n)
        data = _core.Data(np.zeros((1, 1), dtype), np.ones((1, n), dtype))
        squares = float(np.sum(net.p[:n] ** 2))
        assert net.core.cost(net.guarded.array, data, net.regularisation(2.0)) == (0.0, squares)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_what_is_not_finite_is_found_at_every_place(isa, dtype):
    for n in LENGTHS:
        vector = np.full(n, np.finfo(dtype).max, dtype)
        assert _core.all_finite(vector)
        for at in range(n):
            for bad in (np.nan, np.inf, -np.inf):
                spoilt = vector.copy()
                spoilt[at] = bad
                assert not _core.all_finite(spoilt)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_input_that_is_not_finite_is_found_at_every_place(isa, dtype):
    """Beside columns of zeros too, where nothing is multiplied by it."""
    for n_rows, n_in in ((1, 1), (1, 40), (7, 19)):
        net = pynn.Network([n_in, 3], dtype=dtype, random_state=0)
        for at in range(n_rows * n_in):
            for X in (np.zeros((n_rows, n_in), dtype), np.ones((n_rows, n_in), dtype)):
                X.flat[at] = (np.nan, np.inf)[at % 2]
                with pytest.raises(ValueError, match="X must be finite"):
                    net.predict(X)
                with pytest.raises(ValueError, match="X must be finite"):
                    net.fit(X, np.zeros((n_rows, 3)))
