"""Helpers shared by all displays: matplotlib, axes, checks, colours and text."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline

from pynn import checks
from pynn.inspection.colours import palette, strengths
from pynn.inspection.inspected import Inspected
from pynn.network import Network

Array = NDArray[np.float64]

# Places a legend to the right of its axes.
BESIDE = {"loc": "upper left", "bbox_to_anchor": (1.02, 1), "borderaxespad": 0}


def mpl() -> Any:
    """Return the package matplotlib with pyplot loaded.

    Displays import matplotlib through this function, so that pynn works without it.

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says how to install it.
    """
    try:
        import matplotlib.pyplot
    except ImportError as error:
        raise ImportError("displays need matplotlib: pip install matplotlib") from error
    return matplotlib


def axes(ax: Any = None, **new_figure: Any) -> tuple[Any, Any]:
    """Return the figure and the axes to draw on.

    Parameters
    ----------
    ax : matplotlib Axes, optional
        By default a new figure is created.
    **new_figure
        Passed to `matplotlib.pyplot.subplots` for a new figure.

    Returns
    -------
    figure : matplotlib Figure
    ax : matplotlib Axes
    """
    pyplot = mpl().pyplot
    return pyplot.subplots(**new_figure) if ax is None else (ax.figure, ax)


def last_step(estimator: Any, X: Any = None) -> tuple[Any, Any]:
    """Return the last step of a pipeline, and X as the steps before it transform it.

    Any other estimator and its X are returned as they are.
    """
    if not isinstance(estimator, Pipeline):
        return estimator, X
    if X is not None and len(estimator) > 1:
        X = estimator[:-1].transform(X)
    return estimator[-1], X


def network_of(estimator: Any) -> Network:
    """Return the network of an estimator.

    Parameters
    ----------
    estimator : Network, fitted MLPClassifier or MLPRegressor, or a pipeline that ends in one

    Returns
    -------
    Network
        It shares the estimator's parameters.

    Raises
    ------
    TypeError
        If it is another object.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    model, _ = last_step(estimator)
    if not isinstance(model, Inspected):
        raise TypeError(
            "estimator must be a Network, a fitted MLPClassifier or MLPRegressor, or a pipeline "
            f"that ends in one; got {type(model).__name__}"
        )
    return cast(Network, model._inside()[0])


def float_array(name: str, given: Any, *shape: int | str, finite: bool = False) -> Array:
    """Check an argument and return it as an array of float64.

    Parameters
    ----------
    name : str
        Name of the argument in error messages.
    given : array-like
    *shape : int or str
        Expected sizes. A name, such as "n_epochs", stands for any size but 0.
    finite : bool, default=False
        Whether to reject NaN and infinity.

    Raises
    ------
    TypeError, ValueError
        If it is not an array of such numbers and of this shape.
    """
    array = checks.real_array(name, given, np.dtype(np.float64))
    fits = array.ndim == len(shape) and all(
        size > 0 if isinstance(expected, str) else size == expected
        for size, expected in zip(array.shape, shape, strict=True)
    )
    if not fits:
        sizes = ", ".join(map(str, shape)) + "," * (len(shape) == 1)
        raise ValueError(f"{name} must be of shape ({sizes}), got {array.shape}")
    return checks.finite(name, array) if finite else array


def signed_colormap() -> Any:
    """Return a matplotlib colormap for numbers from -1 to 1, in which 0 is transparent."""
    plus, minus, _ = palette()
    opaque_to_clear = [(0.0, minus), (0.5, (minus, 0)), (0.5, (plus, 0)), (1.0, plus)]
    # An odd number of colours gives 0 a colour of its own.
    return mpl().colors.LinearSegmentedColormap.from_list("pynn_signed", opaque_to_clear, N=511)


def signed_norm(scale: float) -> Any:
    """Return a matplotlib norm from -scale to scale, or from -1 to 1 if scale is 0."""
    return mpl().colors.Normalize(-(scale or 1.0), scale or 1.0)


def signed_colours(values: ArrayLike, scale: float, faintest: float = 0.0) -> Array:
    """Return a colour for each number: blue if positive, orange if negative by default.

    Parameters
    ----------
    values : array-like of shape (n,)
        Finite.
    scale : float
        Absolute value with an opacity of 1.
    faintest : float, default=0.0
        Opacity of 0.

    Returns
    -------
    ndarray of shape (n, 4)
        Red, green, blue, opacity.
    """
    signs = np.where(np.asarray(values) < 0, palette().negative, palette().positive)
    colours: Array = mpl().colors.to_rgba_array(signs)
    colours[:, 3] = faintest + (1 - faintest) * strengths(values, scale).clip(max=1)
    return colours


def line_colours(n: int) -> list[Any]:
    """Return n colours from the style's cycle, or from a rainbow if the cycle is shorter."""
    cycle = mpl().rcParams["axes.prop_cycle"].by_key().get("color", [])
    if n <= len(cycle):
        return list(cycle[:n])
    return list(mpl().colormaps["turbo"](np.linspace(0.08, 0.92, n)))


def pale(colours: ArrayLike, background: Any, opacity: ArrayLike) -> Array:
    """Return the opaque colours that transparent ones make on a background.

    Surfaces need them: transparent parts would show the seams between them.

    Parameters
    ----------
    colours : array-like of shape (..., 3)
        Red, green, blue, from 0 to 1.
    background : matplotlib colour
    opacity : float or array-like of shape (..., 1)
        From 0 to 1.
    """
    opacity = np.asarray(opacity, np.float64)
    behind = np.asarray(mpl().colors.to_rgb(background))
    return np.asarray(opacity * np.asarray(colours) + (1 - opacity) * behind)


def text_colour() -> Any:
    """Return the style's text colour as red, green, blue."""
    return mpl().colors.to_rgb(mpl().rcParams["text.color"])


def plain(text: object) -> str:
    """Escape dollars in a name from data, which matplotlib would read as formulas."""
    return str(text).replace("$", r"\$")
