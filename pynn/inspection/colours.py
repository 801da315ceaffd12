"""The colours of signed numbers: green above 0, red below.

Numbers closer to 0 are more transparent, so the same scale works on light and dark backgrounds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The contrast of both with white and with black is at least 3.7; WCAG 2 asks 3 for graphics.
POSITIVE = "#1a9850"
NEGATIVE = "#d73027"


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
