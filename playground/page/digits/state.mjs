/** The state of the room Digits: one plain object, whose values are all valid, and its link. */
import {PALETTES, paletteInUse} from "../common/colours.mjs";
import {BRUSHES, isEmpty, MOST_POINTS, pointsOf} from "./drawing.mjs";

/** Units of each layer. */
export const SIZES = [784, 16, 16, 10];
export const N_EXAMPLES = 14;
export const RATES = [0.01, 0.03, 0.1, 0.3, 1, 3];
export const MOST_STEPS = 100;
/** A link holds what was taught up to this length. */
const LONGEST = 8000;

/**
 * `taught` lists steps of gradient descent, {digit, rate, drawing}, from the shipped network on.
 */
export function defaultState() {
  return {
    drawing: {example: 3}, layer: 1, unit: 0, brush: "medium", rate: 0.03, taught: [],
    palette: paletteInUse(),
  };
}

/** @returns {string} the state as the hash of a link, without "#" */
export function toHash(state) {
  const parts = new URLSearchParams({
    room: "digits",
    drawing: drawingText(state.drawing),
    neuron: `${state.layer}.${state.unit}`,
    brush: state.brush,
    rate: state.rate,
    palette: state.palette,
  });
  const taught = taughtText(state.taught);
  if (taught && fits(taught)) parts.set("taught", taught);
  return parts.toString();
}

/** Whether links hold what the network was taught. */
export function linkHoldsSteps(state) {
  return fits(taughtText(state.taught));
}

/**
 * Read the hash of a link; parts that it does not name have their defaults.
 *
 * @returns {{state: object, problems: string[]}} problems says what was not understood
 */
export function fromHash(hash) {
  const state = defaultState(), problems = [], seen = new Set();
  for (const [name, text] of new URLSearchParams(hash)) {
    if (name === "room") continue; // main.mjs reads it
    const read = !seen.has(name) && Object.hasOwn(READERS, name) ? READERS[name](text) : null;
    seen.add(name);
    if (read) Object.assign(state, read);
    else problems.push(`${name}=${text}`.slice(0, 40));
  }
  return {state, problems};
}

/** The parts of the state that a text stands for, or null. */
const READERS = {
  drawing: (text) => asPart("drawing", drawingOf(text)),
  neuron: neuronOf,
  brush: (text) => (Object.hasOwn(BRUSHES, text) ? {brush: text} : null),
  rate: (text) => asPart("rate", RATES.find((rate) => String(rate) === text) ?? null),
  palette: (text) => (Object.hasOwn(PALETTES, text) ? {palette: text} : null),
  taught: (text) => asPart("taught", taughtOf(text)),
};

function asPart(name, value) {
  return value === null ? null : {[name]: value};
}

function neuronOf(text) {
  const [, layer, unit] = /^([123])\.(\d{1,2})$/.exec(text) ?? [];
  return Number(unit) < SIZES[layer] ? {layer: Number(layer), unit: Number(unit)} : null;
}

/** A step as digit.rate.drawing; a drawing that is the one before is left out. */
function taughtText(taught) {
  return taught.map(({digit, rate, drawing}, i) => {
    const head = `${digit}.${RATES.indexOf(rate)}`;
    return drawing === taught[i - 1]?.drawing ? head : `${head}.${drawingText(drawing)}`;
  }).join("*");
}

function fits(text) {
  return text.length <= LONGEST;
}

function taughtOf(text) {
  if (!fits(text)) return null;
  const parts = text.split("*", MOST_STEPS + 1), taught = [];
  if (parts.length > MOST_STEPS) return null;
  for (const part of parts) {
    const [, digit, rate, of] = /^(\d)\.([0-5])(?:\.(.+))?$/.exec(part) ?? [];
    const drawing = of === undefined ? taught.at(-1)?.drawing : drawingOf(of);
    if (!drawing || isEmpty(drawing) || digit === undefined) return null;
    taught.push({digit: Number(digit), rate: RATES[rate], drawing});
  }
  return taught;
}

/** A drawing as `example.3`, or its strokes in base64: brush, number of points, coordinates. */
function drawingText(drawing) {
  if (drawing.example !== undefined) return `example.${drawing.example}`;
  const names = Object.keys(BRUSHES);
  const bytes = drawing.strokes.flatMap(({brush, points}) =>
    [names.indexOf(brush), points.length >> 8, points.length & 255, ...points.flat()]);
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Whether two drawings have the same strokes, or are the same example. */
export function isSame(one, other) {
  return one === other || drawingText(one) === drawingText(other);
}

function drawingOf(text) {
  const [, example] = /^example\.(\d{1,2})$/.exec(text) ?? [];
  if (example !== undefined) return example < N_EXAMPLES ? {example: Number(example)} : null;
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return null;
  const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const strokes = strokesOf(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)));
  return strokes && pointsOf(strokes) <= MOST_POINTS ? {strokes} : null;
}

function strokesOf(bytes) {
  const names = Object.keys(BRUSHES), strokes = [];
  for (let at = 0; at < bytes.length; ) {
    const brush = names[bytes[at]], n = 256 * bytes[at + 1] + bytes[at + 2];
    at += 3;
    if (!brush || !(n > 0) || at + 2 * n > bytes.length) return null;
    const points = Array.from({length: n}, (_, i) => [bytes[at + 2 * i], bytes[at + 2 * i + 1]]);
    strokes.push({brush, points});
    at += 2 * n;
  }
  return strokes;
}
