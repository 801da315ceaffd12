"""Converters for skl2onnx, which then converts pipelines with pynn's estimators inside."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.estimators.classifier import MLPClassifier
from pynn.estimators.regressor import MLPRegressor
from pynn.export.chain import Chain, chain_of
from pynn.export.onnx_nodes import DOUBLE, FLOAT, Nodes, labels_of


def register_skl2onnx() -> None:
    """Teach skl2onnx to convert `MLPClassifier` and `MLPRegressor` within its pipelines.

    Afterwards, ``skl2onnx.to_onnx`` takes them like scikit-learn's perceptrons, with the options
    "zipmap", "output_class_labels" and "nocl". A call is needed once in each process.

    Raises
    ------
    ImportError
        If the package skl2onnx is missing (``pip install skl2onnx``).

    Examples
    --------
    >>> import pynn.export
    >>> pynn.export.register_skl2onnx()  # doctest: +SKIP
    >>> skl2onnx.to_onnx(pipeline, X[:1])  # doctest: +SKIP
    """
    try:
        import skl2onnx
    except ImportError as error:
        raise ImportError("register_skl2onnx needs skl2onnx: pip install skl2onnx") from error
    options = {
        "zipmap": [True, False, "columns"],
        "output_class_labels": [False, True],
        "nocl": [True, False],
    }
    for kind, shapes, own in (
        (MLPClassifier, _shapes_of_classifier, options),
        (MLPRegressor, _shapes_of_regressor, None),
    ):
        skl2onnx.update_registered_converter(
            kind, f"Pynn{kind.__name__}", shapes, _convert, options=own
        )


def _real_type(operator: Any) -> type[Any]:
    """Return skl2onnx's type of the computations: double for double inputs, else float."""
    from skl2onnx.common import data_types

    is_double = isinstance(operator.inputs[0].type, data_types.DoubleTensorType)
    chosen: type[Any] = data_types.DoubleTensorType if is_double else data_types.FloatTensorType
    return chosen


def _shapes_of_regressor(operator: Any) -> None:
    n_rows, n_out = operator.inputs[0].get_first_dimension(), operator.raw_operator.n_outputs_
    operator.outputs[0].set_type(_real_type(operator)([n_rows, n_out]))


def _shapes_of_classifier(operator: Any) -> None:
    from skl2onnx.common import data_types

    n_rows, chain = operator.inputs[0].get_first_dimension(), _chain(operator)
    kinds = {"i": data_types.Int64TensorType, "f": data_types.FloatTensorType}
    label = kinds.get(labels_of(chain).dtype.kind, data_types.StringTensorType)
    n_classes = max(2, chain.n_outputs)
    operator.outputs[0].set_type(label([n_rows, *[n_classes] * chain.has_several_labels]))
    operator.outputs[1].set_type(_real_type(operator)([n_rows, n_classes]))


def _chain(operator: Any) -> Chain:
    is_double = _real_type(operator).__name__.startswith("Double")
    dtype: np.dtype[Any] = np.dtype(np.float64 if is_double else np.float32)
    return chain_of(operator.raw_operator, "skl2onnx").astype(dtype)


def _convert(scope: Any, operator: Any, container: Any) -> None:
    graph, chain = _Container(scope, container), _chain(operator)
    x = operator.inputs[0].full_name
    x = graph.add("Cast", x, to=DOUBLE if chain.dtype == np.float64 else FLOAT)
    nodes, results = Nodes(graph, chain), [output.full_name for output in operator.outputs]
    if chain.labels is None:
        graph.add("Identity", nodes.outputs(x), output=results[0])
    else:
        nodes.results(nodes.outputs(x), *results)


class _Container:
    """A graph of skl2onnx's, to which nodes and constants are added."""

    def __init__(self, scope: Any, container: Any) -> None:
        self.scope, self.container = scope, container

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or str(self.scope.get_unique_variable_name("pynn"))
        unique = self.scope.get_unique_operator_name(f"pynn_{operator}")
        self.container.add_node(operator, list(inputs), [name], name=unique, **attributes)
        return name

    def constant(self, array: NDArray[Any]) -> str:
        from onnx.helper import np_dtype_to_tensor_dtype

        name = str(self.scope.get_unique_variable_name("pynn_constant"))
        content = array.ravel().tolist()
        if array.dtype == object:
            content = [text.encode() for text in content]
        kind = np_dtype_to_tensor_dtype(array.dtype)
        self.container.add_initializer(name, kind, list(array.shape), content)
        return name
