"""How numbers with a sign are coloured wherever pynn draws them: green above 0, red below.

The larger a number, the more of its colour is there; 0 is what lies behind it. So one scale suits
light and dark backgrounds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["NEGATIVE", "POSITIVE", "largest", "strengths"]

# The contrast of both with white as with black is at least 3.7: WCAG 2 asks 3 of graphics.
POSITIVE = "#1a9850"
NEGATIVE = "#d73027"


def largest(*arrays: ArrayLike) -> float:
    """Return the largest size of all finite numbers, 0.0 if there are none."""
    sizes = [np.abs(np.asarray(array, np.float64)).ravel() for array in arrays]
    finite = [size[np.isfinite(size)] for size in sizes]
    return max((float(size.max()) for size in finite if len(size)), default=0.0)


def strengths(values: ArrayLike, scale: float) -> NDArray[np.float64]:
    """Return the sizes of numbers as parts of scale: from 0 to 1 for those up to it.

    They are 0 where scale is 0; what is not finite stays so.
    """
    sizes = np.abs(np.asarray(values, np.float64))
    return sizes / scale if scale > 0 else np.where(np.isfinite(sizes), 0.0, sizes)
