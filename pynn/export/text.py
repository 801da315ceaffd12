"""Texts that hold numbers: their shortest form, and files of them."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.model.atomic import replace


def shortest(array: NDArray[Any]) -> NDArray[np.float64]:
    """Return numbers whose texts are short and give the same bits in the array's dtype.

    Parameters
    ----------
    array : ndarray of float32 or float64

    Returns
    -------
    ndarray of float64, of the same shape
        Of the float32 nearest to 0.1, for example, it is 0.1 rather than 0.10000000149011612.
    """
    short = array.astype(str).astype(np.float64)
    exact = array.astype(np.float64)
    return np.where(short.astype(array.dtype) == array, short, exact)


def delivered(text: str, path: str | os.PathLike[str] | None) -> str:
    """Write a text to a file, if there is a path, and return it."""
    if path is not None:
        replace(path, lambda file: file.write(text.encode()))
    return text
