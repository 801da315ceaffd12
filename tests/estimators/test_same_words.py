"""What scikit-learn's perceptrons refuse and warn of, pynn's do in the same words."""

import warnings
from inspect import signature

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.neural_network
from mlp_cases import one_thread  # noqa: F401 (a fixture)

import pynn

rng = np.random.default_rng(3)
X = rng.normal(size=(30, 4))
CLASSES = np.repeat([0, 1, 2], 10)
LABELS = (X[:, :3] > 0).astype(int)
TABLE = pd.DataFrame(X, columns=["a", "b", "c", "d"])

PARAMETERS = [
    name
    for name in signature(sklearn.neural_network.MLPRegressor).parameters
    if name not in ("hidden_layer_sizes", "max_iter", "loss")
]
VALUES = [-1, 0, 0.5, 1, 1.5, 2, np.inf, np.nan, None, "nonsense", True, [1], (2, 3)]
# What accepts more than in scikit-learn names more in its message.
ACCEPT_MORE = {"activation", "solver", "alpha", "learning_rate"}

# Wrong calls, for both estimators: E makes one
CALLS = {
    "a vector for X": lambda E: E().fit(X[:, 0], CLASSES),
    "three dimensions": lambda E: E().fit(X[np.newaxis], CLASSES),
    "no rows": lambda E: E().fit(X[:0], CLASSES[:0]),
    "no features": lambda E: E().fit(X[:, :0], CLASSES),
    "NaN in X": lambda E: E().fit(np.where(X > 2, np.nan, X), CLASSES),
    "infinity in X": lambda E: E().fit(np.where(X > 2, np.inf, X), CLASSES),
    "NaN in y": lambda E: E().fit(X, np.where(CLASSES == 1, np.nan, CLASSES)),
    "infinity in y": lambda E: E().fit(X, np.where(CLASSES == 1, np.inf, CLASSES)),
    "complex X": lambda E: E().fit(X + 1j, CLASSES),
    "complex y": lambda E: E().fit(X, CLASSES + 1j),
    "words in X": lambda E: E().fit(np.full(X.shape, "word"), CLASSES),
    "objects in X": lambda E: E().fit(np.full(X.shape, {}), CLASSES),
    "None for X": lambda E: E().fit(None, CLASSES),
    "None for y": lambda E: E().fit(X, None),
    "rows too few": lambda E: E().fit(X[1:], CLASSES),
    "ragged X": lambda E: E().fit([[1, 2], [3]], [0, 1]),
    "y of three dimensions": lambda E: E().fit(X, np.zeros((30, 2, 2))),
    "y of no columns": lambda E: E().fit(X, np.zeros((30, 0))),
    "sparse y": lambda E: E().fit(X, scipy.sparse.csr_array(CLASSES.reshape(-1, 1))),
    "COO for X": lambda E: E().fit(scipy.sparse.coo_array(np.full(X.shape, np.nan)), CLASSES),
    "weights too few": lambda E: E().fit(X, CLASSES, np.ones(29)),
    "weights of two dimensions": lambda E: E().fit(X, CLASSES, np.ones((30, 1))),
    "NaN in weights": lambda E: E().fit(X, CLASSES, np.full(30, np.nan)),
    "weights of words": lambda E: E().fit(X, CLASSES, ["word"] * 30),
    "negative weights": lambda E: E().fit(X, CLASSES, np.full(30, -1.0)),
    "no weight": lambda E: E().fit(X, CLASSES, np.zeros(30)),
    "predict before fit": lambda E: E().predict(X),
    "score before fit": lambda E: E().score(X, CLASSES),
    "predict for NaN": lambda E: E().fit(X, CLASSES).predict(np.full((1, 4), np.nan)),
    "predict for a vector": lambda E: E().fit(X, CLASSES).predict(X[0]),
    "predict for no rows": lambda E: E().fit(X, CLASSES).predict(X[:0]),
    "predict for too many features": lambda E: E().fit(X, CLASSES).predict(np.ones((2, 5))),
    "partial_fit of other features": lambda E: E().fit(X, CLASSES).partial_fit(X[:, :2], CLASSES),
    "warm start of other features": lambda E: (
        E(warm_start=True).fit(X, CLASSES).fit(X[:, :2], CLASSES)
    ),
    "other names": lambda E: E().fit(TABLE, CLASSES).predict(TABLE.rename(columns={"a": "z"})),
    "other order of names": lambda E: E().fit(TABLE, CLASSES).predict(TABLE[["b", "a", "c", "d"]]),
    "a name too few": lambda E: E().fit(TABLE, CLASSES).predict(TABLE[["a", "b", "c"]]),
    "partial_fit of other names": lambda E: (
        E().fit(TABLE, CLASSES).partial_fit(TABLE[["b", "a", "c", "d"]], CLASSES)
    ),
    "names of two kinds": lambda E: E().fit(TABLE.rename(columns={"a": 1}), CLASSES),
    "no names after names": lambda E: E().fit(TABLE, CLASSES).predict(X),
    "names after no names": lambda E: E().fit(X, CLASSES).predict(TABLE),
    "layer of no units": lambda E: E(hidden_layer_sizes=(3, 0)).fit(X, CLASSES),
    "layer of negative units": lambda E: E(hidden_layer_sizes=[-3]).fit(X, CLASSES),
    "layers in words": lambda E: E(hidden_layer_sizes="many").fit(X, CLASSES),
    "layers of floats": lambda E: E(hidden_layer_sizes=2.5).fit(X, CLASSES),
    "max_iter": lambda E: E(max_iter=0).fit(X, CLASSES),
    "unknown parameter": lambda E: E().set_params(units=3),
    "partial_fit with early stopping": lambda E: E(early_stopping=True).partial_fit(
        X, CLASSES, **known(E)
    ),
    "nothing to validate": lambda E: E(early_stopping=True, validation_fraction=0.0).fit(
        X, CLASSES
    ),
    "diverging": lambda E: E(solver="sgd", learning_rate_init=1e200, max_iter=9).fit(X, CLASSES),
    "y of one column": lambda E: E().fit(X, CLASSES.reshape(-1, 1)),
    "max_iter reached": lambda E: E(max_iter=2).fit(X, CLASSES),
    "max_iter reached by lbfgs": lambda E: E(solver="lbfgs", max_iter=2, tol=0).fit(X, CLASSES),
    "max_fun reached": lambda E: E(solver="lbfgs", max_fun=2, tol=0).fit(X, CLASSES),
    "batches too large": lambda E: E(batch_size=31).fit(X, CLASSES),
    "batches too large in partial_fit": lambda E: E(batch_size=31).partial_fit(
        X, CLASSES, **known(E)
    ),
}
# For one of them
CLASSIFIER_CALLS = {
    "too few classes to validate": lambda E: E(early_stopping=True).fit(
        X[:12:2], [0, 0, 0, 1, 1, 1]
    ),
    "numbers for classes": lambda E: E().fit(X, X[:, 0]),
    "two columns of classes": lambda E: E().fit(X, np.column_stack([CLASSES, CLASSES])),
    "classes of two kinds": lambda E: E().fit(X, np.array([1, "a", 2.5] * 10, object)),
    "None among the classes": lambda E: E().fit(X, np.array([None, "a", "b"] * 10, object)),
    "one of a class": lambda E: E(early_stopping=True).fit(X, [0] * 29 + [1]),
    "one of a word": lambda E: E(early_stopping=True).fit(X, ["no"] * 29 + ["yes"]),
    "no classes for partial_fit": lambda E: E().partial_fit(X, CLASSES),
    "other classes for partial_fit": lambda E: (
        E().partial_fit(X, CLASSES, classes=[0, 1, 2]).partial_fit(X, CLASSES, classes=[0, 1])
    ),
    "classes that partial_fit was not told": lambda E: E().partial_fit(X, CLASSES, classes=[0, 1]),
    "classes unseen until partial_fit": lambda E: E().fit(X, CLASSES).partial_fit(X, CLASSES + 1),
    "fewer classes in a warm start": lambda E: (
        E(warm_start=True).fit(X, CLASSES).fit(X[:20], CLASSES[:20])
    ),
    "more classes in a warm start": lambda E: (
        E(warm_start=True).fit(X, CLASSES).fit(X, np.arange(30) % 4)
    ),
    "words after numbers": lambda E: (
        E(warm_start=True).fit(X, CLASSES).fit(X, ["a", "b", "c"] * 10)
    ),
    "more labels in partial_fit": lambda E: (
        E().fit(X, LABELS).partial_fit(X, np.ones((30, 4), int))
    ),
    "classes in place of labels": lambda E: E().fit(X, LABELS).partial_fit(X, CLASSES),
    "partial_fit of lbfgs": lambda E: E(solver="lbfgs").partial_fit,
    "probabilities before fit": lambda E: E().predict_proba(X),
    "logarithms before fit": lambda E: E().predict_log_proba(X),
    "score of unseen classes": lambda E: E().fit(X, CLASSES).score(X, CLASSES + 0.5),
}
REGRESSOR_CALLS = {
    "too little to validate": lambda E: E(early_stopping=True).fit(X[:12:2], [0, 0, 0, 1, 1, 1]),
    "words": lambda E: E().fit(X, ["a", "b", "c"] * 10),
    "negative counts": lambda E: E(loss="poisson").fit(X, CLASSES - 1),
    "no loss": lambda E: E(loss="log_loss").fit(X, CLASSES),
    "no string": lambda E: E(loss=2).fit(X, CLASSES),
    "partial_fit of the lbfgs regressor": lambda E: E(solver="lbfgs").partial_fit,
    "another number of outputs": lambda E: E().fit(X, CLASSES).partial_fit(X, X),
    "another number of outputs in a warm start": lambda E: (
        E(warm_start=True).fit(X, CLASSES).fit(X, X)
    ),
    "another number of targets to score": lambda E: E().fit(X, X).score(X, X[:, :2]),
}
WRONG = {
    "MLPClassifier": CALLS | CLASSIFIER_CALLS,
    "MLPRegressor": CALLS | REGRESSOR_CALLS,
}
# Where pynn says something else on purpose
DIFFERENT = {
    "negative weights": "they are refused: the loss that they make has no lowest value",
    "unknown parameter": "there are more known ones",
    "no loss": "there are more losses",
    "no string": "there are more losses",
    "diverging": "it ends at once, so max_iter is not reached",
    "too little to validate": "the message goes on with the numbers",
    "classes in place of labels": "scikit-learn learns something from them",
    "negative counts": "they are refused: their Poisson loss has no lowest value",
    "one of a class": "the message also says which class it is",
    "too few classes to validate": "likewise",
    "one of a word": "the message also says which class it is",
    "words": "scikit-learn fails in the middle, and says so in NumPy's words",
    "another number of outputs": "as for words",
    "another number of outputs in a warm start": "as for words",
    "partial_fit of the lbfgs regressor": "scikit-learn has it, a whole fit",
}


def known(E):
    return {"classes": [0, 1, 2]} if "Classifier" in E.__name__ else {}


def heard(module, name, call):
    """What the call raises, and what it warns of: kinds and texts."""
    Estimator = getattr(module, name)

    def small(**parameters):
        return Estimator(
            **{
                "max_iter": 3,
                "tol": 0.3,
                "random_state": 0,
                "n_iter_no_change": 1,
                "hidden_layer_sizes": (3,),
            }
            | parameters
        )

    small.__name__ = name  # for `known`
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            call(small)
            raised = None
        except Exception as error:
            raised = type(error), str(error)
    return raised, [(warning.category, str(warning.message)) for warning in caught]


@pytest.mark.parametrize(
    ("name", "what"), [(name, what) for name, calls in WRONG.items() for what in calls]
)
def test_wrong_calls(name, what):
    ours, theirs = (heard(m, name, WRONG[name][what]) for m in (pynn, sklearn.neural_network))
    assert any(ours)
    if what in DIFFERENT:
        assert ours != theirs, "it is the same now"
    else:
        assert ours == theirs


@pytest.mark.parametrize(
    "parameter",
    PARAMETERS,
)
@pytest.mark.parametrize("name", WRONG)
def test_parameters(name, parameter, capsys):
    """What one refuses the other refuses in the same words, and what one accepts both do."""
    accepted = []
    for value in VALUES:
        if parameter in ACCEPT_MORE and isinstance(value, list | tuple):
            continue
        ours, theirs = (
            heard(m, name, lambda E, value=value: E(**{parameter: value}).fit(X, CLASSES))
            for m in (pynn, sklearn.neural_network)
        )
        if parameter in ACCEPT_MORE:  # or fail later
            ours, theirs = ((it[0] is None, it[1]) for it in (ours, theirs))
        assert ours == theirs, value
        accepted.append(theirs[0] in (None, True))
    assert not all(accepted)
