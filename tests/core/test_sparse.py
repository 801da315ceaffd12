"""Sparse rows are computed with as the dense rows that they stand for, without ever becoming them.

Entries may be in any order, explicit zeros, or several of one place, which then add up.
"""

import cases
import numpy as np
import patterns
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from test_bits import OPTIMIZERS

import pynn
from pynn import _core, checks

FORMATS = [sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.csc_matrix]
DENSITIES = [0.0, 0.02, 0.3, 1.0]


def entries(rng, shape, density, order="any"):
    """Coordinates and values, whole numbers: some are zeros, some share their place."""
    n = rng.binomial(shape[0] * shape[1], density)
    places = rng.integers(0, shape[0] * shape[1], n)
    if order == "sorted":
        places = np.unique(places)
    rows, columns = np.divmod(places, shape[1])
    by_rows = np.argsort(rows, kind="stable")
    return rows[by_rows], columns[by_rows], rng.integers(-2, 3, len(places)).astype(float)


def matrix(rng, shape, density, dtype="float64", index_dtype=np.int32, order="any"):
    """In the format CSR, as these entries lie: SciPy would bring them into order."""
    rows, columns, values = entries(rng, shape, density, order)
    X = sparse.csr_array(shape, dtype=dtype)
    X.data, X.indices = values.astype(dtype), columns.astype(index_dtype)
    X.indptr = np.searchsorted(rows, np.arange(shape[0] + 1)).astype(index_dtype)
    return X


def dense(X, dtype):
    """What X stands for: integers are summed as they are, numbers in the network's dtype."""
    return X.toarray() if X.dtype.kind in "iub" else X.astype(dtype).toarray()


def network(rng, sizes, dtype):
    """With whole numbers for parameters: one pass rounds nothing."""
    net = pynn.Network(sizes, activation="relu", dtype=dtype)
    net.parameters[:] = patterns.whole(rng, net.n_parameters, 1)
    return net


def results(net, X, y, w=None, alpha=0.0):
    return net.predict(X), net.cost(X, y, w, alpha), net.gradient(X, y, w, alpha)


def assert_same(results, expected):
    for got, want in zip(results, expected, strict=True):
        np.testing.assert_array_equal(got, want)


# ---- The numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_whole_numbers_are_exact(isa, dtype, rng):
    """Outputs, cost, gradient and an update of SGD, with and without a penalty, for many sizes."""
    for i in range(120):
        n_rows, n_in, *n_out = rng.integers(1, (40, 150, 200, 70)).tolist()
        sizes = [n_in, *n_out[i % 2 :]]
        X = matrix(rng, (n_rows, n_in), DENSITIES[i % 4], dtype)
        y, w = patterns.targets(rng, n_rows, sizes[-1], dtype), patterns.row_weights(n_rows)
        alpha = i % 3 * 0.25
        net, twin = (network(np.random.default_rng(i), sizes, dtype) for _ in range(2))
        assert_same(results(net, X, y, w, alpha), results(twin, dense(X, dtype), y, w, alpha))
        step = {"batch_size": n_rows, "optimizer": pynn.SGD(0.5), "alpha": alpha, "shuffle": False}
        net.fit(X, y, sample_weight=w, **step)
        twin.fit(dense(X, dtype), y, sample_weight=w, **step)
        np.testing.assert_array_equal(net.parameters, twin.parameters, f"{n_rows=} {sizes=}")


@cases.examples(75)
@given(
    data=st.data(),
    isa=st.sampled_from(_core.available_isas()),
    dtype=st.sampled_from(cases.DTYPES),
    rule=st.sampled_from(cases.RULES),
    shape=st.tuples(st.integers(1, 60), st.integers(1, 80)),
    density=st.sampled_from(DENSITIES),
    form=st.sampled_from(FORMATS),
    weighted=st.booleans(),
    alpha=st.sampled_from([0.0, 0.1]),
)
def test_training_is_the_oracle_s(data, isa, dtype, rule, shape, density, form, weighted, alpha):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    sizes = [shape[1], *data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=2))]
    names = "tanh", "identity", "squared_error"
    problem = cases.problem(rng, sizes, *names, dtype, n_rows=shape[0], weighted=weighted)
    X = matrix(rng, shape, density, dtype)
    X.data *= 2.0**-3  # exact, and no step overshoots
    problem.X, y, w = dense(X, dtype), problem.y, problem.sample_weight
    given_X = form(X)
    p, oracle = problem.parameters, problem.oracle
    batch_size = data.draw(st.integers(1, shape[0] + 3))
    want, costs = oracle.train(p, problem.X, y, [np.arange(len(y))] * 2, batch_size, rule, alpha, w)
    with cases.instruction_set(isa):
        outcome = results(problem.net, given_X, y, w, alpha)
        problem.net.fit(given_X, y, epochs=2, batch_size=batch_size, optimizer=rule, alpha=alpha,
                        sample_weight=w, shuffle=False)  # fmt: skip
    expected = (
        oracle.predict(p, problem.X),
        *(f(p, problem.X, y, w, alpha) for f in (oracle.cost, oracle.gradient)),
    )
    for got, value in zip(outcome, expected, strict=True):
        cases.assert_agree(got, value, cases.ONE_PASS, dtype)
    n_eps = cases.PER_UPDATE * 2 * -(-len(y) // batch_size)
    cases.assert_agree(problem.net.parameters, want, n_eps, dtype)
    cases.assert_agree(problem.net.history["cost"], costs, n_eps, dtype)


def tuned_isas():
    """Those whose dense products are not BLAS's."""
    for name in _core.available_isas():
        with cases.instruction_set(name):
            if _core.isa_is_tuned():
                yield name


@pytest.mark.parametrize("tuned", [*tuned_isas()])
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rule", OPTIMIZERS, ids=str)
def test_entries_in_order_give_the_bits_of_dense_rows(tuned, dtype, rule, rng):
    """A zero adds nothing to a chain of fused multiply-adds, and there are no other sums."""
    X = matrix(rng, (300, 700), 0.03, dtype, order="sorted")
    X.data *= rng.normal(size=X.nnz)
    y = rng.normal(size=(300, 3))
    bits = []
    with cases.instruction_set(tuned):
        for rows in (X, dense(X, dtype)):
            net = pynn.Network([700, 90, 3], activation="tanh", dtype=dtype, random_state=0)
            net.fit(rows, y, epochs=3, batch_size=70, optimizer=rule, alpha=0.01)
            bits.append([net.parameters, *results(net, rows, y)])
    assert_same(*bits)


@pytest.mark.parametrize("option", ["dropout", "max_norm", "clip_norm", "l1"])
@pytest.mark.parametrize("rule", [pynn.SGD(0.1), pynn.Adam()], ids=str)
def test_what_else_regularises(option, rule, rng):
    X = matrix(rng, (90, 200), 0.05, "float64", order="sorted")
    y = rng.normal(size=(90, 3))
    nets = []
    for rows, n_threads in ((X.toarray(), 1), (X, 1), (X, 2), (X, 3)):
        net = pynn.Network([200, 40, 3], dtype="float64", n_threads=n_threads, random_state=0)
        nets.append(net.fit(rows, y, epochs=3, batch_size=20, optimizer=rule, **{option: 0.1}))
    np.testing.assert_allclose(nets[1].parameters, nets[0].parameters, rtol=1e-9, atol=1e-12)
    for net in nets[2:]:
        np.testing.assert_array_equal(net.parameters, nets[1].parameters)
    plain = pynn.Network([200, 40, 3], dtype="float64", random_state=0)
    plain.fit(X, y, epochs=3, batch_size=20, optimizer=rule)
    assert not np.array_equal(plain.parameters, nets[1].parameters)


@cases.examples(30)
@given(
    isa=st.sampled_from(_core.available_isas()),
    dtype=st.sampled_from(cases.DTYPES),
    rule=st.sampled_from(OPTIMIZERS),
    sizes=st.lists(st.integers(1, 130), min_size=2, max_size=3),
    n_rows=st.integers(1, 200),
    batch_size=st.integers(1, 200),
    density=st.sampled_from(DENSITIES),
    alpha=st.sampled_from([0.0, 0.01]),
)
def test_one_to_five_threads_give_the_same_bits(
    isa, dtype, rule, sizes, n_rows, batch_size, density, alpha
):
    rng = np.random.default_rng(0)
    X, y = matrix(rng, (n_rows, sizes[0]), density, dtype), rng.normal(size=(n_rows, sizes[-1]))
    bits = []
    with cases.instruction_set(isa):
        for n_threads in range(1, 6):
            net = pynn.Network(sizes, dtype=dtype, n_threads=n_threads, random_state=0)
            bits.append(results(net, X, y, alpha=alpha))
            net.fit(X, y, epochs=2, batch_size=batch_size, optimizer=rule, alpha=alpha)
            bits[-1] += (net.parameters,)
    for other in bits[1:]:
        assert_same(other, bits[0])


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("alpha", [0.0, 0.25])
def test_more_rows_than_a_chunk_and_wider_layers_than_a_block(isa, dtype, alpha, rng):
    n_rows = 2500
    for sizes in ([37, 1100, 3], [3, 1030], [300, 2]):
        X = matrix(rng, (n_rows, sizes[0]), 0.05, dtype)
        y, w = patterns.targets(rng, n_rows, sizes[-1], dtype), patterns.row_weights(n_rows)
        net, twin = (network(np.random.default_rng(1), sizes, dtype) for _ in range(2))
        for got, want in zip(
            results(net, X, y, w, alpha), results(twin, dense(X, dtype), y, w, alpha), strict=True
        ):
            cases.assert_agree(got, want, 64, dtype)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 40])
def test_rows_of_very_different_lengths(batch_size, rng):
    """One mini-batch has nearly all entries, and the order changes each epoch."""
    X = sparse.lil_array((40, 900))
    for row in range(0, 40, 3):
        X[row, rng.integers(0, 900, 2)] = 1
    for row in (4, 17, 25):
        X[row] = rng.normal(size=900)
    X, y = X.tocsr(), rng.normal(size=(40, 2))
    net, twin = (pynn.Network([900, 5, 2], dtype="float64", random_state=0) for _ in range(2))
    net.fit(X, y, epochs=4, batch_size=batch_size)
    twin.fit(X.toarray(), y, epochs=4, batch_size=batch_size)
    np.testing.assert_allclose(net.parameters, twin.parameters, rtol=1e-9, atol=1e-12)


# ---- What comes in ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.int64, bool])
def test_any_format_and_type(form, index_dtype, dtype, rng):
    X = matrix(rng, (30, 50), 0.1, dtype, index_dtype, order="sorted")
    y = rng.normal(size=(30, 2))
    given_X = form(X)
    for array in (given_X.indptr, given_X.indices, given_X.data):
        array.flags.writeable = False
    before = X.toarray()
    for own in cases.DTYPES:
        net, twin = (pynn.Network([50, 9, 2], dtype=own, random_state=0) for _ in range(2))
        for got, want in zip(results(net, given_X, y), results(twin, before, y), strict=True):
            cases.assert_agree(got, want, cases.ONE_PASS, own)
        net.fit(given_X, y, validation_data=(given_X, y))
        twin.fit(before, y, validation_data=(before, y))
        assert net.history["val_cost"] == pytest.approx(twin.history["val_cost"], rel=1e-5)
    np.testing.assert_array_equal(given_X.toarray(), before)


@pytest.mark.parametrize(
    ("dtype", "value", "sum_"), [(np.int8, 100, -56), (np.uint8, 200, 144), (bool, True, True)]
)
@pytest.mark.parametrize("form", FORMATS)
def test_duplicates_are_summed_in_the_matrix_s_own_dtype(form, dtype, value, sum_):
    X = form(([value, value, 1], [2, 2, 0], [0, 2, 2, 3, 3]), shape=(4, 4), dtype=dtype)
    assert X.toarray().max() == max(sum_, 1)
    given = X.data.copy(), X.indices.copy()
    for dtype in cases.DTYPES:
        net = pynn.Network([4, 3, 2], dtype=dtype, random_state=0)
        np.testing.assert_array_equal(net.predict(X), net.predict(X.toarray()))
        gradients = [net.gradient(x, np.ones((4, 2))) for x in (X, X.toarray())]
        cases.assert_agree(*gradients, cases.ONE_PASS, dtype)
    assert all(map(np.array_equal, (X.data, X.indices), given))


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_what_the_core_can_read_is_not_copied(dtype, rng):
    X = matrix(rng, (9, 20), 0.3, dtype)
    rows = checks.rows(X, 20, np.dtype(dtype))
    assert np.shares_memory(rows.values, X.data)
    assert np.shares_memory(rows.columns, X.indices)


def test_entries_behind_the_last_row_are_nobody_s(rng):
    """SciPy leaves room behind what it takes out; what is there need not even be right."""
    X = matrix(rng, (9, 20), 0.3)
    net = pynn.Network([20, 3], dtype="float64", random_state=0)
    expected = net.predict(X)
    X.data, X.indices = np.append(X.data, np.nan), np.append(X.indices, -1)
    np.testing.assert_array_equal(net.predict(X), expected)


def test_nothing_is_made_dense(rng):
    """Dense, these rows would take 8 TB, and a mini-batch or a chunk of them 8 GB or more."""
    n_rows, n_in = 1_000_000, 1_000_000
    X = sparse.csr_array((n_rows, n_in), dtype=np.float64)
    X.indptr[500:] = 3
    X.indices, X.data = np.array([7, n_in - 1, 0], np.int32), np.array([1.0, 2.0, 3.0])
    net = pynn.Network([n_in, 1], dtype="float64", random_state=0)
    w = net.weights[0].ravel().copy()
    out = net.predict(X)
    assert out[499] == pytest.approx(net.biases[0] + w[7] + 2 * w[-1] + 3 * w[0])
    before = net.parameters.copy()
    net.fit(X, np.ones(n_rows), batch_size=n_rows, optimizer=pynn.SGD(1.0))
    changed = np.flatnonzero(net.parameters != before)
    np.testing.assert_array_equal(changed, [0, 7, n_in - 1, n_in])


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_what_is_not_finite_is_found_at_every_place(isa, dtype, rng):
    X = matrix(rng, (9, 20), 0.2, dtype)
    net = pynn.Network([20, 2], dtype=dtype, random_state=0)
    for place in range(X.nnz):
        spoilt = X.copy()
        spoilt.data[place] = (np.nan, -np.inf)[place % 2]
        for call in (net.predict, lambda X: net.fit(X, np.zeros((9, 2)), batch_size=2)):
            with pytest.raises(ValueError, match="X must be finite"):
                call(spoilt)
