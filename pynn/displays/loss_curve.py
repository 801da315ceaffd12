"""LossCurveDisplay: loss or validation score by epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from pynn import checks
from pynn.displays import learning
from pynn.displays.base import Array, axes, float_array, last_step, line_colours, mpl, text_colour

_SHOWN = {"loss": ("train", "validation"), "score": ("score",)}
_LABELS = {"train": "training", "validation": "validation", "score": "validation"}
_STYLES = {"train": "-", "validation": "--", "score": "-"}  # where each model has one colour
_BEST: dict[str, Any] = {"marker": "o", "markersize": 9, "fillstyle": "none", "linestyle": "none"}


class LossCurveDisplay:
    """Loss, or validation score, of one or several models by epoch.

    Parameters
    ----------
    curves : dict of dict of array-like
        The curves of each model by its name: "train" loss, "validation" loss, validation "score",
        one or more of them, each of shape (n_epochs,). NaN is a gap.
    best_epochs : dict of int, optional
        The epoch, counted from 1, whose weights were kept, by the model's name.
    loss_name, score_name : str, default="loss", "validation score"
        Labels of the y axis.
    step_name : str, default="epoch"
        Label of the x axis.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    lines_ : dict of dict of matplotlib Line2D
        The curves of each model by its name; "best" is the ring around the epoch whose
        weights were kept.
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
            raise ValueError("curves must contain at least one model")
        self.best_epochs = {str(name): epoch for name, epoch in (best_epochs or {}).items()}
        for name, epoch in self.best_epochs.items():
            checks.choice("each name in best_epochs", name, self.curves)
            n_epochs = len(next(iter(self.curves[name].values())))
            if checks.positive_integer("each of best_epochs", epoch) > n_epochs:
                raise ValueError(f"best_epochs: {name!r} has {n_epochs} epochs, got {epoch}")
        self.loss_name, self.score_name, self.step_name = loss_name, score_name, step_name

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, show: str = "loss", log: bool = False, **line: Any
    ) -> Self:
        """Draw the curves that one or several models recorded during training.

        Parameters
        ----------
        estimator : Network, MLPClassifier or MLPRegressor, or dict of them by name
            Trained models, or pipelines that end in one. Curves come from the ``history`` of a
            Network, the ``history_`` of an estimator, or ``loss_curve_`` and ``validation_scores_``
            of scikit-learn's own MLPClassifier and MLPRegressor. If early stopping kept the weights
            of the best score, their epoch is marked.
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
        given = estimator if isinstance(estimator, Mapping) else {"": estimator}
        models = {name: last_step(model)[0] for name, model in given.items()}
        curves = {name: learning.curves_of(model) for name, model in models.items()}
        best = {name: learning.best_epoch(model, curves[name]) for name, model in models.items()}

        def common(name_of: Callable[[Any], str], default: str) -> str:
            names = {name_of(model) for model in models.values()}
            return names.pop() if len(names) == 1 else default

        display = cls(
            curves,
            best_epochs={name: epoch for name, epoch in best.items() if epoch is not None},
            loss_name=common(learning.loss_name, "loss"),
            score_name=common(learning.score_name, "validation score"),
            step_name=common(learning.step_name, "epoch or iteration"),
        )
        return display.plot(ax, show=show, log=log, **line)

    def plot(self, ax: Any = None, *, show: str = "loss", log: bool = False, **line: Any) -> Self:
        """Draw the display.

        One model's curves differ by colour. Several models differ by colour, their curves by style.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; by default those of a new figure.
        show : {"loss", "score"}, default="loss"
            Whether to draw training and validation loss, or the validation score.
        log : bool, default=False
            Whether the scale of losses is logarithmic, which leaves gaps at 0 and below.
        **line
            Passed to `matplotlib.axes.Axes.plot`, such as ``linewidth=1``.

        Returns
        -------
        LossCurveDisplay
            self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If there are no such curves, or log is True for scores.
        """
        kinds = _SHOWN[checks.choice("show", show, _SHOWN)]
        shown = {
            name: {kind: learning.positive(curves[kind], log) for kind in kinds if kind in curves}
            for name, curves in self.curves.items()
        }
        if not any(shown.values()):
            recorded = sorted({kind for curves in self.curves.values() for kind in curves})
            raise ValueError(f"no {show} was recorded, only {', '.join(recorded)}")
        if log and show == "score":
            raise ValueError("log=True is for losses: scores may be negative")
        self.figure_, self.ax_ = axes(ax, layout="constrained")
        self.lines_ = self._draw(shown, line)
        learning.format_axes(self.ax_, self.step_name, log)
        self.ax_.set_ylabel(self.score_name if show == "score" else self.loss_name)
        is_one = len(shown) == 1
        handles, labels = self._legend_of_one() if is_one else self._legend_of_several()
        if is_one or ax is not None:
            self.legend_ = self.ax_.legend(handles, labels)
        else:  # below the axes, clear of all lines
            n_columns = max(1, 72 // (max(map(len, labels)) + 8))
            place = {"loc": "outside lower center", "ncols": n_columns}
            self.legend_ = self.figure_.legend(handles, labels, **place)
        return self

    def _draw(
        self, shown: dict[str, dict[str, Array]], line: dict[str, Any]
    ) -> dict[str, dict[str, Any]]:
        is_one = len(shown) == 1
        colours = line_colours(3 if is_one else len(shown))
        lines: dict[str, dict[str, Any]] = {name: {} for name in shown}
        for i, (name, curves) in enumerate(shown.items()):
            for kind, values in curves.items():
                colour = colours[list(_STYLES).index(kind) if is_one else i]
                look = {"color": colour, "linestyle": "-" if is_one else _STYLES[kind]}
                epochs = np.arange(1.0, len(values) + 1)
                lines[name][kind] = learning.draw_line(self.ax_, epochs, values, **look | line)
            if curves and name in self.best_epochs:
                kind, epoch = list(curves)[-1], self.best_epochs[name]
                value, colour = curves[kind][epoch - 1], lines[name][kind].get_color()
                (lines[name]["best"],) = self.ax_.plot(epoch, value, color=colour, **_BEST)
        return lines

    def _legend_of_one(self) -> tuple[list[Any], list[str]]:
        """Return a handle and a label for each curve."""
        ((name, lines),) = self.lines_.items()
        labels = _LABELS | {"best": f"weights kept, epoch {self.best_epochs.get(name)}"}
        return list(lines.values()), [labels[kind] for kind in lines]

    def _legend_of_several(self) -> tuple[list[Any], list[str]]:
        """Return a handle and a label for each model, then for each style."""
        drawn = {name: lines for name, lines in self.lines_.items() if lines}
        labels = list(drawn)
        looks = [{"color": next(iter(lines.values())).get_color()} for lines in drawn.values()]
        kinds = {kind for lines in drawn.values() for kind in lines}
        if "validation" in kinds:
            labels += [_LABELS[kind] for kind in _SHOWN["loss"]]
            looks += [{"linestyle": _STYLES[kind]} for kind in _SHOWN["loss"]]
        if "best" in kinds:
            labels.append("weights kept")
            looks.append(_BEST)
        neutral = {"color": text_colour()}
        return [mpl().lines.Line2D([], [], **neutral | look) for look in looks], labels


def _checked(name: str, given: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Return the curves of a model as arrays of the same length."""
    if not given:
        raise ValueError(f"curves of {name!r} must contain at least one of {', '.join(_STYLES)}")
    for kind in given:
        checks.choice(f"each of the curves of {name!r}", kind, _STYLES)
    curves = {kind: float_array(f"{kind} of {name!r}", given[kind], "n_epochs") for kind in given}
    lengths = {kind: len(values) for kind, values in curves.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"curves of {name!r} must have the same length, got {lengths}")
    return curves
