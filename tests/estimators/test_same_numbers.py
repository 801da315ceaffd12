"""In float64 the estimators give the numbers of the scikit-learn that is installed.

Not to the bit, as sums are taken in another order, but to 1e-7 of the largest number among them
after 20 epochs; mostly it is some 1e-14. Random configurations keep to learning rates that do not
diverge, as rounding errors then grow with the weights.
"""

import warnings
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import pytest
import sklearn.neural_network
from cases import examples
from hypothesis import event, given
from hypothesis import strategies as st
from mlp_cases import flat, one_thread  # noqa: F401 (a fixture)
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network._multilayer_perceptron import LOSS_FUNCTIONS

import pynn

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1"),
]

RTOL = 1e-7
EPOCHS = 20

# What is learned: labels in place of classes, or the loss and the number of outputs
CLASSES = {
    "words": ["no", "yes"],
    "booleans": [False, True],
    "signs": [-1, 1],
    "floats": [1.0, 2.0, 5.0],
    "negative": [-30, -20, -10, 0],
    "objects": np.array(["a", "bb", "ccc"], object),
    "one class": [7],
}
NUMBERS = {
    "one number": ("squared_error", 1),
    "three numbers": ("squared_error", 3),
    "one count": ("poisson", 1),
    "three counts": ("poisson", 3),
}
TASKS = [*CLASSES, "labels", *NUMBERS]


def data(task, n_rows=60, n_features=5, seed=0):
    """X, y and weights of samples, y in one column or three."""
    rng = np.random.default_rng([TASKS.index(task), seed])
    X = rng.normal(size=(n_rows, n_features))
    n_outputs = NUMBERS.get(task, (None, 3 if task == "labels" else 1))[1]
    z = X @ rng.normal(size=(n_features, n_outputs)) / np.sqrt(n_features)
    z += rng.normal(size=z.shape) / 2
    if task in CLASSES:
        labels = np.asarray(CLASSES[task])
        ranks = np.argsort(np.argsort(z[:, 0]))  # as many rows of each class
        y = labels[ranks * len(labels) // n_rows]
    elif task == "labels":
        y = (z > 0).astype(int)
    else:
        y = (rng.poisson(np.exp(z / 2)) if "count" in task else z).squeeze(
            axis=1 if n_outputs == 1 else ()
        )
    return X, y, rng.uniform(0.2, 2, n_rows)


def pair(task, **parameters):
    """The same estimator twice: pynn's and scikit-learn's."""
    name = "MLPRegressor" if task in NUMBERS else "MLPClassifier"
    if task in NUMBERS:
        parameters["loss"] = NUMBERS[task][0]
    return tuple(getattr(m, name)(**parameters) for m in (pynn, sklearn.neural_network))


def assert_same(ours, theirs, X):
    stochastic = theirs.solver != "lbfgs"
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    figures = {"loss": (ours.loss_, theirs.loss_)}
    for name in ("loss_curve_", "validation_scores_", "best_validation_score_", "best_loss_"):
        if stochastic and getattr(theirs, name) is None:
            assert getattr(ours, name) is None, name
        elif stochastic:
            figures[name] = getattr(ours, name), getattr(theirs, name)
    arrays = [[*model.coefs_, *model.intercepts_] for model in (ours, theirs)]
    assert [array.shape for array in arrays[0]] == [array.shape for array in arrays[1]]
    figures["coefs_ and intercepts_"] = tuple(flat(model) for model in (ours, theirs))
    out = "predict_proba" if hasattr(theirs, "predict_proba") else "predict"
    if out == "predict" or len(ours.classes_) > 1:
        figures[out] = getattr(ours, out)(X), getattr(theirs, out)(X)
    else:  # scikit-learn has two columns for one class
        assert ours.predict_proba(X).tolist() == [[1.0]] * X.shape[0]
    for name, (actual, expected) in figures.items():
        atol = RTOL * np.abs(expected).max()
        np.testing.assert_allclose(actual, expected, rtol=0, atol=atol, err_msg=name)
    if out == "predict_proba":
        assert ours.classes_.dtype == theirs.classes_.dtype
        predicted = ours.predict(X), theirs.predict(X)
        assert predicted[0].dtype == predicted[1].dtype
        np.testing.assert_array_equal(*predicted)


# ---- Random configurations -----------------------------------------------------------------------


@st.composite
def problems(draw, tasks=TASKS):
    """Arguments of `data`."""
    sizes = draw(st.integers(12, 70)), draw(st.integers(1, 8))
    return draw(st.sampled_from(tasks)), *sizes, draw(st.integers(0, 999))


@st.composite
def networks(draw):
    return {
        "hidden_layer_sizes": draw(st.integers(1, 9) | st.lists(st.integers(1, 9), max_size=3)),
        "activation": draw(st.sampled_from(["identity", "logistic", "tanh", "relu"])),
        "alpha": draw(st.sampled_from([0, 1e-4, 0.1])),
        "random_state": draw(st.integers(0, 2**32 - 1)),
    }


@st.composite
def stochastic(draw, max_iter=EPOCHS):
    """Parameters of adam or sgd."""
    solver = draw(st.sampled_from(["adam", "sgd"]))
    parameters = draw(networks()) | {
        "solver": solver,
        "batch_size": draw(st.sampled_from(["auto", 1, 7, 20, 50])),
        "learning_rate_init": draw(st.sampled_from([3e-4, 3e-3])),
        "max_iter": max_iter,
        "shuffle": draw(st.booleans()),
        "tol": draw(st.sampled_from([0, 1e-4, 0.05])),
        "n_iter_no_change": draw(st.sampled_from([1, 3, np.inf])),
    }
    if solver == "adam":
        return parameters | {
            "beta_1": draw(st.sampled_from([0, 0.5, 0.9])),
            "beta_2": draw(st.sampled_from([0.9, 0.99, 0.999])),  # 0 divides by what is rounded
            "epsilon": draw(st.sampled_from([1e-8, 1e-3])),
        }
    return parameters | {
        "learning_rate": draw(st.sampled_from(["constant", "invscaling", "adaptive"])),
        "power_t": draw(st.sampled_from([0, 0.1, 0.5])),
        "momentum": draw(st.sampled_from([0, 0.5, 0.9])),
        "nesterovs_momentum": draw(st.booleans()),
    }


def early_stopping():
    return st.fixed_dictionaries(
        {"early_stopping": st.just(True), "validation_fraction": st.sampled_from([0.1, 0.3])}
    )


def compare(problem, parameters, learn):
    """Let both learn from X; where this ends in no error their numbers are the same.

    Rounding errors can grow: by a line search, or in Adam's quotient where a gradient is all but 0.
    Numbers that are not the same are let pass if it takes no more than the last bit of X for
    scikit-learn's own to change: by a hundredth of what ours may differ.
    """
    (ours, theirs), (_, again) = (pair(problem[0], **parameters) for _ in range(2))
    X = data(*problem)[0]
    errors = [outcome(learn, model, X) for model in (ours, theirs)]
    event((errors[1] or "learned")[:30])
    assert errors[0] == errors[1]
    if errors[0]:
        return
    try:
        assert_same(ours, theirs, X)
    except AssertionError:
        outcome(learn, again, np.nextafter(X, np.inf))
        change = np.abs(flat(theirs) - flat(again)).max()
        if change <= RTOL / 100 * np.abs(flat(theirs)).max():
            raise
        event("the last bit decides")


def outcome(learn, *arguments):
    """Learn, and return the error that it ends in."""
    try:
        with np.errstate(all="ignore"):
            learn(*arguments)
    except ValueError as error:
        return str(error)
    return None


@examples(30)
@given(problems(), stochastic(), st.just({}) | early_stopping(), st.booleans())
def test_any_stochastic_fit(problem, parameters, stopping, weighted):
    _, y, weights = data(*problem)

    def learn(model, X):
        model.fit(X, y, weights if weighted else None)

    compare(problem, parameters | stopping, learn)


@examples(30)
@given(problems(), stochastic(max_iter=4), st.lists(st.booleans(), min_size=2, max_size=5))
def test_any_refits(problem, parameters, weighted):
    """Fits that go on from each other, the samples weighted or not."""
    _, y, weights = data(*problem)

    def learn(model, X):
        for now in weighted:
            model.fit(X, y, weights if now else None)

    compare(problem, parameters | {"warm_start": True}, learn)


@examples(30)
@given(
    problems(),
    stochastic(max_iter=3),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=EPOCHS - 3),
)
def test_any_partial_fits(problem, parameters, after_fit, parts):
    """Parts of the data, weighted or not, from the start or after a fit."""
    _, y, weights = data(*problem)
    classes = {"classes": np.unique(y) if y.ndim == 1 else [0, 1, 2]}

    def learn(model, X):
        if after_fit:
            model.fit(X, y)
        for i, now in parts:
            some = slice(i, None, 3)
            known = {} if after_fit or problem[0] in NUMBERS else classes
            model.partial_fit(X[some], y[some], weights[some] if now else None, **known)

    compare(problem, parameters, learn)


@contextmanager
def losses_of_extremes():
    """Yield a list, empty if scikit-learn computes no loss of outputs that it has rounded away.

    The Poisson loss of a count of 0 is NaN where the prediction is so small as to be 0. pynn
    computes the true loss, from the sums before the activation, and a line search sees the
    difference.
    """
    found = []

    def watched(loss, extreme):
        def watch(y_true, y_pred, sample_weight=None):
            if extreme(y_pred).any():
                found.append(True)
            return loss(y_true, y_pred, sample_weight)

        return watch

    extremes = {"poisson": lambda y: y < np.finfo(float).tiny}
    losses = {name: watched(LOSS_FUNCTIONS[name], extreme) for name, extreme in extremes.items()}
    with patch.dict(LOSS_FUNCTIONS, losses):
        yield found


@examples(30)
@given(problems(), networks(), st.integers(1, EPOCHS), st.booleans(), st.integers(1, 3))
def test_any_lbfgs_fit(problem, parameters, n_iterations, weighted, n_fits):
    """Several fits take as many iterations together as one.

    Nothing is compared after a line search that fails, as it does late where the gradient of
    several outputs is not that of their loss: when it gives up is a matter of rounding.
    """
    _, y, weights = data(*problem)
    failed = False

    def learn(model, X):
        nonlocal failed
        for _ in range(n_fits):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model.fit(X, y, weights if weighted else None)
            failed |= any("ABNORMAL" in str(warning.message) for warning in caught)

    parameters |= {
        "solver": "lbfgs",
        "warm_start": True,
        "max_iter": max(1, n_iterations // n_fits),
    }
    with losses_of_extremes() as extremes:
        try:
            compare(problem, parameters, learn)
        except AssertionError:
            if not (extremes or failed):
                raise
            event("a failed search" if failed else "losses of extremes")


# ---- Chosen ones ---------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("task", ["booleans", "floats", *NUMBERS])
def test_lbfgs(task, activation, weighted):
    X, y, weights = data(task)
    ours, theirs = pair(
        task,
        solver="lbfgs",
        activation=activation,
        hidden_layer_sizes=(6, 4),
        alpha=2,
        max_iter=EPOCHS,
        random_state=8,
    )
    with losses_of_extremes() as extremes:
        for model in (ours, theirs):
            model.fit(X, y, sample_weight=weights if weighted else None)
    assert not extremes  # as this random_state has it
    assert_same(ours, theirs, X)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("task", ["words", "three numbers"])
def test_the_global_source_of_randomness(task, solver):
    X, y, _ = data(task)
    models = ours, theirs = pair(task, solver=solver, max_iter=EPOCHS, random_state=None)
    for model in models:
        np.random.seed(0)
        model.fit(X, y).partial_fit(X[:20], y[:20])
    assert_same(ours, theirs, X)


def test_labels_in_sparse_rows():
    """They are predicted as they came."""
    X, y, _ = data("labels")
    ours, theirs = pair("labels", max_iter=EPOCHS, random_state=0)
    predicted = [model.fit(X, csr_array(y)).predict(X) for model in (ours, theirs)]
    assert type(predicted[0]) is type(predicted[1])
    np.testing.assert_array_equal(*(labels.toarray() for labels in predicted))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=RTOL)


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
    X, y, _ = data("negative")
    ours, theirs = pair("negative", max_iter=20, random_state=8)
    for model in (ours, theirs):
        model.fit(X.astype(np.float32), y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


def test_same_messages(capsys):
    """What fits print and warn of: batches clipped, no convergence, rates that fall, stopping."""
    X, y, _ = data("words")
    outcomes = []
    for model in pair("words", solver="sgd", random_state=9, verbose=True, batch_size=100):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.set_params(max_iter=3).fit(X, y)
            model.set_params(max_iter=99, tol=0.5, n_iter_no_change=2).fit(X, y)
            model.set_params(learning_rate="adaptive").fit(X, y)
            model.set_params(batch_size=9, early_stopping=True).fit(X, y)
        said = [line for line in capsys.readouterr().out.splitlines() if "did not" in line]
        outcomes.append((said, [(w.category, str(w.message)) for w in caught]))
    assert len(outcomes[0][0]) > 3
    assert outcomes[0] == outcomes[1]
    printed, warned = outcomes[0]
    for text in ("Training loss", "Validation score", "Setting learning rate", "too small"):
        assert any(text in line for line in printed)
    assert [category for category, _ in warned] == [
        UserWarning,
        ConvergenceWarning,
        *[UserWarning] * 2,
    ]
