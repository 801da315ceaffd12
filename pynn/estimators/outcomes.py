"""How a fit may end, and the words for it: scikit-learn's, which programs filter and match."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

__all__ = ["CLIPPED", "INTERRUPTED", "NOT_CONVERGED", "NOT_FINITE", "Outcome", "warn"]

# What warns of the outcome of a fit, once all is in place; None: there is no need to.
Outcome = Callable[[], None] | None

CLIPPED = "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"
INTERRUPTED = "Training interrupted by user."
NOT_CONVERGED = (
    "Stochastic Optimizer: Maximum iterations ({}) reached and the optimization hasn't converged "
    "yet."
)
NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called pynn, which scikit-learn's decorators may stand before."""
    level, frame = 1, sys._getframe(0)
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _OURS:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


_OURS = {"pynn", "sklearn", "contextlib", "scipy"}
