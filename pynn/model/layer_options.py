"""Checks of the options of layers: residual, norm, members."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pynn import checks
from pynn.model.activations import Parametric

NORMS = ("layer", "batch")


def checked_residual(given: object, sizes: tuple[int, ...]) -> tuple[bool, ...]:
    """Return for each layer whether it is residual, or nothing if none is."""
    hidden = sizes[1:-1]
    fits = [i > 0 and n == hidden[i - 1] for i, n in enumerate(hidden)]
    if isinstance(given, bool | np.bool_):
        chosen = [bool(given) and fit for fit in fits]
        if given and not any(fits):
            raise ValueError(
                "residual=True needs a hidden layer with as many units as the hidden layer before "
                f"it, got layer_sizes {sizes}"
            )
    elif isinstance(given, Iterable) and not isinstance(given, str | bytes):
        chosen = list(given)
        are_bools = all(isinstance(one, bool | np.bool_) for one in chosen)
        if len(chosen) != len(hidden) or not are_bools:
            raise ValueError(
                f"residual must be True, False or {len(hidden)} of them, one for each hidden "
                f"layer; got {given!r}"
            )
        for i, (wanted, fit) in enumerate(zip(chosen, fits, strict=True)):
            if wanted and not fit:
                raise ValueError(
                    f"residual: hidden layer {i + 1} must have as many units as the hidden layer "
                    f"before it, got layer_sizes {sizes}"
                )
    else:
        raise TypeError(f"residual must be True, False or a sequence of them, got {given!r}")
    return (*map(bool, chosen), False) if any(chosen) else ()


def checked_norms(given: object, n_hidden: int) -> tuple[str | None, ...]:
    """Return the norm of each layer, or nothing if none is normalised."""
    if not isinstance(given, str | Iterable | None):
        raise TypeError(f'norm must be None, "layer", "batch" or a sequence of them, got {given!r}')
    chosen = [given] * n_hidden if given is None or isinstance(given, str) else list(given)
    wrong = [one for one in (*chosen, given) if isinstance(one, str) and one not in NORMS]
    wrong += [one for one in chosen if not isinstance(one, str | None)]
    if wrong or len(chosen) != n_hidden:
        raise ValueError(
            f'norm must be None, "layer", "batch" or {n_hidden} of them, one for each hidden '
            f"layer; got {given!r}"
        )
    if given in NORMS and not n_hidden:
        raise ValueError(f"norm={given!r} needs a hidden layer")
    return (*chosen, None) if any(chosen) else ()


def checked_members(
    given: object, norm: object, activations: Iterable[object], sizes: tuple[int, ...]
) -> int | None:
    """Return the number of members, or None for a plain network."""
    if given is None:
        return None
    members = checks.positive_integer("members", given)
    if len(sizes) < 3:
        raise ValueError(f"members share the weights of hidden layers, got layer_sizes {sizes}")
    if any(checked_norms(norm, len(sizes) - 2)):
        raise ValueError(f"a network with members cannot have a norm, got norm={norm!r}")
    for activation in activations:
        if isinstance(activation, Parametric):
            raise ValueError(f"a network with members cannot have a {activation!r}")
    return members
