"""Regularisation: penalties, dropout, limits of norms, and frozen layers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Real

import numpy as np

from pynn import _core, checks


@dataclass(frozen=True)
class Regularisation:
    """Penalties, dropout, limits and frozen layers; `checked` makes one from a user's arguments.

    Parameters
    ----------
    alpha, l1 : tuple of float, one for each layer of weights
        The penalty is the sum over the layers of ``alpha / 2 * (sum of squared weights)`` and
        ``l1 * (sum of their absolute values)``, biases free.
    by_row : bool, default=False
        Divide it by the sum of the row weights of each batch, as scikit-learn does.
    dropout : tuple of float, one for each hidden layer, default=()
        Probability that an activation is dropped in training (Srivastava et al. 2014),
        from 0 up to but not including 1; () stands for none.
    max_norm : float, default=inf
        Maximum Euclidean norm of a unit's incoming weights (ibid.).
    clip_norm : float, default=inf
        Maximum Euclidean norm of the gradient, penalty included; larger gradients are scaled down
        (Pascanu, Mikolov & Bengio 2013).
    frozen : tuple of bool, one for each layer of weights, default=()
        Layers that are not trained; () stands for none.

    Examples
    --------
    >>> from pynn.model.regularisation import Regularisation
    >>> Regularisation.checked(2, alpha=0.1, dropout=0.5).dropout
    (0.5,)
    """

    alpha: tuple[float, ...]
    l1: tuple[float, ...]
    by_row: bool = False
    dropout: tuple[float, ...] = ()
    max_norm: float = math.inf
    clip_norm: float = math.inf
    frozen: tuple[bool, ...] = ()

    @cached_property
    def core(self) -> _core.Regularisation:
        """The compiled counterpart."""
        return _core.Regularisation(*(getattr(self, field.name) for field in fields(self)))

    @classmethod
    def checked(
        cls,
        n_layers: int,
        *,
        alpha: object = 0.0,
        l1: object = 0.0,
        dropout: object = 0.0,
        max_norm: object = None,
        clip_norm: object = None,
        trainable: object = True,
        by_row: bool = False,
    ) -> Regularisation:
        """Check arguments as `pynn.Network.fit` takes them.

        Parameters
        ----------
        n_layers : int
            Layers of weights.
        alpha, l1 : float or sequence of float, default=0.0
            One number, or one for each layer of weights; not negative.
        dropout : float or sequence of float, default=0.0
            One number, or one for each hidden layer; from 0 up to but not including 1.
        max_norm, clip_norm : float or None, default=None
            Positive; None sets no limit.
        trainable : bool or sequence of bool, default=True
            Whether a layer is trained, for all layers of weights or for each.
        by_row : bool, default=False

        Returns
        -------
        Regularisation

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.
        """
        rates = each("dropout", dropout, n_layers - 1, "hidden layer")
        if any(rate >= 1 for rate in rates):
            raise ValueError(f"dropout must be at least 0 and less than 1, got {dropout!r}")
        return cls(
            each("alpha", alpha, n_layers, "layer of weights"),
            each("l1", l1, n_layers, "layer of weights"),
            by_row,
            rates if any(rates) else (),
            _limit("max_norm", max_norm),
            _limit("clip_norm", clip_norm),
            _frozen(trainable, n_layers),
        )


def each(name: str, given: object, n: int, of: str) -> tuple[float, ...]:
    """Return a number for each layer, from one for all of them or as many as there are."""
    if isinstance(given, Iterable) and not isinstance(given, str | bytes):
        values = tuple(checks.non_negative(f"each of {name}", value) for value in given)
        if len(values) != n:
            raise ValueError(
                f"{name} must be one number or {n}, one for each {of}; got {len(values)}: "
                f"[{checks.listed(values)}]"
            )
        return values
    return (checks.non_negative(name, given),) * n


def _limit(name: str, given: object) -> float:
    if given is None:
        return math.inf
    if not isinstance(given, Real) or isinstance(given, bool | np.bool_):
        raise TypeError(f"{name} must be a real number or None, got {given!r}")
    limit = checks.as_float(given)
    if not 0 < limit < math.inf:
        raise ValueError(f"{name} must be positive and finite, or None; got {given!r}")
    return limit


def _frozen(trainable: object, n_layers: int) -> tuple[bool, ...]:
    """Return whether each layer stays as it is; () if none does."""
    several = isinstance(trainable, Iterable) and not isinstance(trainable, str | bytes)
    flags = list(trainable) if several else [trainable] * n_layers  # type: ignore[call-overload]
    frozen = tuple(not checks.flag("trainable", flag) for flag in flags)
    if len(frozen) != n_layers:
        raise ValueError(
            f"trainable must be one bool or {n_layers}, one for each layer of weights; "
            f"got {len(frozen)}"
        )
    if all(frozen):
        raise ValueError("trainable must be True for at least one layer: there is nothing to train")
    return frozen if any(frozen) else ()
