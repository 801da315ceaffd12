"""decision_boundary: what a model answers all over a plane of two inputs, by scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.utils import _safe_indexing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from pynn.displays.base import line_colours, pale, plain, pyplot, signed_colormap
from pynn.inspection.colours import NEGATIVE, POSITIVE
from pynn.network import Network

__all__ = ["decision_boundary"]

_MARKERS = "osD^v<>pP*"


def decision_boundary(
    model: Any, X: Any, y: ArrayLike | None = None, *, ax: Any = None, **kwargs: Any
) -> DecisionBoundaryDisplay:
    """Draw where in a plane of two inputs a model answers what.

    This is `sklearn.inspection.DecisionBoundaryDisplay.from_estimator`, which takes estimators as
    they are, for a `Network` too. The outputs of a `Network` are classes, counted from 0, of which
    the largest wins; a single sigmoid tells class 1 from class 0 at 0.5; any other single output is
    a number, and drawn as that.

    Parameters
    ----------
    model : Network, or fitted classifier or regressor
        Of two inputs; a pipeline too. Where there is ``predict_proba``, it is what is drawn.
    X : array-like or dataframe of shape (n_rows, 2)
        The plane reaches from the least to the largest of each column, and ``eps=1.0`` beyond.
    y : array-like of shape (n_rows,), optional
        What the answers should be: rows are then drawn as points. Also (n_rows, 1), or 0s and 1s of
        shape (n_rows, n_outputs).
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    **kwargs
        For `sklearn.inspection.DecisionBoundaryDisplay.from_estimator`, such as ``eps``,
        ``grid_resolution``, ``response_method``, ``plot_method``, ``cmap``,
        ``multiclass_colors``.

    Returns
    -------
    sklearn.inspection.DecisionBoundaryDisplay

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError
        If an argument is not as described, or model tells several labels apart at once.

    Examples
    --------
    Two moons, after a tutorial by D. Britz ("Implementing a Neural Network from Scratch", 2015):

    >>> import pynn
    >>> from pynn.displays import decision_boundary
    >>> from sklearn.datasets import make_moons
    >>> X, y = make_moons(200, noise=0.2, random_state=0)
    >>> net = pynn.Network([2, 3, 2], activation="tanh", output_activation="softmax",
    ...                    cost="cross_entropy", random_state=0)
    >>> display = decision_boundary(net.fit(X, y, epochs=100), X, y, eps=0.5)
    >>> display.response.shape  # the probability of class 1
    (100, 100)
    """
    estimator = _as_estimator(model)
    X = X if hasattr(X, "shape") else np.asarray(X)
    classes = estimator.classes_ if is_classifier(estimator) else None
    rows = None if y is None else _targets(y, classes, X.shape[0])
    behind = pyplot().rcParams["axes.facecolor"] if ax is None else ax.get_facecolor()
    own_colours = kwargs.get("multiclass_colors") is not None
    if classes is not None:
        by_probability = hasattr(estimator, "predict_proba")
        kwargs.setdefault("response_method", "predict_proba" if by_probability else "predict")
        kwargs = _colours(classes, kwargs, behind) | kwargs
    display = DecisionBoundaryDisplay.from_estimator(estimator, X, ax=ax, **kwargs)
    own_figure, ax = ax is None, display.ax_
    if own_figure:
        display.figure_.set_layout_engine("constrained")
    if not hasattr(X, "columns"):
        ax.set(xlabel=kwargs.get("xlabel", "input 1"), ylabel=kwargs.get("ylabel", "input 2"))
    if classes is None:
        display.figure_.colorbar(display.surface_, ax=ax, label="output")
    elif len(classes) == 2 and kwargs["response_method"] in ("predict", "predict_proba"):
        _draw_line(display)
    if rows is not None:
        _draw_rows(display, X, rows, classes, own_colours, own_figure)
    return display


def _colours(classes: Any, given: dict[str, Any], behind: Any) -> dict[str, Any]:
    """Paler ones than the rows have: from red to green, where two classes are told apart."""
    from matplotlib.colors import ListedColormap, to_rgb

    if len(classes) > 2 and given.get("class_of_interest") is None:
        return {
            "multiclass_colors": [
                tuple(pale(to_rgb(c), "white", 0.6)) for c in line_colours(len(classes))
            ]
        }
    if {"cmap", "colors"} & given.keys():
        return {}
    shades = signed_colormap()(np.linspace(0, 1, 511))
    opaque = pale(shades[:, :3], behind, 0.6 * shades[:, 3:])
    look = {"cmap": ListedColormap(opaque), "vmin": 0.0, "vmax": 1.0}
    # An odd number of bands, so that one of them is undecided
    is_smooth = given.get("plot_method") == "pcolormesh" or "levels" in given
    return look if is_smooth else look | {"levels": np.linspace(0, 1, 12)}


def _draw_line(display: DecisionBoundaryDisplay) -> None:
    """Draw where two classes are equally probable, if that is anywhere."""
    if display.response.min() < 0.5 < display.response.max():
        plane = display.xx0, display.xx1, display.response
        display.ax_.contour(*plane, levels=[0.5], colors=[pyplot().rcParams["text.color"]])


def _draw_rows(
    display: DecisionBoundaryDisplay,
    X: Any,
    y: NDArray[Any],
    classes: Any,
    own_colours: bool,
    own_figure: bool,
) -> None:
    """Draw rows as points: of each class in its colour, or of the colour of their number."""
    first, second = (_safe_indexing(X, i, axis=1) for i in (0, 1))
    # scikit-learn's colours of three classes or more fade to white on dark backgrounds, too.
    is_on_white = hasattr(display, "multiclass_colors_")
    edge_colour = "black" if is_on_white else pyplot().rcParams["text.color"]
    edge = {"edgecolors": edge_colour, "linewidths": 0.7}
    if classes is None:
        surface = display.surface_
        display.ax_.scatter(first, second, c=y, cmap=surface.cmap, norm=surface.norm, **edge)
        return
    colours: Any = [NEGATIVE, POSITIVE] if len(classes) == 2 else line_colours(len(classes))
    if own_colours and is_on_white:
        colours = display.multiclass_colors_
    points = []
    for i, name in enumerate(classes):
        there = np.flatnonzero(y == name)
        look = {"color": colours[i], "marker": _MARKERS[i % len(_MARKERS)]}
        places = _safe_indexing(first, there), _safe_indexing(second, there)
        points.append(display.ax_.scatter(*places, **look | edge))
    aside = {"loc": "upper left", "bbox_to_anchor": (1.02, 1), "borderaxespad": 0}
    names = [plain(name) for name in classes]  # not as labels: those that begin with _ are hidden
    display.ax_.legend(points, names, title="class", **aside if own_figure else {})


# ---- What scikit-learn draws -----------------------------------------------------------------


def _as_estimator(model: Any) -> Any:
    if isinstance(model, Network):
        is_number = model.layer_sizes[-1] == 1 and model.activations[-1] != "sigmoid"
        return _Number(model) if is_number else _Classes(model)
    check_is_fitted(model)
    if getattr(model, "out_activation_", "") == "logistic" and model.n_outputs_ > 1:
        raise ValueError("several labels at once have no boundary between them")
    return model


class _Seen(BaseEstimator):  # type: ignore[misc]
    """A network as scikit-learn sees estimators."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def fit(self, X: ArrayLike, y: ArrayLike) -> Any:
        """Train the network."""
        self.network.fit(X, y)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True


class _Number(RegressorMixin, _Seen):  # type: ignore[misc]
    """A network whose one output is a number."""

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Give the output of each row, (n_rows,)."""
        return self.network.predict(X)[:, 0]


class _Classes(ClassifierMixin, _Seen):  # type: ignore[misc]
    """A network whose outputs are classes."""

    @property
    def classes_(self) -> NDArray[Any]:
        """Numbers of the classes."""
        return np.arange(max(2, self.network.layer_sizes[-1]))

    def _gives_probabilities(self) -> bool:
        return self.network.layer_sizes[-1] == 1 or self.network.activations[-1] == "softmax"

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Give the probability of each class, (n_rows, n_classes)."""
        out = self.network.predict(X)
        return np.concatenate((1 - out, out), axis=1) if out.shape[1] == 1 else out

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Give the class of each row, (n_rows,)."""
        out = self.network.predict(X)
        return (out[:, 0] > 0.5).astype(int) if out.shape[1] == 1 else out.argmax(axis=1)


def _targets(y: ArrayLike, classes: Any, n_rows: int) -> NDArray[Any]:
    """Return one target for each row: a class, or a number."""
    targets = np.asarray(y)
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    elif targets.ndim == 2 and classes is not None and targets.shape[1] == len(classes):
        targets = classes[targets.argmax(axis=1)]
    if targets.shape != (n_rows,):
        raise ValueError(f"y must be of shape ({n_rows},), one for each row, got {np.shape(y)}")
    if classes is not None and (unknown := set(targets.tolist()) - set(classes.tolist())):
        raise ValueError(f"y must hold classes of the model, {classes}; got {unknown}")
    return targets
