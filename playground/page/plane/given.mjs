/** The network and the rows that Python put into the page: see pynn/given.py. */
import {bytesOf} from "../common/base64.mjs";
import {find} from "../common/dom.mjs";
import {choicesText, defaultChoices} from "./choices.mjs";
import {partFor} from "./fitting.mjs";
import {ACTIVATIONS, defaultState, MOST_LAYERS, MOST_UNITS, toHash} from "./state.mjs";
import {holdTable} from "./tables.mjs";

const KEY = "~given"; // links do not hold the table, but this page does
const LIMITS = {mostLayers: MOST_LAYERS, mostUnits: MOST_UNITS, activations: ACTIVATIONS};

/** @returns {string} the link to begin with: "" if Python gave nothing */
export function linkOfGiven() {
  const text = find("given")?.textContent;
  if (!text) return "";
  const {columns, target, network} = JSON.parse(text);
  let state = defaultState();
  if (columns) state = {...state, ...tableOfGiven(columns, target, network !== undefined)};
  if (network) {
    const parameters = new Float32Array(bytesOf(network.parameters).buffer);
    state = {...state, ...partFor({...network, parameters}, state, null, LIMITS)};
  }
  return toHash(state);
}

/** Hold a table of these columns, of which the target is the last; a network gets them as they are. */
function tableOfGiven(inputs, target, isForNetwork) {
  const columns = [...inputs.map(columnOf), targetOf(target)], last = columns.length - 1;
  const table = {n: target.values.length, columns, notes: [], name: "Rows from Python"};
  holdTable(KEY, table);
  const choices = defaultChoices(table, last);
  choices.task = target.classes ? "classes" : "numbers";
  if (isForNetwork) {
    choices.use = "all";
    choices.scale = "no";
    choices.columns = [...inputs.keys()];
  }
  return {data: "table", table: KEY, choices: choicesText(choices)};
}

function targetOf({name, values, classes}) {
  if (!classes) return numbersOf(name, values);
  return {name, kind: "words", values, nMissing: 0, words: classes, classes};
}

function columnOf({name, values}) {
  const isOfWords = values.some((value) => typeof value === "string");
  return isOfWords ? wordsOf(name, values) : numbersOf(name, values);
}

/** A column as table.mjs makes it; one that is the same in all rows is allowed here. */
function numbersOf(name, given) {
  const known = given.filter((value) => value !== null);
  const mean = known.reduce((sum, value) => sum + value / known.length, 0);
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2 / known.length, 0);
  return {
    name, kind: "numbers", values: Float64Array.from(given, (value) => value ?? NaN), classes: null,
    nMissing: given.length - known.length, mean, spread: Math.sqrt(variance) || 1,
    low: known.reduce((a, b) => Math.min(a, b)), high: known.reduce((a, b) => Math.max(a, b)),
  };
}

function wordsOf(name, given) {
  const words = [...new Set(given.filter((value) => value !== null))].sort();
  const places = new Map(words.map((word, place) => [word, place]));
  return {
    name, kind: "words", words, classes: null, nMissing: given.filter((value) => value === null).length,
    values: Float64Array.from(given, (value) => places.get(value) ?? -1),
  };
}
