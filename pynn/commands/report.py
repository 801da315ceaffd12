"""The report of a training: the data, the model, its scores beside others, and its errors."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.commands import charts, scores
from pynn.commands.scores import Estimate, Score
from pynn.inspection.tables import aligned

__all__ = ["columns_in_words", "of_test"]

Array = NDArray[Any]

_KINDS = {"number": "numbers", "category": "categories", "date": "dates"}


def columns_in_words(preparation: Any) -> str:
    """Count the columns of a model by kind."""
    used = [one for one in preparation.features if one.n_inputs]
    counts = Counter(one.kind for one in used)
    words = [f"{n} {_KINDS[kind] if n > 1 else kind}" for kind, n in counts.items()]
    n_constant = preparation.n_features - len(used)
    if n_constant:
        words.append(f"{n_constant} without information")
    return ", ".join(words)


def of_test(
    y: Array, predictions: Mapping[str, Array], names: Sequence[str] | None, seed: int, width: int
) -> list[str]:
    """Return the lines about test rows.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        True numbers, or numbers of classes.
    predictions : mapping of str to ndarray
        Predicted numbers, or probabilities (n_rows, n_classes), by name of the model; the first
        one is the model that the report is about.
    names : sequence of str or None
        Names of the classes; None for numbers.
    seed : int
        Seed of the bootstrap.
    width : int
        Width of the lines.
    """
    scores_of = scores.of_numbers if names is None else scores.of_classes
    each = [scores_of(y, predicted) for predicted in predictions.values()]
    heads, cells, leads = [""], [[name] for name in predictions], []
    for same in zip(*each, strict=True):
        if same[0].name == "R2" and not np.ptp(y):
            continue
        found, lead = scores.bootstrap(same, seed)
        if same[0].name == "accuracy":
            found = [scores.wilson(one.value, len(y)) for one in found]
        heads += [same[0].name, "95% interval"]
        for row, one in zip(cells, found, strict=True):
            row += _cells(one, same[0])
        leads.append((same[0], lead[0]))
    lines = [
        f"Scores on the {len(y):,} rows set aside",
        "",
        *aligned([heads, *cells], left=(0,)),
        "",
    ]
    other = [*predictions][1]
    lines += [_lead(score, lead, other) for score, lead in leads if score.name in _JUDGED]
    wilson = "Wilson's for accuracy, otherwise " if names is not None else ""
    lines += [f"Intervals: {wilson}bootstrap, {scores.n_resamples(len(y)):,} resamples", ""]
    own = next(iter(predictions.values()))
    if names is not None:
        lines += ["Rows by class", "", *charts.confusion(y, own.argmax(axis=1), names, width)]
    else:
        lines += ["Residuals: predicted - true, and how many rows have them", ""]
        lines += charts.histogram(own - y, width, _block())
    return lines


_JUDGED = ("log-loss", "RMSE")


def _cells(one: Estimate, score: Score) -> list[str]:
    low, high = (f"{x:{score.layout}}" for x in (one.low, one.high))
    return [f"{one.value:{score.layout}}", f"{low.removesuffix('%')} to {high}"]


def _lead(score: Score, lead: Estimate, other: str) -> str:
    """Compare with another model, in a sentence."""
    interval = f"95% interval {lead.low:.2g} to {lead.high:.2g}"
    if lead.low <= 0 <= lead.high:
        return f"{score.name}: no clear difference to the {other} ({interval})"
    if lead.value > 0:
        return f"{score.name}: better than the {other} by {lead.value:.3g} ({interval})"
    interval = f"95% interval {-lead.high:.2g} to {-lead.low:.2g}"
    return f"{score.name}: worse than the {other} by {-lead.value:.3g} ({interval})"


def _block() -> str:
    encoding = sys.stdout.encoding or "ascii"
    return "█" if "█".encode(encoding, "replace").decode(encoding) == "█" else "#"
