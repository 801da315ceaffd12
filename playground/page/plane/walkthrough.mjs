/**
 * A walk through one example, forward and back, in the words of pynn/inspection/walkthrough.py.
 *
 * It consists of parts {title, rules, lines}; a line {label, pieces} is as writing.mjs describes.
 * Places are {layer, unit} of a neuron, with layer 0 for the inputs; a weight has `from` too, its
 * unit in the layer before, and a bias has `isBias`.
 */
import {ACTIVATIONS, COSTS} from "./formulas.mjs";
import {neuronName} from "./naming.mjs";
import {biasPlace, weightPlace} from "./places.mjs";
import {cut, telling, Writer} from "./writing.mjs";

/**
 * @param {object} net sizes, activations (one for each layer but the input), cost, parameters
 * @param {object} trace of one row, as Network.trace returns it, with x, y and cost
 * @param {object} options
 * @param {number} [options.digits]
 * @param {number} [options.maxNeurons] of a layer, or inputs; the middle of more is left out
 * @param {number} [options.maxTerms] of a sum, and weights that lead to one neuron
 * @param {number | null} [options.rate] learning rate of a step of gradient descent, to be shown
 * @returns {{title: string, rules: string[], lines: object[]}[]}
 */
export function walkThrough(net, trace, options = {}) {
  return new Walk(net, trace, options).parts();
}

/** @returns {string} the walk as `trace().text()` prints it */
export function textOf(parts) {
  return parts.map(({title, rules, lines}) => {
    const width = labelWidth(lines);
    const texts = lines.map((line) => `  ${labelOf(line).padEnd(width)} ${lineText(line)}`);
    return [title, ...rules.map((rule) => `  ${rule}`), ...texts].join("\n");
  }).join("\n\n");
}

export function lineText({pieces}) {
  return pieces.map((piece) => piece.text ?? piece).join("");
}

export function labelOf({label}) {
  return label === "" || label === "…" ? label : `${label}:`;
}

export function labelWidth(lines) {
  return Math.max(0, ...lines.map((line) => labelOf(line).length));
}

class Walk {
  constructor(net, trace, {digits = 4, maxNeurons = 2, maxTerms = 4, rate = null}) {
    this.net = net;
    this.trace = trace;
    this.limits = {neurons: maxNeurons, terms: maxTerms};
    this.rate = rate;
    this.write = new Writer(digits, maxTerms);
    this.last = net.sizes.length - 1;
  }

  parts() {
    const forward = this.net.sizes.slice(1).map((_, i) => i + 1), back = forward.toReversed();
    return [
      this.#inputs(), ...forward.map((layer) => this.#forward(layer)), this.#cost(),
      ...back.map((layer) => this.#back(layer)), this.#backToInputs(),
      ...back.map((layer) => this.#gradient(layer)),
    ];
  }

  // ---- Terms -------------------------------------------------------------------------------------

  /** A value of a neuron: "z", "a", "∂C/∂a" or "∂C/∂z". */
  #of(is, layer, unit) {
    const {trace} = this;
    const values = {z: trace.z, a: trace.a, "∂C/∂a": trace.sensitivities, "∂C/∂z": trace.deltas}[is];
    return {x: values[layer - 1][unit], at: {layer, unit}, is};
  }

  /** What a neuron passes on: an activation or an input. */
  #passed(layer, unit) {
    return layer ? this.#of("a", layer, unit) : {x: this.trace.x[unit], at: {layer, unit}, is: "x"};
  }

  #target(unit) {
    return {x: this.trace.y[unit], at: {layer: this.last, unit}, is: "y"};
  }

  #weight(layer, from, unit) {
    const at = {layer, unit, from};
    return {x: this.net.parameters[weightPlace(this.net.sizes, at)], at, is: "weight"};
  }

  #bias(layer, unit) {
    const at = {layer, unit, isBias: true};
    return {x: this.net.parameters[biasPlace(this.net.sizes, at)], at, is: "bias"};
  }

  #units(layer) {
    return Array.from({length: this.net.sizes[layer]}, (_, unit) => unit);
  }

  // ---- Forward -----------------------------------------------------------------------------------

  #inputs() {
    const {x} = this.trace, listed = telling(x, this.limits.neurons);
    const left = x.length - listed.length;
    const rules = left ? [`${left} of ${x.length} are 0 and not listed`] : [];
    const line = (unit) => {
      const {text} = this.write.answer(this.#passed(0, unit));
      return [this.#line({layer: 0, unit}, [{...this.#passed(0, unit), text}])];
    };
    return {title: "Inputs", rules, lines: this.#list(listed, line)};
  }

  #forward(layer) {
    const name = this.net.activations[layer - 1], [value] = ACTIVATIONS[name];
    const line = (unit) => {
      const products = this.#units(layer - 1).map(
        (from) => [this.#passed(layer - 1, from), this.#weight(layer, from, unit)]);
      return [this.#line({layer, unit}, [
        ...this.write.sum(products, this.#bias(layer, unit)), " = ",
        this.write.answer(this.#of("z", layer, unit)), `, ${name} → `,
        this.write.answer(this.#of("a", layer, unit)),
      ])];
    };
    const title = this.#title(layer);
    return {
      title: title[0].toUpperCase() + title.slice(1),
      rules: ["z = sum of inputs times weights, plus bias", `a = ${value}`],
      lines: this.#list(this.#units(layer), line),
    };
  }

  #cost() {
    const {cost} = this.net, {z, a, y} = this.trace;
    const [outputs, sums, targets] = [a.at(-1), z.at(-1), y].map((v) => Array.from(v));
    const values = COSTS[cost].values(sums, outputs, targets);
    const line = (unit) => {
      const at = {layer: this.last, unit};
      return [this.#line(at, [
        "a = ", this.#plain(this.#of("a", this.last, unit)), ", y = ",
        this.#plain(this.#target(unit)), ": ", ...this.#costFormula(unit, 0),
        this.write.answer({x: values[unit], at, is: "C"}),
      ])];
    };
    const total = {
      label: "in all",
      pieces: ["C = ", this.write.answer({x: this.trace.cost, at: {layer: this.last}, is: "C"})],
    };
    return {
      title: `Cost, ${cost}`,
      rules: [`C = sum of ${COSTS[cost].rules[0]}`],
      lines: [...this.#list(this.#units(this.last), line), total],
    };
  }

  /** The formula of the cost of one output (which = 0), or of its slope (1). */
  #costFormula(unit, which) {
    const y = this.#target(unit);
    return this.write.filled(COSTS[this.net.cost].formulas(y.x)[which], {
      a: this.#of("a", this.last, unit), y, u: {...y, x: 1 - y.x, is: "1 − y"},
    });
  }

  // ---- Back --------------------------------------------------------------------------------------

  #back(layer) {
    const a = this.#ruleOfA(layer), z = this.#ruleOfZ(layer);
    const line = (unit) => {
      const by = (is, formula) => [
        `${is} = `, ...formula(unit), this.write.answer(this.#of(is, layer, unit))];
      return [this.#line({layer, unit}, by("∂C/∂a", a.formula)),
        {label: "", place: {layer, unit}, pieces: by("∂C/∂z", z.formula)}];
    };
    return {
      title: `Back to ${this.#title(layer)}`,
      rules: [`∂C/∂a = ${a.rule}`, `∂C/∂z = ${z.rule}`],
      lines: [...z.together ?? [], ...this.#list(this.#units(layer), line)],
    };
  }

  #ruleOfA(layer) {
    if (layer === this.last) {
      const rule = COSTS[this.net.cost].rules[1];
      return {rule, formula: (unit) => this.#costFormula(unit, 1)};
    }
    const rule = `sum of ∂C/∂z of layer ${layer + 1} times weights`;
    return {rule, formula: (unit) => [...this.#sumOfDeltas(layer, unit), " = "]};
  }

  /** What the layer after a neuron says of it. */
  #sumOfDeltas(layer, unit) {
    return this.write.sum(this.#units(layer + 1).map(
      (to) => [this.#of("∂C/∂z", layer + 1, to), this.#weight(layer + 1, unit, to)]));
  }

  #ruleOfZ(layer) {
    const name = this.net.activations[layer - 1], [, slope, factor] = ACTIVATIONS[name];
    const a = (unit) => this.#of("a", layer, unit), d = (unit) => this.#of("∂C/∂a", layer, unit);
    if (layer === this.last && this.net.cost !== "squared_error") {
      const rule = `a − y, as ${name}′ and the cost's derivative cancel`;
      const formula = (unit) => this.write.filled("a − y", {a: a(unit), y: this.#target(unit)});
      return {rule, formula};
    }
    if (name === "softmax") return this.#ruleOfSoftmax(layer, a, d);
    if (slope === "1") return {rule: "∂C/∂a", formula: () => []};
    const rule = `∂C/∂a·${name}′, ${name}′ = ${slope}`;
    if (factor) {
      const formula = (unit) => this.write.filled(`d·${factor}`, {a: a(unit), d: d(unit)});
      return {rule, formula};
    }
    const formula = (unit) => { // the factor is known by its result alone
      const x = Math.fround(this.#of("∂C/∂z", layer, unit).x / d(unit).x);
      const f = {x, at: {layer, unit}, is: `${name}′`};
      return d(unit).x ? this.write.filled("d·f", {d: d(unit), f}) : [];
    };
    return {rule, formula};
  }

  #ruleOfSoftmax(layer, a, d) {
    const x = this.#units(layer).reduce((sum, unit) => sum + d(unit).x * a(unit).x, 0);
    const s = {x, at: {layer}, is: "s"};
    return {
      rule: "a·(∂C/∂a − s)",
      formula: (unit) => this.write.filled("a·(d − s)", {a: a(unit), d: d(unit), s}),
      together: [
        {label: "together", pieces: ["s = sum of ∂C/∂a·a = ", this.write.answer(s)]}],
    };
  }

  #backToInputs() {
    const line = (unit) => {
      const at = {layer: 0, unit}, x = this.trace.inputSensitivities[unit];
      return [this.#line(at, ["∂C/∂x = ", ...this.#sumOfDeltas(0, unit), " = ",
        this.write.answer({x, at, is: "∂C/∂x"})])];
    };
    return {
      title: "Back to the inputs",
      rules: ["∂C/∂x = sum of ∂C/∂z of layer 1 times weights"],
      lines: this.#list(telling(this.trace.x, this.limits.neurons), line),
    };
  }

  // ---- Gradient ----------------------------------------------------------------------------------

  #gradient(layer) {
    const {terms} = this.limits;
    const sources = telling(this.#units(layer - 1).map((unit) => this.#passed(layer - 1, unit).x),
      terms);
    const lines = (unit) => [
      ...this.#list(sources, (from) => [this.#slopeOfWeight(layer, from, unit)], terms, " weights"),
      this.#slopeOfBias(layer, unit),
    ];
    const rules = ["∂C/∂w = input of the weight times ∂C/∂z", "∂C/∂b = ∂C/∂z"];
    if (this.rate !== null) {
      rules.push(`new w = w − ${this.write.text(this.rate)}·∂C/∂w, likewise b`);
    }
    const deltas = this.#units(layer).map((unit) => this.#of("∂C/∂z", layer, unit).x);
    return {
      title: `Gradient of ${this.#title(layer)}`, rules,
      lines: this.#list(telling(deltas, terms), lines, terms, " neurons"),
    };
  }

  #slopeOfWeight(layer, from, unit) {
    const weight = this.#weight(layer, from, unit), {at} = weight;
    const [x, d] = [this.#passed(layer - 1, from), this.#of("∂C/∂z", layer, unit)];
    const slope = {x: x.x * d.x, at, is: "∂C/∂w"};
    return {
      label: `${neuronName({layer: layer - 1, unit: from})} to ${neuronName({layer, unit})}`,
      pieces: ["∂C/∂w = ", ...this.write.filled("x·d", {x, d}), this.write.answer(slope),
        ...this.#step("w", weight, slope)],
    };
  }

  #slopeOfBias(layer, unit) {
    const bias = this.#bias(layer, unit);
    const slope = {...this.#of("∂C/∂z", layer, unit), at: bias.at, is: "∂C/∂b"};
    return {
      label: `bias of ${neuronName({layer, unit})}`,
      pieces: ["∂C/∂b = ", this.write.answer(slope), ...this.#step("b", bias, slope)],
    };
  }

  /** The step of gradient descent, if there is a learning rate. */
  #step(name, value, slope) {
    if (this.rate === null) return [];
    const r = {x: this.rate, is: "learning rate"};
    return [`; new ${name} = `, this.#plain(value), " − ", ...this.write.filled("r·s", {r, s: slope}),
      this.write.answer({x: value.x - this.rate * slope.x, at: value.at, is: `new ${name}`})];
  }

  // ---- Lines -------------------------------------------------------------------------------------

  /** A term without brackets. */
  #plain(term) {
    return {...term, text: this.write.text(term.x)};
  }

  #line(place, pieces) {
    return {label: neuronName(place), pieces};
  }

  #title(layer) {
    const output = layer === this.last ? ", the output" : "";
    return `layer ${layer}${output}, ${this.net.activations[layer - 1]}`;
  }

  /** The lines of the chosen neurons; beyond the limit the middle is left out. */
  #list(chosen, lines, limit = this.limits.neurons, of = "") {
    const {front, between, back} = cut(chosen, limit);
    const gap = between ? [{label: "…", pieces: [`${between} more${of}`]}] : [];
    return [...front.flatMap(lines), ...gap, ...back.flatMap(lines)];
  }
}
