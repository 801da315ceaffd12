"""Python files that predict with NumPy alone."""

from __future__ import annotations

import ast
import inspect
import os
import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pynn
from pynn.export import formulas, table_formulas
from pynn.export.chain import Chain, Embedded, Layer, Net, chain_of
from pynn.export.table import Column, Words
from pynn.export.text import delivered, shortest
from pynn.model.embeddings import Categories, Periodic, PiecewiseLinear

_SHORT = 60  # characters of an array that stays in one line
_SIGNS = {"subtract": "-", "divide": "/", "multiply": "*", "add": "+"}


def to_numpy(model: Any, path: str | os.PathLike[str] | None = None) -> str:
    """Write a model as a short Python file that needs NumPy alone.

    The function `predict` of the file takes rows (n_rows, n_inputs) and returns the same as that of
    the model. The file of a classifier also has `predict_proba`, that of a network with classes
    `predict_classes`. Rows are not checked: NaN and unknown categories have no error of their own.
    Of an estimator for tables, `predict` takes rows (n_rows, n_columns) or a DataFrame with the
    columns in their order; missing values are None or NaN, dates NumPy's or ISO texts in UTC.

    Parameters
    ----------
    model : Network, MLPClassifier, MLPRegressor, Pipeline of scalers and one of these, \
TabularClassifier or TabularRegressor
        Every activation, kind of layer, embedding and ensemble is supported, and the scalers
        StandardScaler, MinMaxScaler, RobustScaler and MaxAbsScaler.
    path : str or path-like, optional
        File to write; an existing one is replaced.

    Returns
    -------
    str
        The file's content.

    Raises
    ------
    TypeError, ValueError
        If the model is anything else, a classifier of one class, or reads no column.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    OSError
        If the file cannot be written.

    Notes
    -----
    The file computes in the precision of the network, and differs from the model by rounding alone:
    by less than 1e-6 of the outputs in float32, as of estimators for tables, and 1e-12 in float64.

    Examples
    --------
    >>> import pynn, pynn.export
    >>> net = pynn.Network([2, 3, 1], activation="tanh", dtype="float64", random_state=0)
    >>> names = {}
    >>> exec(pynn.export.to_numpy(net), names)
    >>> bool(abs(names["predict"]([[1, 2]]) - net.predict([[1, 2]])) < 1e-12)
    True
    """
    chain = chain_of(model, "to_numpy")
    return delivered(_Source(chain).text(), path)


class _Source:
    """Arrays, the functions that use them, and the formulas that these need."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.arrays: list[str] = []
        self.formulas: set[str] = set()

    def text(self) -> str:
        chain = self.chain
        functions = []
        if chain.table is None:
            body = [f"a = np.asarray(X, dtype=np.{chain.dtype.name})", *self._scaling()]
        else:
            body = ["a = prepare(X)"]
            functions.append(self._prepare(chain.table.columns))
        nets = [f"_network{k}" if len(chain.nets) > 1 else "" for k in range(len(chain.nets))]
        for k, (name, net) in enumerate(zip(nets, chain.nets, strict=True)):
            lines = self._steps(net, f"{k}_" if name else "")
            if name:
                functions.append(_function(f"{name}(a)", "", [*lines, "return a"]))
            else:
                body += lines
        if len(nets) > 1:
            body.append(f"a = np.mean([{', '.join(f'{name}(a)' for name in nets)}], axis=0)")
        body += self._last_step()
        if chain.is_estimator and chain.labels is None:
            body.append("return a.ravel() if a.shape[1] == 1 else a")
        else:
            body.append("return a")
        functions.append(self._public(body))
        imports = "import math\n\n" * self._needs_math() + "import numpy as np"
        parts = [
            f'"""The predictions of {chain.about}, by pynn {pynn.__version__}."""\n\n{imports}',
            *self._copied(),
            "\n".join(self.arrays),
            *functions,
        ]
        return "\n\n\n".join(part.strip("\n") for part in parts if part) + "\n"

    def _array(self, name: str, array: NDArray[Any]) -> str:
        rows = [
            "[" + ", ".join(map(str, row.tolist())) + "]" for row in shortest(np.atleast_2d(array))
        ]
        if array.ndim == 1 and len(rows[0]) <= _SHORT:
            text = rows[0]
        else:
            wrapped = [textwrap.fill(row, 95, subsequent_indent=" ") for row in rows]
            inner = ",\n".join(wrapped) if array.ndim == 2 else wrapped[0][1:-1]
            text = "[\n" + textwrap.indent(inner, "    ") + ",\n]"
        self.arrays.append(f"{name} = np.array({text}, np.{array.dtype.name})")
        return name

    def _scaling(self) -> list[str]:
        lines = []
        for k, step in enumerate(self.chain.scalings):
            if step.operation == "clip":
                lines.append("a = a.clip({}, {})".format(*step.values.tolist()))
            else:
                by = self._array(f"scaling{k}", step.values)
                lines.append(f"a = a {_SIGNS[step.operation]} {by}")
        return lines

    def _prepare(self, columns: Iterable[Column]) -> str:
        """Return the function that turns rows of a table into inputs of networks."""
        parts = []
        for column in columns:
            x = f"X[:, {column.index}]"
            if isinstance(column, Words):
                table = self._array(f"inputs{column.index}", column.inputs)
                parts.append(self._call("category", x, repr([*column.labels]), table) + ",")
            else:
                x = self._call("days", x) if column.is_date else x
                names = ("median", "scale", "clip", "has_flag", "ends")
                given = (f"{getattr(column, field)!r}" for field in names)
                parts.append(self._call("number", x, *given) + ",")
            parts[-1] += f"  # {column.name!r}"
            if not isinstance(column, Words) and column.n_cycles:
                parts.append(self._call("cycles", x, str(column.n_cycles)) + ",")
        lines = ["X = np.asarray(X, dtype=object)", "columns = ["]
        lines += [*(f"    {part}" for part in parts), "]"]
        lines.append("return np.concatenate(columns, axis=1).astype(np.float32)")
        return _function("prepare(X)", "Return the inputs of networks for rows of a table.", lines)

    def _last_step(self) -> list[str]:
        """Return the lines from the mean of the networks to predictions for a table."""
        table = self.chain.table
        if table is None:
            return []
        lines = ["a = a.astype(float)"]
        if table.temperature is not None:
            return [*lines, f"a = {self._call('tempered', 'a', repr(table.temperature))}"]
        scale, mean = self._array("scale", table.scale), self._array("mean", table.mean)
        return [*lines, f"a = a * {scale} + {mean}"]

    def _steps(self, net: Net, prefix: str) -> list[str]:
        lines = self._embedding(net, prefix)
        for k, layer in enumerate(net.layers):
            lines += self._layer(layer, f"{prefix}{k}")
        return lines

    def _embedding(self, net: Net, prefix: str) -> list[str]:
        if not net.embedded:
            return []
        parts, start = [], 0
        for one in net.embedded:
            parts += [f"a[:, {start}:{one.column}]"] if start < one.column else []
            parts.append(self._embedded(one, f"_{prefix}{one.column}"))
            start = one.column + 1
        parts += [f"a[:, {start}:]"] if start < self.chain.n_inputs else []
        return [
            "a = np.column_stack(",
            "    [",
            *[f"        {part}," for part in parts],
            "    ]",
            ")",
        ]

    def _embedded(self, one: Embedded, suffix: str) -> str:
        x = f"a[:, {one.column}]"
        names = [self._array(f"{name}{suffix}", array) for name, array in one.parameters.items()]
        match one.embedding:
            case Categories():
                return self._call("categories", x, *names)
            case Periodic():
                return self._call("periodic", x, *names)
            case PiecewiseLinear(edges=edges):
                encoded = self._call("bins", x, self._array(f"edges{suffix}", np.array(edges)))
                return f"{encoded} @ {names[0]} + {names[1]}" if names else encoded
        raise TypeError(f"no formula of {one.embedding!r}")

    def _layer(self, layer: Layer, suffix: str) -> list[str]:
        z = f"a @ {self._array(f'W{suffix}', layer.weights)}"
        if layer.gains is not None:
            gains = self._array(f"gains{suffix}", layer.gains)
            z = f"{self._call('layer_norm', z)} * {gains}"
        z = f"{z} + {self._array(f'b{suffix}', layer.biases)}"
        slope = [repr(layer.parameter)] if layer.activation == "leaky_relu" else []
        if layer.alphas is None:
            activated, lines = self._call(layer.activation, z, *slope), []
        else:
            alphas = self._array(f"alphas{suffix}", layer.alphas)
            inner = self._call(layer.activation, "z", *slope)
            activated, lines = f"(1 - {alphas}) * z + {alphas} * {inner}", [f"z = {z}"]
        return [*lines, f"a = {activated}{' + a' if layer.is_residual else ''}"]

    def _call(self, formula: str, *arguments: str) -> str:
        if formula == "identity":
            return arguments[0]
        self.formulas.add(formula)
        return f"{formula}({', '.join(arguments)})"

    def _public(self, body: list[str]) -> str:
        chain = self.chain
        if chain.labels is None or not chain.is_estimator:
            text = _function("predict(X)", "Return the outputs of rows X (n_rows, n_inputs).", body)
            if chain.labels is None:
                return text
            return f"{text}\n\n{self._labels('predict_classes', 'predict', chain.n_outputs)}"
        if chain.n_outputs == 1:
            body[-1] = "return np.concatenate([1 - a, a], axis=1)"
        says = "Return the probability of each class for rows X (n_rows, n_inputs)."
        text = _function("predict_proba(X)", says, body)
        return f"{text}\n\n{self._labels('predict', 'predict_proba', max(2, chain.n_outputs))}"

    def _labels(self, name: str, outputs: str, n_outputs: int) -> str:
        says = "Return the class of each row of X (n_rows, n_inputs)."
        if self.chain.has_several_labels:
            return _function(f"{name}(X)", says, [f"return ({outputs}(X) > 0.5).astype(np.int64)"])
        labels = f"np.array({self.chain.labels!r})"
        if n_outputs == 1:
            number = f"({outputs}(X)[:, 0] > 0.5).astype(int)"
        else:
            number = f"{outputs}(X).argmax(axis=1)"
        return _function(f"{name}(X)", says, [f"return {labels}[{number}]"])

    def _copied(self) -> Iterable[str]:
        """Yield the source of each formula, without types, in the order of the module."""
        needed = set(self.formulas)
        uses = {
            "silu": "sigmoid",
            "mish": "softplus",
            "tempered": "softmax",
            "cycles": "year_start",
        }
        needed |= {used for by, used in uses.items() if by in needed}
        for name, function in {**vars(formulas), **vars(table_formulas)}.items():
            if name in needed:
                tree = ast.parse(inspect.getsource(function)).body[0]
                assert isinstance(tree, ast.FunctionDef)
                for argument in tree.args.args:
                    argument.annotation = None
                tree.returns = None
                yield f"\n{ast.unparse(tree)}"

    def _needs_math(self) -> bool:
        return bool(self.formulas & {"gelu", "periodic", "cycles"})


def _function(head: str, says: str, lines: list[str]) -> str:
    says = f'    """{says}"""\n' if says else ""
    return f"\ndef {head}:\n{says}" + textwrap.indent("\n".join(lines), "    ")
