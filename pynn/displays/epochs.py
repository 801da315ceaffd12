"""What pictures of learning share: an axis of epochs, and lines over it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_line", "label_epochs"]


def draw_line(ax: Any, epochs: NDArray[Any], values: NDArray[Any], **look: Any) -> Any:
    """Draw figures of epochs, where NaN is a gap, and a number between two gaps is a dot.

    Parameters
    ----------
    ax : matplotlib Axes
    epochs, values : ndarray of shape (n_epochs,)
    **look
        For `matplotlib.axes.Axes.plot`.

    Returns
    -------
    matplotlib Line2D
    """
    there = np.concatenate(([False], np.isfinite(values), [False]))
    alone = np.flatnonzero(there[1:-1] & ~there[:-2] & ~there[2:]).tolist()
    if alone:
        look = {"marker": ".", "markevery": alone} | look
    (line,) = ax.plot(epochs, values, **look)
    return line


def label_epochs(ax: Any, name: str) -> None:
    """Let the x axis have whole numbers only, and say what they count."""
    ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    ax.set_xlabel(name)
