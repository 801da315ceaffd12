"""Members that share weights: their initial factors, and each as a network of its own."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.model import embeddings
from pynn.model.initializers import Random, initial_layer

if TYPE_CHECKING:
    from pynn.model.parameters import Parameters

SIGNS = ("first", "all")


def checked_signs(given: object, members: int | None) -> str:
    """Return which factors start as random signs; refuse a choice that has no effect."""
    signs = checks.choice("member_signs", given, SIGNS)
    if members is None and signs != "first":
        raise ValueError(f"member_signs={given!r} is for networks with members")
    return signs


def draw(network: Parameters, initializer: str, signs: str, random: Random) -> None:
    """Draw the initial parameters of a network, layer by layer.

    signs : "first" for random signs in r of the first layer, "all" for all r and s
    """
    names = network._architecture.activation_names
    for layer, (weights, name) in enumerate(zip(network.weights, names, strict=True)):
        biases = network.biases[layer] if network.bias else np.empty(0)
        if weights.ndim == 2:
            _fill(weights, biases, initializer, name, random)
        else:
            for k, W in enumerate(weights):
                _fill(W, biases[k : k + 1] if network.bias else biases, initializer, name, random)
        if layer < len(network.r):
            factors = [network.r[layer], network.s[layer]]
            for group in factors if signs == "all" else factors[: layer == 0]:
                group[:] = 2 * random.random(group.shape).round() - 1
    drawn = embeddings.initial(network._architecture.embeddings, random)
    for view, numbers in zip(network.embedding_parameters.values(), drawn, strict=True):
        view[:] = numbers


def _fill(
    W: NDArray[Any], biases: NDArray[Any], initializer: str, activation: str, random: Random
) -> None:
    n_in, n_out = W.shape
    W[:], b = initial_layer(initializer, random, n_in, n_out, activation, biases.shape)
    biases[:] = b


def member(network: Any, k: object) -> Any:
    """Make a plain network, of the same class, that computes the same as member k."""
    if network.members is None:
        raise ValueError("member is for networks with members, got a plain network")
    k = checks.index("k", k, network.members)
    of = network._architecture
    plain = type(network)(
        of.layer_sizes,
        activation=of.activations[:-1],
        output_activation=of.activations[-1],
        cost=of.cost,
        bias=of.bias,
        input_scale=of.input_scale,
        embeddings=network.embeddings,
        initializer="zeros",
        dtype=of.dtype,
        n_threads=network.n_threads,
        random_state=copy.deepcopy(network._random),
    )
    plain._become(replace(of, members=None))
    take(plain, network, k)
    return plain


def take(plain: Parameters, network: Parameters, k: int) -> None:
    """Write the parameters of member k into those of the plain network that computes the same."""
    for W, weights, r, s in zip(plain.weights, network.weights, network.r, network.s, strict=False):
        W[:] = r[k][:, np.newaxis] * weights * s[k]
    plain.weights[-1][:] = network.weights[-1][k]
    for own, biases in zip(plain.biases, network.biases, strict=True):
        own[:] = biases[k]
    n_before = plain.n_parameters - sum(map(np.size, [*plain.weights, *plain.biases]))
    plain.parameters[:n_before] = network.parameters[:n_before]  # embeddings and input scale
