"""In float64 the estimators give the numbers of the scikit-learn that is installed.

Not to the bit, as sums are taken in another order, but to 1e-7 of the largest number of each array
after 20 epochs; mostly it is some 1e-14. One known difference is left out by the choice of cases:
scikit-learn cuts probabilities off at 2.2e-16 before it takes their logarithm, pynn does not, so
losses differ where one is below that, and so do the line searches of lbfgs.
"""

import warnings

import numpy as np
import pytest
import sklearn.neural_network
from hypothesis import given, settings
from hypothesis import strategies as st
from mlp_cases import one_thread  # noqa: F401 (a fixture)
from sklearn.exceptions import ConvergenceWarning

import pynn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RTOL = 1e-7
N_ROWS, N_FEATURES = 60, 5
TASKS = {  # name: (estimator, its loss, outputs)
    "two classes": ("MLPClassifier", None, 1),
    "four classes": ("MLPClassifier", None, 1),
    "labels": ("MLPClassifier", None, 3),
    "one number": ("MLPRegressor", "squared_error", 1),
    "three numbers": ("MLPRegressor", "squared_error", 3),
    "one count": ("MLPRegressor", "poisson", 1),
    "three counts": ("MLPRegressor", "poisson", 3),
}


def data(task):
    rng = np.random.default_rng(len(task))
    X = rng.normal(size=(N_ROWS, N_FEATURES))
    n_outputs = TASKS[task][2]
    z = X @ rng.normal(size=(N_FEATURES, n_outputs)) + rng.normal(size=(N_ROWS, n_outputs))
    y = {
        "two classes": lambda: np.array(["no", "yes"])[(z[:, 0] > 0).astype(int)],
        "four classes": lambda: np.digitize(z[:, 0], [-1.5, 0, 1.5]) * 10,
        "labels": lambda: (z > 0).astype(int),
        "counts": lambda: rng.poisson(np.exp(z / 4)).squeeze(),
        "numbers": lambda: z.squeeze(),
    }
    kind = task if task in y else task.split()[1].rstrip("s") + "s"
    return X, y[kind](), rng.uniform(0.2, 2, N_ROWS)


def pair(task, **parameters):
    """The same estimator twice: pynn's and scikit-learn's."""
    name, loss, _ = TASKS[task]
    if loss:
        parameters["loss"] = loss
    return tuple(getattr(m, name)(**parameters) for m in (pynn, sklearn.neural_network))


def assert_same(ours, theirs, X):
    stochastic = theirs.solver != "lbfgs"
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_
    assert ours.out_activation_ == theirs.out_activation_
    figures = {"loss": (ours.loss_, theirs.loss_)}
    for name in ("loss_curve_", "validation_scores_", "best_validation_score_", "best_loss_"):
        if stochastic and getattr(theirs, name) is None:
            assert getattr(ours, name) is None, name
        elif stochastic:
            figures[name] = getattr(ours, name), getattr(theirs, name)
    for name in ("coefs_", "intercepts_"):
        arrays = zip(getattr(ours, name), getattr(theirs, name), strict=True)
        figures |= {f"{name}[{i}]": both for i, both in enumerate(arrays)}
    out = "predict_proba" if hasattr(theirs, "predict_proba") else "predict"
    figures[out] = getattr(ours, out)(X), getattr(theirs, out)(X)
    for name, (actual, expected) in figures.items():
        atol = RTOL * np.abs(expected).max()
        np.testing.assert_allclose(actual, expected, rtol=0, atol=atol, err_msg=name)


@st.composite
def configurations(draw):
    solver = draw(st.sampled_from(["adam", "sgd"]))
    parameters = {
        "solver": solver,
        "hidden_layer_sizes": draw(st.lists(st.integers(1, 9), max_size=3)),
        "activation": draw(st.sampled_from(["identity", "logistic", "tanh", "relu"])),
        "alpha": draw(st.sampled_from([0, 1e-4, 0.1])),
        "batch_size": draw(st.sampled_from(["auto", 1, 7, 20, N_ROWS // 2])),
        "learning_rate_init": draw(st.sampled_from([3e-4, 3e-3])),
        "max_iter": 20,
        "shuffle": draw(st.booleans()),
        "random_state": draw(st.integers(0, 2**32 - 1)),
        "tol": draw(st.sampled_from([0, 1e-4, 0.05])),
        "early_stopping": draw(st.booleans()),
        "validation_fraction": draw(st.sampled_from([0.1, 0.3])),
        "n_iter_no_change": draw(st.sampled_from([1, 3, np.inf])),
    }
    if solver == "adam":
        parameters |= {
            "beta_1": draw(st.sampled_from([0.5, 0.9])),
            "beta_2": draw(st.sampled_from([0.99, 0.999])),
            "epsilon": draw(st.sampled_from([1e-8, 1e-3])),
        }
    else:
        parameters |= {
            "learning_rate": draw(st.sampled_from(["constant", "invscaling", "adaptive"])),
            "power_t": draw(st.sampled_from([0.1, 0.5])),
            "momentum": draw(st.sampled_from([0, 0.5, 0.9])),
            "nesterovs_momentum": draw(st.booleans()),
        }
    return parameters


def outcome(model, *data):
    """Fit, and return what it raises."""
    try:
        with np.errstate(all="ignore"):
            model.fit(*data)
    except ValueError as error:
        return str(error)
    return None


@settings(max_examples=200)
@given(st.sampled_from(list(TASKS)), configurations(), st.booleans())
def test_any_stochastic_fit(task, parameters, weighted):
    X, y, weights = data(task)
    ours, theirs = pair(task, **parameters)
    error, expected = (outcome(m, X, y, weights if weighted else None) for m in (ours, theirs))
    assert error == expected
    if error is None and np.isfinite(theirs.loss_curve_).all():
        assert_same(ours, theirs, X)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("task", TASKS)
def test_lbfgs(task, activation, weighted):
    X, y, weights = data(task)
    ours, theirs = pair(
        task,
        solver="lbfgs",
        activation=activation,
        hidden_layer_sizes=(6, 4),
        alpha=0.1,
        max_iter=20,
        random_state=8,  # no step on the way makes a probability 0
    )
    for model in (ours, theirs):
        model.fit(X, y, sample_weight=weights if weighted else None)
    assert_same(ours, theirs, X)


SOLVERS = {
    "adam": dict(solver="adam", learning_rate_init=0.01),
    "invscaling": dict(solver="sgd", learning_rate="invscaling", power_t=0.3),
    "adaptive": dict(solver="sgd", learning_rate="adaptive", tol=0.1, n_iter_no_change=1),
}


@pytest.mark.parametrize("random_state", [5, None], ids=["seeded", "global"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("task", ["two classes", "four classes", "labels", "three numbers"])
def test_partial_fit_after_fit(task, solver, random_state):
    """Parts of the data by turns, after a fit whose optimizer they go on with."""
    X, y, weights = data(task)
    ours, theirs = pair(task, max_iter=2, random_state=random_state, **SOLVERS[solver])
    for model in (ours, theirs):
        np.random.seed(0)  # that of random_state=None
        model.fit(X, y)
        for i in range(12):
            part = slice(i % 3 * 20, i % 3 * 20 + 20)
            model.partial_fit(X[part], y[part], sample_weight=weights[part] if i % 2 else None)
    assert_same(ours, theirs, X)


@pytest.mark.parametrize("solver", [*SOLVERS, "lbfgs"])
@pytest.mark.parametrize("task", ["two classes", "four classes", "three counts"])
def test_warm_start(task, solver):
    X, y, _ = data(task)
    parameters = SOLVERS.get(solver, {"solver": solver})
    ours, theirs = pair(task, max_iter=4, random_state=6, warm_start=True, **parameters)
    for model in (ours, theirs):
        for _ in range(3):
            model.fit(X, y)
    assert_same(ours, theirs, X)


def test_a_source_of_randomness_is_left_in_the_same_state():
    X, y, _ = data("one number")
    sources = np.random.RandomState(7), np.random.RandomState(7)
    for model, source in zip(
        pair("one number", max_iter=3, early_stopping=True), sources, strict=True
    ):
        model.set_params(random_state=source).fit(X, y)
    assert sources[0].random() == sources[1].random()


def test_float32_comes_close():
    """pynn computes all of it in float32, scikit-learn some of it in float64."""
    X, y, _ = data("four classes")
    ours, theirs = pair("four classes", max_iter=20, random_state=8)
    for model in (ours, theirs):
        model.fit(X.astype(np.float32), y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


def test_same_messages(capsys):
    """What fits print and warn of: batches clipped, no convergence, rates that fall, stopping."""
    X, y, _ = data("two classes")
    outcomes = []
    for model in pair("two classes", solver="sgd", random_state=9, verbose=True, batch_size=100):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.set_params(max_iter=3).fit(X, y)
            model.set_params(max_iter=99, tol=0.5, n_iter_no_change=2).fit(X, y)
            model.set_params(learning_rate="adaptive").fit(X, y)
            model.set_params(batch_size=9, early_stopping=True).fit(X, y)
        outcomes.append((capsys.readouterr().out, [(w.category, str(w.message)) for w in caught]))
    assert outcomes[0] == outcomes[1]
    printed, warned = outcomes[0]
    for text in ("Iteration 3, loss", "Validation score: ", "Setting learning rate", "too small"):
        assert text in printed
    assert [category for category, _ in warned] == [
        UserWarning,
        ConvergenceWarning,
        *[UserWarning] * 2,
    ]
