"""A table as nodes of an ONNX graph: one input for each column, (n_rows, 1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.export.onnx_nodes import DOUBLE, FLOAT, INT64, Graph
from pynn.export.table import Number, Table, Words

Array = NDArray[Any]

STRING = 8  # of onnx.TensorProto
INTERNAL = "pynn/"  # begins the names of all other tensors
_OUTPUTS = {"variable", "output_label", "output_probability"}


def input_types(table: Table) -> dict[str, int]:
    """Return the name and the type of each input, in the order of the table's columns."""
    found: dict[str, int] = {}
    for column in table.columns:
        has_name = column.name and not column.name.startswith(INTERNAL)
        name = column.name if has_name else f"x{column.index}"
        while name in found or name in _OUTPUTS:
            name += "_"
        is_text = isinstance(column, Words) and column.are_texts
        found[name] = STRING if is_text else DOUBLE
    return found


def check(table: Table) -> None:
    """Raise a ValueError if ONNX cannot hold the categories."""
    table.expect_doubles("to_onnx")
    for column in table.columns:
        # The last rows of inputs are those of missing and of other values.
        if isinstance(column, Words) and "" in column.labels:
            missing, other = column.inputs[-2:]
            if (missing != other).any():
                raise ValueError(
                    f"to_onnx cannot write the column {column.name!r}: it has both the category '' "
                    "and missing values, which are '' in ONNX"
                )


class TableNodes:
    """The nodes of a table.

    Parameters
    ----------
    graph : Graph
    table : Table
    """

    def __init__(self, graph: Graph, table: Table) -> None:
        self.graph, self.table, self.add = graph, table, graph.add

    def number(self, value: float) -> str:
        """Return a constant of double."""
        return self.graph.constant(np.array(value, np.float64))

    def inputs(self, names: Iterable[str]) -> str:
        """Add the nodes from columns (n_rows, 1) to inputs (n_rows, n_inputs) of float."""
        parts = []
        for name, column in zip(names, self.table.columns, strict=True):
            if isinstance(column, Words):
                parts.append(self._words(name, column))
            else:
                parts += self._number(name, column)
        return self.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]

    def finished(self, mean: str) -> str:
        """Add the nodes from the networks' mean to predictions of double."""
        out, table = self.add("Cast", mean, to=DOUBLE), self.table
        if table.temperature is None:
            out = self.add("Mul", out, self.graph.constant(table.scale))
            return self.add("Add", out, self.graph.constant(table.mean))
        out = self.add("Log", self.add("Max", out, self.number(2.0**-126)))
        return self.add("Softmax", self.add("Div", out, self.number(table.temperature)), axis=1)

    def _words(self, x: str, column: Words) -> str:
        n = len(column.labels)
        if column.are_texts:
            codes = {"": n, **{label: k for k, label in enumerate(column.labels)}}
            row = self.add(
                "LabelEncoder", x, domain="ai.onnx.ml", keys_strings=[*codes],
                values_int64s=[*codes.values()], default_int64=n + 1,
            )  # fmt: skip
        else:
            labels = self.graph.constant(np.array(column.labels, dtype=np.float64))
            is_label = self.add("Cast", self.add("Equal", x, labels), to=INT64)
            # Sums of one place at most, less n + 1, which remains for numbers that are no label.
            places = self.graph.constant(np.arange(n) - (n + 1))
            row = self.add("Mul", is_label, places)
            row = self.add("ReduceSum", row, self.graph.constant(np.array([1])))
            missing = self.add("Cast", self.add("IsNaN", x), to=INT64)
            row = self.add("Add", self.add("Sub", row, missing), self._int(n + 1))
        row = self.add("Reshape", row, self._int([-1]))
        return self.add("Gather", self.graph.constant(column.inputs), row, axis=0)

    def _int(self, value: Any) -> str:
        return self.graph.constant(np.array(value, np.int64))

    def _number(self, x: str, column: Number) -> list[str]:
        missing, parts = self.add("IsNaN", x), []
        if column.scale:
            x = self.add("Where", missing, self.number(column.median), x)
            z = self._within(x, -1e300, 1e300)
            z = self.add("Sub", z, self.number(column.median))
            z = self._within(self.add("Div", z, self.number(column.scale)), -1e15, 1e15)
            over = self.add("Div", z, self.number(column.clip))
            square = self.add("Add", self.add("Mul", over, over), self.number(1))
            parts.append(self.add("Div", z, self.add("Sqrt", square)))
        if column.has_flag:
            parts.append(missing)
        if column.ends:
            parts.append(self._within(z, *column.ends))
        if column.n_cycles:
            parts += self._cycles(x, missing, column.n_cycles)
        return [self.add("Cast", part, to=FLOAT) for part in parts]

    def _within(self, x: str, low: float, high: float) -> str:
        return self.add("Max", self.add("Min", x, self.number(high)), self.number(low))

    def _cycles(self, x: str, missing: str, n: int) -> list[str]:
        """Return sine and cosine of each cycle, as `table_formulas.cycles` does."""
        add, number = self.add, self.number
        whole = add("Floor", x)
        year = add("Div", add("Add", whole, number(719162)), number(365.2425))
        year = add("Add", add("Floor", year), number(1))
        next_year = add("Add", year, number(1))
        is_later = add("GreaterOrEqual", whole, self._year_start(next_year))
        is_earlier = add("Less", whole, self._year_start(year))
        year = add("Add", year, add("Cast", is_later, to=DOUBLE))
        year = add("Sub", year, add("Cast", is_earlier, to=DOUBLE))
        start, end = self._year_start(year), self._year_start(add("Add", year, number(1)))
        weeks = add("Div", add("Add", whole, number(3)), number(7))
        turns = [
            add("Div", add("Sub", x, start), add("Sub", end, start)),
            add("Sub", weeks, add("Floor", weeks)),
            add("Sub", x, whole),
        ]
        waves = []
        for turn in turns[:n]:
            for shift in (0, 0.25):  # ONNX Runtime has no cosine of double
                angle = add("Mul", add("Add", turn, number(shift)), number(2 * np.pi))
                waves.append(add("Where", missing, number(0), add("Sin", angle)))
        return waves

    def _year_start(self, year: str) -> str:
        add, number = self.add, self.number
        y = add("Sub", year, number(1))
        days = add("Mul", y, number(365))
        for years, change in ((4, "Add"), (100, "Sub"), (400, "Add")):
            days = add(change, days, add("Floor", add("Div", y, number(years))))
        return add("Sub", days, number(719162))
