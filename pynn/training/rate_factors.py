"""Factors of the learning rate for groups of parameters: weights, biases, inputs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.model.architecture import Architecture
from pynn.model.regularisation import each
from pynn.training.optimizers import Optimizer, Rprop

_GROUPS = ("weights", "biases", "scale", "embeddings")
_LIKE_BIASES = ("biases.", "gains.", "alphas.", "r.", "s.")


@dataclass(frozen=True)
class RateFactors:
    """Factors of the learning rate; `checked` makes them from a user's argument.

    Parameters
    ----------
    weights, biases : tuple of float, one for each layer of weights, default=()
        () stands for 1 in all layers. The factors of biases count for gains, alphas, r and s too.
    scale : float, default=1.0
        Factor for the input scale.
    embeddings : float, default=1.0
        Factor for all embeddings.

    Examples
    --------
    >>> import pynn
    >>> from pynn.training.rate_factors import RateFactors
    >>> net = pynn.Network([2, 3, 1])
    >>> RateFactors.checked({"weights": [1, 0.1], "biases": 2}, net._architecture)
    RateFactors(weights=(1.0, 0.1), biases=(2.0, 2.0), scale=1.0, embeddings=1.0)
    """

    weights: tuple[float, ...] = ()
    biases: tuple[float, ...] = ()
    scale: float = 1.0
    embeddings: float = 1.0

    @classmethod
    def checked(cls, given: object, architecture: Architecture) -> RateFactors:
        """Check an argument of `pynn.Network.fit`; raise TypeError or ValueError."""
        if given is None:
            return NONE
        name = "learning_rate_factors"
        if not isinstance(given, Mapping):
            raise TypeError(
                f'{name} must be a dict such as {{"weights": 1.0, "biases": 2.0}} or None, got '
                f"{given!r}"
            )
        for group in given:
            if group not in _GROUPS:
                likely = difflib.get_close_matches(str(group).lower(), _GROUPS, 1, cutoff=0.4)
                likely = ["biases"] if f"{group}." in _LIKE_BIASES else likely
                hint = f"; did you mean {likely[0]!r}?" if likely else ""
                raise ValueError(
                    f"{name} has factors for {', '.join(_GROUPS)}; got {group!r}{hint}"
                )
        shapes = dict(architecture.groups())
        if "biases" in given and not any(name.startswith(_LIKE_BIASES) for name in shapes):
            raise ValueError(f"{name} has a factor for biases, but the network has none")
        if "scale" in given and not architecture.input_scale:
            raise ValueError(f"{name} has a factor for scale, but input_scale is False")
        if "embeddings" in given and not architecture.embeddings:
            raise ValueError(f"{name} has a factor for embeddings, but the network has none")
        n_layers, of = len(architecture.activations), "layer of weights"
        weights, biases = (
            each(f"{name}[{group!r}]", given.get(group, 1.0), n_layers, of)
            for group in ("weights", "biases")
        )
        scale, embeddings = (
            checks.non_negative(f"{name}[{group!r}]", given.get(group, 1.0))
            for group in ("scale", "embeddings")
        )
        return cls(weights, biases, scale, embeddings)

    @cached_property
    def by_layer(self) -> NDArray[np.float64] | None:
        """Return what the core takes: both factors of the first layer, of the next, and so on."""
        return np.array([self.weights, self.biases]).T.ravel() if self.weights else None

    def check_with(self, rule: Optimizer) -> None:
        """Refuse factors that put a first step of Rprop out of its limits."""
        if not isinstance(rule, Rprop):
            return
        for factor in (*self.weights, *self.biases, self.scale, self.embeddings):
            step = rule.learning_rate * factor
            if not rule.smallest <= step <= rule.largest:
                raise ValueError(
                    "Rprop: learning_rate times a factor must be from smallest to largest, got "
                    f"smallest={rule.smallest!r}, {rule.learning_rate!r} * {factor!r}, "
                    f"largest={rule.largest!r}"
                )


NONE = RateFactors()
