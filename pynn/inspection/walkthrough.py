"""A walk through one example, forward and back, as a textbook would write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pynn.inspection.formulas import (
    ACTIVATIONS,
    COSTS,
    FORMULAS,
    VALUES,
    ActivationWords,
    filled,
)
from pynn.inspection.neurons import dense_row, neuron
from pynn.inspection.writing import Writer, cut, listed, telling
from pynn.model.activations import parameter_of, values

if TYPE_CHECKING:
    from pynn.inspection.tracing import Trace

Array = NDArray[Any]
Line = tuple[str, str]  # label and text
Lines = Callable[[int], list[Line]]  # of a neuron


class Walkthrough(Writer):
    """Text of one row of a trace; `pynn.inspection.Trace.text` describes the parameters."""

    def __init__(
        self, trace: Trace, row: int, digits: int, limits: tuple[int, int], rate: float | None
    ) -> None:
        self.max_neurons, max_terms = limits
        super().__init__(digits, max_terms)
        self.rate = rate
        self.net, self.last = trace.architecture, len(trace.z) - 1
        self.names = self.net.activation_names
        self.weights, self.biases = trace.weights, trace.biases
        self.cost, self.p = trace.costs[row], trace.cost_parameter
        self.z, self.a = ([layer[row].astype(float) for layer in v] for v in (trace.z, trace.a))
        self.y = trace.y[row].astype(float)
        self.x, self.scale = dense_row(trace.first_inputs, row).astype(float), trace.scale
        first = self.x if self.scale is None else self.x * self.scale
        self.inputs = [first, *self.a]  # of each layer
        self.f = [  # activations without the input that a residual layer adds
            a - x if self.net.is_residual(layer) else a
            for layer, (a, x) in enumerate(zip(self.a, self.inputs, strict=False))
        ]
        # In the network's dtype, where their quotient is rounded as the slope itself is.
        self.da = [layer[row] for layer in trace.sensitivities]
        self.du = [layer[row] for layer in trace.deltas]
        self.dz = [
            du if by_z is None else by_z[row]
            for du, by_z in zip(self.du, trace.z_sensitivities, strict=True)
        ]
        self.gains: Sequence[Any] = trace.gains
        self.alphas: Sequence[Any] = trace.alphas
        self.means, self.variances = (
            self.net.group_of(name, trace.parameters) for name in ("means", "variances")
        )
        self.unblended = [
            a if alphas is None else values(activation, z)
            for a, z, alphas, activation in zip(
                self.f, self.z, self.alphas, self.net.activations, strict=True
            )
        ]
        self.normed: list[Any] = [
            None if n is None else n[row].astype(float) for n in trace.normalised
        ]
        self.dx = trace.first_sensitivities[row]

    @np.errstate(all="ignore")  # infinities and NaN are written as such
    def text(self) -> str:
        """Return all parts of the walk."""
        forward = range(len(self.z))
        back = forward[::-1]
        parts = [self._inputs(), *map(self._forward, forward), self._cost()]
        parts += [*map(self._back, back), self._back_to_inputs(), *map(self._gradient, back)]
        return "\n\n".join(parts)

    # ---- Forward ---------------------------------------------------------------------------------

    def _inputs(self) -> str:
        x, s = self.x, self.scale
        listed = telling(x, self.max_neurons)
        n = len(x)
        rules = [f"{n - len(listed)} of {n} are 0 and not listed"] if len(listed) < n else []
        rules += [] if s is None else ["x·s, input times scale, goes into layer 1"]

        def lines(j: int) -> list[Line]:
            product = "" if s is None else self._filled("x·s", x=x[j], s=s[j])
            return [(neuron(0, j), f"{product}{self._number(self.inputs[0][j])}")]

        return _part("Inputs", rules, self._list(listed, lines))

    def _forward(self, layer: int) -> str:
        z, a = self.z[layer], self.f[layer]

        def lines(j: int) -> list[Line]:
            bias = self.biases[layer][j] if self.net.bias else None
            x = self.inputs[layer]
            if self.normed[layer] is None:
                total = self._sum(x, self.weights[layer][:, j], bias)
            else:
                total = self._normalisation(layer, j, bias)
            text = f"{total} = {self._number(z[j])}, {self._activation(layer, j)}"
            if self.net.is_residual(layer):
                text += f"; {self._filled('a + x', a=a[j], x=x[j])}{self._number(self.a[layer][j])}"
            return [(neuron(layer + 1, j), text)]

        plus = ", plus bias" if self.net.bias else ""
        added = f", plus a of layer {layer}" if self.net.is_residual(layer) else ""
        value = self._words(layer).value
        rules = [f"z = sum of inputs times weights{plus}"]
        if self.normed[layer] is not None:
            rules = [
                "u = sum of inputs times weights",
                f"n = (u − m) / std, {self._rule_of_statistics(layer)}",
                f"z = n times gain{plus}",
            ]
        if self.alphas[layer] is None:
            rules += [f"a = {value}{added}"]
        else:
            rules += [f"a = (1 − α)·z + α·f{added}, α the alpha, f = {value}"]
        title = self._title(layer).capitalize()
        return _part(title, rules, self._list(range(len(z)), lines))

    def _statistics(self, layer: int) -> tuple[Array, Array, Array]:
        """Return the weighted sums of a normalised layer, and mean and deviation for each."""
        u = self.inputs[layer] @ self.weights[layer].astype(float)
        means, variances = self.means[layer], self.variances[layer]
        if means is None or variances is None:
            return u, np.full_like(u, u.mean()), np.full_like(u, np.sqrt(u.var() + 1e-5))
        return u, means.astype(float), np.sqrt(variances.astype(float) + 1e-5)

    def _rule_of_statistics(self, layer: int) -> str:
        if self.net.norm_of(layer) == "batch":
            return "m = running mean, std = √(running variance + 1e−05)"
        _, mean, s = self._statistics(layer)
        return (
            f"m = mean of all u = {self._number(mean[0])}, "
            f"std = √(variance of all u + 1e−05) = {self._number(s[0])}"
        )

    def _normalisation(self, layer: int, j: int, bias: float | None) -> str:
        """Write how a weighted sum is computed and normalised, up to the sum that is z."""
        (u, mean, s), n, gains = self._statistics(layer), self.normed[layer], self.gains[layer]
        total = self._sum(self.inputs[layer], self.weights[layer][:, j])
        quotient = self._filled("(u − m) / s", u=u[j], m=mean[j], s=s[j])
        z = self._sum(n[[j]], gains[[j]].astype(float), bias)
        return f"u = {total} = {self._number(u[j])}; n = {quotient}{self._number(n[j])}; z = {z}"

    def _activation(self, layer: int, j: int) -> str:
        """Write how an activation follows from z, without the input of a residual layer."""
        z, a, alphas = self.z[layer][j], self.f[layer][j], self.alphas[layer]
        if alphas is None:
            return f"{self.names[layer]} → {self._number(a)}"
        f, alpha = self.unblended[layer][j], float(alphas[j])
        blend = self._filled("b·z + c·f", b=1 - alpha, c=alpha, z=z, f=f)
        return f"{self.names[layer]} → {self._number(f)}; {blend}{self._number(a)}"

    def _cost(self) -> str:
        name, z, a, p = self.net.cost_name, self.z[-1], self.a[-1], self.p
        values, kept = VALUES[name](z, a, self.y, p), a
        rules = [f"C = sum of {self._rule(COSTS[name][0])}"]
        if self.net.is_tied and (values != VALUES[name](z, a, self.y, 0.0)).any():
            kept = np.clip(a, p, 1 - p)
            rules += [f"in which a is kept from 0 and 1 by {self._number(p)}"]

        def lines(j: int) -> list[Line]:
            formula, _ = self._cost_formulas(kept[j], self.y[j])
            numbers = f"a = {self._number(a[j])}, y = {self._number(self.y[j])}"
            return [(neuron(len(self.z), j), f"{numbers}: {formula}{self._number(values[j])}")]

        total = ("in all", f"C = {self._number(self.cost)}")
        return _part(f"Cost, {name}", rules, [*self._list(range(len(a)), lines), total])

    def _cost_formulas(self, a: float, y: float) -> Sequence[str]:
        """Write the formulas of the cost of one output and of its slope."""
        p = self.p
        formulas = FORMULAS[self.net.cost_name](a, y, p)
        return [self._filled(formula, a=a, y=y, u=1 - y, p=p, q=1 - p) for formula in formulas]

    # ---- Back ------------------------------------------------------------------------------------

    def _back(self, layer: int) -> str:
        """Write ∂C/∂a and ∂C/∂z of a layer."""
        rule_of_a, formula_of_a = self._rule_of_a(layer)
        rule_of_z, formula_of_z, together = self._rule_of_z(layer)
        da, dz = self.da[layer], self.dz[layer]

        def lines(j: int) -> list[Line]:
            by_a = f"∂C/∂a = {formula_of_a(j)}{self._number(da[j])}"
            by_z = f"∂C/∂z = {formula_of_z(j)}{self._number(dz[j])}"
            return [(neuron(layer + 1, j), by_a), ("", by_z), *lines_of_u(j)]

        rules_of_u, lines_of_u, means = self._rule_of_u(layer)
        rules = [f"∂C/∂a = {rule_of_a}", f"∂C/∂z = {rule_of_z}", *rules_of_u]
        lines_of_all = [*together, *means, *self._list(range(len(da)), lines)]
        return _part(f"Back to {self._title(layer)}", rules, lines_of_all)

    def _rule_of_a(self, layer: int) -> tuple[str, Callable[[int], str]]:
        """Return the rule of ∂C/∂a and its formula for a neuron."""
        if layer == self.last:
            rule = self._rule(COSTS[self.net.cost_name][1])
            return rule, lambda j: self._cost_formulas(self.a[-1][j], self.y[j])[1]
        du, W = self.du[layer + 1], self.weights[layer + 1]
        rule = f"sum of {self._by(layer + 1)} of layer {layer + 2} times weights"
        if self.net.is_residual(layer + 1):
            passed_on = self.da[layer + 1].astype(float)
            rule += f", plus ∂C/∂a of layer {layer + 2}"
            return rule, lambda j: f"{self._sum(du, W[j], passed_on[j])} = "
        return rule, lambda j: f"{self._sum(du, W[j])} = "

    def _rule_of_z(self, layer: int) -> tuple[str, Callable[[int], str], list[Line]]:
        """Return the rule of ∂C/∂z, its formula for a neuron, and a line about all neurons."""
        name, a, da, dz = self.names[layer], self.f[layer], self.da[layer], self.dz[layer]
        words = self._words(layer)
        if layer == self.last and self.net.is_tied:
            s = self.y.sum() if name == "softmax" else 1.0
            is_one = abs(s - 1) < 1e-6  # the sum of smoothed labels is 1 but for rounding
            rule, formula = ("a − y", "a − y") if is_one else ("a·(sum of y) − y", "a·s − y")
            rule += f", as {name}′ and the cost's derivative cancel"
            return rule, lambda j: self._filled(formula, a=a[j], s=s, y=self.y[j]), []
        if name == "softmax":
            s = (da * a).sum()
            together = [("together", f"s = sum of ∂C/∂a·a = {self._number(s)}")]
            rule, formula = "a·(∂C/∂a − s)", "a·(d − s)"
            return rule, lambda j: self._filled(formula, a=a[j], d=da[j], s=s), together
        if self.alphas[layer] is not None:
            slope = filled(words.slope, {"a": "f"})
            rule = f"∂C/∂a·(1 − α + α·{name}′), {name}′ = {slope}"
            return rule, self._quotient(da, dz), []
        if words.slope == "1":
            return "∂C/∂a", lambda j: "", []
        rule = f"∂C/∂a·{name}′, {name}′ = {words.slope}"
        if self.net.is_residual(layer) and "a" in words.slope.split(" with ")[0]:
            rule += f", a without a of layer {layer}"
        if words.factor:
            return rule, lambda j: self._filled(f"d·{words.factor}", a=a[j], d=da[j]), []
        return rule, self._quotient(da, dz), []

    def _quotient(self, da: Array, dz: Array) -> Callable[[int], str]:
        """Return the formula of ∂C/∂z whose factor is known by its result alone."""
        return lambda j: self._filled("d·f", d=da[j], f=dz[j] / da[j]) if da[j] else ""

    def _by(self, layer: int) -> str:
        """Name the derivative with respect to the weighted sums of a layer."""
        return "∂C/∂z" if self.normed[layer] is None else "∂C/∂u"

    def _rule_of_u(self, layer: int) -> tuple[list[str], Lines, list[Line]]:
        """Return the rules of ∂C/∂u of a normalised layer, its lines, and one about all neurons."""
        n, gains = self.normed[layer], self.gains[layer]
        if n is None:
            return [], lambda j: [], []
        d = gains.astype(float) * self.dz[layer]
        mean, slope, s = float(d.mean()), float((d * n).mean()), self._statistics(layer)[2]
        rules = ["∂C/∂n = ∂C/∂z·gain", "∂C/∂u = ∂C/∂n / std"]
        formula, together = "d / s", []
        if self.net.norm_of(layer) == "layer":
            rules[1] = "∂C/∂u = (∂C/∂n − p − n·q) / std, p = mean of ∂C/∂n, q = mean of ∂C/∂n·n"
            formula = "(d − p − n·q) / s"
            together = [("all", f"p = {self._number(mean)}, q = {self._number(slope)}")]

        def lines(j: int) -> list[Line]:
            product = self._filled("d·g", d=self.dz[layer][j], g=gains[j])
            quotient = self._filled(formula, d=d[j], p=mean, n=n[j], q=slope, s=s[j])
            return [
                ("", f"∂C/∂n = {product}{self._number(d[j])}"),
                ("", f"∂C/∂u = {quotient}{self._number(self.du[layer][j])}"),
            ]

        return rules, lines, together

    def _back_to_inputs(self) -> str:
        rule = f"∂C/∂x = sum of {self._by(0)} of layer 1 times weights"

        def lines(j: int) -> list[Line]:
            total = self._sum(self.du[0], self.weights[0][j])
            return [(neuron(0, j), f"∂C/∂x = {total} = {self._number(self.dx[j])}")]

        rules, of_input = ([rule], lines) if self.scale is None else self._back_to_scale(self.scale)
        listed = telling(self.x, self.max_neurons)
        return _part("Back to the inputs", rules, self._list(listed, of_input))

    def _back_to_scale(self, s: Array) -> tuple[list[str], Lines]:
        """Return rules and lines of ∂C/∂x and ∂C/∂s with an input scale."""
        rules = [
            f"∂C/∂(x·s) = sum of {self._by(0)} of layer 1 times weights",
            "∂C/∂x = ∂C/∂(x·s)·s",
            "∂C/∂s = ∂C/∂(x·s)·x",
        ]
        if self.rate is not None:
            rules.append(f"new s = s − {self._number(self.rate)}·∂C/∂s")

        def lines(j: int) -> list[Line]:
            x, d = self.x[j], float(self.weights[0][j].astype(float) @ self.du[0])
            total = self._sum(self.du[0], self.weights[0][j])
            by_x = f"{self._filled('d·s', d=d, s=s[j])}{self._number(self.dx[j])}"
            by_s = f"{self._filled('d·x', d=d, x=x)}{self._number(d * x)}"
            return [
                (neuron(0, j), f"∂C/∂(x·s) = {total} = {self._number(d)}"),
                ("", f"∂C/∂x = {by_x}"),
                ("", f"∂C/∂s = {by_s}{self._step('s', s[j], d * x)}"),
            ]

        return rules, lines

    # ---- Gradient --------------------------------------------------------------------------------

    def _gradient(self, layer: int) -> str:
        x, du, dz = self.inputs[layer], self.du[layer], self.dz[layer]
        limit, rate, n, gains = self.max_terms, self.rate, self.normed[layer], self.gains[layer]
        sources, alphas = telling(x, limit), self.alphas[layer]

        def lines(j: int) -> list[Line]:
            def of_weight(i: int) -> list[Line]:
                formula, slope = self._filled("x·d", x=x[i], d=du[j]), x[i] * float(du[j])
                step = self._step("w", self.weights[layer][i, j], slope)
                ends = f"{neuron(layer, i)} to {neuron(layer + 1, j)}"
                return [(ends, f"∂C/∂w = {formula}{self._number(slope)}{step}")]

            found = self._list(sources, of_weight, limit, " weights")
            if self.net.bias:
                step = self._step("b", self.biases[layer][j], float(dz[j]))
                text = f"∂C/∂b = {self._number(dz[j])}{step}"
                found.append((f"bias of {neuron(layer + 1, j)}", text))
            if n is not None:
                slope = n[j] * float(dz[j])
                formula = f"{self._filled('d·n', d=dz[j], n=n[j])}{self._number(slope)}"
                step = self._step("g", gains[j], slope)
                found.append((f"gain of {neuron(layer + 1, j)}", f"∂C/∂g = {formula}{step}"))
            if alphas is not None:
                d, f, z = float(self.da[layer][j]), self.unblended[layer][j], self.z[layer][j]
                formula = f"{self._filled('d·(f − z)', d=d, f=f, z=z)}{self._number(d * (f - z))}"
                step = self._step("α", alphas[j], d * (f - z))
                found.append((f"alpha of {neuron(layer + 1, j)}", f"∂C/∂α = {formula}{step}"))
            return found

        rules = [f"∂C/∂w = input of the weight times {self._by(layer)}"]
        rules += ["∂C/∂b = ∂C/∂z"] if self.net.bias else []
        rules += [] if n is None else ["∂C/∂g = ∂C/∂z·n, g the gain"]
        rules += [] if alphas is None else ["∂C/∂α = ∂C/∂a·(f − z)"]
        if rate is not None:
            others = "b" * self.net.bias + "g" * (n is not None) + "α" * (alphas is not None)
            likewise = f", likewise {listed(others)}" if others else ""
            rules.append(f"new w = w − {self._number(rate)}·∂C/∂w{likewise}")
        neurons = self._list(telling(du, limit), lines, limit, " neurons")
        return _part(f"Gradient of {self._title(layer)}", rules, neurons)

    def _step(self, name: str, value: float, slope: float) -> str:
        """Write the step of gradient descent, if there is a learning rate."""
        if self.rate is None:
            return ""
        step = self._filled("r·s", r=self.rate, s=slope)
        new = self._number(float(value) - self.rate * slope)
        return f"; new {name} = {self._number(value)} − {step}{new}"

    # ---- Words and numbers -----------------------------------------------------------------------

    def _words(self, layer: int) -> ActivationWords:
        """Return the formulas of the activation of a layer, with its parameter in them."""
        p = {"p": self._number(parameter_of(self.net.activations[layer]))}
        return ActivationWords(*(filled(formula, p) for formula in ACTIVATIONS[self.names[layer]]))

    def _rule(self, formula: str) -> str:
        """Write the parameter of the cost into a rule."""
        return filled(formula, {"p": self._number(self.p)})

    def _title(self, layer: int) -> str:
        output = ", the output" if layer == self.last else ""
        norm = "" if self.normed[layer] is None else f"{self.net.norm_of(layer)} norm, "
        blended = "" if self.alphas[layer] is None else "parametric "
        return f"layer {layer + 1}{output}, {norm}{blended}{self.names[layer]}"

    # ---- Lines -----------------------------------------------------------------------------------

    def _list(
        self, chosen: Sequence[int], lines: Lines, limit: int = 0, of: str = ""
    ) -> list[Line]:
        """Return the lines of the chosen neurons; beyond the limit the middle is left out."""
        front, n_between, back = cut(chosen, limit or self.max_neurons)
        gap = [("…", f"{n_between} more{of}")] if n_between else []
        first, last = ([line for j in part for line in lines(j)] for part in (front, back))
        return [*first, *gap, *last]


def _part(title: str, rules: list[str], lines: list[Line]) -> str:
    """Return a title with rules and aligned lines under it."""
    labels = [label if label in ("", "…") else f"{label}:" for label, _ in lines]
    width = max(map(len, labels), default=0)
    texts = [f"  {label:{width}} {text}" for label, (_, text) in zip(labels, lines, strict=True)]
    return "\n".join([title, *(f"  {rule}" for rule in rules), *texts])
