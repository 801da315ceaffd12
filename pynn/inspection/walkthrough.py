"""A walk through one example, forward and back, as a textbook would write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pynn.inspection.formulas import ACTIVATIONS, COSTS, filled
from pynn.inspection.neurons import dense_row, neuron
from pynn.inspection.tables import number

if TYPE_CHECKING:
    from pynn.inspection.tracing import Trace

Array = NDArray[Any]
Line = tuple[str, str]  # label and text
Lines = Callable[[int], list[Line]]  # of a neuron


class Walkthrough:
    """Text of one row of a trace; `pynn.inspection.Trace.text` describes the parameters."""

    def __init__(
        self,
        trace: Trace,
        row: int,
        *,
        digits: int,
        max_neurons: int,
        max_terms: int,
        learning_rate: float | None,
    ) -> None:
        def of_row(layers: Sequence[Array]) -> list[Array]:
            return [layer[row].astype(float) for layer in layers]

        self.digits, self.max_neurons, self.max_terms = digits, max_neurons, max_terms
        self.rate = learning_rate
        self.net, self.weights, self.biases = trace.architecture, trace.weights, trace.biases
        self.z, self.a, (self.y,) = of_row(trace.z), of_row(trace.a), of_row([trace.y])
        # In the network's dtype, where their quotient is rounded as the slope itself.
        self.da = [layer[row] for layer in trace.sensitivities]
        self.dz = [layer[row] for layer in trace.deltas]
        self.dx = trace.input_sensitivities[row]
        self.inputs = [dense_row(trace.x, row).astype(float), *self.a]  # of each layer
        self.cost, self.parameter = trace.costs[row], trace.cost_parameter
        self.cost_words = COSTS[self.net.cost_name]
        self.last = len(self.z) - 1

    @np.errstate(all="ignore")  # infinities and NaN are written as such
    def text(self) -> str:
        """Return all parts of the walk."""
        layers = range(len(self.z))
        return "\n\n".join(
            [
                self._inputs(),
                *map(self._forward, layers),
                self._cost(),
                *map(self._back, reversed(layers)),
                self._back_to_inputs(),
                *map(self._gradient, reversed(layers)),
            ]
        )

    # ---- Forward ---------------------------------------------------------------------------------

    def _inputs(self) -> str:
        x = self.inputs[0]
        listed = _telling(x, self.max_neurons)
        n_zeros = len(x) - len(listed)
        rules = [f"{n_zeros} of {len(x)} are 0 and not listed"] if n_zeros else []
        lines = self._several(listed, lambda j: [(neuron(0, j), self._number(x[j]))])
        return _part("Inputs", rules, lines)

    def _forward(self, layer: int) -> str:
        name = self.net.activations[layer]

        def lines(j: int) -> list[Line]:
            bias = self.biases[layer][j] if self.net.bias else None
            total = self._sum(self.inputs[layer], self.weights[layer][:, j], bias)
            z, a = self._number(self.z[layer][j]), self._number(self.a[layer][j])
            return [(neuron(layer + 1, j), f"{total} = {z}, {name} → {a}")]

        plus = ", plus bias" if self.net.bias else ""
        rules = [f"z = sum of inputs times weights{plus}", f"a = {ACTIVATIONS[name].value}"]
        return _part(f"L{self._title(layer)[1:]}", rules, self._neurons(layer, lines))

    def _cost(self) -> str:
        words, a, p = self.cost_words, self.a[-1], self.parameter
        values = words.computed(self.z[-1], a, self.y, p)
        rules = [f"C = sum of {self._rule(words.value)}"]
        if self.net.is_tied and (values != words.computed(self.z[-1], a, self.y, 0.0)).any():
            a = np.clip(a, p, 1 - p)
            rules += [f"in which a is kept from 0 and 1 by {self._number(p)}"]

        def lines(j: int) -> list[Line]:
            numbers = f"a = {self._number(self.a[-1][j])}, y = {self._number(self.y[j])}"
            formula = self._with_cost(words.value_at, a[j], self.y[j])
            return [(neuron(len(self.z), j), f"{numbers}: {formula}{self._number(values[j])}")]

        total = ("in all", f"C = {self._number(self.cost)}")
        title = f"Cost, {self.net.cost_name}"
        return _part(title, rules, [*self._neurons(self.last, lines), total])

    # ---- Back ------------------------------------------------------------------------------------

    def _back(self, layer: int) -> str:
        """Write ∂C/∂a and ∂C/∂z of a layer."""
        rule_of_a, factors_of_a = self._rule_of_a(layer)
        rule_of_z, factors_of_z, together = self._rule_of_z(layer)

        def lines(j: int) -> list[Line]:
            by_a = f"∂C/∂a = {factors_of_a(j)}{self._number(self.da[layer][j])}"
            by_z = f"∂C/∂z = {factors_of_z(j)}{self._number(self.dz[layer][j])}"
            return [(neuron(layer + 1, j), by_a), ("", by_z)]

        rules = [f"∂C/∂a = {rule_of_a}", f"∂C/∂z = {rule_of_z}"]
        title = f"Back to {self._title(layer)}"
        return _part(title, rules, [*together, *self._neurons(layer, lines)])

    def _rule_of_a(self, layer: int) -> tuple[str, Callable[[int], str]]:
        """Return the rule of ∂C/∂a, and its formula for a neuron with "=" behind it."""
        if layer == self.last:
            words, a, y = self.cost_words, self.a[-1], self.y
            return self._rule(words.slope), lambda j: self._with_cost(words.slope_at, a[j], y[j])
        dz, W = self.dz[layer + 1], self.weights[layer + 1]
        rule = f"sum of ∂C/∂z of layer {layer + 2} times weights"
        return rule, lambda j: f"{self._sum(dz, W[j])} = "

    def _rule_of_z(self, layer: int) -> tuple[str, Callable[[int], str], list[Line]]:
        """Return the rule of ∂C/∂z, its formula for a neuron, and a line for all neurons."""
        name, a, da, dz = self.net.activations[layer], self.a[layer], self.da[layer], self.dz[layer]
        words = ACTIVATIONS[name]
        if layer == self.last and self.net.is_tied:
            s = self.y.sum() if name == "softmax" else 1.0
            is_one = abs(s - 1) < 1e-6  # the sum of smoothed labels is 1 but for rounding
            rule, formula = ("a − y", "a − y") if is_one else ("a·(sum of y) − y", "a·s − y")
            rule += f", as {name}′ and the cost's derivative cancel"
            return rule, lambda j: self._with(formula, a=a[j], s=s, y=self.y[j]), []
        if name == "softmax":
            s = (da * a).sum()
            together = [("together", f"s = sum of ∂C/∂a·a = {self._number(s)}")]
            rule = "a·(∂C/∂a − s)"
            return rule, lambda j: self._with("a·(d − s)", a=a[j], d=da[j], s=s), together
        if words.slope == "1":
            return "∂C/∂a", lambda j: "", []
        rule = f"∂C/∂a·{name}′, {name}′ = {words.slope}"
        if words.factor:
            return rule, lambda j: self._with(f"d·{words.factor}", a=a[j], d=da[j]), []
        return rule, lambda j: self._with("d·f", d=da[j], f=dz[j] / da[j]) if da[j] else "", []

    def _back_to_inputs(self) -> str:
        def lines(j: int) -> list[Line]:
            total = self._sum(self.dz[0], self.weights[0][j])
            return [(neuron(0, j), f"∂C/∂x = {total} = {self._number(self.dx[j])}")]

        listed = _telling(self.inputs[0], self.max_neurons)
        rule = "∂C/∂x = sum of ∂C/∂z of layer 1 times weights"
        return _part("Back to the inputs", [rule], self._several(listed, lines))

    # ---- Gradient --------------------------------------------------------------------------------

    def _gradient(self, layer: int) -> str:
        x, dz, W = self.inputs[layer], self.dz[layer], self.weights[layer]
        sources, limit = _telling(x, self.max_terms), self.max_terms

        def lines(j: int) -> list[Line]:
            def of_weight(i: int) -> list[Line]:
                slope = x[i] * dz[j]
                formula = self._with("x·d", x=x[i], d=dz[j])
                text = f"∂C/∂w = {formula}{self._number(slope)}{self._step('w', W[i, j], slope)}"
                return [(f"{neuron(layer, i)} to {neuron(layer + 1, j)}", text)]

            found = self._several(sources, of_weight, limit, " weights")
            if self.net.bias:
                step = self._step("b", self.biases[layer][j], dz[j])
                text = f"∂C/∂b = {self._number(dz[j])}{step}"
                found.append((f"bias of {neuron(layer + 1, j)}", text))
            return found

        rules = ["∂C/∂w = input of the weight times ∂C/∂z"]
        if self.net.bias:
            rules.append("∂C/∂b = ∂C/∂z")
        if self.rate is not None:
            likewise = ", likewise b" if self.net.bias else ""
            rules.append(f"new w = w − {self._number(self.rate)}·∂C/∂w{likewise}")
        neurons = self._several(_telling(dz, limit), lines, limit, " neurons")
        return _part(f"Gradient of {self._title(layer)}", rules, neurons)

    def _step(self, name: str, value: float, slope: float) -> str:
        """Write the step of gradient descent, if there is a learning rate."""
        if self.rate is None:
            return ""
        step = self._with("r·s", r=self.rate, s=slope)
        new = self._number(float(value) - self.rate * float(slope))
        return f"; new {name} = {self._number(value)} − {step}{new}"

    # ---- Words and numbers -----------------------------------------------------------------------

    def _title(self, layer: int) -> str:
        output = ", the output" if layer == self.last else ""
        return f"layer {layer + 1}{output}, {self.net.activations[layer]}"

    def _number(self, x: float) -> str:
        return number(x, self.digits)

    def _factor(self, x: float) -> str:
        """Write a number, in brackets if it is negative."""
        written = self._number(x)
        return f"({written})" if written.startswith("−") else written

    def _rule(self, formula: str) -> str:
        """Write the parameter of the cost into a rule."""
        return filled(formula, {"p": self._number(self.parameter)})

    def _with(self, formula: str, **numbers: float) -> str:
        """Put numbers into a formula, with "=" behind it; "" remains ""."""
        text = filled(formula, {letter: self._factor(x) for letter, x in numbers.items()})
        return f"{text} = " if text else ""

    def _with_cost(
        self, formula_at: Callable[[float, float, float], str], a: float, y: float
    ) -> str:
        p = self.parameter
        return self._with(formula_at(a, y, p), a=a, y=y, u=1 - y, p=p, q=1 - p)

    def _sum(self, x: Array, weights: Array, bias: float | None = None) -> str:
        """Write a sum of products."""
        front, n_between, back = _cut(_telling(x * weights, self.max_terms), self.max_terms)
        first, last = (
            [f"{self._factor(x[i])}·{self._factor(weights[i])}" for i in part]
            for part in (front, back)
        )
        gap = [f"… {n_between} more …"] if n_between else []
        total = " + ".join([*first, *gap, *last])
        if bias is None:
            return total or "0"
        sign = "−" if bias < 0 else "+"
        return f"{total} {sign} {self._number(abs(bias))}" if total else self._number(bias)

    # ---- Lines -----------------------------------------------------------------------------------

    def _neurons(self, layer: int, lines: Lines) -> list[Line]:
        return self._several(range(len(self.z[layer])), lines)

    def _several(
        self, chosen: Sequence[int], lines: Lines, limit: int | None = None, of: str = ""
    ) -> list[Line]:
        """Return the lines of the chosen neurons, with the middle left out beyond the limit."""
        front, n_between, back = _cut(chosen, limit or self.max_neurons)
        gap = [("…", f"{n_between} more{of}")] if n_between else []
        first, last = ([line for j in part for line in lines(j)] for part in (front, back))
        return [*first, *gap, *last]


def _part(title: str, rules: list[str], lines: list[Line]) -> str:
    """Return a title with rules and aligned lines under it."""
    labels = [label if label in ("", "…") else f"{label}:" for label, _ in lines]
    width = max(map(len, labels), default=0)
    texts = [f"  {label:{width}} {text}" for label, (_, text) in zip(labels, lines, strict=True)]
    return "\n".join([title, *(f"  {rule}" for rule in rules), *texts])


def _telling(x: Array, limit: int) -> Sequence[int]:
    """Return the indices of all numbers, or of those that are not 0 if there are many."""
    return range(len(x)) if len(x) <= limit else np.flatnonzero(x).tolist()


def _cut(chosen: Sequence[int], limit: int) -> tuple[Sequence[int], int, Sequence[int]]:
    """Return the first and last items up to the limit, with the number of those left out."""
    if len(chosen) <= limit:
        return chosen, 0, []
    n_back = limit // 2
    return chosen[: limit - n_back], len(chosen) - limit, chosen[len(chosen) - n_back :]
