"""Checks of the user's arguments, and their conversion to arrays that the core reads.

Real numbers of any kind (integers, booleans, other floats) are converted to the network's dtype;
everything else is refused with a message that states the given and the accepted values. An array
that already has the dtype is never copied, whatever its layout. The arrays of a sparse matrix in
CSR format are not copied either if its indices are int32, and the matrix is never made dense.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from pynn import _core

_LARGEST = 2**31 - 1  # of the core's 32-bit sizes
_MOST_LISTED = 20
PLAIN = {np.ndarray, list, tuple}  # neither sparse nor masked


def is_sparse(X: object) -> bool:
    """Whether X is a sparse matrix of SciPy's, which takes long to import: no import, no matrix."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(X))


def choice(name: str, value: object, accepted: Iterable[str]) -> str:
    """Return value if it is one of the accepted names."""
    accepted = list(accepted)
    if isinstance(value, str) and value in accepted:
        return value
    error = ValueError if isinstance(value, str) else TypeError
    raise error(f"{name} must be one of {', '.join(accepted)}; got {value!r}")


def positive_integer(name: str, value: object, largest: int = _LARGEST) -> int:
    """Return value as an int of at least 1, by default one that fits the core's 32-bit sizes."""
    number = _integer(name, value)
    if not 1 <= number <= largest:
        raise ValueError(f"{name} must be from 1 to {largest}, got {value!r}")
    return number


def _integer(name: str, value: object) -> int:
    if type(value) is int:  # an abstract class takes a microsecond to ask
        return value
    if not isinstance(value, Integral) or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    return int(value)


def flag(name: str, value: object) -> bool:
    """Return value as a bool."""
    if not isinstance(value, bool | np.bool_ | int):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def number(name: str, value: object, interval: str) -> None:
    """Refuse anything but a real number in an interval such as "[0, 1)", or "integer [0, inf)"."""
    kind, what = (Integral, "an integer") if "integer" in interval else (Real, "a real number")
    interval = interval.removeprefix("integer ")
    if not isinstance(value, kind) or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be {what}, got {value!r}")
    low, high = map(float, interval[1:-1].split(","))
    x = as_float(value)
    if not (low < x < high or (x, interval[0]) == (low, "[") or (x, interval[-1]) == (high, "]")):
        raise ValueError(f"{name} must be in {interval}, got {value!r}")


def listed(values: Sequence[object]) -> str:
    """List values for a message: all of them, or the first of many."""
    if len(values) <= _MOST_LISTED:
        return ", ".join(map(repr, values))
    return ", ".join(map(repr, values[:_MOST_LISTED])) + f", … ({len(values)} in all)"


class Checked:
    """Checks the numbers among the fields of a dataclass, by their names and intervals."""

    _accepted: ClassVar[dict[str, str]] = {}

    def __post_init__(self) -> None:
        """Check each number.

        Raises
        ------
        TypeError, ValueError
            If one is not a number of its kind, or out of its interval.
        """
        for name, interval in self._accepted.items():
            number(f"{type(self).__name__}: {name}", getattr(self, name), interval)


def layer(value: object, n_layers: int) -> int:
    """Return a layer's number from 1, the input being 0; from the end they are counted from -1."""
    number = _integer("layer", value)
    if number == 0 or not -n_layers <= number <= n_layers:
        raise ValueError(
            f"layer must be from 1 to {n_layers}, or from {-n_layers} to -1; got {value!r}"
        )
    return number if number > 0 else number + n_layers + 1


def index(name: str, value: object, n: int) -> int:
    """Return which of n is meant, from 0 on; from the end they are counted from -1."""
    number = _integer(name, value)
    if not -n <= number < n:
        raise ValueError(f"{name} must be from {-n} to {n - 1}, got {value!r}")
    return number % n


def seed(value: object) -> int:
    """Return random_state as an int that any of NumPy's generators takes."""
    number = _integer("random_state", value)
    if not 0 <= number < 2**32:
        raise ValueError(f"random_state must be from 0 to 2**32 - 1, got {value!r}")
    return number


def non_negative(name: str, value: object) -> float:
    """Return value as a finite float of at least 0."""
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    x = as_float(value)
    if not 0 <= x < np.inf:
        raise ValueError(f"{name} must be at least 0 and finite, got {value!r}")
    return x


def as_float(value: Any) -> float:
    """Return a real number as a float; an int beyond the largest float is infinite, as 1e309 is."""
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def as_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return value as an array, or raise an error if the conversion would lose something."""
    if type(value) not in PLAIN:
        if is_sparse(value):
            raise TypeError(f"{name} must be dense, got a {type(value).__name__}; use toarray()")
        if isinstance(value, np.ma.MaskedArray):
            raise TypeError(
                f"{name} must not be a masked array: its mask would be lost; use filled()"
            )
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be an array of numbers: {error}") from error


def real_array(name: str, value: ArrayLike, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return value as an aligned, native array of dtype: itself where it is one."""
    if type(value) is np.ndarray and value.dtype == dtype and value.flags.aligned:
        return value  # nothing of what follows would change or refuse it; one row is soon read
    found = as_array(name, value)
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {found.dtype}")
    if found.dtype == dtype and found.flags.aligned:
        return found
    if found.dtype.kind != "f" or found.dtype.itemsize <= dtype.itemsize:
        return found.astype(dtype)
    # Numbers that do not fit become infinite, and are refused later.
    if found.ndim == 2 and found.dtype == np.float64 and found.flags.aligned:
        return _core.narrow(np.empty_like(found, dtype, subok=False), found)
    with np.errstate(over="ignore"):
        return found.astype(dtype)


def finite(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return array if it contains neither infinity nor NaN."""
    if array.size and not _core.all_finite(array.ravel()):
        raise ValueError(
            f"{name} must be finite, but holds NaN, infinity or a value beyond {array.dtype}"
        )
    return array


Rows = NDArray[Any] | _core.SparseRows


def rows(X: ArrayLike, n_in: int, dtype: np.dtype[Any], name: str = "X") -> Rows:
    """Return X as rows (n_rows, n_in), at least one; finite or not: the core sees."""
    sparse = type(X) not in PLAIN and is_sparse(X)
    array: Any = X if sparse else real_array(name, X, dtype)
    if array.ndim != 2:
        hint = "; for one row use X.reshape(1, -1)" if array.ndim == 1 else ""
        raise ValueError(f"{name} must be of shape (n_rows, {n_in}), got {array.shape}{hint}")
    if array.shape[0] == 0:
        raise ValueError(f"{name} must have at least one row, got shape {array.shape}")
    if array.shape[1] != n_in:
        raise ValueError(f"{name} has {array.shape[1]} features, but the network has {n_in} inputs")
    return _sparse_rows(name, array, dtype) if sparse else array


def _sparse_rows(name: str, X: Any, dtype: np.dtype[Any]) -> _core.SparseRows:
    """Return what is not 0 in a matrix of SciPy's, in the order of the rows."""
    if X.format not in ("csr", "csc"):
        raise TypeError(
            f"{name} must be dense, or sparse in the format CSR or CSC; got a "
            f"{type(X).__name__}; use tocsr()"
        )
    starts, places, values = _summed(X, *_entries(name, X))[1:]
    values = real_array(f"{name}.data", values, dtype)
    if X.format == "csc":
        by_columns = sys.modules["scipy.sparse"].csc_array((values, places, starts), shape=X.shape)
        by_rows = by_columns.tocsr()
        starts, places, values = by_rows.indptr, by_rows.indices, by_rows.data
    return _core.SparseRows(
        _vector(starts, np.int64), _vector(places, np.int32), _vector(values, dtype), X.shape[1]
    )


def sound(name: str, X: Any) -> Any:
    """Return X. If it is a matrix of SciPy's in CSR or CSC, SciPy can be trusted with it.

    Integers of one place are summed, as `toarray` does: in a wider dtype their sum would be another
    one, as int8 has 100 + 100 = -56.

    Raises
    ------
    TypeError, ValueError
        If it is such a matrix and damaged.
    """
    if type(X) in PLAIN or not is_sparse(X) or X.format not in ("csr", "csc"):
        return X
    return _summed(X, *_entries(name, X))[0]


Entries = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]  # starts, places, values


def _summed(
    X: Any, starts: NDArray[Any], places: NDArray[Any], values: NDArray[Any]
) -> tuple[Any, NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return a matrix in CSR or CSC without two integers of one place, and its entries."""
    if values.dtype.kind in "iub":
        matrix = type(X)((values, places, starts), shape=X.shape)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
            return matrix, matrix.indptr, matrix.indices, matrix.data
    return X, starts, places, values


def _entries(name: str, X: Any) -> Entries:
    """Return where each line begins, the place of each entry in its line, and its value.

    SciPy trusts what is written into a matrix; the core must not read where a damaged one says.
    """
    n_lines, n_places = X.shape if X.format == "csr" else X.shape[::-1]
    starts, places, values = np.asarray(X.indptr), np.asarray(X.indices), np.asarray(X.data)
    for what, array in (("indptr", starts), ("indices", places)):
        if array.dtype.kind not in "iu":
            raise TypeError(f"{name}.{what} must hold integers, got dtype {array.dtype}")
    if starts.shape != (n_lines + 1,):
        raise ValueError(f"{name}.indptr must be of shape ({n_lines + 1},), got {starts.shape}")
    if starts[0] != 0 or (starts[1:] < starts[:-1]).any():
        raise ValueError(f"{name}.indptr must ascend from 0")
    n = int(starts[-1])
    if places.ndim != 1 or places.shape != values.shape or len(places) < n:
        raise ValueError(
            f"{name}.indices and {name}.data must be vectors of one length, at least {n}; got "
            f"shapes {places.shape} and {values.shape}"
        )
    places = places[:n]
    if n and not 0 <= places.min() <= places.max() < n_places:
        raise ValueError(
            f"{name}.indices must be from 0 to {n_places - 1}, got values from {places.min()} to "
            f"{places.max()}"
        )
    return starts, places, values[:n]


def _vector(array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    return np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED"])


def _labels(y: NDArray[Any], n_rows: int, n_out: int, name: str) -> NDArray[np.int64]:
    """Return integer classes as a vector within 0 .. n_out - 1."""
    if y.shape != (n_rows,):
        raise ValueError(f"{name} must hold a class for each of {n_rows} rows, got {y.shape}")
    outside = (y < 0) | (y >= n_out)
    if outside.any():
        raise ValueError(
            f"{name} holds class {y[outside][0]}; with {n_out} outputs classes are 0 to {n_out - 1}"
        )
    return np.ascontiguousarray(y, dtype=np.int64)


# What the targets of a cost must be, beyond finite: (lowest, highest)
_RANGES = {
    "cross_entropy": (0.0, np.inf),
    "binary_cross_entropy": (0.0, 1.0),
    "poisson": (0.0, np.inf),
}


def targets(
    y: ArrayLike, n_rows: int, n_out: int, cost: str, dtype: np.dtype[Any], name: str = "y"
) -> NDArray[Any]:
    """Return y as targets (n_rows, n_out) of dtype, or as int64 classes (n_rows,)."""
    given = as_array(name, y)
    if n_out > 1 and given.ndim == 1 and given.dtype.kind in "iu":
        return _labels(given, n_rows, n_out, name)
    array = finite(name, real_array(name, given, dtype))
    accepted = f"({n_rows}, {n_out})"
    if n_out == 1:
        accepted += f" or ({n_rows},)"
        array = array.reshape(-1, 1) if array.ndim == 1 else array
    else:
        accepted += f", or integer classes of shape ({n_rows},)"
    if array.shape != (n_rows, n_out):
        raise ValueError(
            f"{name} must be of shape {accepted}; got {given.dtype} of shape {given.shape}"
        )
    low, high = _RANGES.get(cost, (-np.inf, np.inf))
    if low != -np.inf and (array.min() < low or array.max() > high):
        bounds = f"from {low:g} to {high:g}" if high < np.inf else f"at least {low:g}"
        raise ValueError(
            f"{name} must be {bounds} for {cost}, got values from {array.min()} to {array.max()}"
        )
    return array


def row_weights(sample_weight: ArrayLike, n_rows: int) -> NDArray[np.float64]:
    """Return sample_weight as a vector (n_rows,) of weights, none negative and not all zero."""
    weights = real_array("sample_weight", sample_weight, np.dtype(np.float64))
    weights = finite("sample_weight", weights)
    if weights.shape != (n_rows,):
        raise ValueError(f"sample_weight must be of shape ({n_rows},), got {weights.shape}")
    if weights.min() < 0:
        raise ValueError(f"sample_weight must not be negative, got {weights.min()}")
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not 0 < total < np.inf:
        raise ValueError(
            f"sample_weight must not be zero everywhere and have a finite sum, got sum {total}"
        )
    return np.ascontiguousarray(weights)
