"""decision_boundary: scikit-learn's DecisionBoundaryDisplay, also for networks."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import is_classifier
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.utils.validation import check_is_fitted

from pynn.displays.base import (
    BESIDE,
    last_step,
    line_colours,
    mpl,
    pale,
    plain,
    signed_colormap,
    text_colour,
)
from pynn.inspection.colours import palette
from pynn.network import Network
from pynn.training.scoring import as_estimator

_MARKERS = "osD^v<>pP*"


def decision_boundary(
    model: Any, X: Any, y: ArrayLike | None = None, *, ax: Any = None, **kwargs: Any
) -> DecisionBoundaryDisplay:
    """Draw the predictions of a model for two inputs.

    This calls `sklearn.inspection.DecisionBoundaryDisplay.from_estimator` and makes it accept a
    `Network` too. The outputs of a `Network` are classes 0, 1, ..., and the largest output wins. A
    single sigmoid is the probability of class 1. Any other single output is drawn as a number.

    Parameters
    ----------
    model : Network, or fitted classifier or regressor
        A model with two inputs; it may be a pipeline. By default ``predict_proba`` is drawn if the
        model has it.
    X : array-like or dataframe of shape (n_samples, 2)
        The plane extends from the minimum to the maximum of each column, plus a margin of
        ``eps=1.0``.
    y : array-like of shape (n_samples,), optional
        Targets. If given, samples are drawn as points. Targets may also have the shape
        (n_samples, 1), or be one-hot encoded with the shape (n_samples, n_outputs).
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    **kwargs
        Passed to `sklearn.inspection.DecisionBoundaryDisplay.from_estimator`, such as ``eps``,
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
        If an argument is not as described, or the model is a multilabel classifier.

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
    targets = None if y is None else _targets(y, classes, X.shape[0])
    background = mpl().rcParams["axes.facecolor"] if ax is None else ax.get_facecolor()
    if not hasattr(X, "columns"):
        kwargs = {"xlabel": "input 1", "ylabel": "input 2"} | kwargs
    has_own_colours = "multiclass_colors" in kwargs
    if classes is not None:
        has_probabilities = hasattr(estimator, "predict_proba")
        kwargs.setdefault("response_method", "predict_proba" if has_probabilities else "predict")
        kwargs = _colours(len(classes), kwargs, background) | kwargs
    display = DecisionBoundaryDisplay.from_estimator(estimator, X, ax=ax, **kwargs)
    if ax is None:
        display.figure_.set_layout_engine("constrained")
    if classes is None:
        display.figure_.colorbar(display.surface_, ax=display.ax_, label="output")
    elif (
        len(classes) == 2
        and kwargs["response_method"] in ("predict", "predict_proba")
        and display.response.min() < 0.5 < display.response.max()
    ):
        plane = display.xx0, display.xx1, display.response
        display.ax_.contour(*plane, levels=[0.5], colors=[text_colour()])
    if targets is not None:
        _draw_samples(display, np.asarray(X), targets, classes, has_own_colours)
    return display


def _colours(n_classes: int, given: dict[str, Any], background: Any) -> dict[str, Any]:
    """Return arguments for surfaces in paler colours than the samples have."""
    colors = mpl().colors
    if n_classes > 2 and given.get("class_of_interest") is None:
        opaque = [colors.to_rgb(colour) for colour in line_colours(n_classes)]
        look: dict[str, Any] = {"multiclass_colors": list(map(tuple, pale(opaque, "white", 0.6)))}
        # Filled contours would cut each class's probability into bands.
        smooth = {"plot_method": "pcolormesh", "grid_resolution": 300, "rasterized": True}
        is_banded = "plot_method" in given or "levels" in given
        return look if is_banded or given["response_method"] == "predict" else look | smooth
    if {"cmap", "colors"} & given.keys():
        return {}
    shades = signed_colormap()(np.linspace(0, 1, 511))
    cmap = colors.ListedColormap(pale(shades[:, :3], background, 0.6 * shades[:, 3:]))
    look = {"cmap": cmap, "vmin": 0.0, "vmax": 1.0}
    # An odd number of bands, so that the one around 0.5 is undecided
    is_smooth = given.get("plot_method") == "pcolormesh" or "levels" in given
    return look if is_smooth else look | {"levels": np.linspace(0, 1, 12)}


def _draw_samples(
    display: DecisionBoundaryDisplay,
    X: NDArray[Any],
    targets: NDArray[Any],
    classes: Any,
    has_own_colours: bool,
) -> None:
    """Draw samples as points, in the colours of their classes or of their targets."""
    # scikit-learn mixes the colours of three classes or more with white in every style.
    is_on_white = hasattr(display, "multiclass_colors_")
    edge = {"edgecolors": "black" if is_on_white else text_colour(), "linewidths": 0.7}
    if classes is None:
        look = {"cmap": display.surface_.cmap, "norm": display.surface_.norm}
        display.ax_.scatter(*X.T, c=targets, **look, **edge)
        return
    plus, minus, _ = palette()
    colours: Any = [minus, plus] if len(classes) == 2 else line_colours(len(classes))
    if has_own_colours and is_on_white:
        colours = display.multiclass_colors_
    points = [
        display.ax_.scatter(*X[targets == name].T, color=colour, marker=marker, **edge)
        for name, colour, marker in zip(classes, colours, cycle(_MARKERS), strict=False)
    ]
    names = [plain(name) for name in classes]  # a label that begins with _ would be hidden
    display.ax_.legend(points, names, title="class", **BESIDE)


# ---- Models as scikit-learn's display takes them -------------------------------------------------


def _as_estimator(model: Any) -> Any:
    if isinstance(model, Network):
        n_outputs, activation = model.layer_sizes[-1], model.activations[-1]
        classifies = model.classes is not None or n_outputs > 1 or activation == "sigmoid"
        is_binary = model.classes is None and model.cost_function == "binary_cross_entropy"
        found, is_multilabel = as_estimator(model, classifies), is_binary and n_outputs > 1
    else:
        check_is_fitted(model)
        found = model
        last, _ = last_step(model)
        is_multilabel = getattr(last, "out_activation_", "") == "logistic" and last.n_outputs_ > 1
    if is_multilabel:
        raise ValueError("decision_boundary cannot draw a multilabel classifier")
    return found


def _targets(y: ArrayLike, classes: Any, n_samples: int) -> NDArray[Any]:
    """Return the target of each sample, a class or a number."""
    targets = np.asarray(y)
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    elif targets.ndim == 2 and classes is not None and targets.shape[1] == len(classes):
        targets = classes[targets.argmax(axis=1)]
    if targets.shape != (n_samples,):
        raise ValueError(f"y must be of shape ({n_samples},), got {np.shape(y)}")
    if classes is not None and (unknown := set(targets.tolist()) - set(classes.tolist())):
        raise ValueError(f"y must hold classes of the model, {classes}; got {unknown}")
    return targets
