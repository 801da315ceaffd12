"""Checkpoints: the trained networks of a fit in a folder, from which a later fit resumes."""

from __future__ import annotations

import json
import os
import zlib
from typing import Any

import numpy as np

from pynn.network import Network
from pynn.tabular.training import Rows, Source
from pynn.training import checkpoint
from pynn.training.resume import described

# Parameters that do not change the bits of a network.
_FREE = {"n_threads", "time_limit", "verbose", "checkpoint"}


class Checkpoints:
    """A folder with a file for each network that a fit has trained to its end.

    Parameters
    ----------
    folder : path-like
        Made if it does not exist.
    description : dict of str
        Everything that must be the same for a network to be used again.
    """

    def __init__(self, folder: str | os.PathLike[str], description: dict[str, str]) -> None:
        self.folder, self.description = os.fspath(folder), description
        os.makedirs(self.folder, exist_ok=True)

    @classmethod
    def wanted(cls, estimator: Any, rows: Rows, source: Source | None) -> Checkpoints | None:
        """Return the checkpoints of a fit to these rows; None without the parameter for them.

        Raises
        ------
        ValueError
            If `random_state` is not an integer: other fits draw other networks then.
        OSError
            If the folder cannot be made.
        """
        if estimator.checkpoint is None:
            return None
        parameters = estimator.get_params(deep=False)
        if not isinstance(parameters["random_state"], int | np.integer):
            raise ValueError(
                "checkpoint needs an integer random_state, so that a later fit draws the same "
                f"networks; got {parameters['random_state']!r}"
            )
        settings = {name: value for name, value in parameters.items() if name not in _FREE}
        learned = json.dumps(estimator.preparation_.to_json())
        settings |= {
            "blocks": None if source is None else source.description,
            "recipe": estimator.recipe_,
            "preparation": f"of checksum {zlib.crc32(learned.encode()):08x}",
        }
        arrays = {"X": rows.X, "y": rows.y, "weights": rows.weights}
        return cls(estimator.checkpoint, described(settings, **arrays))

    def path(self, k: int) -> str:
        """Return the file of network k."""
        return os.path.join(self.folder, f"network-{k}.npz")

    def write(self, k: int, network: Network) -> None:
        """Write a network that is trained to its end; the file appears as a whole."""
        history = network._history
        arrays = {"parameters": network.parameters}
        arrays |= {f"history.{name}": np.array(v) for name, v in history.figures.items()}
        facts = {
            "fit": self.description,
            "network": k,
            "best_epoch": history.best_epoch,
            "figures": list(history.figures),
        }
        checkpoint.write(self.path(k), arrays, facts)

    def restore(self, k: int, network: Network) -> bool:
        """Load parameters and history of a network; return whether there is a file.

        Raises
        ------
        ValueError
            If the file is damaged, or of a fit to other data or with other settings.
        """
        if not os.path.exists(self.path(k)):
            return False
        arrays, facts = checkpoint.read(self.path(k))
        self._compare(k, facts)
        try:
            parameters, names = arrays["parameters"], facts["figures"]
            figures = {name: arrays[f"history.{name}"] for name in names}
            best = facts["best_epoch"]
            _check(network, parameters, figures, best)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{self.path(k)!r} is damaged: {error}; delete it") from error
        network.parameters[:] = parameters
        network._history.figures = {name: values.tolist() for name, values in figures.items()}
        network._history.best_epoch = best
        return True

    def _compare(self, k: int, facts: dict[str, Any]) -> None:
        then, now = facts.get("fit"), self.description
        if not isinstance(then, dict) or facts.get("network") != k:
            raise ValueError(f"{self.path(k)!r} is not a checkpoint of network {k} of a table")
        for name in [*now, *sorted(then.keys() - now.keys())]:  # parameters first
            if then.get(name) != now.get(name):
                raise ValueError(
                    f"{self.path(k)!r} is from a fit with {name} {then.get(name)}, not "
                    f"{now.get(name)}; delete the folder or name another one"
                )


def _check(network: Network, parameters: Any, figures: dict[str, Any], best: Any) -> None:
    """Raise a ValueError if a network cannot have these parameters and this history."""
    own = network.parameters
    if (parameters.dtype, parameters.shape) != (own.dtype, own.shape):
        raise ValueError(
            f"its parameters are {parameters.dtype} {parameters.shape} instead of {own.dtype} "
            f"{own.shape}"
        )
    if not np.isfinite(parameters).all():
        raise ValueError("its parameters are not finite")
    shapes = {(values.dtype, values.shape) for values in figures.values()}
    n_epochs = len(figures["cost"])
    if shapes != {(np.dtype(np.float64), (n_epochs,))} or not n_epochs:
        raise ValueError("its figures are not one float64 number for each epoch")
    if best is not None and (type(best) is not int or not 1 <= best <= n_epochs):
        raise ValueError(f"its best epoch is {best!r}")
