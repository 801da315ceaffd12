"""GradientFlowDisplay: the norm of the gradient in each layer by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from pynn.displays import learning
from pynn.displays.base import BESIDE, axes, float_array, last_step, mpl, network_of

# Maximum number of layers in a legend, beside axes and inside them; more have a colour bar.
_MOST_BESIDE, _MOST_INSIDE = 10, 4


class GradientFlowDisplay:
    """Norm of the gradient in each layer by epoch.

    If the lines of layers near the input lie far below those of layers near the output, the
    gradient vanishes on its way back and the first layers hardly learn. If they lie far above, the
    gradient explodes.

    Parameters
    ----------
    norms : array-like of shape (n_epochs, n_layers)
        Euclidean norm of the gradient with respect to the weights of each layer, from the input to
        the output. NaN is a gap.
    epochs : array-like of shape (n_epochs,), optional
        Numbers of the epochs, by default 1, 2, ...
    step_name : str, default="epoch"
        Label of the x axis.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    lines_ : list of matplotlib Line2D
        The line of each layer.
    legend_ : matplotlib Legend, Colorbar or None
        A colour bar if there are too many layers for a legend.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010, compare the gradients of layers in this way.

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
        self.norms = float_array("norms", norms, "n_epochs", "n_layers")
        if (self.norms < 0).any():
            raise ValueError(f"norms must not be negative, got {np.nanmin(self.norms)}")
        n_epochs = len(self.norms)
        numbers = np.arange(1, n_epochs + 1) if epochs is None else epochs
        self.epochs = float_array("epochs", numbers, n_epochs)
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
        legend: bool = True,
        **line: Any,
    ) -> Self:
        """Draw the norms that an estimator recorded, or the norms along a path.

        Parameters
        ----------
        estimator : Network, fitted MLPClassifier or MLPRegressor, or a pipeline that ends in one
            Without X, y and path it must be an estimator fitted with
            ``callbacks=[pynn.callbacks.GradientNorms()]``.
        X, y, sample_weight
            Samples and targets, as the estimator's `fit` takes them. The gradient of their cost is
            computed at each point of the path.
        path : sequence of array-like of shape (n_parameters,), optional
            Parameters before training and after each epoch, such as copies of ``net.parameters`` or
            the list of `pynn.callbacks.ParameterPath`.
        epochs : array-like of shape (n_points,), optional
            The epoch of each point of the path, by default 0, 1, 2, ...
        ax, log, legend, **line
            See `plot`.

        Returns
        -------
        GradientFlowDisplay

        Raises
        ------
        TypeError, ValueError
            If there are neither recorded norms nor a path, or an argument is not as described.
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
            estimator, _ = last_step(estimator)
            display = cls(_recorded(estimator), step_name=learning.step_name(estimator))
        elif X is None or y is None:
            raise ValueError("the gradient along a path needs samples: give X and y")
        else:
            network, data = learning.network_and_data(estimator, X, y, sample_weight)
            points = learning.points_of("path", path, network).astype(network.dtype)
            norms = [network._gradient_norms(data, point) for point in points]
            display = cls(norms, epochs=np.arange(len(points)) if epochs is None else epochs)
        return display.plot(ax, log=log, legend=legend, **line)

    def plot(self, ax: Any = None, *, log: bool = True, legend: bool = True, **line: Any) -> Self:
        """Draw a line for each layer, with colours in the order of the layers.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; by default those of a new figure.
        log : bool, default=True
            Whether the scale of the norms is logarithmic, which leaves a gap at 0.
        legend : bool, default=True
            Whether to add a legend or colour bar. One is enough for axes side by side with equally
            many layers.
        **line
            Passed to `matplotlib.axes.Axes.plot`, such as ``linewidth=1``.

        Returns
        -------
        GradientFlowDisplay
            self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        self.figure_, self.ax_ = axes(ax, layout="constrained")
        n_layers = self.norms.shape[1]
        names = [f"layer {i}" for i in range(1, n_layers + 1)]
        if n_layers > 1:
            names[-1] += " (output)"
        background = mpl().colors.to_rgb(mpl().rcParams["axes.facecolor"])
        ends = (0.3, 1.0) if np.mean(background) < 0.5 else (0.0, 0.8)  # visible on the background
        colours = list(mpl().colormaps["viridis"](np.linspace(*ends, n_layers)))
        norms = learning.positive(self.norms, log)
        self.lines_ = []
        for i, (name, colour) in enumerate(zip(names, colours, strict=True)):
            look = {"color": colour, "label": name} | line
            self.lines_.append(learning.draw_line(self.ax_, self.epochs, norms[:, i], **look))
        learning.format_axes(self.ax_, self.step_name, log)
        self.ax_.set_ylabel("norm of the gradient in a layer's weights")
        self.legend_ = None
        if not legend:
            return self
        if n_layers > (_MOST_BESIDE if ax is None else _MOST_INSIDE):
            self.legend_ = _colour_bar(self.ax_, colours)
        else:  # reversed, as the output's line is the topmost if the gradient vanishes
            place = BESIDE if ax is None else {}
            self.legend_ = self.ax_.legend(reverse=True, **place)
        return self


def _colour_bar(ax: Any, colours: list[Any]) -> Any:
    """Add a colour bar with the numbers of the layers."""
    colors, n = mpl().colors, len(colours)
    norm = colors.BoundaryNorm(np.arange(0.5, n + 1), n)
    layers = mpl().cm.ScalarMappable(norm, colors.ListedColormap(colours))
    bar = ax.figure.colorbar(layers, ax=ax, label="layer")
    bar.minorticks_off()
    bar.set_ticks(range(1, n + 1) if n <= 12 else [1, *range(5, n - 2, 5), n])
    return bar


def _recorded(estimator: Any) -> Any:
    """Return the norms that `pynn.callbacks.GradientNorms` added to an estimator's history."""
    n_layers = len(network_of(estimator).weights)
    history = getattr(estimator, "history_", {})
    names = [f"grad_norm_{layer}" for layer in range(1, n_layers + 1)]
    if names[0] not in history:
        raise ValueError(
            "no norms of the gradient were recorded: give X, y and path, or fit an estimator with "
            "callbacks=[pynn.callbacks.GradientNorms()]"
        )
    return np.transpose([history[name] for name in names])
