"""The text of a C header for tables: a row of columns becomes inputs, then predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from pynn.export.c_formulas import ACTIVATIONS, TABLES
from pynn.export.c_header import Header, identifiers, in_comment
from pynn.export.chain import Chain
from pynn.export.rounding import Rounding
from pynn.export.table import Number, Table, Words

_SMALLEST = 2.0**-126  # see pynn.tabular.calibration


class TableHeader(Header):
    """The text of a header for tables; its functions take and return numbers of double.

    Parameters
    ----------
    chain : Chain
        With a table.
    name : str
    rounding : Rounding, optional
    """

    def __init__(self, chain: Chain, name: str, rounding: Rounding | None) -> None:
        assert chain.table is not None
        super().__init__(chain, name, rounding)
        self.table: Table = chain.table
        self.n_x, self.row_type = self.table.n_columns, "double"
        columns = self.table.columns
        names = [*(chain.labels or []), *(f"column {column.name}" for column in columns)]
        constants = [f"{name.upper()}_{constant}" for _, constant in identifiers(names)]
        self.constants = dict(
            zip((column.index for column in columns), constants[-len(columns) :], strict=True)
        )

    def _includes(self) -> list[str]:
        return ["<math.h>", *["<string.h>"] * bool(self._texts())]

    def _about_x(self) -> list[str]:
        name = self.name
        lines = [f"x: the {self.n_x} columns of a row, enum {name}_column; NAN is a missing value."]
        if self._texts():
            lines.append(f"Categories are codes: {name}_code(column, text), -1 for unknown texts.")
        return lines

    def _texts(self) -> list[Words]:
        return [one for one in self.table.columns if isinstance(one, Words) and one.are_texts]

    def _outputs(self) -> str:
        """Return all that leads from a row of columns to predictions."""
        parts = [self._column_enum(), *([self._codes()] if self._texts() else [])]
        parts += [self._prepare(), self._mean("networks"), self._predictions()]
        return "\n\n".join(parts)

    def _column_enum(self) -> str:
        columns = self.table.columns
        lines = [
            f"    {self.constants[column.index]} = {column.index}, "
            f"/* {in_comment(column.name)}: {column.about()} */"
            for column in columns
        ]
        lines[-1] = lines[-1].replace(", /*", " /*", 1)
        return f"enum {self.name}_column {{\n" + "\n".join(lines) + "\n};"

    def _codes(self) -> str:
        """Return the function that finds the code of a text."""
        tables, cases = [], []
        for column in self._texts():
            j, n = column.index, len(column.labels)
            listed = ", ".join(_literal(label, column) for label in column.labels)
            tables.append(f"static const char *const words{j}[{max(1, n)}] = {{{listed or '0'}}};")
            cases.append(f"case {self.constants[column.index]}: words = words{j}, n = {n}; break;")
        lines = [
            *tables,
            "const char *const *words = 0;",
            "int n = 0, k = 0;",
            "switch (column) {",
            *cases,
            "default: break;",
            "}",
            "while (k < n && strcmp(words[k], text) != 0) { k++; }",
            "return k < n ? k : -1;",
        ]
        head = "/* The code of a text (UTF-8), or -1. */\n"
        head += f"static inline int {self.name}_code(enum {self.name}_column column, "
        return f"{head}const char *text) {{\n{self.indented(lines)}\n}}"

    def _prepare(self) -> str:
        """Return the function from columns to inputs."""
        tables: list[str] = []
        lines: list[str] = []
        for column in self.table.columns:
            if isinstance(column, Words):
                lines += self._words(column, tables)
            else:
                lines += self._number(column)
        found = {"double z;": "z = ", "int row;": "row = "}
        variables = [
            name for name, use in found.items() if any(line.startswith(use) for line in lines)
        ]
        head = (
            f"/* Compute inputs ({self.chain.n_inputs},) of the networks from x ({self.n_x},). */\n"
        )
        head += f"static inline void {self.name}_prepare(const double *x, {self.type} *inputs) {{"
        return f"{head}\n{self.indented([*tables, *variables, *lines])}\n}}"

    def _number(self, column: Number) -> list[str]:
        name, x, lines = self.name, f"x[{self.constants[column.index]}]", []
        values = []
        if column.scale:
            self.help("z", TABLES["z"])
            lines.append(f"z = {name}_z({x}, {column.median!r}, {column.scale!r});")
            values.append(f"({self.type}){name}_smooth(z, {column.clip!r})")
        if column.has_flag:
            values.append(f"{x} != {x}")
        if column.ends:
            values.append("({}){}_within(z, {!r}, {!r})".format(self.type, name, *column.ends))
        places = range(column.place, column.place + len(values))
        lines += [f"inputs[{k}] = {value};" for k, value in zip(places, values, strict=True)]
        if column.n_cycles:
            self.help("cycles", TABLES["cycles"])
            lines.append(f"{name}_cycles(inputs + {places.stop}, {x}, {column.n_cycles});")
        return lines

    def _words(self, column: Words, tables: list[str]) -> list[str]:
        x, j, n = f"x[{self.constants[column.index]}]", column.index, len(column.labels)
        size = column.inputs.shape[1]
        tables.append(self.array(f"inputs{j}", column.inputs.astype(self.chain.dtype)))
        if column.are_texts:
            self.help("row_of_code", TABLES["row_of_code"])
            row = f"{self.name}_row_of_code({x}, {n})"
        else:
            self.help("row_of_number", TABLES["row_of_number"])
            tables.append(self.array(f"labels{j}", np.array(column.labels, dtype=np.float64)))
            row = f"{self.name}_row_of_number({x}, labels{j}, {n})"
        copy = self.loop(size, f"inputs[{column.place} + j] = inputs{j}[row * {size} + j];")
        return [f"row = {row};", *copy]

    def _predictions(self) -> str:
        name, table, n, tables = self.name, self.table, self.chain.n_outputs, list[str]()
        lines = [
            f"{self.type} inputs[{self.chain.n_inputs}], mean[{n}];",
            f"{name}_prepare(x, inputs);",
            f"{name}_networks(inputs, mean);",
        ]
        if table.temperature is None:
            tables += [self.array("scale", table.scale), self.array("shift", table.mean)]
            lines += self.loop(n, "out[j] = mean[j] * scale[j] + shift[j];")
        else:
            least = f"mean[j] > {_SMALLEST!r} ? (double)mean[j] : {_SMALLEST!r}"
            lines += self.loop(n, f"out[j] = log({least}) / {table.temperature!r};")
            lines.append(f"{name}_softmax_of_double(out, {n});")
            softmax = ACTIVATIONS["softmax"].replace("@_softmax", "@_softmax_of_double")
            self.help("softmax_of_double", softmax.replace("real", "double").replace("EXP", "exp"))
        head = f"/* Compute out ({n},) from x ({self.n_x},). */\n"
        head += f"static inline void {name}_outputs(const double *x, double *out) {{"
        return f"{head}\n{self.indented([*tables, *lines])}\n}}"


def _literal(label: Any, column: Words) -> str:
    """Return a text as a literal of C: of printable ASCII, with octal escapes."""
    if "\0" in label:
        raise ValueError(
            f"to_c cannot write the category {label!r} of the column {column.name!r}: a NUL ends a "
            "text of C"
        )
    content = label.encode(errors="surrogatepass")
    plain = [chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in content]
    return f'"{"".join(plain)}"'
