"""Record: what comes of each epoch, kept in an estimator's fitted attributes; and when to stop.

Rules and numbers are scikit-learn's wherever scikit-learn has them.
"""

from __future__ import annotations

import math
from typing import Any

__all__ = ["Record", "add_epoch"]


def add_epoch(history: dict[str, list[float]], figures: dict[str, float]) -> None:
    """Add an epoch to lists that stay of one length; a figure that it has not is NaN there."""
    n = max(map(len, history.values()), default=0)
    try:
        for name in figures:
            if name not in history:
                history[name] = [math.nan] * n
        for name, values in history.items():
            values.append(figures.get(name, math.nan))
    except KeyboardInterrupt:  # an epoch is taken down as a whole or not at all
        for values in history.values():
            del values[n:]
        raise


class Record:
    """Figures of each epoch of one fit; a fit that goes on adds to those of the last.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Whose attributes ``n_iter_``, ``t_``, ``loss_``, ``loss_curve_``, ``history_``,
        ``best_loss_``, ``validation_scores_`` and ``best_validation_score_`` it keeps.
    by_score : bool
        Whether the validation score decides when to stop, instead of the training loss.
    """

    def __init__(self, estimator: Any, by_score: bool) -> None:
        self.estimator, self.by_score = estimator, by_score
        estimator.n_iter_ = 0
        if not hasattr(estimator, "loss_curve_"):
            estimator.loss_curve_ = []
            estimator.best_loss_ = estimator.best_validation_score_ = None
        if not hasattr(estimator, "history_"):
            estimator.history_ = {}
        if by_score and estimator.best_validation_score_ is None:
            estimator.validation_scores_, estimator.best_validation_score_ = [], -math.inf
            estimator.best_loss_, estimator._no_improvement_count = None, 0
        elif not by_score and estimator.best_loss_ is None:
            estimator.validation_scores_ = estimator.best_validation_score_ = None
            estimator.best_loss_, estimator._no_improvement_count = math.inf, 0

    def add(self, n_rows: int, figures: dict[str, float]) -> bool:
        """Take down an epoch over so many rows; return whether its score is the best until now."""
        estimator, loss = self.estimator, figures["loss"]
        lists = [estimator.loss_curve_, *([estimator.validation_scores_] if self.by_score else [])]
        lengths = list(map(len, lists))
        try:
            lists[0].append(loss)
            if self.by_score:
                lists[1].append(figures["val_score"])
            add_epoch(estimator.history_, figures)
        except KeyboardInterrupt:
            for values, n in zip(lists, lengths, strict=True):
                del values[n:]
            raise
        estimator.n_iter_ += 1
        estimator.t_ += n_rows
        estimator.loss_ = loss
        if self.by_score:
            return self._judge(figures["val_score"])
        self._count_if(loss > estimator.best_loss_ - estimator.tol)
        estimator.best_loss_ = min(estimator.best_loss_, loss)
        return False

    def _judge(self, score: float) -> bool:
        estimator = self.estimator
        # NaN is no progress; scikit-learn takes it for some.
        self._count_if(not score >= estimator.best_validation_score_ + estimator.tol)
        is_best = score > estimator.best_validation_score_
        if is_best:
            estimator.best_validation_score_ = score
        return bool(is_best)

    def _count_if(self, stalled: bool) -> None:
        count = self.estimator._no_improvement_count + 1 if stalled else 0
        self.estimator._no_improvement_count = count

    @property
    def stalls(self) -> bool:
        """Whether there was no progress for longer than is borne with."""
        return bool(self.estimator._no_improvement_count > self.estimator.n_iter_no_change)

    def be_patient(self) -> None:
        """Start counting epochs without progress anew."""
        self.estimator._no_improvement_count = 0
