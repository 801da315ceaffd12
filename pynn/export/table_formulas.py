"""The formulas of a table in NumPy: its columns as inputs of networks, and the last step.

`to_numpy` copies the functions that a model needs into the file that it writes, after those of
`formulas`, as described there.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.export.formulas import softmax

Array = NDArray[Any]


def number(
    x: Array, median: float, scale: float, clip: float, has_flag: bool, ends: tuple[float, float]
) -> Any:
    """Return the inputs for numbers: standardised, whether they are missing, within the ends."""
    x = x.astype(float)
    missing, parts = np.isnan(x), []
    if scale:
        z = (x.clip(-1e300, 1e300) - median) / scale
        z = np.where(missing, 0, z.clip(-1e15, 1e15))
        parts.append(z / np.sqrt(1 + (z / clip) ** 2))
    if has_flag:
        parts.append(missing)
    if ends:
        parts.append(z.clip(*ends))
    return np.column_stack(parts)


def days(dates: Array) -> Any:
    """Return dates as days since 1970-01-01, missing ones as NaN."""
    present = [None if date is None or date != date else date for date in dates.tolist()]
    found = np.array(present, dtype="M8[us]")
    return np.where(np.isnat(found), np.nan, found.view(np.int64) / 86_400_000_000)


def year_start(year: Array) -> Any:
    """Return the days from 1970-01-01 to the first day of a year."""
    y = year - 1
    return 365 * y + np.floor(y / 4) - np.floor(y / 100) + np.floor(y / 400) - 719162


def cycles(x: Array, n: int) -> Any:
    """Return sine and cosine of the time of year, of the weekday and, if n is 3, of the day."""
    x, missing = np.where(np.isnan(x), 0, x), np.isnan(x)
    whole = np.floor(x)
    year = np.floor((whole + 719162) / 365.2425) + 1  # or one year beside it
    year = year + (whole >= year_start(year + 1)) - (whole < year_start(year))
    of_year = (x - year_start(year)) / (year_start(year + 1) - year_start(year))
    turns = [of_year, (whole + 3) % 7 / 7, x - whole][:n]
    waves = [wave(2 * math.pi * turn) for turn in turns for wave in (np.sin, np.cos)]
    return np.where(missing[:, None], 0, np.column_stack(waves))


def category(x: Array, labels: list[Any], inputs: Array) -> Any:
    """Return the row of inputs of each label; the last rows are for missing and other values."""
    rows = {label: k for k, label in enumerate(labels)}
    missing, other = len(labels), len(labels) + 1
    return inputs[[missing if v is None or v != v else rows.get(v, other) for v in x.tolist()]]


def tempered(p: Array, temperature: float) -> Any:
    """Return probabilities whose logarithms are divided by a temperature."""
    return softmax(np.log(np.maximum(p, 2.0**-126)) / temperature)
