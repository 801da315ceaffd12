"""Tables of mixed columns, and their rows as exported models take them."""

from datetime import date, datetime, timedelta

import numpy as np
from sklearn.datasets import load_wine

from pynn.export.chain import chain_of
from pynn.export.table import Words

NAMES = ["alcohol", "ash", "colour", "cellar", "grade", "pair", "same", "bottled", "seen", "none"]
CELLARS = ["Köln", 'a "b"??/', "new\nline", "x", "\\"]


def mixed(seed=0):
    """Return 178 wines: rows of numbers, texts, codes, dates and missing values; and kinds."""
    wine, kinds = load_wine(return_X_y=True)
    rng = np.random.default_rng(seed)
    rows = []
    for alcohol, _, ash, *others in wine.tolist():
        seen = datetime(2024, 2, 27) + timedelta(seconds=int(rng.integers(10**7)))
        rows.append(
            [
                alcohol if rng.random() > 0.1 else None,
                ash,
                [None, "pale", "deep"][int(rng.integers(3))],
                CELLARS[int(rng.integers(5))],
                int(rng.choice([1, 2, 30, 4, 50])) if rng.random() > 0.1 else None,
                ["yes", "no"][int(others[-1] > 700)],
                1.0,
                date(1895, 1, 1) + timedelta(days=int(rng.integers(80_000))),
                seen if rng.random() > 0.1 else None,
                None,
            ]
        )
    return rows, kinds


def strange():
    """Return rows with values that the table lacks."""
    rows, _ = mixed(1)
    for j, value in enumerate([-1e200, 1e15, "red", "?", 7, "maybe", 3.0, date(2400, 2, 29)]):
        rows[j][j] = value
        rows[10 + j][j] = None
    return rows


def as_numbers(model, rows, code):
    """Return rows as those of C: codes of texts, days of dates, NaN for missing values."""
    columns = chain_of(model, "").table.columns
    texts = {one.index for one in columns if isinstance(one, Words) and one.are_texts}
    return np.array(
        [[_as_number(v, j, j in texts, code) for j, v in enumerate(row)] for row in rows]
    )


def _as_number(value, column, is_text, code):
    if value is None:
        return np.nan
    if isinstance(value, date):
        return np.datetime64(value, "us").astype(np.int64) / 86_400e6
    if is_text:
        return code(column, value)
    return np.nan if isinstance(value, str) else float(value)
