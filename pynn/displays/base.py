"""What all displays share: matplotlib where it is installed, axes, colours, the network to draw."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn.inspection.colours import NEGATIVE, POSITIVE, strengths
from pynn.inspection.inspected import Inspected
from pynn.network import Network

__all__ = [
    "axes",
    "line_colours",
    "network_of",
    "pale",
    "plain",
    "pyplot",
    "sequential_colours",
    "signed_colormap",
    "signed_colours",
    "signed_norm",
    "text_colour",
]


def pyplot() -> Any:
    """Return matplotlib.pyplot, or raise ImportError that says how to install it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError('displays need matplotlib: pip install "pynn-learn[plots]"') from error
    return pyplot


def axes(ax: Any = None, **new_figure: Any) -> tuple[Any, Any]:
    """Return figure and axes to draw on: those given, or new ones.

    Parameters
    ----------
    ax : matplotlib Axes, optional
    **new_figure
        For `matplotlib.pyplot.subplots`, where ax is None.

    Returns
    -------
    figure : matplotlib Figure
    ax : matplotlib Axes
    """
    if ax is None:
        figure, ax = pyplot().subplots(**new_figure)
        return figure, ax
    return ax.figure, ax


def network_of(estimator: Any) -> Network:
    """Return the network inside what displays take as estimator.

    Parameters
    ----------
    estimator : Network, or fitted MLPClassifier or MLPRegressor

    Returns
    -------
    Network
        It computes with the estimator's own parameters, not with copies.

    Raises
    ------
    TypeError
        If it is something else.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    if not isinstance(estimator, Inspected):
        raise TypeError(
            "estimator must be a Network, or a fitted MLPClassifier or MLPRegressor (of a pipeline "
            f"its last step); got {type(estimator).__name__}"
        )
    return cast(Network, estimator._inside()[0])


def signed_colormap() -> Any:
    """Return the colours of numbers from -1 to 1 for matplotlib; 0 is transparent."""
    from matplotlib.colors import LinearSegmentedColormap

    below, above = _rgb(NEGATIVE), _rgb(POSITIVE)
    places = [(0.0, (*below, 1)), (0.5, (*below, 0)), (0.5, (*above, 0)), (1.0, (*above, 1))]
    # An odd number, so that one of them is 0's.
    return LinearSegmentedColormap.from_list("pynn_signed", places, N=511)


def signed_norm(scale: float) -> Any:
    """Return what maps numbers from -scale to scale on `signed_colormap`, all of them 0 if it is.

    Parameters
    ----------
    scale : float
        Not negative; such as `pynn.inspection.colours.largest` finds.
    """
    from matplotlib.colors import Normalize

    limit = scale or 1.0
    return Normalize(-limit, limit)


def signed_colours(values: ArrayLike, scale: float, faintest: float = 0.0) -> NDArray[np.float64]:
    """Return the colour of each number, for lines and markers that have to be seen.

    Parameters
    ----------
    values : array-like of shape (...)
        Finite.
    scale : float
        The size that has the full colour.
    faintest : float, default=0.0
        Opacity of 0, from 0 to 1.

    Returns
    -------
    ndarray of shape (..., 4)
        Red, green, blue, opacity.
    """
    numbers = np.asarray(values, np.float64)
    colours = np.empty((*numbers.shape, 4))
    colours[..., :3] = np.where((numbers < 0)[..., None], _rgb(NEGATIVE), _rgb(POSITIVE))
    colours[..., 3] = faintest + (1 - faintest) * strengths(numbers, scale).clip(max=1)
    return colours


def line_colours(n: int) -> list[Any]:
    """Return colours for n lines: those of the style, or a rainbow where it has too few."""
    cycle = pyplot().rcParams["axes.prop_cycle"].by_key().get("color", [])
    if n <= len(cycle):
        return list(cycle[:n])
    return list(pyplot().colormaps["turbo"](np.linspace(0.08, 0.92, n)))


def sequential_colours(n: int) -> list[Any]:
    """Return n colours in an order that is seen, each of which stands out from the background."""
    from matplotlib.colors import to_rgb

    is_dark = np.mean(to_rgb(pyplot().rcParams["axes.facecolor"])) < 0.5
    first, last = (0.3, 1.0) if is_dark else (0.0, 0.8)
    return list(pyplot().colormaps["viridis"](np.linspace(first, last, n)))


def pale(colours: ArrayLike, behind: Any, strength: ArrayLike) -> NDArray[np.float64]:
    """Return opaque colours (..., 3) that look as these do when that is seen through them.

    Surfaces of transparent ones would show the seams between their parts.

    Parameters
    ----------
    colours : array-like of shape (..., 3)
        Red, green, blue, from 0 to 1.
    behind : matplotlib colour
    strength : float or array-like of shape (..., 1)
        Opacity, from 0 to 1.
    """
    from matplotlib.colors import to_rgb

    share = np.asarray(strength, np.float64)
    return np.asarray(share * np.asarray(colours) + (1 - share) * np.asarray(to_rgb(behind)))


def plain(text: object) -> str:
    """Return a name that comes from data so that matplotlib takes no dollar in it for formulas."""
    return str(text).replace("$", r"\$")


def text_colour() -> tuple[float, ...]:
    """Return the style's colour of text, which what has no sign is drawn in too."""
    from matplotlib.colors import to_rgb

    return to_rgb(pyplot().rcParams["text.color"])


def _rgb(hexadecimal: str) -> tuple[float, ...]:
    return tuple(int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5))
