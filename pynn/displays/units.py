"""Helpers shared by displays of units: names, activations for one sample, grids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.displays.base import (
    Array,
    last_step,
    mpl,
    network_of,
    plain,
    signed_colormap,
    signed_norm,
    text_colour,
)
from pynn.inspection.diagram import Line
from pynn.network import Network


def pass_of(estimator: Any, X: Any, row: int) -> tuple[list[NDArray[Any]], str]:
    """Send one sample through a network.

    Parameters
    ----------
    estimator : Network, fitted MLPClassifier or MLPRegressor, or a pipeline that ends in one
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_inputs)
    row : int
        From -n_samples to n_samples - 1.

    Returns
    -------
    activations : list of ndarray of shape (n_units,)
        One array per layer, the input first.
    prediction : str
        The prediction in words; empty if there are several outputs that are not classes.
    """
    network_of(estimator)
    X = X if getattr(X, "shape", ()) else np.atleast_1d(X)
    i = checks.index("row", row, X.shape[0])
    sample = X.iloc[[i]] if hasattr(X, "iloc") else X[i : i + 1]
    estimator, sample = last_step(estimator, sample)
    network, checked, _ = estimator._inside(sample)
    depths = range(1, len(network.layer_sizes))
    layers = [network._predict(checked, n_layers=depth)[0] for depth in depths]
    inputs = checked.toarray() if checks.is_sparse(checked) else checked
    inputs = network._embedded(checked) if network.embeddings else inputs
    prediction = _prediction(estimator, network, sample, layers[-1])
    return [np.asarray(inputs, network.dtype)[0], *layers], prediction


def _prediction(estimator: Any, network: Network, sample: Any, output: NDArray[Any]) -> str:
    if hasattr(estimator, "classes_"):
        predicted = estimator.predict(sample)[0]
        if np.ndim(predicted):  # multilabel
            labels = estimator.classes_[np.asarray(predicted, bool)]
            return f"predicted: {', '.join(map(plain, labels)) or 'none of the labels'}"
        probability = output.max() if len(output) > 1 else max(output[0], 1 - output[0])
        return f"predicted: {plain(predicted)} ({probability:.1%})"
    if network.activations[-1] == "softmax":
        return f"predicted: class {output.argmax()} ({output.max():.1%})"
    return f"predicted: {output[0]:.4g}" if len(output) == 1 else ""


def input_names(estimator: Any) -> list[str] | None:
    """Return the names of a network's inputs, or None.

    They are the features that an estimator was fitted with; in a pipeline, the names that its other
    steps give to their outputs.
    """
    model, _ = last_step(estimator)
    names = getattr(model, "feature_names_in_", None)
    if names is None and hasattr(estimator, "feature_names_in_"):  # of a pipeline
        try:
            names = estimator[:-1].get_feature_names_out()
        except AttributeError:  # a step cannot name its features
            return None
    return None if names is None else [plain(name) for name in names]


def output_names(estimator: Any) -> list[str] | None:
    """Return the class of each output, or None if outputs are not classes.

    The single output of a binary classifier has the name of the second class. Classes of a Network
    with softmax are 0, 1, ...
    """
    network, (estimator, _) = network_of(estimator), last_step(estimator)
    n_outputs = network.layer_sizes[-1]
    if isinstance(estimator, Network) and network.activations[-1] == "softmax":
        return [str(i) for i in range(n_outputs)]
    classes = getattr(estimator, "classes_", None)
    return None if classes is None else [plain(name) for name in classes[-n_outputs:]]


def strength_rule(
    omit: str, network: Any, layers: Sequence[Array] | None = None
) -> Callable[[int], Array] | None:
    """Return the function for `Diagram.of` that computes the strength of each unit.

    Parameters
    ----------
    omit : {"weakest", "middle"}
    network : Network, or an object with its `weights` and `scale`
    layers : sequence of ndarray of shape (n_units,), optional
        Activations of each layer for one row, the input first.

    Returns
    -------
    callable or None
        None for "middle". Else the strength of a unit is the norm of its outgoing weights, times
        its absolute activation if there is one. The strength of an output is its absolute
        activation, or the norm of its incoming weights.

    Raises
    ------
    ValueError
        If omit is not one of these.
    """
    if checks.choice("omit", omit, ("weakest", "middle")) == "middle":
        return None

    def strength(layer: int) -> Array:
        is_output = layer == len(network.weights)
        if is_output and layers is not None:
            return np.abs(layers[layer], dtype=np.float64)
        weights, axes = network.weights[layer - is_output], "ij,ij->j" if is_output else "ij,ij->i"
        with np.errstate(over="ignore", invalid="ignore"):
            norms: Array = np.sqrt(np.einsum(axes, weights, weights, dtype=np.float64))
            if layer == 0 and network.scale is not None:
                norms *= np.abs(network.scale)
            return norms if layers is None else norms * np.abs(layers[layer])

    return strength


def grid_of(n: int, shape: tuple[int, int] | None = None) -> tuple[int, int]:
    """Return height and width of a grid for n cells.

    Parameters
    ----------
    n : int
    shape : tuple (height, width), optional
        By default the grid is as close to a square as possible. Its last row may not be full.

    Raises
    ------
    TypeError, ValueError
        If shape is not two positive integers, or does not have n cells.
    """
    if shape is None:
        heights = range(isqrt(n), 0, -1)
        # A last row that is full, unless the grid were more than twice as wide as high
        full = [height for height in heights if n % height == 0 and 2 * height**2 >= n]
        width = n // full[0] if full else isqrt(n - 1) + 1
        return ceil(n / width), width
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise TypeError(f"shape must be (height, width), got {shape!r}")
    height, width = (checks.positive_integer("each of shape", part) for part in shape)
    if height * width != n:
        raise ValueError(f"shape must be of {n} cells, got {height} × {width}")
    return height, width


def axes_inches(ax: Any) -> Array:
    """Return the width and height of axes in inches, after the layout of their figure."""
    engine = ax.figure.get_layout_engine()
    if engine is not None:
        engine.execute(ax.figure)
    return np.asarray(ax.bbox.size / ax.figure.dpi)


def inches_below_title(ax: Any, title: str) -> Array:
    """Set the title of axes, remove their frame, and return their width and height in inches."""
    ax.set_title(title)
    ax.set_axis_off()
    return axes_inches(ax)


def draw_grid(ax: Any, values: Array, shape: tuple[int, int], scale: float, **look: Any) -> Any:
    """Draw values as an outlined grid of colours, row by row from the top left.

    Cells of the last row that have no value are outside the outline.

    Parameters
    ----------
    ax : matplotlib Axes
    values : ndarray of shape (n,)
    shape : tuple (height, width)
        Of n cells or more.
    scale : float
        Absolute value of the strongest colours.
    **look
        Passed to `matplotlib.axes.Axes.imshow`.

    Returns
    -------
    matplotlib AxesImage
    """
    height, width = shape
    cells = np.pad(values, (0, height * width - len(values)), constant_values=np.nan)
    colours = {"cmap": signed_colormap(), "norm": signed_norm(scale)}
    image = ax.imshow(cells.reshape(shape), **colours, **look)
    rows, rest = divmod(len(values), width)
    corners = [(0, 0), (width, 0), (width, rows), (rest, rows), (rest, rows + 1), (0, rows + 1)]
    left, right, bottom, top = image.get_extent()
    steps = (right - left) / width, (bottom - top) / height
    outline = np.array(corners if rest else [*corners[:3], (0, rows)]) * steps + (left, top)
    # Without an outline the end of a grid would be invisible, as 0 is transparent.
    look = {"fill": False, "edgecolor": text_colour(), "linewidth": 0.5, "clip_on": False}
    ax.add_patch(mpl().patches.Polygon(outline, **look))
    return image


def draw_links(
    ax: Any, lines: list[Line], centres: dict[int, Any], radius: float, scale: float = 1.0
) -> tuple[Any, Array, Array]:
    """Draw lines between circles.

    Parameters
    ----------
    ax : matplotlib Axes
    lines : list of Line
    centres : dict of array-like of shape (n_circles, 2)
        Centres of the circles of each layer.
    radius : float
        Radius of the circles, where lines begin and end.
    scale : float, default=1.0
        Factor of the widths.

    Returns
    -------
    lines : matplotlib LineCollection
    starts, ends : ndarrays of shape (n_lines, 2)
    """
    starts = np.array([centres[line.links.source.layer][line.i] for line in lines])
    ends = np.array([centres[line.links.target.layer][line.j] for line in lines])
    starts[:, 0] += radius
    ends[:, 0] -= radius
    drawn = mpl().collections.LineCollection(
        np.stack([starts, ends], axis=1),
        linewidths=[scale * (line.width if line.is_finite else 1) for line in lines],
        linestyles=["-" if line.is_finite else ":" for line in lines],
        colors=[
            (line.colour or text_colour(), line.opacity if line.is_finite else 1) for line in lines
        ],
        zorder=1,
    )
    return ax.add_collection(drawn), starts, ends


def draw_circles(ax: Any, centres: Any, radius: float, faces: Any, width: float = 1.0) -> Any:
    """Draw the circles of a layer, with edges of this width; return the PatchCollection."""
    circles = mpl().collections.PatchCollection(
        [mpl().patches.Circle(centre, radius) for centre in centres],
        facecolors=faces,
        edgecolors=text_colour(),
        linewidths=width,
        zorder=2,
    )
    return ax.add_collection(circles)
