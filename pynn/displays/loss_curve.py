"""LossCurveDisplay: loss and validation score from epoch to epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.displays.base import axes, line_colours, pyplot
from pynn.displays.epochs import draw_line, label_epochs
from pynn.displays.records import (
    best_epoch,
    common,
    curves_of,
    loss_name,
    score_name,
    step_name,
)

__all__ = ["LossCurveDisplay"]

Array = NDArray[np.float64]

_SHOWN = {"loss": ("train", "validation"), "score": ("score",)}
_WORDS = {"train": "training", "validation": "validation", "score": "validation"}
_STYLES: dict[str, Any] = {
    "train": "-",
    "validation": "--",
    "score": "-",
}  # where colours tell models apart
_BEST: dict[str, Any] = {"marker": "o", "markersize": 9, "fillstyle": "none", "linestyle": "none"}


class LossCurveDisplay:
    """Loss, or validation score, of one or several models from epoch to epoch.

    Parameters
    ----------
    curves : dict of dict of array-like
        By a model's name its curves: "train" and "validation" loss, validation "score", one or more
        of them, each of shape (n_epochs,). NaN is a gap.
    best_epochs : dict of int, optional
        By a model's name the epoch, counted from 1, whose weights were kept.
    loss_name, score_name : str, default="loss", "validation score"
        What the y axis says.
    step_name : str, default="epoch"
        What the x axis says.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    lines_ : dict of dict of matplotlib Line2D
        By model its curves, and "best" for the mark of the best epoch.
    legend_ : matplotlib Legend

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> from pynn.displays import LossCurveDisplay
    >>> curves = {"train": [1.0, 0.5, 0.3], "validation": [1.1, 0.7, 0.8]}
    >>> display = LossCurveDisplay({"small": curves}, best_epochs={"small": 2}).plot(log=True)
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('epoch', 'loss')
    """

    def __init__(
        self,
        curves: Mapping[str, Mapping[str, ArrayLike]],
        *,
        best_epochs: Mapping[str, int] | None = None,
        loss_name: str = "loss",
        score_name: str = "validation score",
        step_name: str = "epoch",
    ) -> None:
        self.curves = {str(name): _checked(str(name), given) for name, given in curves.items()}
        if not self.curves:
            raise ValueError("curves must hold those of at least one model")
        self.best_epochs = {str(name): epoch for name, epoch in (best_epochs or {}).items()}
        for name, epoch in self.best_epochs.items():
            checks.choice("each name in best_epochs", name, self.curves)
            n_epochs = len(next(iter(self.curves[name].values())))
            if checks.positive_integer("each of best_epochs", epoch) > n_epochs:
                raise ValueError(f"best_epochs: {name!r} has {n_epochs} epochs, got {epoch}")
        self.loss_name, self.score_name, self.step_name = loss_name, score_name, step_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: Any = None,
        show: str = "loss",
        log: bool = False,
        **line: Any,
    ) -> Self:
        """Draw what one or several models recorded while they were trained.

        Parameters
        ----------
        estimator : Network, MLPClassifier or MLPRegressor, or dict of them by name
            Trained: curves come from ``history`` of a Network, ``history_`` of an estimator, and of
            scikit-learn's own perceptrons from ``loss_curve_`` and ``validation_scores_``. Where
            early stopping kept the weights of the best score, their epoch is marked.
        ax, show, log, **line
            See `plot`.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        TypeError, ValueError
            If nothing was recorded, or an argument is not as described.
        sklearn.exceptions.NotFittedError
            If an estimator is not fitted.

        Examples
        --------
        >>> import pynn
        >>> from pynn.displays import LossCurveDisplay
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> few, many = (pynn.MLPClassifier(units, random_state=0, max_iter=1000, tol=1e-3)
        ...              for units in [(5,), (50,)])
        >>> models = {"5 units": few.fit(X, y), "50 units": many.fit(X, y)}
        >>> LossCurveDisplay.from_estimator(models, log=True).ax_.get_ylabel()
        'loss (cross-entropy)'
        """
        models = dict(estimator) if isinstance(estimator, Mapping) else {"": estimator}
        curves = {name: curves_of(model) for name, model in models.items()}
        best = {name: best_epoch(model, curves[name]) for name, model in models.items()}
        display = cls(
            curves,
            best_epochs={name: epoch for name, epoch in best.items() if epoch is not None},
            loss_name=common(map(loss_name, models.values()), "loss"),
            score_name=common(map(score_name, models.values()), "validation score"),
            step_name=common(map(step_name, models.values()), "epoch or iteration"),
        )
        return display.plot(ax, show=show, log=log, **line)

    def plot(self, ax: Any = None, *, show: str = "loss", log: bool = False, **line: Any) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        show : {"loss", "score"}, default="loss"
            Training and validation loss, or validation score.
        log : bool, default=False
            Whether losses are on a logarithmic scale, where one of 0 or less is a gap.
        **line
            For `matplotlib.axes.Axes.plot`, such as ``linewidth=1``.

        Returns
        -------
        LossCurveDisplay
            self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If there are no such curves, or scores are to be on a logarithmic scale.
        """
        kinds = _SHOWN[checks.choice("show", show, _SHOWN)]
        shown = {
            name: {kind: _shown(curves[kind], log) for kind in kinds if kind in curves}
            for name, curves in self.curves.items()
        }
        if not any(shown.values()):
            raise ValueError(f"there is no {show} to show: nothing was recorded but {self._has()}")
        if log and show == "score":
            raise ValueError("log=True is for losses: scores may be negative")
        own_figure = ax is None
        self.figure_, self.ax_ = axes(ax, layout="constrained")
        self.lines_ = self._draw(shown, line)
        if log:
            self.ax_.set_yscale("log")
        label_epochs(self.ax_, self.step_name)
        self.ax_.set_ylabel(self.score_name if show == "score" else self.loss_name)
        self._add_legend(own_figure)
        return self

    def _has(self) -> str:
        return ", ".join(sorted({kind for curves in self.curves.values() for kind in curves}))

    def _draw(
        self, shown: dict[str, dict[str, Array]], line: dict[str, Any]
    ) -> dict[str, dict[str, Any]]:
        """Tell one model's curves apart by colours; several models by colours, curves by styles."""
        one = len(shown) == 1
        colours = line_colours(3 if one else len(shown))
        lines: dict[str, dict[str, Any]] = {name: {} for name in shown}
        for i, (name, curves) in enumerate(shown.items()):
            for kind, values in curves.items():
                look: dict[str, Any] = {
                    "color": colours[list(_STYLES).index(kind) if one else i],
                    "linestyle": "-" if one else _STYLES[kind],
                }
                epochs = 1 + np.arange(len(values))
                lines[name][kind] = draw_line(self.ax_, epochs, values, **look | line)
            if curves and name in self.best_epochs:
                kind, epoch = list(curves)[-1], self.best_epochs[name]
                (lines[name]["best"],) = self.ax_.plot(
                    epoch,
                    curves[kind][epoch - 1],
                    color=lines[name][kind].get_color(),
                    **_BEST,
                )
        return lines

    def _add_legend(self, own_figure: bool) -> None:
        """Name what there is; several models below a figure of their own, clear of all lines."""
        from matplotlib.lines import Line2D

        ((_, first), *others) = self.lines_.items()
        if not others:
            handles = list(first.values())
            labels = [_WORDS.get(kind, "") for kind in first]
            if "best" in first:
                labels[-1] = f"best epoch, {first['best'].get_xdata()[0]}"
            self.legend_ = self.ax_.legend(handles, labels)
            return
        drawn = {name: lines for name, lines in self.lines_.items() if lines}
        colours = [next(iter(lines.values())).get_color() for lines in drawn.values()]
        handles = [Line2D([], [], color=colour) for colour in colours]
        labels = list(drawn)
        grey = pyplot().rcParams["text.color"]
        kinds = {kind for lines in drawn.values() for kind in lines}
        if "validation" in kinds:
            for kind in ("train", "validation"):
                handles.append(Line2D([], [], color=grey, linestyle=_STYLES[kind]))
                labels.append(_WORDS[kind])
        if "best" in kinds:
            handles.append(Line2D([], [], color=grey, **_BEST))
            labels.append("best epoch")
        if own_figure:
            columns = max(1, 72 // (max(map(len, labels)) + 8))
            place = {"loc": "outside lower center", "ncols": columns}
            self.legend_ = self.figure_.legend(handles, labels, **place)
        else:
            self.legend_ = self.ax_.legend(handles, labels)


def _shown(values: Array, log: bool) -> Array:
    """Return a curve with gaps where a logarithmic scale has no place for it."""
    return np.where(values > 0, values, np.nan) if log else values


def _checked(name: str, given: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Return a model's curves as arrays of one length."""
    if not given:
        raise ValueError(f"curves of {name!r} must be one of {', '.join(_STYLES)} at least")
    curves = {}
    for kind in given:
        checks.choice(f"each of the curves of {name!r}", kind, _STYLES)
        values = checks.real_array(f"{kind} of {name!r}", given[kind], np.dtype(np.float64))
        if values.ndim != 1 or not len(values):
            raise ValueError(f"{kind} of {name!r} must be of shape (n_epochs,), got {values.shape}")
        curves[kind] = values
    lengths = {kind: len(values) for kind, values in curves.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"curves of {name!r} must be of one length, got {lengths}")
    return curves
