"""Messages: scikit-learn's words, which programs filter and match, and hints of our own."""

from __future__ import annotations

import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType

from sklearn.exceptions import ConvergenceWarning

from pynn.training import workers
from pynn.training.state import State

# Warns about the outcome of a fit once the estimator is complete; None: no need to.
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
BEST_KEPT = " The weights of the best validation score are kept."
STRATIFIED = (
    "the rows that early_stopping sets aside are stratified here: drawn at random they would leave "
    "a class without training rows, or hold one class only"
)

_OURS = {"pynn", "sklearn", "contextlib", "scipy", "joblib", "threading"}

Warned = tuple[str, type[Warning]]
_here = threading.local()


class _Kept(list[Warned]):
    """A list that can be referenced weakly."""


@contextmanager
def kept() -> Iterator[list[Warned]]:
    """Keep the warnings of this thread in a list, for another thread to give."""
    before, found = getattr(_here, "kept", None), _Kept()
    _here.kept = weakref.ref(found)  # gone with the block, even if a signal interrupts these lines
    try:
        yield found
    finally:
        _here.kept = before


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called pynn; of several fits in its workers, only once.

    A `ConvergenceWarning` counts as one of scikit-learn's modules, so that filters for
    ``module="sklearn"`` hold for it, too.
    """
    reference = getattr(_here, "kept", None)
    if reference is not None and (found := reference()) is not None:
        found.append((message, category))
        return
    caller = workers.caller()
    frame = _outside(sys._getframe(1))
    if caller and _is_ours(frame):  # the outermost frame of a worker
        frame = _outside(caller.frame)
    of_sklearn = issubclass(category, ConvergenceWarning)
    with caller.lock if caller else nullcontext():
        # Python's registry forgets a warning whenever scikit-learn checks an array.
        if caller and (message, category) in caller.warnings:
            return
        warnings.warn_explicit(
            message,
            category,
            frame.f_code.co_filename,
            frame.f_lineno,
            "sklearn.neural_network"
            if of_sklearn
            else frame.f_globals.get("__name__", "<unknown>"),
            frame.f_globals.setdefault("__warningregistry__", {}),
        )
        if caller:  # only here: a filter may have made an error of it
            caller.warnings.add((message, category))


def _outside(frame: FrameType) -> FrameType:
    """Return the next frame outwards that is not ours, or the outermost one."""
    while _is_ours(frame) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).split(".")[0] in _OURS


def tell_of_interruption(more: str = "") -> None:
    """Warn that Ctrl-C ended the fit. In a worker of an outer call, end that call, too."""
    workers.check()
    warn(INTERRUPTED + more)


def tell_of_plateau(state: State) -> None:
    """Print scikit-learn's words where patience is exhausted: the callback of `verbose`."""
    if not state.plateau or state.descent is None:
        return
    estimator = state.estimator
    what = "Validation score" if estimator.best_loss_ is None else "Training loss"
    if state.plateau == "slower":
        then = f"Setting learning rate to {state.descent.learning_rate:f}"
    elif state.descent.schedule == "adaptive":
        then = "Learning rate too small. Stopping."
    else:
        then = "Stopping."
    print(
        f"{what} did not improve more than tol={estimator.tol:f} for "
        f"{estimator.n_iter_no_change} consecutive epochs. {then}"
    )
