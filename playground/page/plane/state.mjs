/**
 * The state of the page: one plain object, whose values are all valid, and its form in a link.
 */
import {PALETTES} from "../common/colours.mjs";
import {changesFromText, changesToText, MOST_CHANGES, SETTINGS} from "./changes.mjs";
import {choicesFrom} from "./choices.mjs";
import {DATA_SETS} from "./data.mjs";
import {NO_POINTS, pointsFrom} from "./drawn.mjs";
import {FEATURES} from "./features.mjs";
import {hasGoodStart, startFrom} from "./loaded.mjs";
import {FIRST_TABLE, isInLink, keyOf, tableOf} from "./tables.mjs";

export const MOST_LAYERS = 8;
export const MOST_UNITS = 16;
export const ACTIVATIONS = [
  "tanh", "sigmoid", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus",
  "identity",
];
const STRENGTHS = [0, 0.00001, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1];
const LARGEST_SEED = 2 ** 32 - 1;

/**
 * Each part of the state: its default, and what it may be. Whole numbers are from `least` to
 * `most`; the others are one of `choices`.
 */
export const FIELDS = {
  data: {default: "circle", choices: [...Object.keys(DATA_SETS), "drawn", "table"]},
  noise: {default: 10, least: 0, most: 50},
  share: {default: 50, least: 10, most: 90},
  dataSeed: {default: 1, least: 0, most: LARGEST_SEED},
  cost: {default: "cross_entropy", choices: ["cross_entropy", "squared_error"]},
  rule: {
    default: "adam",
    choices: ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "rprop"],
  },
  learningRate: {
    default: 0.01,
    choices: [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
  },
  batchSize: {default: 10, choices: [1, 2, 5, 10, 20, 50, 100, 200, 400]},
  l2: {default: 0, choices: STRENGTHS},
  l1: {default: 0, choices: STRENGTHS},
  dropout: {default: 0, choices: [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5]},
  seed: {default: 7, least: 0, most: LARGEST_SEED},
  speed: {default: "medium", choices: ["slow", "medium", "fast"]},
  stopEpoch: {default: 0, least: 0, most: 1_000_000}, // 0: none
  stopCost: {default: 0, choices: [0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0001, 0.00001]},
  palette: {default: "blue-orange", choices: Object.keys(PALETTES)},
  showTest: {default: "no", choices: ["yes", "no"]},
  explain: {default: 0, least: 0, most: 20_000}, // the example that is explained; 0: none
  ask: {default: "no", choices: ["yes", "no"]}, // for its numbers
  steps: {default: 0, least: 0, most: 1_000_000},
};

/**
 * Own data: points as drawn.mjs writes them, the key of a table, and what choices.mjs writes, or ""
 * for the default choices. Links leave out what is as here.
 */
const OWN_DATA = {points: NO_POINTS, table: FIRST_TABLE, choices: ""};

/** Parts that undo leaves alone, and that no network depends on. */
const ASIDE = ["speed", "showTest", "stopEpoch", "stopCost", "palette", "explain", "ask"];
/** How far the network is trained, and what was changed on the way (see changes.mjs). */
const PROGRESS = ["steps", "changes"];

const LOST_TABLE = "its table, which is too large for a link and must be opened again";

export function defaultState() {
  const state = Object.fromEntries(
    Object.entries(FIELDS).map(([name, field]) => [name, field.default]));
  state.features = ["x", "y"];
  state.layers = [{units: 4, activation: "tanh"}, {units: 2, activation: "tanh"}];
  state.start = ""; // parameters of a network from a file, in place of those of the seed
  return {...state, ...OWN_DATA, changes: []};
}

/**
 * @returns {string} the state as the hash of a link, without "#"; it names no step where it cannot
 *   hold all changes, or where some are later than the step
 */
export function toHash(state) {
  const parts = new URLSearchParams({room: "plane"});
  for (const name of Object.keys(FIELDS)) parts.set(name, state[name]);
  parts.set("features", state.features.join("."));
  const layers = state.layers.map(({units, activation}) => `${units}.${activation}`);
  parts.set("layers", layers.join("-"));
  for (const [name, first] of Object.entries(OWN_DATA)) {
    if (state[name] !== first) parts.set(name, state[name]);
  }
  if (state.start !== "") parts.set("start", state.start);
  const {changes, steps} = state;
  const text = changesToText(changes);
  const isWhole = text.split("_").length <= MOST_CHANGES && changes.every(({step}) => step <= steps);
  if (!isWhole) parts.set("steps", 0);
  else if (text !== "") parts.set("changes", text);
  return parts.toString();
}

/**
 * Read the hash of a link; parts that it does not name have their defaults.
 *
 * @param {string} hash with or without "#"
 * @param {object} kept parts of the state in place of their defaults
 * @returns {{state: object, problems: string[]}} problems says what was not understood
 */
export function fromHash(hash, kept = {}) {
  const state = {...defaultState(), ...kept}, problems = [], seen = new Set();
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    const value = seen.has(name) ? undefined : valueOf(name, text);
    seen.add(name);
    if (name === "room") continue; // main.mjs reads it
    if (value !== undefined) state[name] = value;
    else if (name === "table" && !isInLink(text)) problems.push(LOST_TABLE);
    else problems.push(shortened(`${name}=${text}`));
  }
  if (state.changes.some(({step}) => step > state.steps)) {
    problems.push("changes after the last step");
    state.changes = [];
  }
  for (const {part} of state.changes) {
    for (const name of SETTINGS.filter((name) => name in part)) state[name] = part[name];
  }
  const found = withTable(state, problems);
  if (hasGoodStart(found)) return {state: found, problems};
  problems.push("start of another network");
  return {state: {...found, start: ""}, problems};
}

/** Whether another network or other data is needed, so that training starts again. */
export function needsRewind(before, after) {
  return differ(before, after, (name) => ![...SETTINGS, ...ASIDE, ...PROGRESS].includes(name));
}

/** Whether settings of training differ. */
export function trainsOtherwise(before, after) {
  return differ(before, after, (name) => SETTINGS.includes(name));
}

/** A state with those parts of another that are not undone. */
export function withAside(state, from) {
  return {...state, ...Object.fromEntries(ASIDE.map((name) => [name, from[name]]))};
}

/** A state before the first step. */
export function untrained(state) {
  return {...state, steps: 0, changes: []};
}

function differ(before, after, isMeant) {
  return Object.keys(before).some(
    (name) => isMeant(name) && JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

/** The value that a text stands for, or undefined. */
function valueOf(name, text) {
  if (name === "features") return featuresOf(text);
  if (name === "layers") return layersOf(text);
  if (name === "start") return startFrom(text) && text;
  if (name === "changes") return changesFromText(text, valueOf);
  if (name === "points") return pointsFrom(text) && text;
  if (name === "table") return keyOf(text);
  if (name === "choices") return text; // withTable checks them
  if (!Object.hasOwn(FIELDS, name)) return undefined;
  const {choices, least, most} = FIELDS[name];
  if (choices) return choices.find((choice) => String(choice) === text);
  return wholeOf(text, least, most);
}

/** A state whose table is there, and whose choices suit it. */
function withTable(state, problems) {
  const isLost = problems.includes(LOST_TABLE);
  const {choices} = state, areGood = choices === "" || choicesFrom(choices, tableOf(state.table));
  if (!areGood && !isLost) problems.push(shortened(`choices=${choices}`));
  const data = isLost && state.data === "table" ? FIELDS.data.default : state.data;
  return {...state, data, choices: areGood ? choices : ""};
}

function wholeOf(text, least, most) {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  return number >= least && number <= most ? number : undefined;
}

function featuresOf(text) {
  const wanted = text.split(".");
  const found = Object.keys(FEATURES).filter((name) => wanted.includes(name));
  return found.length === wanted.length ? found : undefined;
}

function layersOf(text) {
  if (text === "") return [];
  const layers = text.split("-", MOST_LAYERS + 1).map((layer) => {
    const [units, activation, ...rest] = layer.split(".");
    const isGood = rest.length === 0 && ACTIVATIONS.includes(activation);
    return {units: isGood ? wholeOf(units, 1, MOST_UNITS) : undefined, activation};
  });
  const areGood = layers.length <= MOST_LAYERS && layers.every(({units}) => units !== undefined);
  return areGood ? layers : undefined;
}

function shortened(text) {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
