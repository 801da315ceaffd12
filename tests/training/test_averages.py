"""Averages of the parameters: EMA after each update in the core, SWA after each epoch."""

import cases
import numpy as np
import pytest
from cases import check_training, classifier, digits_like
from hypothesis import given
from hypothesis import strategies as st

import pynn
from pynn import _core
from pynn.callbacks import ParameterPath

AVERAGES = {
    "EMA": pynn.EMA(0.9),
    "slow EMA": pynn.EMA(0.999),
    "SWA": pynn.SWA(2),
}
averages = pytest.mark.parametrize("average", AVERAGES.values(), ids=AVERAGES)


def problem(rng, dtype="float64", sizes=(5, 21, 4, 3), n_rows=22, **options):
    names = ("tanh", "identity", "squared_error", dtype)
    return cases.problem(rng, sizes, *names, n_rows=n_rows, weighted=True, **options)


# The oracle: with five batches in an epoch, parameters lie padded from two epochs on


@averages
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_averages_are_the_oracle_s(average, isa, dtype, rng):
    for rule in cases.EVERY_RULE:
        check_training(problem(rng, dtype), rule, 5, epochs=3, average=average, label=str(rule))


OPTIONS = {
    "penalties": {"alpha": 0.1, "l1": 0.01},
    "dropout": {"dropout": [0.5, 0.2]},
    "clipped gradients": {"clip_norm": 0.05},
    "limited weights": {"max_norm": 0.4},
    "factors": {"learning_rate_factors": {"weights": [1, 0.25, 2], "biases": 0.1}},
}


@averages
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("epochs", [2, 3])
def test_so_they_are_with_other_options(epochs, options, average, rng):
    check_training(problem(rng), pynn.SGD(0.1), 5, epochs=epochs, average=average, **options)
    check_training(problem(rng, scale=True), pynn.SGD(0.1), 5, epochs=epochs, average=average)
    check_training(problem(rng, bias=False), pynn.SGD(0.1), 5, epochs=epochs, average=average)


@cases.examples(50)
@given(
    st.lists(st.integers(1, 70), min_size=2, max_size=4),
    st.sampled_from(cases.RULES),
    st.sampled_from(cases.DTYPES),
    st.integers(1, 30),
    st.integers(1, 40),
    st.sampled_from([0.0, 0.5, 0.99]),
    st.sampled_from(_core.available_isas()),
)
def test_any_shape(sizes, rule, dtype, n_rows, batch_size, decay, isa):
    with cases.instruction_set(isa):
        p = problem(np.random.default_rng(0), dtype, sizes, n_rows)
        check_training(p, rule, batch_size, average=pynn.EMA(decay), alpha=0.01)


def test_batches_of_several_chunks(rng):
    check_training(problem(rng, n_rows=2500), pynn.SGD(0.01), 1100, average=pynn.EMA(0.5))


# Bits


@pytest.mark.parametrize("average", [pynn.EMA(0.9), pynn.SWA(1)], ids=repr)
@pytest.mark.parametrize("n_rows", [20, 60])
def test_one_to_five_threads_give_the_same_bits(n_rows, average, isa, rng):
    X, y = rng.normal(size=(n_rows, 20)), rng.normal(size=(n_rows, 4))
    results = []
    for n_threads in range(1, 6):
        net = pynn.Network([20, 150, 33, 4], n_threads=n_threads, random_state=0)
        net.fit(X, y, epochs=2, batch_size=10, average=average)
        results.append((net.parameters.tobytes(), net.history))
    assert results == results[:1] * 5


@averages
def test_the_training_itself_is_the_same(average, rng):
    X, y = digits_like(rng)
    options = {"epochs": 4, "batch_size": 7, "dropout": 0.2, "optimizer": "adam"}
    plain, net = (
        classifier().fit(X, y, **options),
        classifier().fit(X, y, average=average, **options),
    )
    assert net.history == plain.history
    for slots in zip(net._descent.memory[0], plain._descent.memory[0], strict=True):
        np.testing.assert_array_equal(*slots)
    assert not np.array_equal(net.parameters, plain.parameters)


@pytest.mark.parametrize("average", [pynn.EMA(0.0), pynn.SWA(4)], ids=repr)
def test_the_average_of_the_last_parameters_alone_is_these(average, rng):
    X, y = digits_like(rng)
    plain, net = (classifier().fit(X, y, epochs=4, average=one) for one in (None, average))
    assert net.parameters.tobytes() == plain.parameters.tobytes()


@averages
def test_epochs_in_one_call_of_the_core_and_in_many(average, rng, capsys):
    X, y = digits_like(rng)
    options = {"epochs": 4, "batch_size": 7, "average": average}
    one, many = classifier().fit(X, y, **options), classifier().fit(X, y, verbose=True, **options)
    assert one.parameters.tobytes() == many.parameters.tobytes()
    capsys.readouterr()


@averages
def test_frozen_layers_keep_every_bit(average, rng):
    X, y = digits_like(rng)
    net, start = classifier(dtype="float32"), classifier(dtype="float32")
    net.fit(X, y, epochs=20, batch_size=7, trainable=[True, False, True], average=average)
    for layer, is_frozen in enumerate([False, True, False]):
        for after, before in ((net.weights, start.weights), (net.biases, start.biases)):
            assert (after[layer].tobytes() == before[layer].tobytes()) == is_frozen


@averages
def test_a_block_of_all_rows_is_as_the_rows(average, rng):
    X, y = digits_like(rng)
    options = {"epochs": 4, "batch_size": 7, "shuffle": False, "average": average}
    whole, blocks = classifier().fit(X, y, **options), classifier().fit([(X, y)], **options)
    parts = classifier().fit([(X[:28], y[:28]), (X[28:], y[28:])], **options)
    assert blocks.parameters.tobytes() == whole.parameters.tobytes()
    assert parts.parameters.tobytes() == whole.parameters.tobytes()


# What reads the average


@averages
def test_validation_and_callbacks_see_the_average(average, rng):
    X, y = digits_like(rng)
    path, plain_path = [], []
    options = {"epochs": 5, "batch_size": 7, "validation_data": (X, y)}
    net = classifier().fit(X, y, average=average, callbacks=[ParameterPath(path)], **options)
    classifier().fit(X, y, callbacks=[ParameterPath(plain_path)], **options)
    assert np.array_equal(path[-1], net.parameters)
    for parameters, cost in zip(path[1:], net.history["val_cost"], strict=True):
        twin = classifier()
        twin.parameters[:] = parameters
        assert twin.cost(X, y) == cost
    if isinstance(average, pynn.SWA):
        for epoch in range(1, 6):
            mean = np.mean(plain_path[min(epoch, average.start) : epoch + 1], axis=0)
            np.testing.assert_allclose(path[epoch], mean, rtol=0, atol=1e-15)


@pytest.mark.parametrize("average", [pynn.EMA(0.8), pynn.SWA(2)], ids=repr)
def test_early_stopping_restores_the_best_average(average, rng):
    """Labels are random, so that the cost of other rows rises."""
    (X, other), (y, labels) = rng.normal(size=(2, 60, 5)), rng.integers(0, 3, (2, 60))
    net = classifier().fit(X, y, epochs=200, optimizer=pynn.Adam(0.1), average=average,
                           validation_data=(other, labels), early_stopping=True)  # fmt: skip
    costs = net.history["val_cost"]
    assert net.best_epoch < len(costs) < 200
    assert net.cost(other, labels) == min(costs) == costs[net.best_epoch - 1]


def test_each_fit_has_its_own_average(rng):
    """It goes on from the average, with the state of the optimizer."""
    X, y = digits_like(rng)
    options = {"batch_size": 60, "shuffle": False}
    net = classifier().fit(X, y, epochs=3, optimizer="adam", average=pynn.EMA(0.9), **options)
    twin = classifier().fit(X, y, epochs=3, optimizer="adam", **options)
    twin.parameters[:] = net.parameters
    assert net.fit(X, y, average=pynn.EMA(0.9), **options).parameters.tobytes() == (
        twin.fit(X, y, **options).parameters.tobytes()
    )


@averages
def test_a_fit_that_diverges_changes_nothing(average, rng):
    X, y = digits_like(rng)
    net = classifier().fit(X, y)
    before, history = net.parameters.copy(), {k: list(v) for k, v in net.history.items()}
    bad = pynn.SGD(1e200)
    with pytest.raises(FloatingPointError, match="diverged"):
        net.fit(X, y, epochs=5, optimizer=bad, alpha=1.0, average=average)
    np.testing.assert_array_equal(net.parameters, before)
    assert net.history == history


# Arguments

WRONG = {
    "a number": (lambda: 0.99, TypeError, ["average", "EMA, SWA or None", "0.99"]),
    "a class": (lambda: pynn.EMA, TypeError, ["average", "use an object: EMA(...)"]),
    "a decay of 1": (lambda: pynn.EMA(1.0), ValueError, ["EMA: decay", "[0, 1)", "1.0"]),
    "a negative decay": (lambda: pynn.EMA(-0.1), ValueError, ["EMA: decay", "-0.1"]),
    "NaN": (lambda: pynn.EMA(np.nan), ValueError, ["EMA: decay", "nan"]),
    "text": (lambda: pynn.EMA("0.9"), TypeError, ["EMA: decay", "real number", "'0.9'"]),
    "epoch 0": (lambda: pynn.SWA(0), ValueError, ["SWA: start", "0"]),
    "half an epoch": (lambda: pynn.SWA(1.5), TypeError, ["SWA: start", "integer", "1.5"]),
    "a late start": (lambda: pynn.SWA(4), ValueError, ["SWA: start", "3 epochs", "got 4"]),
}


@pytest.mark.parametrize(("make", "error", "words"), WRONG.values(), ids=WRONG)
def test_averages_that_cannot_be(make, error, words, rng):
    X, y = digits_like(rng)
    net = classifier()
    before = net.parameters.copy()
    with pytest.raises(error) as raised:
        net.fit(X, y, epochs=3, average=make())
    assert [word for word in words if word not in str(raised.value)] == []
    np.testing.assert_array_equal(net.parameters, before)
