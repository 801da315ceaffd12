"""Kinds of layers in the compiled core, compared with the oracle: each question for all kinds.

A kind is a set of options of `cases.problem`, all in hidden layers but the input scale.
"""

import cases
import numpy as np
import pytest
from bare import Bare
from cases import check_one_pass, check_training
from scipy.sparse import csr_array

import pynn
from pynn import _core

KINDS = {
    "layer norm": {"norm": "layer"},
    "batch norm": {"norm": "batch"},
    "residual": {"residual": True},
    "input scale": {"scale": True},
    "parametric": {"parametric": True},
    "all with layer norm": {"norm": "layer", "residual": True, "scale": True, "parametric": True},
    "all with batch norm": {"norm": "batch", "residual": True, "scale": True, "parametric": True},
}
SIZES = [[3, 1, 1, 2], [5, 7, 7, 3], [9, 40, 40, 2], [20, 130, 130, 4]]


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request):
    return request.param


def of_kind(kind, rng, sizes=(5, 7, 7, 3), dtype="float64", hidden="tanh", **options):
    options = kind | options
    return cases.problem(rng, sizes, hidden, "identity", "squared_error", dtype, **options)


def network(kind, sizes, **options):
    """A network with the initial parameters."""
    activation = pynn.Parametric("tanh") if kind.get("parametric") else "tanh"
    return pynn.Network(sizes, activation=activation, norm=kind.get("norm"),
                        residual=kind.get("residual", False), random_state=0,
                        input_scale=kind.get("scale", False), **options)  # fmt: skip


def test_the_oracle_agrees_with_finite_differences(kind, rng):
    problem = of_kind(kind, rng, [4, 6, 6, 2], n_rows=9)
    for shares in (None, rng.dirichlet(np.ones(9))[:, np.newaxis]):
        cases.check_oracle(problem, 0.3, 0.1, shares=shares)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_shape_and_instruction_set(kind, sizes, rng, isa):
    for dtype in cases.DTYPES:
        for n_rows in (1, 5, 40):
            check_one_pass(of_kind(kind, rng, sizes, dtype, n_rows=n_rows), alpha=0.1, l1=0.01)
        problem = of_kind(kind, rng, sizes, dtype, n_rows=40, bias=False, weighted=True)
        check_one_pass(problem)
        cases.check_trace(problem)
        check_training(problem, pynn.SGD(1e-3), 9)


def test_every_activation(kind, rng):
    """Some derivatives read the activation, which is not always what the next layer reads."""
    for hidden in cases.HIDDEN:
        check_one_pass(of_kind(kind, rng, hidden=hidden), label=hidden)
        check_training(of_kind(kind, rng, hidden=hidden, n_rows=9), pynn.SGD(0.01), 5, label=hidden)


@pytest.mark.parametrize("chosen", [[0, 1, 0, 0], [0, 0, 0, 1], [0, 1, 1, 0]], ids=str)
def test_each_layer_can_be_chosen(chosen, rng):
    norms = [[None, "batch", "layer"][i] for i in np.roll(chosen, 1) + np.array(chosen)]
    options = {"norm": norms, "residual": [bool(one) for one in chosen], "n_rows": 9}
    check_one_pass(of_kind({}, rng, [4, 6, 6, 6, 6, 2], **options))
    check_training(of_kind({}, rng, [4, 6, 6, 6, 6, 2], **options), pynn.Adam(0.01), 4)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_more_rows_than_a_chunk(kind, n_threads, rng):
    problem = of_kind(kind, rng, [5, 70, 70, 3], n_rows=2100)
    problem.net.n_threads = n_threads
    check_one_pass(problem)
    check_training(problem, pynn.SGD(1e-3), 2000)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"alpha": 0.3, "l1": 0.01},
        {"max_norm": 0.4},
        {"clip_norm": 0.05},
        {"dropout": 0.3},
        {"learning_rate_factors": {"weights": 0.5, "biases": [2, 0.5, 1]}},
        {"average": pynn.EMA(0.5)},
    ],
    ids=str,
)
def test_every_rule_trains_it(kind, options, rng):
    if kind.get("scale") and "learning_rate_factors" in options:
        factors = options["learning_rate_factors"] | {"scale": 3}
        options = {"learning_rate_factors": factors, "clip_norm": 0.1}
    for dtype in cases.DTYPES:
        for rule in cases.RULES:
            check_training(of_kind(kind, rng, dtype=dtype, n_rows=12), rule, 4, **options)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_rows_of_weight_0_have_no_influence(kind, dtype, rng, isa):
    X, y = rng.normal(size=(24, 5)), rng.normal(size=(24, 3))
    weights = np.resize([0, 1, 2, 0], 24)
    fits = []
    for unused in (0.5, 1e15):
        X[weights == 0] = unused
        net = network(kind, [5, 7, 7, 3], dtype=dtype)
        fits.append(net.fit(X, y, epochs=2, batch_size=12, sample_weight=weights, shuffle=False))
    np.testing.assert_array_equal(fits[1].parameters, fits[0].parameters)


def test_frozen_layers_keep_all_their_parameters(kind, rng):
    net = of_kind(kind, rng, n_rows=12).net
    before = {name: group.copy() for name, group in net._architecture.split(net.parameters).items()}
    X, y = rng.normal(size=(12, 5)), rng.normal(size=(12, 3))
    net.fit(X, y, epochs=2, batch_size=5, trainable=[True, False, True])
    for name, group in net._architecture.split(net.parameters).items():
        assert (group == before[name]).all() == name.endswith(".1"), name


@pytest.mark.parametrize("sizes", [[30, 7, 7, 3], [30, 130, 130, 3]], ids=str)
def test_sparse_rows_give_the_numbers_of_dense_ones(kind, sizes, rng):
    """The first layer of sparse rows lies in rows, the next one may lie in panels."""
    if kind.get("scale"):
        pytest.skip("an input scale needs dense rows")
    problem = of_kind(kind, rng, sizes, n_rows=40)
    X = problem.X * (rng.random(problem.X.shape) < 0.2)
    fits = {}
    for rows in (X, csr_array(X)):
        found = [problem.net.predict(rows), problem.net.gradient(rows, problem.y)]
        net = network(kind, sizes, dtype="float64")
        found.append(net.fit(rows, problem.y, batch_size=15, shuffle=False).parameters)
        fits[type(rows)] = found
    for dense, sparse in zip(*fits.values(), strict=True):
        np.testing.assert_allclose(sparse, dense, rtol=1e-12, atol=1e-14)


def test_the_first_layers_of_a_network_end_as_in_the_whole(kind, rng):
    problem = of_kind(kind, rng)
    _, activations = problem.oracle.forward(problem.parameters, problem.X)
    for n_layers in (1, 2):
        found = problem.net._predict(problem.X, n_layers=n_layers)
        np.testing.assert_allclose(found, activations[n_layers], rtol=1e-12)


@pytest.mark.parametrize("sizes", [[5, 7, 7, 3], [130, 130, 130, 10]], ids=str)
def test_one_to_five_threads_give_the_same_bits(kind, sizes, rng):
    X, y = rng.normal(size=(60, sizes[0])), rng.normal(size=(60, sizes[-1]))
    weights = rng.integers(0, 3, 60)

    def bits(rows, n_threads, **options):
        net = network(kind, sizes, n_threads=n_threads)
        net.fit(
            rows, y, epochs=2, batch_size=25, optimizer="adam", sample_weight=weights, **options
        )
        arrays = [net.parameters, net.gradient(rows, y), net.input_gradient(rows, y)]
        return [array.tobytes() for array in (*arrays, net.predict(rows))]

    for rows in (X,) if kind.get("scale") else (X, csr_array(X)):
        for options in ({}, {"dropout": 0.3, "clip_norm": 1.0}):
            assert all(bits(rows, n, **options) == bits(rows, 1, **options) for n in range(2, 6))


@pytest.mark.parametrize("offset", [0, 1, 5])
def test_nothing_is_written_beside_the_arrays(kind, offset, rng, isa):
    for dtype in cases.DTYPES:
        problem = of_kind(kind, rng, [5, 3, 3, 2], dtype, n_rows=9)
        of = problem.oracle
        bare = Bare(of.layer_sizes, of.activations, of.cost_name, problem.net.parameters.copy(),
                    offset, True, of.input_scale, of.residual, of.norms,
                    of.parametric)  # fmt: skip
        X, y = problem.X, problem.y
        cases.assert_agree(bare.predict(X), of.predict(bare.p, X), 16, dtype)
        cases.assert_agree(bare.gradient(X, y), of.gradient(bare.p, X, y), 32, dtype)
        wanted, _ = of.train(bare.p, X, y, [np.arange(9)], 4, pynn.SGD(0.1))
        parameters, _ = bare.train(pynn.SGD(0.1), X, y, batch_size=4)
        cases.assert_agree(parameters, wanted, 64, dtype)


@pytest.mark.parametrize("method", ["fit", "gradient", "trace"])
def test_every_allocation_that_fails_changes_nothing(kind, method, rng):
    X, y = rng.normal(size=(7, 4)), rng.normal(size=(7, 2))
    net = network(kind, [4, 4, 4, 2])
    blocks, before = _core.blocks_in_use(), net.parameters.copy()
    for n in range(1, 30):
        _core.fail_allocation(n)
        try:
            getattr(net, method)(X, y)
        except MemoryError:
            np.testing.assert_array_equal(net.parameters, before)
        else:
            break
        finally:
            _core.fail_allocation(0)
            assert _core.blocks_in_use() == blocks
    assert 2 < n < 29


@pytest.mark.parametrize(
    "options", [{"input_scale": True}, {"members": 2}, {"embeddings": {0: pynn.Categories(2, 1)}}]
)
def test_the_core_refuses_sparse_rows_where_they_must_be_dense(options):
    net = pynn.Network([2, 3, 1], **options)
    one = np.array([0, 1]), np.zeros(1, np.int32), np.ones(1, np.float32)
    data = _core.Data(_core.SparseRows(*one, n_in=2), np.zeros(1, np.int64))
    with pytest.raises(TypeError, match="x must be dense"):
        net._core.predict(np.empty((1, 1), np.float32), net.parameters, data)
    with pytest.raises(TypeError, match="x must be dense"):
        net._core.trace(net.parameters, data)


@pytest.mark.parametrize("members", [None, 2])
def test_the_core_refuses_a_trace_that_it_cannot_fill(members):
    net = pynn.Network([2, 3, 1], members=members)
    data = _core.Data(np.zeros((1, 2), np.float32), np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="without members" if members else "has no embeddings"):
        net._core.trace(net.parameters, data, embedded=np.empty(2, np.float32))


# Layer normalisation


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_rows_of_equal_sums_become_the_biases(dtype, rng):
    """Their variance is 0, so only the constant in the root keeps the quotient finite."""
    problem = of_kind(KINDS["layer norm"], rng, [4, 6, 6, 2], dtype, n_rows=6)
    problem.net.weights[0][...] = 0.25
    problem.X[::2] = 0
    check_one_pass(problem)
    hidden = problem.net._predict(problem.X, n_layers=1)
    np.testing.assert_allclose(hidden, np.tanh([problem.net.biases[0]] * 6), rtol=1e-3)


@pytest.mark.parametrize("norm", ["layer norm", "batch norm"])
def test_one_row_is_normalised_to_the_bits_it_has_among_many(norm, rng):
    """A single row lies in memory in another layout than the rows of a batch."""
    net = of_kind(KINDS[norm], rng, [20, 130, 130, 3], "float32").net
    X = rng.normal(size=(100, 20))
    np.testing.assert_array_equal(net.predict(X[[7]])[0], net.predict(X)[7])


# The input scale


@pytest.mark.parametrize("rule", [pynn.SGD(0.05), pynn.Adam(0.01)], ids=repr)
@pytest.mark.parametrize("n_dead", [1, 30, 39])
def test_inputs_that_are_always_0_keep_their_scale(n_dead, rule, rng):
    """Products skip their columns; their weights and factors have the gradient 0."""
    problem = of_kind(KINDS["input scale"], rng, [40, 9, 3], n_rows=10)
    problem.X[:, rng.permutation(40)[:n_dead]] = 0
    before = problem.net.scale.copy()
    check_training(problem, rule, 4)
    dead = ~problem.X.any(axis=0)
    np.testing.assert_array_equal(problem.net.scale[dead], before[dead])


def test_a_scale_of_0_can_become_another(rng):
    problem = of_kind(KINDS["input scale"], rng)
    problem.net.scale[0] = 0
    check_training(problem, pynn.SGD(0.1), 5)
    assert problem.net.scale[0] != 0


def test_the_scale_learns_behind_a_frozen_first_layer(rng):
    """A factor of 0 stops plain SGD as freezing does."""
    problem = of_kind(KINDS["input scale"], rng, n_rows=12)
    stopped = {"weights": [0, 1, 1], "biases": [0, 1, 1]}
    data = problem.parameters, problem.X, problem.y, [np.arange(12)] * 2, 5, pynn.SGD(0.1)
    p, _ = problem.oracle.train(*data, learning_rate_factors=stopped)
    problem.net.fit(problem.X, problem.y, epochs=2, batch_size=5, optimizer=pynn.SGD(0.1),
                    shuffle=False, trainable=[False, True, True])  # fmt: skip
    np.testing.assert_allclose(problem.net.parameters, p, rtol=1e-10, atol=1e-12)


# Batch normalisation


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_rows_of_weight_0_change_nothing(dtype, rng):
    X, y, w = (
        rng.normal(size=(9, 5)),
        rng.normal(size=(9, 3)),
        np.array([1.0, 2, 1, 0, 0, 3, 0, 1, 1]),
    )
    fits = [network(KINDS["batch norm"], [5, 40, 7, 3], dtype=dtype) for _ in range(2)]
    for net, rows in zip(fits, (w >= 0, w > 0), strict=True):
        net.fit(X[rows], y[rows], sample_weight=w[rows], shuffle=False, epochs=3)
    cases.assert_agree(fits[0].parameters, fits[1].parameters, 16, dtype)


@pytest.mark.parametrize(("weights", "batch_size"), [(None, 1), ([0, 1, 0, 0], 2)], ids=str)
def test_a_batch_in_which_one_row_counts_uses_the_running_statistics(weights, batch_size, rng):
    problem = of_kind(KINDS["batch norm"], rng, n_rows=4)
    problem.sample_weight = weights and np.array(weights, float)
    before = [group.copy() for group in (*problem.net.means[:2], *problem.net.variances[:2])]
    check_training(problem, pynn.Adam(0.01), batch_size)
    after = (*problem.net.means[:2], *problem.net.variances[:2])
    assert all((b == a).all() for b, a in zip(before, after, strict=True))


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("size", [0, 1, 1e-30, 1e4])
def test_equal_sums_have_exactly_their_value_as_mean(size, dtype, rng, isa):
    """Each column has a variance of 0, and rounding does not make it another."""
    X, y = np.full((37, 5), size / 3), rng.normal(size=(37, 3))
    net = network(KINDS["batch norm"], [5, 33, 3], dtype=dtype)
    u = (np.full((1, 5), size / 3, dtype) @ net.weights[0])[0]
    net.fit(X, y, batch_size=37, optimizer=pynn.SGD(0.1))
    cases.assert_agree(net.means[0], u / 10, 8, dtype)
    np.testing.assert_allclose(net.variances[0], 0.9, rtol=1e-6)


def test_variances_of_float32_far_from_0_do_not_cancel(rng):
    """Means are 10,000 times the deviations: sums of squares in float32 would lose these."""
    X = (1e4 + rng.normal(size=(1000, 1))).astype(np.float32)
    net = pynn.Network([1, 1, 1], norm="batch", bias=False, initializer="zeros")
    net.weights[0][...] = 1
    net.fit(X, X, batch_size=1000, optimizer=pynn.SGD(0.0001), trainable=[True, False])
    np.testing.assert_allclose(net.means[0], X.mean(dtype=float) / 10, rtol=1e-6)
    np.testing.assert_allclose(net.variances[0], 0.9 + X.var(dtype=float, ddof=1) / 10, rtol=1e-6)


def test_sums_whose_variance_overflows_end_the_fit_with_the_network_unchanged(rng):
    X, y = 1e25 * rng.normal(size=(20, 5)), rng.normal(size=(20, 3))
    net = network(KINDS["batch norm"], [5, 7, 3])
    before = net.parameters.copy()
    with pytest.raises(FloatingPointError):
        net.fit(X, y)
    np.testing.assert_array_equal(net.parameters, before)


@pytest.mark.slow
def test_long_updates_move_the_statistics_too(rng):
    """Plain SGD then writes to a second vector, and limits on the norm keep the whole gradient."""
    X, y = rng.normal(size=(2000, 1200)), rng.normal(size=(2000, 2))
    fits = []
    for options in ({}, {"clip_norm": 1e9}, {"optimizer": pynn.SGD(0.01, momentum=1e-30)}):
        net = network(KINDS["batch norm"], [1200, 1100, 300, 2])
        options = {"optimizer": pynn.SGD(0.01)} | options
        fits.append(net.fit(X, y, epochs=2, batch_size=2000, shuffle=False, **options).parameters)
    for other in fits[1:]:
        cases.assert_agree(other, fits[0], 64, "float32")


# Parametric activations


@pytest.mark.parametrize("hidden", cases.HIDDEN)
def test_alphas_of_1_give_the_bits_of_the_activation(hidden, rng):
    X, y = rng.normal(size=(9, 5)), rng.normal(size=(9, 3))
    plain, parametric = (
        pynn.Network([5, 37, 3], activation=one, random_state=0)
        for one in (hidden, pynn.Parametric(hidden))
    )
    assert plain.predict(X).tobytes() == parametric.predict(X).tobytes()
    gradients = [net.views(net.gradient(X, y))[0] for net in (plain, parametric)]
    for one, other in zip(*gradients, strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_parametric_relu_is_the_leaky_rectifier_of_its_slope(rng):
    X = rng.normal(size=(9, 5))
    leaky = pynn.Network([5, 37, 3], activation=pynn.LeakyReLU(0.25), random_state=0)
    net = pynn.Network([5, 37, 3], activation=pynn.Parametric("relu"), random_state=0)
    net.alphas[0][...] = 0.75
    np.testing.assert_allclose(net.predict(X), leaky.predict(X), rtol=1e-5, atol=1e-6)
