"""Recipe: how networks for tables are built and trained, chosen by measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np

from pynn import checks
from pynn.tabular.features import Settings
from pynn.training.averages import EMA
from pynn.training.optimizers import AdamW
from pynn.training.schedules import Schedule

_COUNT = "integer [1, 2147483648)"
_FEWEST_EPOCHS = 8  # for large tables; with 140,000 rows, more did not lower the error


@dataclass(frozen=True)
class Recipe(Settings):
    """Settings of networks and their training; the parameter `expert` overrides some of them.

    Parameters
    ----------
    n_bins : int, default=12
        Number of bins of the piecewise-linear encoding of numbers; 0 for no encoding.
    one_hot : int, default=3
        Largest number of categories of a column that becomes one-hot columns. Columns with more
        categories get trained embeddings.
    category_size : int, default=8
        Size of these embeddings.
    min_count : int, default=1
        Categories with fewer training rows count as "other", like unseen ones.
    clip : float, default=3.0
        Limit that standardised numbers approach: z becomes z / √(1 + (z / clip)²).
    n_members : int, default=8
        Number of networks.
    n_folds : int, default=8
        Folds of a partition of the rows; each network leaves one out. 1: all networks leave out
        the same part.
    hidden_layer_sizes : sequence of int, default=(96, 96)
        Units of each hidden layer.
    activation : str, default="silu"
        Activation of the hidden layers.
    input_scale : bool, default=True
        Whether each input has a trained factor, see `pynn.Network`.
    scale_rate : float, default=6.0
        Factor of the learning rate for these trained factors.
    dropout : float, default=0.0
        Probability of dropping a hidden activation in an update.
    learning_rate : float, default=0.01
        Learning rate of `pynn.AdamW`.
    weight_decay : float, default=0.0
        Weight decay of `pynn.AdamW`.
    beta_2 : float, default=0.999
        Decay of the second moment in `pynn.AdamW`.
    waves : bool, default=True
        Whether the learning rate follows the four cosine waves of RealMLP, with `learning_rate` as
        their height; otherwise it is constant.
    batch_size : int, default=256
        Maximum number of rows in a mini-batch.
    min_batch_size : int, default=32
        Minimum batch size for small tables.
    min_updates : int, default=30
        Updates that an epoch should have: the batch size is halved, down to `min_batch_size`, while
        an epoch has fewer.
    epochs : int, default=60
        Maximum number of epochs.
    max_updates : int, default=10_000
        Maximum number of updates of a network. Large tables get fewer epochs to stay below it, but
        at least 8.
    patience : int, default=20
        Epochs without improvement before a network stops.
    average : float, default=0.98
        Decay of the exponential moving average of the parameters, see `pynn.EMA`; 0 for no average.

    Raises
    ------
    TypeError, ValueError
        If a setting is not as described.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, Better by Default: Strong Pre-Tuned MLPs and Boosted Trees
    on Tabular Data, NeurIPS 2024 (RealMLP).

    Examples
    --------
    >>> import pynn
    >>> rows = [["red", 1.5], ["blue", None], ["red", 1.0], ["blue", 0.5]] * 10
    >>> model = pynn.TabularClassifier(preset="fast", expert={"dropout": 0.2}, random_state=0)
    >>> model.fit(rows, ["yes", "no", "yes", "no"] * 10).recipe_.dropout
    0.2
    """

    n_members: int = 8
    n_folds: int = 8
    hidden_layer_sizes: Sequence[int] = (96, 96)
    activation: str = "silu"
    input_scale: bool = True
    scale_rate: float = 6.0
    dropout: float = 0.0
    learning_rate: float = 0.01
    weight_decay: float = 0.0
    beta_2: float = 0.999
    waves: bool = True
    batch_size: int = 256
    min_batch_size: int = 32
    min_updates: int = 30
    epochs: int = 60
    max_updates: int = 10_000
    patience: int = 20
    average: float = 0.98

    _accepted: ClassVar[dict[str, str]] = Settings._accepted | {
        "n_members": _COUNT,
        "n_folds": _COUNT,
        "scale_rate": "[0, inf)",
        "dropout": "[0, 1)",
        "learning_rate": "(0, inf)",
        "weight_decay": "[0, inf)",
        "beta_2": "[0, 1)",
        "batch_size": _COUNT,
        "min_batch_size": _COUNT,
        "min_updates": _COUNT,
        "epochs": _COUNT,
        "max_updates": _COUNT,
        "patience": _COUNT,
        "average": "[0, 1)",
    }

    def __post_init__(self) -> None:
        """Check each setting that networks do not check."""
        super().__post_init__()
        sizes = self.hidden_layer_sizes
        if isinstance(sizes, str) or not isinstance(sizes, Sequence | np.ndarray):
            raise TypeError(f"hidden_layer_sizes must be a sequence of integers, got {sizes!r}")
        checks.flag("waves", self.waves)

    def fit_arguments(self, n_rows: int) -> dict[str, Any]:
        """Return arguments of `Network.fit`.

        Parameters
        ----------
        n_rows : int
            Number of training rows.

        Returns
        -------
        dict
        """
        batch_size = self.batch_size
        while batch_size > self.min_batch_size and n_rows // batch_size < self.min_updates:
            batch_size = max(batch_size // 2, self.min_batch_size)
        optimizer = AdamW(self.learning_rate, weight_decay=self.weight_decay, beta_2=self.beta_2)
        most = max(_FEWEST_EPOCHS, self.max_updates // -(-n_rows // batch_size))
        epochs = min(self.epochs, most)
        return {
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizer": optimizer,
            "schedule": Waves(epochs) if self.waves else None,
            "dropout": self.dropout,
            "learning_rate_factors": {"scale": self.scale_rate} if self.input_scale else None,
            "average": EMA(self.average) if self.average else None,
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


PRESETS = {"default": Recipe(), "fast": Recipe(n_members=2, n_folds=5)}


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
    return replace(recipe, **{**own, **{name: v for name, v in given.items() if v is not None}})
