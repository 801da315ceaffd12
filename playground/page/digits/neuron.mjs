/** The chosen neuron: its weights, its sum, and what the last step asks of it. */
import {colourOf, paintNumbers} from "../common/colours.mjs";
import {element, find} from "../common/dom.mjs";
import {SIDE} from "./drawing.mjs";
import {fixed, largest, row, signed, signedBar} from "./numbers.mjs";
import {fill} from "./pixels.mjs";
import {biasOf, weightsInto} from "./reader.mjs";
import {SIZES} from "./state.mjs";

const MOST_NUDGES = 5; // listed of each kind

/** @returns {string} a neuron's name */
function nameOf(layer, unit) {
  return layer === 3 ? `Output ${unit}` : `Layer ${layer}, neuron ${unit + 1}`;
}

/** @returns {string} the name of what a link comes from, within its layer */
export function sourceOf(layer, from) {
  if (layer > 1) return `neuron ${from + 1}`;
  return `pixel ${from % SIDE + 1}, ${Math.floor(from / SIDE) + 1}`;
}

/**
 * Show the weights and the sum of a neuron.
 *
 * @param {{layer: number, unit: number}} chosen
 * @param {Float32Array} parameters
 * @param {Float32Array} pixels
 * @param {object | null} reading z and a of each layer, or null without a drawing
 */
export function showNeuron({layer, unit}, parameters, pixels, reading) {
  const weights = weightsInto(parameters, layer, unit), bias = biasOf(parameters, layer, unit);
  const before = layer === 1 ? pixels : reading?.a[layer - 2];
  const products = weights.map((weight, i) => weight * (before?.[i] ?? 0));
  find("digit-neuron-title").textContent = nameOf(layer, unit);
  find("digit-negative").style.background = colourOf(-1);
  find("digit-positive").style.background = colourOf(1);
  find("digit-grids").hidden = layer !== 1;
  find("digit-weights").hidden = layer === 1;
  if (layer === 1) {
    showGrid("digit-weight-grid", weights);
    showGrid("digit-product-grid", products);
  } else showRows(weights, before, products);
  find("digit-sum").textContent = reading
    ? sumText(layer, bias, reading.z[layer - 1][unit], reading.a[layer - 1][unit])
    : `Its bias is ${fixed(bias)}. Draw a digit to see its sum.`;
}

function sumText(layer, bias, z, a) {
  const [what, f] = layer === 1 ? ["weight × pixel", "sigmoid"]
    : ["weight × activation", layer === 2 ? "sigmoid" : "softmax"];
  const parts = `${fixed(z - bias)} ${bias < 0 ? "−" : "+"} ${fixed(Math.abs(bias))}`;
  return `z = sum of ${what} + bias = ${parts} = ${fixed(z)}; a = ${f}(z) = ${fixed(a)}`;
}

/**
 * 784 numbers as a picture; its caption says from where on the colour is strongest. A few large
 * numbers would make all others pale.
 */
function showGrid(id, numbers) {
  const sizes = numbers.map(Math.abs).filter((size) => size > 0).sort();
  const most = sizes[Math.floor(0.98 * sizes.length)];
  fill(find(id), paintNumbers(numbers.map((number) => number / (most ?? 1)), SIDE, 1));
  find(`${id}-most`).textContent = most ? `full colour from ±${fixed(most, 2)}` : "all 0";
}

function showRows(weights, before, products) {
  const most = Math.max(...weights.map(Math.abs));
  const rows = [...weights].map((weight, i) => row(
    String(i + 1), before ? fixed(before[i]) : "–", signedBar(weight, most), fixed(weight),
    before ? fixed(products[i]) : "–"));
  find("digit-weight-rows").replaceChildren(...rows);
}

/**
 * Show what a step asks of a neuron, and in turn of its bias, its weights and the layer before: the
 * negative slopes of the cost, in the network before the step.
 *
 * @param {object | null} step as `Reader.last`
 */
export function showNudges({layer, unit}, step) {
  const title = find("digit-nudges-title"), lists = find("digit-nudges");
  if (!step) {
    title.textContent = "What it should change";
    lists.replaceChildren(element("p", {
      className: "hint", textContent: "Say what the drawing is, and see here how this neuron is to "
        + "come closer to that: the nudges of its bias, its weights and the layer before.",
    }));
    return;
  }
  title.textContent = `What “this is a ${step.digit}” asks of it`;
  const nudge = -step.trace.deltas[layer - 1][unit];
  lists.replaceChildren(
    element("p", {textContent: wantText(layer, unit, step, nudge)}),
    ...nudgeLists(layer, unit, step, nudge),
  );
}

function wantText(layer, unit, {digit, trace}, nudge) {
  const a = trace.a[layer - 1][unit];
  if (layer === 3) {
    const wanted = unit === digit ? 1 : 0;
    return `It was ${fixed(a)} and should be ${wanted}: the nudge of its sum is `
      + `${wanted} − ${fixed(a)} = ${signed(nudge)}.`;
  }
  const asked = -trace.sensitivities[layer - 1][unit], who = layer === 2 ? "outputs" : "neurons";
  return `The ${SIZES[layer + 1]} ${who} after it ask for ${signed(asked)} together; times its `
    + `slope a (1 − a) = ${fixed(a * (1 - a))}, the nudge of its sum is ${signed(nudge)}.`;
}

function nudgeLists(layer, unit, {pixels, before, trace}, nudge) {
  const inputs = layer === 1 ? pixels : trace.a[layer - 2];
  const weights = weightsInto(before, layer, unit);
  const ofWeights = inputs.map((a) => nudge * a), ofInputs = weights.map((w) => nudge * w);
  const line = (i, beside, nudged) =>
    [`${sourceOf(layer, i)} (${fixed(beside[i], 2)})`, signed(nudged[i])];
  const linesOf = (beside, nudged) =>
    largest(nudged, MOST_NUDGES).map((i) => line(i, beside, nudged));
  const inputName = layer === 1 ? "pixels" : "activations";
  return [
    nudgeList("Move its bias", [["bias", signed(nudge)]]),
    nudgeList(`Move its weights, each in proportion to the ${inputName} it comes from`,
      linesOf(inputs, ofWeights)),
    layer === 1
      ? element("p", {className: "hint", textContent: "The pixels stay as they are drawn."})
      : nudgeList("Move the activations before it, each in proportion to its weight",
        linesOf(weights, ofInputs)),
  ];
}

function nudgeList(title, lines) {
  const list = element("table", {className: "nudge-list"});
  list.append(element("caption", {textContent: title}), ...lines.map((cells) => row(...cells)));
  return list;
}
