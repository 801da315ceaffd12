"""C headers that predict, for programs and devices without Python."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pynn import checks
from pynn.export.c_header import Header
from pynn.export.c_table import TableHeader
from pynn.export.chain import chain_of
from pynn.export.rounding import Rounding
from pynn.export.text import delivered


def to_c(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    name: str = "model",
    dtype: str | None = None,
    weights: str | None = None,
    X: ArrayLike | None = None,
) -> str:
    """Write a model as one C99 header that needs only the standard library and allocates nothing.

    The header defines static functions, the sizes as macros and, for classes, an enum; the comment
    at its top says how to call them. ``NAME_outputs(x, out)`` computes the outputs of one row, and
    ``NAME_class(x)`` its class.

    For an estimator for tables, x is a row of its columns as double: NAN for a missing value, days
    since 1970-01-01 for a date, and for a category the code that ``NAME_code(column, text)``
    returns, or the category itself if it is a number.

    Parameters
    ----------
    model : Network, MLPClassifier, MLPRegressor, Pipeline of scalers and one of these, \
TabularClassifier or TabularRegressor
        Every activation, kind of layer, embedding and ensemble is supported, and the scalers
        StandardScaler, MinMaxScaler, RobustScaler and MaxAbsScaler.
    path : str or path-like, optional
        File to write; an existing one is replaced.
    name : str, default="model"
        Prefix of all names in the header: a C identifier.
    dtype : "float32" or "float64", optional
        Type of all numbers, float or double. By default, that of the network. Columns and
        predictions of a table are double in any case.
    weights : "int8", optional
        Round the weights of layers to 255 levels, with a scale for each output: they take a quarter
        of the memory of float. The header states the largest difference that this makes to the
        outputs, as a comment and as the macro ``NAME_LARGEST_DIFFERENCE``.
    X : array-like of shape (n_rows, n_inputs) or table, optional
        Rows on which this difference is measured. By default, 1000 rows that are standard normal
        after the scaler; real data are better.

    Returns
    -------
    str
        The header.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, a classifier knows only one class, or a column of a
        table holds categories of texts and numbers, texts with NUL, or integers beyond ±2**53.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    OSError
        If the file cannot be written.

    Notes
    -----
    Sums run in the same order as in pynn, with fused multiply-adds where the compiler has them
    (``-march=native``). The outputs then differ from `predict` by the rounding of exp, tanh and
    the like: by a few units in the last place. For tables, whose networks compute in float32, they
    differ by less than 1e-6 of the largest one.

    Examples
    --------
    >>> import pynn, pynn.export
    >>> net = pynn.Network([2, 3, 1], activation="tanh", random_state=0)
    >>> header = pynn.export.to_c(net, name="tiny")
    >>> [line for line in header.splitlines() if line.startswith("static inline void tiny_outputs")]
    ['static inline void tiny_outputs(const float *x, float *out) {']
    """
    chain = chain_of(model, "to_c")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]*", name):
        raise ValueError(f"name must be a C identifier, got {name!r}")
    if weights is not None:
        checks.choice("weights", weights, ["int8"])
    if chain.table is not None:
        chain.table.expect_doubles("to_c")
    if X is not None and weights is None:
        raise ValueError('X is for weights="int8", whose difference it measures')
    if dtype is not None:
        chain = chain.astype(np.dtype(checks.choice("dtype", dtype, ["float32", "float64"])))
    rounding = None if weights is None else Rounding.of(chain, X)
    header = Header if chain.table is None else TableHeader
    return delivered(header(chain, name, rounding).text(), path)
