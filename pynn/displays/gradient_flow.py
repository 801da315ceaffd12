"""GradientFlowDisplay: how much of the gradient reaches each layer, epoch by epoch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from pynn import checks
from pynn.displays.base import axes, network_of, sequential_colours
from pynn.displays.epochs import draw_line, label_epochs
from pynn.displays.paths import network_and_data, points_of
from pynn.displays.records import step_name
from pynn.network import Network

__all__ = ["GradientFlowDisplay"]

# A colour bar counts more layers than a legend has room for: beside axes, and in them.
_MANY_BESIDE, _MANY_INSIDE = 10, 4


class GradientFlowDisplay:
    """Norm of the gradient in each layer, from epoch to epoch.

    Where lines of layers near the input lie far below those near the output, the gradient vanishes
    on its way back, and those layers hardly learn; where they lie far above, it explodes.

    Parameters
    ----------
    norms : array-like of shape (n_epochs, n_layers)
        Euclidean norm of the gradient in the weights of each layer, from the input to the output.
        NaN is a gap.
    epochs : array-like of shape (n_epochs,), optional
        Their numbers; by default 1, 2, ...
    step_name : str, default="epoch"
        What the x axis says.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    lines_ : list of matplotlib Line2D, one for each layer
    legend_ : matplotlib Legend, or where it has no room for all layers Colorbar

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010, compare gradients of layers in this way.

    Examples
    --------
    >>> from pynn.displays import GradientFlowDisplay
    >>> display = GradientFlowDisplay([[1e-3, 1e-1], [2e-3, 5e-2], [1e-3, 2e-2]]).plot()
    >>> display.ax_.get_yscale(), len(display.lines_)
    ('log', 2)
    """

    def __init__(
        self, norms: ArrayLike, *, epochs: ArrayLike | None = None, step_name: str = "epoch"
    ) -> None:
        self.norms = checks.real_array("norms", norms, np.dtype(np.float64))
        if self.norms.ndim != 2 or not self.norms.size:
            given = self.norms.shape
            raise ValueError(f"norms must be of shape (n_epochs, n_layers), got {given}")
        if (self.norms < 0).any():
            raise ValueError(f"norms must not be negative, got {np.nanmin(self.norms)}")
        n_epochs = len(self.norms)
        self.epochs = np.arange(1, n_epochs + 1) if epochs is None else np.asarray(epochs)
        if self.epochs.shape != (n_epochs,):
            raise ValueError(f"epochs must be of shape ({n_epochs},), got {self.epochs.shape}")
        self.step_name = step_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        path: Sequence[ArrayLike] | None = None,
        epochs: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        log: bool = True,
        **line: Any,
    ) -> Self:
        """Draw the norms that an estimator recorded, or those along a path.

        Parameters
        ----------
        estimator : Network, or fitted MLPClassifier or MLPRegressor
            Without X, y and path an estimator that was fitted with
            ``callbacks=[pynn.callbacks.GradientNorms()]``.
        X, y, sample_weight
            Rows and targets as the estimator's `fit` takes them, of which the gradient is computed
            at each point of the path.
        path : sequence of array-like of shape (n_parameters,), optional
            Parameters before training and after each epoch, as ``net.parameters.copy()`` gives
            them, or `pynn.callbacks.ParameterPath`.
        epochs : array-like of shape (n_points,), optional
            The epochs after which they were those; by default 0, 1, 2, ...
        ax, log, **line
            See `plot`.

        Returns
        -------
        GradientFlowDisplay

        Raises
        ------
        TypeError, ValueError
            If there are no such norms and no path, or an argument is not as described.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.

        Examples
        --------
        >>> import pynn
        >>> from pynn.displays import GradientFlowDisplay
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> net = pynn.Network([4, 10, 10, 10, 3], activation="sigmoid",
        ...                    output_activation="softmax", cost="cross_entropy", random_state=0)
        >>> path = [net.parameters.copy()]
        >>> for epoch in range(20):
        ...     path.append(net.fit(X, y).parameters.copy())
        >>> display = GradientFlowDisplay.from_estimator(net, X, y, path=path)
        >>> display.norms.shape
        (21, 4)
        """
        if path is None:
            if not (X is None and y is None and epochs is None and sample_weight is None):
                raise ValueError("X, y, sample_weight and epochs go with a path, which is None")
            display = cls(_recorded(estimator), step_name=step_name(estimator))
            return display.plot(ax, log=log, **line)
        if X is None or y is None:
            raise ValueError("the gradient along a path is that of rows: give X and y")
        network, data = network_and_data(estimator, X, y, sample_weight)
        points = points_of("path", path, network).astype(network.dtype)
        norms = [network._gradient_norms(data, point) for point in points]
        display = cls(norms, epochs=np.arange(len(points)) if epochs is None else epochs)
        return display.plot(ax, log=log, **line)

    def plot(self, ax: Any = None, *, log: bool = True, **line: Any) -> Self:
        """Draw a line for each layer, in colours from the input to the output.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        log : bool, default=True
            Whether norms are on a logarithmic scale, where 0 is a gap.
        **line
            For `matplotlib.axes.Axes.plot`, such as ``linewidth=1``.

        Returns
        -------
        GradientFlowDisplay
            self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        own_figure = ax is None
        self.figure_, self.ax_ = axes(ax, layout="constrained")
        n_layers = self.norms.shape[1]
        colours = sequential_colours(n_layers)
        shown = np.where(self.norms > 0, self.norms, np.nan) if log else self.norms
        self.lines_ = [
            draw_line(self.ax_, self.epochs, values, **{"color": colour, "label": name} | line)
            for values, colour, name in zip(shown.T, colours, _names(n_layers), strict=True)
        ]
        if log:
            self.ax_.set_yscale("log")
        label_epochs(self.ax_, self.step_name)
        self.ax_.set_ylabel("norm of the gradient in a layer's weights")
        if n_layers > (_MANY_BESIDE if own_figure else _MANY_INSIDE):
            self.legend_ = _colour_bar(self.ax_, colours)
        else:  # the output's line is the topmost where a gradient vanishes, and its name likewise
            aside = {"loc": "upper left", "bbox_to_anchor": (1.02, 1), "borderaxespad": 0}
            self.legend_ = self.ax_.legend(reverse=True, **aside if own_figure else {})
        return self


def _names(n_layers: int) -> list[str]:
    names = [f"layer {i}" for i in range(1, n_layers + 1)]
    if n_layers > 1:
        names[-1] += " (output)"
    return names


def _colour_bar(ax: Any, colours: list[Any]) -> Any:
    """Count layers by their colours."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    n = len(colours)
    norm = BoundaryNorm(np.arange(0.5, n + 1), n)
    bar = ax.figure.colorbar(ScalarMappable(norm, ListedColormap(colours)), ax=ax, label="layer")
    bar.minorticks_off()
    bar.set_ticks(range(1, n + 1) if n <= 12 else [1, *range(5, n - 2, 5), n])
    return bar


def _recorded(estimator: Any) -> Any:
    """Return what `pynn.callbacks.GradientNorms` has put into an estimator's history."""
    network_of(estimator)  # says so where it is something else, or not fitted
    history = {} if isinstance(estimator, Network) else estimator.history_
    layers = {
        int(match[1]): values
        for name, values in history.items()
        if (match := re.fullmatch("grad_norm_([0-9]+)", name))
    }
    if not layers:
        raise ValueError(
            "no norms of the gradient were recorded: give X, y and path, or fit an estimator with "
            "callbacks=[pynn.callbacks.GradientNorms()]"
        )
    return np.transpose([layers[layer] for layer in sorted(layers)])
