"""Weights as the arrays that PyTorch and Keras keep; neither of them is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.export.chain import chain_of
from pynn.model.activations import Activation
from pynn.model.costs import Cost
from pynn.network import Network

Array = NDArray[Any]


def to_torch(model: Any) -> dict[str, Array]:
    """Return the weights as the state dict of a PyTorch Sequential.

    The layers alternate: ``Linear, activation, Linear, activation, …``, so that Linear layers have
    the numbers 0, 2, 4, …. An input scale and batch normalisation are part of the weights.

    Parameters
    ----------
    model : Network, MLPClassifier or MLPRegressor
        Without embeddings, residual layers, layer normalisation, `Parametric` activations or
        members.

    Returns
    -------
    dict of str to ndarray
        "0.weight" of shape (n_out, n_in), "0.bias" of shape (n_out,), "2.weight", …, of the
        network's dtype: copies. ``load_state_dict`` takes them as tensors.

    Raises
    ------
    TypeError, ValueError
        If the model is anything else.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    Examples
    --------
    >>> import pynn, pynn.export
    >>> net = pynn.Network([4, 20, 3], output_activation="softmax", random_state=0)
    >>> {name: array.shape for name, array in pynn.export.to_torch(net).items()}
    {'0.weight': (20, 4), '0.bias': (20,), '2.weight': (3, 20), '2.bias': (3,)}
    """
    layers = chain_of(model, "to_torch", takes_pipelines=False).expect_plain("to_torch")
    state = {}
    for k, layer in enumerate(layers):
        state[f"{2 * k}.weight"] = np.ascontiguousarray(layer.weights.T)
        state[f"{2 * k}.bias"] = layer.biases
    return state


def to_keras(model: Any) -> list[Array]:
    """Return the weights as Keras' ``set_weights`` takes them, for a model of Dense layers.

    Parameters
    ----------
    model : Network, MLPClassifier or MLPRegressor
        As for `to_torch`.

    Returns
    -------
    list of ndarray
        Kernel (n_in, n_out) and bias (n_out,) of each layer, of the network's dtype: copies.

    Raises
    ------
    TypeError, ValueError
        If the model is anything else.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    Examples
    --------
    >>> import pynn, pynn.export
    >>> net = pynn.Network([4, 20, 3], output_activation="softmax", random_state=0)
    >>> [array.shape for array in pynn.export.to_keras(net)]
    [(4, 20), (20,), (20, 3), (3,)]
    """
    layers = chain_of(model, "to_keras", takes_pipelines=False).expect_plain("to_keras")
    return [array for layer in layers for array in (layer.weights, layer.biases)]


def from_torch(
    state_dict: Mapping[str, Any],
    *,
    activation: str | Activation | Sequence[str | Activation] = "relu",
    output_activation: str | Activation | None = None,
    cost: str | Cost | None = None,
    classes: ArrayLike | None = None,
) -> Network:
    """Make a network of the weights of a PyTorch Sequential of Linear layers.

    Parameters
    ----------
    state_dict : mapping of str to ndarray or tensor
        Entries "NAME.weight" of shape (n_out, n_in) and "NAME.bias" of shape (n_out,), in the order
        of the layers, all float32 or all float64. All layers have biases, or none has.
    activation, output_activation, cost, classes
        See `pynn.Network`: a state dict does not contain them. For a last layer without activation,
        which PyTorch's cross-entropy expects, choose "softmax" here.

    Returns
    -------
    Network

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np, pynn.export
    >>> state = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(3),
    ...          "2.weight": np.ones((1, 3)), "2.bias": np.zeros(1)}
    >>> pynn.export.from_torch(state, activation="tanh")
    <Network 2-3-1, tanh identity, squared_error, 13 parameters float64>
    """
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"state_dict must be a mapping, got {type(state_dict).__name__}")
    arrays = {str(name): _as_array(value) for name, value in state_dict.items()}
    layers = [name.removesuffix("weight") for name in arrays if name.endswith("weight")]
    accepted = {f"{layer}{kind}" for layer in layers for kind in ("weight", "bias")}
    if unknown := [name for name in arrays if name not in accepted]:
        raise ValueError(
            "state_dict must hold the weight and bias of Linear layers alone, got "
            f"{checks.listed(unknown)}"
        )
    weights = [arrays[f"{layer}weight"].T for layer in layers]
    biases = [arrays[f"{layer}bias"] for layer in layers if f"{layer}bias" in arrays]
    return _network(weights, biases, "state_dict", activation, output_activation, cost, classes)


def from_keras(
    weights: Sequence[Any],
    *,
    activation: str | Activation | Sequence[str | Activation] = "relu",
    output_activation: str | Activation | None = None,
    cost: str | Cost | None = None,
    classes: ArrayLike | None = None,
) -> Network:
    """Make a network of the weights of a Keras model of Dense layers.

    Parameters
    ----------
    weights : sequence of ndarray
        Result of ``get_weights``: kernel (n_in, n_out) and bias (n_out,) of each layer, or kernels
        alone, all float32 or all float64.
    activation, output_activation, cost, classes
        See `pynn.Network`: the weights do not contain them.

    Returns
    -------
    Network

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np, pynn.export
    >>> weights = [np.ones((2, 3)), np.zeros(3), np.ones((3, 1)), np.zeros(1)]
    >>> pynn.export.from_keras(weights).predict([[1, 2]])
    array([[9.]])
    """
    if not isinstance(weights, Sequence) or isinstance(weights, str | bytes):
        raise TypeError(f"weights must be a sequence of arrays, got {type(weights).__name__}")
    arrays = [_as_array(value) for value in weights]
    kernels = [array for array in arrays if array.ndim == 2]
    biases = [array for array in arrays if array.ndim != 2]
    return _network(kernels, biases, "weights", activation, output_activation, cost, classes)


def _as_array(value: Any) -> Array:
    """Return a tensor as an array; of PyTorch's, those with a gradient must be detached."""
    value = value.detach().cpu() if hasattr(value, "detach") else value
    return np.asarray(value)


def _network(
    weights: list[Array],
    biases: list[Array],
    argument: str,
    activation: str | Activation | Sequence[str | Activation],
    output_activation: str | Activation | None,
    cost: str | Cost | None,
    classes: ArrayLike | None,
) -> Network:
    """Make a network of weights (n_in, n_out) and of biases (n_out,), which may be none."""
    dtypes = {array.dtype.name for array in [*weights, *biases]}
    if not weights or len(dtypes) > 1 or not dtypes <= {"float32", "float64"}:
        raise ValueError(
            f"{argument} must hold arrays of float32 or of float64, got {sorted(dtypes) or 'none'}"
        )
    shapes = [array.shape for array in weights]
    fit = all(len(shape) == 2 for shape in shapes) and all(
        before[1] == after[0] for before, after in pairwise(shapes)
    )
    has_fitting_biases = [b.shape for b in biases] == [shape[1:] for shape in shapes]
    if not fit or (biases and not has_fitting_biases):
        raise ValueError(
            f"{argument}: layers must follow each other, and either all or none have biases; got "
            f"weights (n_in, n_out) of shapes {shapes} and biases of {[b.shape for b in biases]}"
        )
    for array in [*weights, *biases]:
        checks.finite(argument, array)
    network = Network(
        [shapes[0][0], *(n_out for _, n_out in shapes)],
        activation=activation,
        output_activation=output_activation,
        cost=cost,
        classes=classes,
        bias=bool(biases),
        initializer="zeros",
        dtype=dtypes.pop(),
    )
    for view, array in zip([*network.weights, *network.biases], [*weights, *biases], strict=True):
        view[:] = array
    return network
