"""Learning-rate factors: each group of parameters learns as if with a learning rate of its own."""

import copy
import dataclasses

import numpy as np
import pytest
from cases import DTYPES, RULES, check_training, classifier, digits_like, problem

import pynn

FACTORS = {
    "biases": {"biases": 3},
    "weights": {"weights": [1, 0.25, 2]},
    "both": {"weights": [2, 0.5, 1], "biases": [0, 3, 0.1]},
    "none": {"weights": 0, "biases": 0},
}


def case(rng, dtype="float64", **options):
    names = ("tanh", "identity", "squared_error", dtype)
    return problem(rng, (5, 7, 4, 3), *names, n_rows=12, **options)


@pytest.mark.parametrize("factors", FACTORS.values(), ids=FACTORS)
@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize(
    "options", [{}, {"alpha": 0.3, "l1": 0.01}, {"clip_norm": 0.05, "alpha": 0.1}], ids=str
)
def test_each_rule_follows_the_oracle(rule, options, factors, rng):
    check_training(case(rng), rule, 5, learning_rate_factors=factors, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factors", [{"weights": [3, 0.1, 1], "biases": 2}, {"weights": 40}])
def test_rprop_begins_with_the_step_of_the_group(factors, dtype, rng):
    check_training(case(rng, dtype), pynn.Rprop(0.01), 12, learning_rate_factors=factors)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_one_factor_for_all_is_another_learning_rate(rule, rng):
    X, y = digits_like(rng)
    options = {"epochs": 2, "batch_size": 7, "alpha": 0.1}
    factors = {"weights": 0.5, "biases": 0.5}
    halved = dataclasses.replace(rule, learning_rate=rule.learning_rate / 2)
    one = classifier().fit(X, y, optimizer=halved, **options)
    other = classifier().fit(X, y, optimizer=rule, learning_rate_factors=factors, **options)
    np.testing.assert_allclose(other.parameters, one.parameters, rtol=1e-12, atol=1e-14)


def test_factors_of_one_change_no_bit(rng):
    X, y = digits_like(rng)
    options = {"epochs": 2, "optimizer": pynn.AdamW(), "alpha": 0.1}
    plain = classifier().fit(X, y, **options)
    ones = classifier().fit(X, y, learning_rate_factors={"weights": [1, 1, 1]}, **options)
    assert ones.parameters.tobytes() == plain.parameters.tobytes()


def test_they_multiply_a_schedule(rng):
    X, y = digits_like(rng)
    options = {"epochs": 3, "schedule": pynn.StepDecay(1)}
    one = classifier().fit(X, y, optimizer=pynn.SGD(0.05), **options)
    factors = {"weights": 0.5, "biases": 0.5}
    other = classifier().fit(
        X, y, optimizer=pynn.SGD(0.1), learning_rate_factors=factors, **options
    )
    np.testing.assert_allclose(other.parameters, one.parameters, rtol=1e-12, atol=1e-14)


def test_they_hold_for_one_fit(rng):
    X, y = digits_like(rng)
    net = classifier().fit(X, y, optimizer="sgd", learning_rate_factors={"weights": 0})
    before = copy.deepcopy(net)
    net.fit(X, y)
    assert not np.array_equal(net.weights[0], before.weights[0])


@pytest.mark.parametrize("n_threads", [2, 3])
def test_threads_change_no_bit(n_threads, rng):
    X, y = digits_like(rng)

    def fitted(n):
        net = classifier(n_threads=n)
        return net.fit(X, y, epochs=2, optimizer="adam", learning_rate_factors=FACTORS["both"])

    assert fitted(n_threads).parameters.tobytes() == fitted(1).parameters.tobytes()


WRONG = {
    "an unknown group": ({"bias": 2}, ValueError, ["'bias'", "did you mean 'biases'?"]),
    "a group that biases include": ({"gains": 2}, ValueError, ["did you mean 'biases'?"]),
    "another unknown group": ({"lr": 2}, ValueError, ["'lr'", "weights, biases, scale"]),
    "a number": (2.0, TypeError, ["dict", "2.0"]),
    "a negative factor": ({"weights": -1}, ValueError, ["'weights'", "at least 0", "-1"]),
    "infinity": ({"biases": np.inf}, ValueError, ["'biases'", "finite", "inf"]),
    "text": ({"weights": "2"}, TypeError, ["'weights'", "real number", "'2'"]),
    "too few": ({"weights": [1, 2]}, ValueError, ["'weights'", "one number or 3", "got 2"]),
}


@pytest.mark.parametrize(("factors", "error", "words"), WRONG.values(), ids=WRONG)
def test_factors_that_cannot_be(factors, error, words, rng):
    X, y = digits_like(rng)
    net = classifier()
    before = net.parameters.copy()
    with pytest.raises(error) as raised:
        net.fit(X, y, learning_rate_factors=factors)
    assert [
        word for word in ["learning_rate_factors", *words] if word not in str(raised.value)
    ] == []
    np.testing.assert_array_equal(net.parameters, before)


def test_biases_that_are_not_there_have_no_factor(rng):
    X, y = digits_like(rng)
    with pytest.raises(ValueError, match="factor for biases, but the network has none"):
        classifier(bias=False).fit(X, y, learning_rate_factors={"biases": 2})


def test_first_steps_of_rprop_stay_within_its_limits(rng):
    X, y = digits_like(rng)
    with pytest.raises(ValueError, match=r"0\.01 \* 0\.0"):
        classifier().fit(X, y, optimizer="rprop", learning_rate_factors={"weights": 0})
