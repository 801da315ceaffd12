"""Record: what comes of each epoch, kept in an estimator's fitted attributes; and when to stop.

Rules and numbers are scikit-learn's wherever scikit-learn has them.
"""

from __future__ import annotations

import math
from typing import Any

__all__ = ["Record", "add_epoch", "cut_to_whole_epochs"]


def add_epoch(history: dict[str, list[float]], figures: dict[str, float]) -> None:
    """Add an epoch to lists that stay of one length; a figure that it has not is NaN there."""
    if history.keys() != figures.keys():
        n = max(map(len, history.values()), default=0)
        for name in figures.keys() - history.keys():
            history[name] = [math.nan] * n
        figures = dict.fromkeys(history, math.nan) | figures
    for name, value in figures.items():
        history[name].append(value)


def cut_to_whole_epochs(lists: list[tuple[list[float], int]]) -> int:
    """Forget an epoch that only some of the lists have; return how many there are.

    With each list comes how many figures it had before the first of these epochs.
    """
    n = min((len(values) - before for values, before in lists), default=0)
    for values, before in lists:
        del values[before + n :]
    return n


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
        self._lengths = (
            len(estimator.loss_curve_),
            len(getattr(estimator, "validation_scores_", None) or ()),
        )

    def add(self, n_rows: int, figures: dict[str, float]) -> bool:
        """Take down an epoch over so many rows; return whether its score is the best until now."""
        estimator, loss = self.estimator, figures["loss"]
        add_epoch(estimator.history_, figures)
        estimator.loss_curve_.append(loss)
        estimator.n_iter_ += 1
        estimator.t_ += n_rows
        estimator.loss_ = loss
        if self.by_score:
            return self._judge(figures["val_score"])
        self._count_if(loss > estimator.best_loss_ - estimator.tol)
        estimator.best_loss_ = min(estimator.best_loss_, loss)
        return False

    def interrupted(self) -> None:
        """See to it that an epoch was taken down as a whole or not at all."""
        estimator, (n_epochs, n_scores) = self.estimator, self._lengths
        lists = [(values, n_epochs) for values in estimator.history_.values()]
        lists.append((estimator.loss_curve_, n_epochs))
        if self.by_score:
            lists.append((estimator.validation_scores_, n_scores))
        estimator.n_iter_ = cut_to_whole_epochs(lists)

    def _judge(self, score: float) -> bool:
        estimator = self.estimator
        estimator.validation_scores_.append(score)
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
