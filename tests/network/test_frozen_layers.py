"""Frozen layers keep their bits, and the others learn as if their gradient were all there is."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import reference
from cases import EVERY_RULE, classifier, digits_like, problem
from scipy import sparse

import pynn

PARTS = [(True, False, False), (False, True, True), (False, False, True), (True, False, True)]


def layers(net):
    return [np.concatenate([W.ravel(), b]) for W, b in zip(net.weights, net.biases, strict=True)]


def assert_frozen(net, before, trainable):
    for old, new, is_trained in zip(before, layers(net), trainable, strict=True):
        if is_trained:
            assert not np.array_equal(old, new)
        else:
            assert old.tobytes() == new.tobytes()


def frozen_oracle(oracle, trainable):
    """An oracle whose frozen parameters have no gradient and are put back after each update."""
    mask = np.zeros(sum((n_in + 1) * n_out for n_in, n_out in pairwise(oracle.layer_sizes)))
    for views in oracle.views(mask):
        for part, is_trained in zip(views, trainable, strict=True):
            part[...] = is_trained

    class Frozen(reference.Network):
        start = None

        def gradient(self, p, *arguments, **options):
            return super().gradient(p, *arguments, **options) * mask

        def limited(self, p, max_norm):
            return np.where(mask, super().limited(p, max_norm), self.start)

    return Frozen(**vars(oracle))


@pytest.mark.parametrize("trainable", PARTS)
@pytest.mark.parametrize("rule", EVERY_RULE, ids=repr)
@pytest.mark.parametrize(
    "options",
    [{}, {"max_norm": 0.4}, {"clip_norm": 0.05}, {"alpha": 0.3, "l1": 0.01}],
    ids=str,
)
def test_each_rule_trains_the_others_as_the_oracle_does(rule, trainable, options, rng):
    case = problem(rng, (5, 7, 4, 3), "tanh", "identity", "squared_error", "float64", n_rows=12)
    before = layers(case.net)
    oracle = frozen_oracle(case.oracle, trainable)
    oracle.start = case.parameters
    orders = [np.arange(12)] * 3
    expected, costs = oracle.train(case.parameters, case.X, case.y, orders, 5, rule, **options)
    case.net.fit(
        case.X, case.y, epochs=3, batch_size=5, optimizer=rule, shuffle=False,
        trainable=trainable, **options,
    )  # fmt: skip
    assert_frozen(case.net, before, trainable)
    np.testing.assert_allclose(case.net.parameters, expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(case.net.history["cost"], costs, rtol=1e-9)


@pytest.mark.parametrize("trainable", PARTS)
@pytest.mark.parametrize("rule", EVERY_RULE, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_are_kept_whatever_else_is_asked_for(rule, trainable, dtype, rng):
    X, y = digits_like(rng)
    net = classifier(dtype=dtype)
    net.fit(X, y, epochs=2, batch_size=7, optimizer=rule)  # momentum that would go on
    before = layers(net)
    options = {"alpha": 0.5, "l1": 0.1, "max_norm": 0.3, "clip_norm": 0.1}
    options |= {} if isinstance(rule, pynn.Rprop) else {"dropout": 0.2}
    net.fit(X, y, epochs=3, batch_size=7, trainable=trainable, **options)  # the state goes on
    assert_frozen(net, before, trainable)
    before = layers(net)
    net.fit(X, y, epochs=3, batch_size=7, optimizer=rule, trainable=trainable, **options)
    assert_frozen(net, before, trainable)


def test_what_is_trained_does_not_depend_on_how_often_a_layer_was_frozen(rng):
    """All layers trainable by a list is no freezing at all."""
    X, y = digits_like(rng)
    one, other = classifier(), classifier()
    one.fit(X, y, epochs=3, trainable=[True] * 3)
    other.fit(X, y, epochs=3)
    assert one.parameters.tobytes() == other.parameters.tobytes()


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("trainable", PARTS)
@pytest.mark.parametrize(
    "rule", [pynn.SGD(0.05), pynn.SGD(0.05, momentum=0.9), pynn.Adam()], ids=repr
)
def test_threads_change_no_bit(n_threads, trainable, rule, rng):
    X, y = rng.normal(size=(300, 40)).astype(np.float32), rng.integers(0, 3, 300)
    nets = [
        pynn.Network([40, 60, 50, 3], output_activation="softmax", random_state=0, n_threads=n)
        for n in (1, n_threads)
    ]
    before = layers(nets[0])
    for net in nets:
        net.fit(X, y, epochs=2, batch_size=150, optimizer=rule, trainable=trainable)
        assert_frozen(net, before, trainable)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()


@pytest.mark.parametrize("trainable", PARTS)
@pytest.mark.parametrize("rule", EVERY_RULE, ids=repr)
def test_sparse_rows_train_as_dense_ones(rule, trainable, rng):
    X, y = rng.normal(size=(40, 5)) * (rng.random((40, 5)) < 0.4), rng.integers(0, 3, 40)
    dense, thin = classifier(), classifier()
    before = layers(dense)
    options = {"epochs": 2, "batch_size": 9, "optimizer": rule, "trainable": trainable}
    dense.fit(X, y, alpha=0.1, **options)
    thin.fit(sparse.csr_array(X), y, alpha=0.1, **options)
    assert_frozen(thin, before, trainable)
    np.testing.assert_allclose(thin.parameters, dense.parameters, rtol=1e-9, atol=1e-12)


LARGE = [*(("dense", part) for part in PARTS), ("sparse", PARTS[0])]


@pytest.mark.parametrize(
    ("layout", "trainable"),
    [LARGE[0], *(pytest.param(*each, marks=pytest.mark.slow) for each in LARGE[1:])],
)
def test_large_networks_too(layout, trainable, rng):
    """Where SGD puts each layer's gradient into the weights while the next one is computed."""
    X = rng.normal(size=(1024, 512)).astype(np.float32)
    y = rng.integers(0, 10, 1024)
    net = pynn.Network(
        [512, 2048, 1024, 10], output_activation="softmax", random_state=0, n_threads=2
    )
    before, start, rate = layers(net), net.parameters.copy(), 0.1
    rows = sparse.csr_array(X * (X > 1)) if layout == "sparse" else X
    expected, _ = net.views(start - np.float32(rate) * net.gradient(rows, y))
    net.fit(rows, y, batch_size=1024, optimizer=pynn.SGD(rate), shuffle=False, trainable=trainable)
    assert_frozen(net, before, trainable)
    for got, wanted, is_trained in zip(net.weights, expected, trainable, strict=True):
        if is_trained:
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-7)


def test_blocks_freeze_too(rng):
    X, y = digits_like(rng)
    net, whole = classifier(), classifier()
    before = layers(net)
    net.fit([(X, y)], epochs=3, shuffle=False, trainable=[False, True, True])
    whole.fit(X, y, epochs=3, shuffle=False, trainable=[False, True, True])
    assert_frozen(net, before, (False, True, True))
    assert net.parameters.tobytes() == whole.parameters.tobytes()


def test_a_network_without_biases(rng):
    X, y = rng.normal(size=(20, 4)), rng.normal(size=(20, 2))
    net = pynn.Network([4, 5, 2], bias=False, random_state=0)
    first, second = (W.copy() for W in net.weights)
    net.fit(X, y, epochs=2, trainable=[True, False])
    assert second.tobytes() == net.weights[1].tobytes()
    assert not np.array_equal(first, net.weights[0])


def test_a_layer_is_frozen_for_one_fit_only(rng):
    X, y = digits_like(rng)
    net = classifier()
    net.fit(X, y, trainable=[False, True, True])
    before = layers(net)
    net.fit(X, y)
    assert_frozen(net, before, (True, True, True))


@pytest.mark.parametrize(
    ("trainable", "error", "words"),
    [
        (False, ValueError, "at least one layer"),
        ([False, False, False], ValueError, "at least one layer"),
        ([True, False], ValueError, "one bool or 3, one for each layer of weights; got 2"),
        ([True] * 4, ValueError, "got 4"),
        ([], ValueError, "trainable must"),
        ("True", TypeError, "trainable must"),
        (None, TypeError, "trainable must"),
    ],
)
def test_what_freezes_nothing_or_everything_is_refused(trainable, error, words, rng):
    X, y = digits_like(rng)
    net = classifier()
    before = net.parameters.copy()
    with pytest.raises(error, match=words):
        net.fit(X, y, trainable=trainable)
    assert np.array_equal(net.parameters, before)
    assert net.history == {"cost": []}
    with warnings.catch_warnings(action="error"):
        net.fit(X, y, trainable=True)
