"""Recipe: how networks for tables are built and trained, chosen by measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from pynn import checks
from pynn.tabular.features import Settings
from pynn.training.optimizers import AdamW
from pynn.training.schedules import Schedule


@dataclass(frozen=True)
class Recipe(Settings):
    """The settings of `expert`, a dictionary that overrides some of them.

    Parameters
    ----------
    n_bins, one_hot, category_size, min_count, clip
        See `pynn.tabular.preparation.Settings`.
    n_members : int
        Number of networks.
    n_folds : int
        Folds of a partition of the rows; each network leaves one out.
    hidden_layer_sizes : sequence of int
        Units of each hidden layer.
    activation : str
        Their activation.
    dropout : float
        Probability of dropping a hidden activation in an update.
    learning_rate, weight_decay : float
        Of AdamW.
    beta_2 : float
        Decay rate of AdamW's mean of squared gradients.
    batch_size : int
        Rows for each update.
    epochs : int
        Maximum number of epochs.
    patience : int
        Epochs without improvement before a network stops.
    """

    n_members: int = 8
    n_folds: int = 8
    hidden_layer_sizes: Sequence[int] = (128, 128)
    activation: str = "silu"
    dropout: float = 0.1
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    beta_2: float = 0.999
    batch_size: int = 256
    epochs: int = 60
    patience: int = 20

    def fit_arguments(self, n_rows: int) -> dict[str, Any]:
        """Return arguments of `Network.fit` for so many training rows."""
        optimizer = AdamW(self.learning_rate, weight_decay=self.weight_decay, beta_2=self.beta_2)
        return {
            "epochs": self.epochs,
            "batch_size": min(self.batch_size, n_rows),
            "optimizer": optimizer,
            "schedule": Waves(self.epochs),
            "dropout": self.dropout,
            "learning_rate_factors": {"scale": 6.0},
        }


@dataclass(frozen=True)
class Waves(Schedule):
    """RealMLP's schedule: four cosine waves, each twice as long as the one before it.

    The factor at the share t of the epochs is ``(1 - cos(2 pi log2(1 + 15 t))) / 2`` (Holzmüller,
    Grinsztajn & Steinwart 2024).
    """

    epochs: int

    def factors(self, epochs: Any, losses: Sequence[float]) -> Any:
        """Return the factor of each update."""
        t = np.minimum(epochs / self.epochs, 1)
        return (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t))) / 2


PRESETS = {"default": Recipe(), "fast": Recipe(n_members=1, n_folds=5)}


def chosen(preset: str, expert: Mapping[str, Any] | None, given: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a preset with the settings of the user.

    Parameters
    ----------
    preset : str
    expert : dict or None
    given : dict
        Parameters of the estimator; None stands for the recipe's own.

    Raises
    ------
    TypeError, ValueError
        If one is not as described.
    """
    recipe = PRESETS[checks.choice("preset", preset, PRESETS)]
    own = {} if expert is None else expert
    if not isinstance(own, Mapping):
        raise TypeError(f"expert must be a dict of settings, got {expert!r}")
    for name in own:
        checks.choice("a setting of expert", name, [field.name for field in fields(recipe)])
    return replace(recipe, **own, **{name: v for name, v in given.items() if v is not None})
