"""Chain: a model as a chain of steps from a row to its outputs, which all writers read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from pynn.estimators.base import Perceptron
from pynn.estimators.labels import ClassTargets
from pynn.export.table import Table, table_of
from pynn.model.activations import name_of, parameter_of
from pynn.model.embeddings import Embedding
from pynn.network import Network
from pynn.tabular.base import Tabular

Array = NDArray[Any]

VARIANCE_OFFSET = 1e-5  # of both normalisations: see csrc/normalising.h


@dataclass(frozen=True)
class Scaling:
    """One step of a scaler.

    Parameters
    ----------
    operation : str
        "subtract", "divide", "multiply", "add", or "clip" to the range from values[0] to values[1].
    values : ndarray of shape (n_inputs,), or (2,) for "clip"
    """

    operation: str
    values: Array


@dataclass(frozen=True)
class Embedded:
    """An embedding of a column, and its parameters by name, such as "table"."""

    column: int
    embedding: Embedding
    parameters: dict[str, Array]


@dataclass(frozen=True)
class Layer:
    """A dense layer: ``a = f(x @ weights + biases)``.

    Parameters
    ----------
    weights, biases : ndarray of shape (n_in, n_out), (n_out,)
        An input scale and batch normalisation are part of them.
    activation : str
        Name of f in the compiled core.
    parameter : float
        Slope of "leaky_relu" below 0.
    gains : ndarray of shape (n_out,), optional
        With them, ``x @ weights`` is normalised over the units and multiplied by the gains before
        the biases are added.
    alphas : ndarray of shape (n_out,), optional
        With them, f is ``(1 - alphas) * z + alphas * f(z)``.
    is_residual : bool
        Whether x is added to a.
    """

    weights: Array
    biases: Array
    activation: str
    parameter: float = 0.0
    gains: Array | None = None
    alphas: Array | None = None
    is_residual: bool = False


@dataclass(frozen=True)
class Net:
    """A network: embeddings by ascending column, then layers."""

    embedded: tuple[Embedded, ...]
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Chain:
    """A model as steps: scale the inputs, compute each network, average the outputs.

    Parameters
    ----------
    n_inputs : int
    dtype : numpy.dtype
        Precision of all parameters and computations.
    scalings : tuple of Scaling
    nets : tuple of Net
        Networks of an ensemble or members of one network, whose mean is the output.
    labels : list, optional
        Labels of the classes; two for a single output. None for a model without classes.
    has_several_labels : bool
        Whether each output is a separate label, 1 above 0.5.
    is_estimator : bool
        Whether `predict` of the model returns labels and vectors, as scikit-learn's do.
    names : list of str, optional
        Names of the inputs.
    about : str
        The model in a few words.
    table : Table, optional
        With it, the steps begin with columns of a table, which become the inputs, and end with its
        last step.
    """

    n_inputs: int
    dtype: np.dtype[Any]
    scalings: tuple[Scaling, ...]
    nets: tuple[Net, ...]
    labels: list[Any] | None
    has_several_labels: bool
    is_estimator: bool
    names: list[str] | None
    about: str
    table: Table | None = None

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the networks."""
        return len(self.nets[0].layers[-1].biases)

    def astype(self, dtype: np.dtype[Any]) -> Chain:
        """Return the chain in another precision."""

        def cast(of: Any) -> Any:
            arrays = {name: a for name, a in vars(of).items() if isinstance(a, np.ndarray)}
            return replace(of, **{name: array.astype(dtype) for name, array in arrays.items()})

        def embedded(one: Embedded) -> Embedded:
            parameters = {name: array.astype(dtype) for name, array in one.parameters.items()}
            return replace(one, parameters=parameters)

        nets = tuple(
            Net(tuple(map(embedded, net.embedded)), tuple(map(cast, net.layers)))
            for net in self.nets
        )
        return replace(self, dtype=dtype, nets=nets, scalings=tuple(map(cast, self.scalings)))

    def expect_plain(
        self, writer: str, accepted: Collection[str] | None = None
    ) -> tuple[Layer, ...]:
        """Return the layers of a plain network; refuse all else.

        Parameters
        ----------
        writer : str
            Function that wants them.
        accepted : collection of str, optional
            Names of the activations that it knows; by default, all.

        Raises
        ------
        ValueError
            If there are several networks or layers of other kinds.
        """
        net = self.nets[0]
        found = {
            f"an ensemble or members ({len(self.nets)})": len(self.nets) > 1,
            "embeddings": net.embedded,
            "layer normalisation": any(layer.gains is not None for layer in net.layers),
            "Parametric activations": any(layer.alphas is not None for layer in net.layers),
            "residual layers": any(layer.is_residual for layer in net.layers),
        }
        if accepted is not None:
            names = {layer.activation for layer in net.layers}
            found |= {f"the activation {name!r}": name not in accepted for name in names}
        if wrong := [what for what, is_there in found.items() if is_there]:
            raise ValueError(
                f"{writer} cannot write {', '.join(wrong)}; to_onnx, to_c and to_numpy can"
            )
        return net.layers


def chain_of(model: Any, writer: str, *, takes_pipelines: bool = True) -> Chain:
    """Return the chain of a model.

    Parameters
    ----------
    model : Network, MLPClassifier, MLPRegressor, Pipeline of scalers and one of these, \
TabularClassifier or TabularRegressor
    writer : str
        Function that asks for it, for messages.
    takes_pipelines : bool, default=True
        Whether a scaler or the preparation of a table can be part of what it writes.

    Raises
    ------
    TypeError
        If the model is anything else, or a pipeline has other steps.
    ValueError
        If a classifier knows only one class, a parameter is infinite or NaN, or an estimator for
        tables reads no column.
    sklearn.exceptions.NotFittedError
        If an estimator or a scaler is not fitted.
    """
    scalers, names, table = [], None, None
    if isinstance(model, Pipeline) and takes_pipelines:
        *before, (_, model) = model.steps
        scalers = [scaler for _, scaler in before if scaler not in (None, "passthrough")]
        if scalers:
            names = getattr(scalers[0], "feature_names_in_", None)
    if isinstance(model, Perceptron):
        check_is_fitted(model)
        networks: list[Network] = model._networks()
        names = getattr(model, "feature_names_in_", names)
    elif isinstance(model, Tabular) and takes_pipelines and not scalers:
        check_is_fitted(model)
        model = model._now()
        networks, table = model.networks_, table_of(model, writer)
    elif isinstance(model, Network):
        networks = [model]
    else:
        raise TypeError(refusal(model, writer, takes_pipelines=takes_pipelines))
    if not all(np.isfinite(network.parameters).all() for network in networks):
        raise ValueError(f"{writer}: some parameters are infinite or NaN")
    first, dtype = networks[0], networks[0].dtype
    labels, has_several_labels = _labels(model, first)
    return Chain(
        n_inputs=first.layer_sizes[0],
        dtype=dtype,
        scalings=tuple(one for scaler in scalers for one in _scalings(scaler, dtype, writer)),
        nets=tuple(net for network in networks for net in _nets(network)),
        labels=labels,
        has_several_labels=has_several_labels,
        is_estimator=isinstance(model, Perceptron | Tabular),
        names=None if names is None else [str(name) for name in names],
        about=_about(networks, scalers) + " for tables" * (table is not None),
        table=table,
    )


def refusal(model: Any, writer: str, *, takes_pipelines: bool) -> str:
    """Return the message for a model that a writer does not take."""
    hints = {
        "Population": "; its networks are model[0], model[1] and so on",
        "TabularClassifier": "; it prepares columns of a table, which to_onnx, to_c, to_numpy and "
        "to_json write. Its networks, which read prepared columns, are model.networks_",
        "GridSearchCV": "; use best_estimator_",
        "Pipeline": "; its last step alone is model[-1]",
    }
    kind = type(model).__name__
    hint = hints.get(kind.replace("Regressor", "Classifier").replace("Halving", ""), "")
    accepted = "a Network, an MLPClassifier or an MLPRegressor"
    if takes_pipelines:
        accepted += ", a Pipeline of scalers and one of these, or an estimator for tables"
    return f"{writer} takes {accepted}, got {kind}{hint}"


def _about(networks: list[Network], scalers: list[Any]) -> str:
    first = networks[0]
    sizes = "-".join(map(str, first.layer_sizes))
    many = f"{len(networks)} networks " if len(networks) > 1 else "a network "
    members = f", {first.members} members" if first.members else ""
    behind = "".join(f" after {type(scaler).__name__}" for scaler in scalers)
    return f"{many}{sizes} ({', '.join(first._architecture.layer_activations)}{members}){behind}"


def _labels(model: Any, network: Network) -> tuple[list[Any] | None, bool]:
    """Return the labels of the classes, and whether each output is a label of its own."""
    architecture, n_outputs = network._architecture, network.layer_sizes[-1]
    if isinstance(model, Tabular):
        return (model.classes_.tolist() if hasattr(model, "classes_") else None), False
    if isinstance(model, ClassTargets):
        labels = model.classes_.tolist()
        if len(labels) < 2:
            raise ValueError(f"the classifier knows only the class {labels[0]!r}")
        return labels, model._label_binarizer.y_type_.startswith("multilabel")
    if isinstance(model, Perceptron) or not architecture.tells_classes:
        return None, False
    labels = list(architecture.classes or range(max(2, n_outputs)))
    is_binary_cost = architecture.cost_name == "binary_cross_entropy"
    return labels, n_outputs > 1 and architecture.classes is None and is_binary_cost


def _scalings(scaler: Any, dtype: np.dtype[Any], writer: str) -> list[Scaling]:
    """Return the steps of a scaler, in the order in which scikit-learn computes them."""
    check_is_fitted(scaler)
    found: list[tuple[str, Any]]
    match scaler:
        case MinMaxScaler():
            found = [("multiply", scaler.scale_), ("add", scaler.min_)]
            if scaler.clip:
                found.append(("clip", scaler.feature_range))
        case StandardScaler():
            found = [("subtract", scaler.mean_ if scaler.with_mean else None)]
            found.append(("divide", scaler.scale_))
        case RobustScaler():
            found = [("subtract", scaler.center_), ("divide", scaler.scale_)]
        case MaxAbsScaler():
            found = [("divide", scaler.scale_)]
            if getattr(scaler, "clip", False):
                found.append(("clip", (-1, 1)))
        case _:
            raise TypeError(
                f"{writer} takes pipelines of StandardScaler, MinMaxScaler, RobustScaler or "
                f"MaxAbsScaler and a model, got the step {type(scaler).__name__}; skl2onnx "
                "converts other steps (see pynn.export.register_skl2onnx)"
            )
    return [Scaling(name, np.array(of, dtype)) for name, of in found if of is not None]


def _nets(network: Network) -> list[Net]:
    """Return a network, or each of its members."""
    if network.members is None:
        return [_net(network)]
    return [_net(network.member(k)) for k in range(network.members)]


def _net(network: Network) -> Net:
    architecture, dtype = network._architecture, network.dtype
    parameters = architecture.split(network.parameters.astype(np.float64))

    def in_dtype(name: str) -> Array | None:
        return parameters[name].astype(dtype) if name in parameters else None

    layers = []
    for k, activation in enumerate(network.activations):
        W = parameters[f"weights.{k}"]
        b = parameters.get(f"biases.{k}", np.zeros(W.shape[1]))
        if k == 0 and "scale" in parameters:
            W = parameters["scale"][:, np.newaxis] * W
        norm = architecture.norm_of(k)
        if norm == "batch":
            spread = np.sqrt(parameters[f"variances.{k}"] + VARIANCE_OFFSET)
            factors = parameters[f"gains.{k}"] / spread
            W, b = W * factors, b - parameters[f"means.{k}"] * factors
        layers.append(
            Layer(
                W.astype(dtype),
                b.astype(dtype),
                name_of(activation),
                parameter_of(activation),
                in_dtype(f"gains.{k}") if norm == "layer" else None,
                in_dtype(f"alphas.{k}"),
                architecture.is_residual(k),
            )
        )
    embedded = tuple(
        Embedded(
            column,
            embedding,
            {name: parameters[f"{name}.{column}"].astype(dtype) for name in embedding._shapes()},
        )
        for column, embedding in architecture.embeddings
    )
    return Net(embedded, tuple(layers))
