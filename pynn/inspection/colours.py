"""The colours of signed numbers: blue above 0 and orange below, or green and red.

Numbers closer to 0 are more transparent, so the same scale works on light and dark backgrounds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks


class Palette(NamedTuple):
    """The colours of positive and of negative numbers, and a legend in words."""

    positive: str
    negative: str
    words: str


# Each has a contrast of at least 3.7 with white and with black; WCAG 2 asks 3 for graphics. The
# default is from M. Okabe and K. Ito, "Color Universal Design", 2008.
_PALETTES = {
    "default": Palette("#0072b2", "#d55e00", "blue above 0, orange below"),
    "classic": Palette("#1a9850", "#d73027", "green above 0, red below"),
}
_chosen = "default"


def use_colors(name: str) -> None:
    """Choose the colours of positive and negative numbers in all later drawings.

    Parameters
    ----------
    name : {"default", "classic"}
        "default" is blue above 0 and orange below, which also differ for colour-blind readers.
        "classic" is green and red, as in many texts on neural networks.

    Raises
    ------
    ValueError
        If name is not one of these.

    Examples
    --------
    >>> import pynn
    >>> from pynn.displays import NetworkDisplay, use_colors
    >>> use_colors("classic")
    >>> NetworkDisplay.from_estimator(pynn.Network([2, 1])).texts_[-1].get_text()[:33]
    'weights: green above 0, red below'
    >>> use_colors("default")
    """
    global _chosen
    _chosen = checks.choice("name", name, _PALETTES)


def palette() -> Palette:
    """Return the colours in use."""
    return _PALETTES[_chosen]


def largest(*arrays: ArrayLike) -> float:
    """Return the largest absolute value of all finite numbers, or 0.0 if there are none."""
    sizes = np.abs(np.concatenate([[], *map(np.ravel, arrays)], dtype=np.float64))
    return float(sizes.max(where=np.isfinite(sizes), initial=0.0))


def strengths(values: ArrayLike, scale: float) -> NDArray[np.float64]:
    """Return absolute values divided by scale, or 0 if scale is 0.

    Infinities and NaN remain.
    """
    sizes = np.abs(np.asarray(values, np.float64))
    return sizes / scale if scale > 0 else np.where(np.isfinite(sizes), 0.0, sizes)
