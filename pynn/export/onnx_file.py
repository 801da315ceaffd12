"""ONNX files, for servers and other programs."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pynn
from pynn.export import onnx_table
from pynn.export.chain import chain_of
from pynn.export.onnx_nodes import DOUBLE, Nodes, labels_of
from pynn.model.atomic import replace

OPSET = 17  # and IR version 8: ONNX Runtime from 1.12 (2022) on reads the files
_IR_VERSION = 8


def to_onnx(model: Any, path: str | os.PathLike[str] | None = None) -> Any:
    """Convert a model to ONNX, of opset 17.

    The graph has the input "X", (n_rows, n_inputs) of the network's dtype. A model of classes has
    the outputs "output_label" and "output_probability", (n_rows, n_classes), as skl2onnx names
    them without ZipMap; any other model has "variable", (n_rows, n_outputs).

    For an estimator for tables, the graph has an input for each column that the model reads,
    (n_rows, 1), with the column's name, or "x0", "x1" and so on: strings for categories that are
    texts, else doubles. A missing value is "" or NaN; dates are days since 1970-01-01. Outputs are
    doubles. A column with the name of an output gets an underscore at its end.

    Parameters
    ----------
    model : Network, MLPClassifier, MLPRegressor, Pipeline of scalers and one of these, \
TabularClassifier or TabularRegressor
        Every activation, kind of layer, embedding and ensemble is supported, and the scalers
        StandardScaler, MinMaxScaler, RobustScaler and MaxAbsScaler. For other pipelines, see
        `register_skl2onnx`.
    path : str or path-like, optional
        File to write; an existing one is replaced.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ImportError
        If the package onnx is missing (``pip install onnx``).
    TypeError, ValueError
        If the model is anything else, a classifier of one class, or its labels are neither numbers
        nor texts; or a column of a table holds categories of texts and numbers, integers beyond
        ±2**53, or the text "" beside missing values.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    OSError
        If the file cannot be written.

    Notes
    -----
    ONNX Runtime's outputs differ by less than 1e-6 of the largest one. In float64 they agree to
    1e-12, except with "gelu" and `Periodic`: ONNX Runtime has erf and cos only for float32. For
    tables, they differ by less than 1e-5: networks may enlarge the rounding of their inputs.
    Unknown categories of an embedding are an error of ONNX Runtime, too.

    Examples
    --------
    >>> import pynn, pynn.export
    >>> net = pynn.Network([2, 3, 1], random_state=0)
    >>> proto = pynn.export.to_onnx(net, "net.onnx")  # doctest: +SKIP
    >>> session = onnxruntime.InferenceSession("net.onnx")  # doctest: +SKIP
    >>> session.run(None, {"X": np.float32([[1, 2]])})  # doctest: +SKIP
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError("to_onnx needs onnx: pip install onnx") from error
    chain = chain_of(model, "to_onnx")
    graph = _Graph(onnx)
    nodes = Nodes(graph, chain)
    value, n_out = onnx.helper.make_tensor_value_info, chain.n_outputs
    real: int = DOUBLE
    if chain.table is None:
        real = onnx.helper.np_dtype_to_tensor_dtype(chain.dtype)
        inputs = [value("X", real, [None, chain.n_inputs])]
        out = nodes.outputs("X")
    else:
        onnx_table.check(chain.table)
        types = onnx_table.input_types(chain.table)
        inputs = [value(name, kind, [None, 1]) for name, kind in types.items()]
        before = onnx_table.TableNodes(graph, chain.table)
        out = before.finished(nodes.outputs(before.inputs(types)))
    if chain.labels is None:
        graph.add("Identity", out, output="variable")
        results = [value("variable", real, [None, n_out])]
    else:
        nodes.results(out, "output_label", "output_probability")
        several = [n_out] * chain.has_several_labels
        kind = onnx.TensorProto.INT64 if several else graph.type_of(labels_of(chain))
        results = [
            value("output_label", kind, [None, *several]),
            value("output_probability", real, [None, max(2, n_out)]),
        ]
    opsets = {node.domain: 3 for node in graph.nodes if node.domain} | {"": OPSET}
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "pynn", inputs, results, graph.constants),
        opset_imports=[onnx.helper.make_opsetid(*one) for one in opsets.items()],
        ir_version=_IR_VERSION,
        producer_name="pynn",
        producer_version=pynn.__version__,
        doc_string=chain.about,
    )
    onnx.checker.check_model(proto)
    if path is not None:
        replace(path, lambda file: file.write(proto.SerializeToString()))
    return proto


class _Graph:
    """Nodes and constants by number."""

    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"{onnx_table.INTERNAL}n{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, array: NDArray[Any]) -> str:
        name = f"{onnx_table.INTERNAL}c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def type_of(self, array: NDArray[Any]) -> Any:
        return self.onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
