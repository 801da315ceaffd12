"""The text of a C header: what it says, and the functions of a chain."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pynn
from pynn.export.c_formulas import ACTIVATIONS, DENSE, EMBEDDINGS, LAYER_NORM, NEEDS
from pynn.export.chain import Chain, Embedded, Layer, Net
from pynn.export.rounding import Rounding, quantised
from pynn.export.text import shortest
from pynn.model.embeddings import Categories, Periodic, PiecewiseLinear

Array = NDArray[Any]

_SIGNS = {"subtract": "-=", "divide": "/=", "multiply": "*=", "add": "+="}
_SHORT = 60  # characters of an array that stays in one line
_PADDED_FROM, _PADDED_TO = 8, 4  # outputs from which rows of weights have a multiple of 4 numbers


class Header:
    """The text of a header.

    Parameters
    ----------
    chain : Chain
    name : str
        Prefix of names.
    rounding : Rounding, optional
        With it, weights are int8.
    """

    def __init__(self, chain: Chain, name: str, rounding: Rounding | None) -> None:
        self.chain, self.name, self.rounding = chain, name, rounding
        self.type = "float" if chain.dtype == np.float32 else "double"
        self.n_x, self.row_type = chain.n_inputs, self.type  # of x and out
        self.helpers: dict[str, str] = {}

    def text(self) -> str:
        """Return the whole header."""
        name, chain = self.name, self.chain
        nets = [self._net(net, k) for k, net in enumerate(chain.nets)]
        outputs = self._outputs()  # which may add helpers
        guard = f"{name.upper()}_H"
        parts = [
            self._comment(),
            f"#ifndef {guard}\n#define {guard}\n",
            "\n".join(f"#include {header}" for header in self._includes()),
            self._macros(),
            *([self._enum()] if self._has_classes() else []),
            *self.helpers.values(),
            *nets,
            outputs,
            *([self._class()] if self._has_classes() else []),
            f"#endif /* {guard} */",
        ]
        return "\n\n".join(part.strip("\n") for part in parts) + "\n"

    def _has_classes(self) -> bool:
        return self.chain.labels is not None and not self.chain.has_several_labels

    # ---- What the header says --------------------------------------------------------------------

    def _comment(self) -> str:
        name, chain, upper = self.name, self.chain, self.name.upper()
        lines = [f"{name}.h - {chain.about}, written by pynn {pynn.__version__}.", ""]
        lines += self._about_x()
        lines.append(f"out: {self._meaning()}")
        lines += ["", f"    {self.row_type} x[{upper}_N_INPUTS] = {{0}}, out[{upper}_N_OUTPUTS];"]
        lines.append(f"    {name}_outputs(x, out);")
        if self._has_classes():
            lines.append(f"    enum {name}_class c = {name}_class(x);")
        lines += [
            "",
            f"C99; needs {' and '.join(self._includes())} alone (link with -lm). It allocates "
            "nothing and changes no global state. Optimise with -O3, on desktops -march=native.",
        ]
        if self.rounding is not None:
            lines += ["", f"Weights are int8: {self.rounding.text()}"]
        wrapped = [row for line in lines for row in (textwrap.wrap(line, 95) or [""])]
        safe = [row.replace("*/", "* /").replace("/*", "/ *") for row in wrapped]
        return "/* " + "\n * ".join(safe).replace(" \n", "\n") + "\n */"

    def _about_x(self) -> list[str]:
        """Return lines about the row that the functions take."""
        names = self.chain.names
        return [f"x: {self.n_x} inputs" + (f": {', '.join(names)}" if names else "")]

    def _includes(self) -> list[str]:
        """Return the headers that this one includes."""
        return ["<math.h>"]

    def _meaning(self) -> str:
        n, labels = self.chain.n_outputs, self.chain.labels
        if labels is None:
            return f"{n} output{'s' * (n > 1)}"
        if self.chain.has_several_labels:
            return f"{n} probabilities of separate labels: {', '.join(map(str, labels))}"
        if n == 1:
            return f"1 number, the probability of {labels[1]!r}"
        return f"{n} probabilities, of {', '.join(map(str, labels))}"

    def _macros(self) -> str:
        upper, suffix = self.name.upper(), "f" if self.type == "float" else ""
        lines = [
            f"#define {upper}_N_INPUTS {self.n_x}",
            f"#define {upper}_N_OUTPUTS {self.chain.n_outputs}",
        ]
        if self.rounding is not None:
            lines.append(f"#define {upper}_LARGEST_DIFFERENCE {self.rounding.difference:.6g}")
        has_fma = f"FP_FAST_FMA{suffix.upper()}"
        lines += [
            f"#if defined({has_fma}) || defined(__{has_fma})",
            f"#define {self.name}_FMA(a, b, c) fma{suffix}(a, b, c)",
            "#else",
            f"#define {self.name}_FMA(a, b, c) ((a) * (b) + (c))",
            "#endif",
        ]
        return "\n".join(lines)

    def _enum(self) -> str:
        assert self.chain.labels is not None
        upper = self.name.upper()
        lines = [
            f"    {upper}_{identifier} = {k}, /* {in_comment(label)} */"
            for k, (label, identifier) in enumerate(identifiers(self.chain.labels))
        ]
        lines[-1] = lines[-1].replace(", /*", " /*", 1)
        return f"enum {self.name}_class {{\n" + "\n".join(lines) + "\n};"

    def _class(self) -> str:
        name, n = self.name, self.chain.n_outputs
        head = f"/* The class of x. */\nstatic inline enum {name}_class {name}_class(const "
        head += f"{self.row_type} *x) {{\n    {self.row_type} out[{n}];\n"
        if n == 1:
            above = f"out[0] > {self._n(0.5)}"
            body = f"    {name}_outputs(x, out);\n    return (enum {name}_class)({above});"
        else:
            body = f"""\
    int largest = 0, j;
    {name}_outputs(x, out);
    for (j = 1; j < {n}; j++) {{ largest = out[j] > out[largest] ? j : largest; }}
    return (enum {name}_class)largest;"""
        return f"{head}{body}\n}}"

    # ---- Arithmetic ------------------------------------------------------------------------------

    def _outputs(self) -> str:
        """Return the functions that lead from x to out."""
        return self._mean("outputs")

    def _mean(self, function: str) -> str:
        """Return the function that computes the mean of the networks, under this name."""
        name, chain, n = self.name, self.chain, self.chain.n_outputs
        tables: list[str] = []
        lines: list[str] = []
        source = "x"
        if chain.scalings:
            source = "scaled"
            lines += [f"{self.type} scaled[{chain.n_inputs}];"]
            lines += self.loop(chain.n_inputs, "scaled[j] = x[j];")
        for k, step in enumerate(chain.scalings):
            if step.operation == "clip":
                low, high = map(self._n, step.values.tolist())
                change = f"scaled[j] < {low} ? {low} : scaled[j] > {high} ? {high} : scaled[j]"
                lines += self.loop(chain.n_inputs, f"scaled[j] = {change};")
            else:
                tables.append(self.array(f"scaling{k}", step.values))
                change = f"scaled[j] {_SIGNS[step.operation]} scaling{k}[j];"
                lines += self.loop(chain.n_inputs, change)
        if len(chain.nets) == 1:
            lines.append(f"{name}_network0({source}, out);")
        else:
            lines += [f"{self.type} one[{n}];", *self.loop(n, "out[j] = 0;")]
            for k in range(len(chain.nets)):
                lines += [f"{name}_network{k}({source}, one);", *self.loop(n, "out[j] += one[j];")]
            lines += self.loop(n, f"out[j] /= {len(chain.nets)};")
        head = f"/* Compute out ({n},) from x ({chain.n_inputs},). */\n"
        head += f"static inline void {name}_{function}(const {self.type} *x, {self.type} *out) {{\n"
        return f"{head}{self.indented([*tables, *lines])}\n}}"

    def _net(self, net: Net, k: int) -> str:
        """Return the function of a network."""
        tables: list[str] = []
        lines: list[str] = []
        x = "x"
        if net.embedded:
            lines, x = self._embedding(net, tables), "embedded"
        for number, layer in enumerate(net.layers):
            lines += self._layer(layer, number, x, tables)
            x = f"z{number}"
        lines += self.loop(self.chain.n_outputs, f"out[j] = {x}[j];")
        head = (
            f"static inline void {self.name}_network{k}(const {self.type} *x, {self.type} *out) {{"
        )
        return f"{head}\n{self.indented([*tables, *lines])}\n}}"

    def _layer(self, layer: Layer, number: int, x: str, tables: list[str]) -> list[str]:
        z, (n_in, n_out) = f"z{number}", layer.weights.shape
        width = -(-n_out // _PADDED_TO) * _PADDED_TO if n_out >= _PADDED_FROM else n_out
        W, b = _padded(layer.weights, width), _padded(layer.biases, width)
        starts_at_0 = layer.gains is not None or self.rounding is not None
        lines = [f"{self.type} {z}[{width}]; /* layer {number + 1}: {n_in} to {n_out} */"]
        if self.rounding is not None:
            W, scales = quantised(W)
            tables.append(self.array(f"s{number}", scales))
        tables += [self.array(f"w{number}", W), self.array(f"b{number}", b)]
        lines += self.loop(width, f"{z}[j] = {'0' if starts_at_0 else f'b{number}[j]'};")
        dense = self._dense("real" if self.rounding is None else "signed char")
        lines.append(f"{dense}({z}, {x}, w{number}, {n_in}, {width});")
        if self.rounding is not None:
            shift = "" if layer.gains is not None else f" + b{number}[j]"
            lines += self.loop(n_out, f"{z}[j] = {z}[j] * s{number}[j]{shift};")
        if layer.gains is not None:
            tables.append(self.array(f"g{number}", layer.gains))
            self.help("layer_norm", LAYER_NORM)
            lines.append(f"{self.name}_layer_norm({z}, g{number}, b{number}, {n_out});")
        lines += self._activation(layer, number, z, tables)
        return lines + (self.loop(n_out, f"{z}[j] += {x}[j];") if layer.is_residual else [])

    def _activation(self, layer: Layer, number: int, z: str, tables: list[str]) -> list[str]:
        kind, n_out = layer.activation, len(layer.biases)
        for needed in (NEEDS.get(kind), kind):
            if needed and ACTIVATIONS[needed]:
                self.help(needed, ACTIVATIONS[needed])
        if kind == "softmax":
            return [f"{self.name}_softmax({z}, {n_out});"]
        slope = f", {self._n(layer.parameter)}" if kind == "leaky_relu" else ""
        value = f"{z}[j]" if kind == "identity" else f"{self.name}_{kind}({z}[j]{slope})"
        if layer.alphas is not None:
            tables.append(self.array(f"a{number}", layer.alphas))
            value = f"(1 - a{number}[j]) * {z}[j] + a{number}[j] * {value}"
        elif kind == "identity":
            return []
        return self.loop(n_out, f"{z}[j] = {value};")

    def _embedding(self, net: Net, tables: list[str]) -> list[str]:
        """Return the lines that compute the embedded row."""
        width = net.layers[0].weights.shape[0]
        lines, by_column, place = [], {one.column: one for one in net.embedded}, 0
        for column in range(self.chain.n_inputs):
            if column in by_column:
                lines += self._embedded(by_column[column], place, tables)
                place += by_column[column].embedding._n_out
            else:
                lines.append(f"embedded[{place}] = x[{column}];")
                place += 1
        return [f"{self.type} embedded[{width}];", *lines]

    def _embedded(self, one: Embedded, place: int, tables: list[str]) -> list[str]:
        column, size = one.column, one.embedding._n_out
        names = [f"{name}_{column}" for name in one.parameters]
        tables += [self.array(*item) for item in zip(names, one.parameters.values(), strict=True)]
        to, x, given = f"embedded + {place}", f"x[{column}]", ", ".join(names)
        match one.embedding:
            case Categories(n=n):
                return [self._call("categories", to, x, given, n, size)]
            case Periodic(n_frequencies=n):
                return [self._call("periodic", to, x, given, n, size)]
            case PiecewiseLinear(edges=edges):
                tables.append(self.array(f"edges_{column}", np.array(edges)))
                n = len(edges) - 1
                if not names:
                    return [self._call("bins", to, x, f"edges_{column}", n)]
                W, b = names
                return [
                    f"{self.type} bins_{column}[{n}];",
                    self._call("bins", f"bins_{column}", x, f"edges_{column}", n),
                    *self.loop(size, f"embedded[{place} + j] = {b}[j];"),
                    f"{self._dense('real')}({to}, bins_{column}, {W}, {n}, {size});",
                ]
        raise TypeError(f"no formula of {one.embedding!r}")

    def _dense(self, weight: str) -> str:
        """Return the name of the function for products with weights of this type."""
        name = "dense" if weight == "real" else "dense_int8"
        self.help(name, DENSE.replace("@_dense", f"@_{name}").replace("weight ", f"{weight} "))
        return f"{self.name}_{name}"

    def _call(self, helper: str, *arguments: Any) -> str:
        self.help(helper, EMBEDDINGS[helper])
        return f"{self.name}_{helper}({', '.join(map(str, arguments))});"

    def help(self, name: str, text: str) -> None:
        """Add a function to the header, in the header's type."""
        suffix = "f" if self.type == "float" else ""
        text = re.sub(r"\b[A-Z][A-Z0-9]+\(", lambda call: f"{call[0][:-1].lower()}{suffix}(", text)
        text = text.replace("@_", f"{self.name}_")
        self.helpers[name] = re.sub(r"\breal\b", self.type, text)

    # ---- Text ------------------------------------------------------------------------------------

    def _n(self, number: float) -> str:
        return f"{number!r}{'f' * (self.type == 'float')}"

    def array(self, name: str, array: Array) -> str:
        """Return the definition of an array."""
        if array.dtype == np.int8:
            kind, numbers = "signed char", [str(number) for number in array.ravel().tolist()]
        else:
            kind, suffix = ("float", "f") if array.dtype == np.float32 else ("double", "")
            numbers = [f"{number!r}{suffix}" for number in shortest(array).ravel().tolist()]
        listed = ", ".join(numbers)
        if len(listed) <= _SHORT:
            return f"static const {kind} {name}[{array.size}] = {{{listed}}};"
        filled = textwrap.fill(listed, 92, break_on_hyphens=False)
        return (
            f"static const {kind} {name}[{array.size}] = {{\n{textwrap.indent(filled, '    ')}}};"
        )

    def indented(self, lines: list[str]) -> str:
        """Return the body of a function."""
        return textwrap.indent("\n".join(lines), "    ")

    def loop(self, n: int, body: str) -> list[str]:
        """Return the lines of a loop over j."""
        return [f"for (int j = 0; j < {n}; j++) {{ {body} }}"]


def _padded(array: Array, width: int) -> Array:
    """Return an array with zeros behind its last axis, so that the compiler needs no rest."""
    widths = [(0, 0)] * (array.ndim - 1) + [(0, width - array.shape[-1])]
    return np.pad(array, widths)


def identifiers(labels: list[Any]) -> Iterable[tuple[Any, str]]:
    """Yield each label and its name in the enum, all of them different."""
    taken: set[str] = {"H", "N_INPUTS", "N_OUTPUTS", "LARGEST_DIFFERENCE"}
    for k, label in enumerate(labels):
        text = str(label).replace("-", "MINUS_", 1) if not isinstance(label, str) else label
        name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").upper() or f"CLASS_{k}"
        first, n = name, 2
        while name in taken:
            name, n = f"{first}_{n}", n + 1
        taken.add(name)
        yield label, name


def in_comment(label: Any) -> str:
    """Return a label as text that does not end a comment."""
    text = ascii(label)
    return text.replace("*/", "* /").replace("/*", "/ *")
