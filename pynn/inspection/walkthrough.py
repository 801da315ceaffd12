"""A walk through one example, forward and back, as a textbook would write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.inspection.formulas import ACTIVATIONS, COSTS
from pynn.inspection.neurons import neuron
from pynn.inspection.tables import number

if TYPE_CHECKING:
    from pynn.inspection.tracing import Trace

__all__ = ["Walkthrough"]

Array = NDArray[Any]
Line = tuple[str, str]  # what it is about, and what is said of it


@dataclass(frozen=True)
class Walkthrough:
    """One row of a trace in words and numbers: see `pynn.inspection.tracing.Trace.text`.

    Parameters
    ----------
    trace : Trace
    row : int
    digits, max_neurons, max_terms : int
    learning_rate : float or None
    """

    trace: Trace
    row: int
    digits: int
    max_neurons: int
    max_terms: int
    learning_rate: float | None

    @np.errstate(all="ignore")  # what is not finite is written as that
    def text(self) -> str:
        """Write it all down."""
        n_layers = len(self.trace.z)
        parts = [self._inputs(), *(self._forward(layer) for layer in range(n_layers))]
        parts += [self._cost(), self._back_to_output()]
        parts += [self._back_to_hidden(layer) for layer in reversed(range(n_layers - 1))]
        parts += [self._back_to_inputs()]
        parts += [self._gradient(layer) for layer in reversed(range(n_layers))]
        return "\n\n".join(parts)

    # ---- Forward ---------------------------------------------------------------------------------

    def _inputs(self) -> str:
        x = self._fed(0)
        n_zeros = int((x == 0).sum()) if len(x) > self.max_neurons else 0
        rules = [f"{n_zeros} of {len(x)} are 0 and not listed"] if n_zeros else []

        def line(j: int) -> Line:
            return neuron(0, j), self._number(x[j])

        chosen = self._telling(x, self.max_neurons)
        return self._part("Inputs", rules, self._list(chosen, self.max_neurons, line))

    def _forward(self, layer: int) -> str:
        trace, name, has_bias = self.trace, self._activation(layer), self._has_bias
        x, z, a = self._fed(layer), self._of(trace.z, layer), self._of(trace.a, layer)

        def line(j: int) -> Line:
            bias = float(trace.biases[layer][j]) if has_bias else None
            total = self._sum(x, trace.weights[layer][:, j], bias)
            result = f"{self._number(z[j])}, {name} → {self._number(a[j])}"
            return neuron(layer + 1, j), f"{total} = {result}"

        words = "inputs times weights" + (", plus bias" if has_bias else "")
        rules = [f"z = sum of {words}", f"a = {ACTIVATIONS[name].value}"]
        return self._part(self._title(layer), rules, self._neurons(z, line))

    def _cost(self) -> str:
        words, parameter = COSTS[self._cost_name], self.trace.cost_parameter
        z, a, y = self._outputs
        values, kept = words.computed(z, a, y, parameter), a
        rules = [f"C = sum of {self._with_parameter(words.value)}"]
        if self.trace.architecture.is_tied and (values != words.computed(z, a, y, 0.0)).any():
            kept = np.clip(a, parameter, 1 - parameter)
            rules += [f"in which a is kept from 0 and 1 by {self._number(parameter)}"]

        def line(j: int) -> Line:
            formula = words.value_of(kept[j], y[j], parameter, self._factor)
            said = f"{formula} = " if formula else ""
            numbers = f"a = {self._number(a[j])}, y = {self._number(y[j])}"
            return neuron(len(self.trace.z), j), f"{numbers}: {said}{self._number(values[j])}"

        total = ("in all", f"C = {self._number(self.trace.costs[self.row])}")
        return self._part(f"Cost, {self._cost_name}", rules, [*self._neurons(a, line), total])

    # ---- Back ------------------------------------------------------------------------------------

    def _back_to_output(self) -> str:
        words, parameter = COSTS[self._cost_name], self.trace.cost_parameter
        layer = len(self.trace.z) - 1
        _, a, y = self._outputs

        def slope(j: int) -> str:
            return words.slope_of(a[j], y[j], parameter, self._factor)

        return self._deltas(layer, f"∂C/∂a = {self._with_parameter(words.slope)}", slope)

    def _back_to_hidden(self, layer: int) -> str:
        delta = self._of(self.trace.deltas, layer + 1)
        W = self.trace.weights[layer + 1]
        words = f"∂C/∂a = sum of ∂C/∂z of layer {layer + 2} times weights"
        return self._deltas(layer, words, lambda j: self._sum(delta, W[j]))

    def _back_to_inputs(self) -> str:
        delta, dx = self._of(self.trace.deltas, 0), self.trace.input_sensitivities[self.row]
        W = self.trace.weights[0]

        def line(j: int) -> Line:
            return neuron(0, j), f"∂C/∂x = {self._sum(delta, W[j])} = {self._number(dx[j])}"

        chosen = self._telling(self._fed(0), self.max_neurons)
        lines = self._list(chosen, self.max_neurons, line)
        rule = "∂C/∂x = sum of ∂C/∂z of layer 1 times weights"
        return self._part("Back to the inputs", [rule], lines)

    def _deltas(self, layer: int, words: str, formula_of: Callable[[int], str]) -> str:
        """Write ∂C/∂a of a layer, by its formula with numbers, and ∂C/∂z."""
        da, dz = self._of(self.trace.sensitivities, layer), self._of(self.trace.deltas, layer)
        rule, start, times = self._rule(layer)

        def lines(j: int) -> list[Line]:
            formula = formula_of(j)
            by_a = f"∂C/∂a = {formula} = " if formula else "∂C/∂a = "
            by_z = f"∂C/∂z = {times(j)}{self._number(dz[j])}"
            return [(neuron(layer + 1, j), f"{by_a}{self._number(da[j])}"), ("", by_z)]

        title = f"Back to {self._title(layer, capital=False)}"
        neurons = self._several(list(range(len(da))), self.max_neurons, lines)
        return self._part(title, [words, rule], [*start, *neurons])

    def _rule(self, layer: int) -> tuple[str, list[Line], Callable[[int], str]]:
        """Say how ∂C/∂z comes of ∂C/∂a: in general, beforehand, and for one neuron."""
        name = self._activation(layer)
        a, da = self._of(self.trace.a, layer), self._of(self.trace.sensitivities, layer)
        if layer == len(self.trace.z) - 1 and self.trace.architecture.is_tied:
            return self._rule_of_tied_cost(name)
        if name == "softmax":
            s = float((da.astype(float) * a).sum())
            beforehand = [("together", f"s = sum of ∂C/∂a·a = {self._number(s)}")]
            return (
                "∂C/∂z = a·(∂C/∂a − s)",
                beforehand,
                lambda j: f"{self._factor(a[j])}·({self._factor(da[j])} − {self._factor(s)}) = ",
            )
        slope = ACTIVATIONS[name].slope
        rule = "∂C/∂z = ∂C/∂a" if slope == "1" else f"∂C/∂z = ∂C/∂a·{name}′, {name}′ = {slope}"
        return rule, [], partial(self._times_slope, layer)

    def _times_slope(self, layer: int, j: int) -> str:
        """Write ∂C/∂a times the activation's derivative, with a = before what comes of it."""
        words = ACTIVATIONS[self._activation(layer)]
        da = self._of(self.trace.sensitivities, layer)[j]
        if words.slope == "1":
            return ""
        if words.factors:
            factors = words.factors(self._factor(self._of(self.trace.a, layer)[j]))
        elif da == 0:
            return ""
        else:
            factors = f"·{self._factor(self._of(self.trace.deltas, layer)[j] / da)}"
        return f"{self._factor(da)}{factors} = "

    def _rule_of_tied_cost(self, name: str) -> tuple[str, list[Line], Callable[[int], str]]:
        _, a, y = self._outputs
        weight = y.sum() if name == "softmax" else 1.0
        is_one = abs(weight - 1) < 1e-6  # smoothed labels sum to 1 but for rounding
        times = "" if is_one else f"·{self._factor(weight)}"
        rule = "∂C/∂z = a − y" if is_one else "∂C/∂z = a·(sum of y) − y"
        rule += f", as {name}′ and the cost's derivative cancel"
        return rule, [], lambda j: f"{self._factor(a[j])}{times} − {self._factor(y[j])} = "

    # ---- Gradient --------------------------------------------------------------------------------

    def _gradient(self, layer: int) -> str:
        trace = self.trace
        x, delta = self._fed(layer), self._of(trace.deltas, layer)
        sources = self._telling(x, self.max_terms)
        sinks = self._telling(delta, self.max_terms)

        def of_weight(j: int, i: int) -> Line:
            product = f"{self._factor(x[i])}·{self._factor(delta[j])}"
            slope = float(x[i]) * float(delta[j])
            said = f"∂C/∂w = {product} = {self._number(slope)}"
            update = self._update("w", trace.weights[layer][i, j], slope)
            return f"{neuron(layer, i)} to {neuron(layer + 1, j)}", said + update

        def of_neuron(j: int) -> list[Line]:
            lines = self._list(sources, self.max_terms, partial(of_weight, j), "weights")
            if not self._has_bias:
                return lines
            said = f"∂C/∂b = {self._number(delta[j])}"
            bias = said + self._update("b", trace.biases[layer][j], float(delta[j]))
            return [*lines, (f"bias of {neuron(layer + 1, j)}", bias)]

        rules = ["∂C/∂w = input of the weight times ∂C/∂z"]
        rules += ["∂C/∂b = ∂C/∂z"] if self._has_bias else []
        if self.learning_rate is not None:
            rate = self._factor(self.learning_rate)
            rules += [f"new w = w − {rate}·∂C/∂w" + (", likewise b" if self._has_bias else "")]
        lines = self._several(sinks, self.max_terms, of_neuron, "neurons")
        return self._part(f"Gradient of {self._title(layer, capital=False)}", rules, lines)

    def _update(self, name: str, value: float, slope: float) -> str:
        if self.learning_rate is None:
            return ""
        new = float(value) - self.learning_rate * slope
        step = f"{self._factor(self.learning_rate)}·{self._factor(slope)}"
        return f"; new {name} = {self._number(value)} − {step} = {self._number(new)}"

    # ---- Of the row ------------------------------------------------------------------------------

    @property
    def _has_bias(self) -> bool:
        return self.trace.architecture.bias

    @property
    def _cost_name(self) -> str:
        return self.trace.architecture.cost_name

    def _with_parameter(self, words: str) -> str:
        return words.format(self._number(self.trace.cost_parameter))

    @property
    def _outputs(self) -> tuple[Array, Array, Array]:
        """Return z, a and y of the output."""
        trace = self.trace
        arrays = (trace.z[-1], trace.a[-1], trace.y)
        z, a, y = (array[self.row].astype(float) for array in arrays)
        return z, a, y

    def _of(self, arrays: tuple[Array, ...], layer: int) -> Array:
        row: Array = arrays[layer][self.row]
        return row

    def _fed(self, layer: int) -> Array:
        """Return what the weights of a layer multiply."""
        if layer:
            return self._of(self.trace.a, layer - 1)
        x = self.trace.x
        row: Array = x[[self.row]].toarray()[0] if checks.is_sparse(x) else x[self.row]
        return row

    def _activation(self, layer: int) -> str:
        return self.trace.architecture.activations[layer]

    def _title(self, layer: int, capital: bool = True) -> str:
        name = f"{'Layer' if capital else 'layer'} {layer + 1}"
        is_output = layer == len(self.trace.z) - 1
        return f"{name}{', the output' if is_output else ''}, {self._activation(layer)}"

    # ---- Words and lines -------------------------------------------------------------------------

    def _number(self, x: float) -> str:
        return number(x, self.digits)

    def _factor(self, x: float) -> str:
        written = self._number(x)
        return f"({written})" if written.startswith("−") else written

    def _telling(self, x: Array, limit: int) -> list[int]:
        """Choose what is worth telling: all numbers, but of many only those that are not 0."""
        chosen = np.arange(len(x)) if len(x) <= limit else np.flatnonzero(x)
        telling: list[int] = chosen.tolist()
        return telling

    def _sum(self, x: Array, weights: Array, bias: float | None = None) -> str:
        front, back, n_between = _halves(self._telling(x * weights, self.max_terms), self.max_terms)
        gap = [f"… {n_between} more …"] if n_between else []

        def term(i: int) -> str:
            return f"{self._factor(x[i])}·{self._factor(weights[i])}"

        total = " + ".join([*map(term, front), *gap, *map(term, back)])
        if bias is None:
            return total or "0"
        if not total:
            return self._number(bias)
        return f"{total} {'−' if bias < 0 else '+'} {self._number(abs(bias))}"

    def _neurons(self, values: Array, line: Callable[[int], Line]) -> list[Line]:
        return self._list(list(range(len(values))), self.max_neurons, line)

    def _list(
        self, chosen: list[int], limit: int, line: Callable[[int], Line], what: str = ""
    ) -> list[Line]:
        return self._several(chosen, limit, lambda j: [line(j)], what)

    def _several(
        self, chosen: list[int], limit: int, lines: Callable[[int], list[Line]], what: str = ""
    ) -> list[Line]:
        front, back, n_between = _halves(chosen, limit)
        gap = [("…", f"{n_between} more {what}".rstrip())] if n_between else []
        before, behind = ([line for j in part for line in lines(j)] for part in (front, back))
        return [*before, *gap, *behind]

    def _part(self, title: str, rules: list[str], lines: list[Line]) -> str:
        labels = [f"{about}:" if about not in ("", "…") else about for about, _ in lines]
        width = max(map(len, labels), default=0)
        texts = [
            f"  {label:{width}} {said}" for label, (_, said) in zip(labels, lines, strict=True)
        ]
        return "\n".join([title, *(f"  {rule}" for rule in rules), *texts])


def _halves(chosen: list[int], limit: int) -> tuple[list[int], list[int], int]:
    """Return the first and the last of many, and how many are left out between them."""
    if len(chosen) <= limit:
        return chosen, [], 0
    n_back = limit // 2
    front, back = chosen[: limit - n_back], chosen[len(chosen) - n_back :]
    return front, back, len(chosen) - limit
