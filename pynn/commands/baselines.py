"""Models to compare with: a linear one on one-hot categories, and one that ignores the columns."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.tabular import columns
from pynn.tabular.columns import Column
from pynn.tabular.reading import Table

__all__ = ["predictions"]

Array = NDArray[Any]

MOST_ROWS = 50_000  # for a linear model; more rows change it little and take long
_MOST_CATEGORIES = 100


def predictions(
    train: Table, y: Array, test: Table, is_classifier: bool, seed: int
) -> dict[str, Array]:
    """Fit the models and predict.

    Parameters
    ----------
    train, test : Table
    y : ndarray of shape (n_training_rows,)
        Numbers, or the numbers of classes; each class occurs.
    is_classifier : bool
    seed : int
        Seed of the rows that a linear model learns from.

    Returns
    -------
    dict
        By name of the model: predictions for the test rows, or probabilities
        (n_rows, n_classes).
    """
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.linear_model import LogisticRegression, RidgeCV

    as_given, as_tested = _inputs(train, test)
    some = np.arange(len(y))
    if len(y) > MOST_ROWS:
        some = np.sort(np.random.default_rng(seed).choice(len(y), MOST_ROWS, replace=False))
        if is_classifier:  # with a row of each class
            some = np.union1d(some, np.unique(y, return_index=True)[1])
    models: dict[str, Any]
    if is_classifier:
        models = {
            "linear model": LogisticRegression(max_iter=200),
            "class shares": DummyClassifier(strategy="prior"),
        }
    else:
        models = {
            "linear model": RidgeCV(np.logspace(-3, 3, 7)),
            "mean": DummyRegressor(),
        }
    found = {}
    for name, model in models.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about convergence
            model.fit(as_given[some], y[some])
        predict = model.predict_proba if is_classifier else model.predict
        found[name] = np.asarray(predict(as_tested), dtype=np.float64)
    return found


def _inputs(train: Table, test: Table) -> tuple[Any, Any]:
    """Return sparse inputs: standardised numbers and dates, one-hot categories, missing values."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

    parts = [[csr_matrix((table.shape[0], 1)) for table in (train, test)]]  # if nothing follows
    for j in range(train.shape[1]):
        own, others = train.column(j), test.column(j)
        kind = columns.kind(own)
        step: Any
        if kind == "categories":
            step = OneHotEncoder(
                handle_unknown="infrequent_if_exist", max_categories=_MOST_CATEGORIES
            )
            pair = [_texts(one) for one in (own, others)]
        else:
            read = columns.dates if kind == "dates" else columns.numbers
            pair = [read(one)[:, None] for one in (own, others)]
            if np.isnan(pair[0]).all():
                continue
            step = make_pipeline(
                MaxAbsScaler(),  # squares of numbers such as 1e200 would overflow
                SimpleImputer(strategy="median", add_indicator=True),
                StandardScaler(),
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about categories that are new in the test rows
            step.fit(pair[0])
            parts.append([csr_matrix(step.transform(one)) for one in pair])
    both = [hstack(some, format="csr") for some in zip(*parts, strict=True)]
    return both[0], both[1]


def _texts(column: Column) -> Array:
    """Return categories as texts, (n_rows, 1), missing ones as one of their own."""
    codes, labels = columns.categories(column)
    return np.array([*map(repr, labels), ""], dtype=object)[codes][:, None]
