/** The rows that a network learns from a table. */
import {choicesFrom, defaultChoices, inputsOfColumn, NONE, usedColumns} from "./choices.mjs";
import {generator, shuffle} from "./data.mjs";
import {FEATURES, inputsOf} from "./features.mjs";
import {tableOf} from "./tables.mjs";

/** @returns {{table: object, choices: object}} those of a state */
export function tableAndChoices(state) {
  const table = tableOf(state.table);
  return {table, choices: choicesFrom(state.choices, table) ?? defaultChoices(table)};
}

/** What samples.mjs knows of a table's rows before they are made. */
export function tableOutline(state) {
  const {table, choices} = tableAndChoices(state), target = table.columns[choices.target];
  const isClasses = choices.task === "classes", scale = targetScale(target, choices);
  const axis = (c) => {
    const {name, mean: centre, spread} = table.columns[c] ?? {name: "", mean: 0, spread: 1};
    return {name, centre, spread};
  };
  return {
    classes: isClasses ? target.classes.length : 0,
    words: isClasses ? target.classes
      : [-scale.largest, scale.largest].map((t) => numberText(t * scale.half + scale.middle)),
    names: choices.use === "all" ? inputsFrom(table, choices).map(({name}) => name)
      : state.features.map((name) => FEATURES[name].label),
    axes: {x: axis(choices.x), y: axis(choices.y)},
  };
}

/** Rows with a target in an order that the seed shuffles; missing inputs are as in `inputOf`. */
export function tableSamples(state) {
  const {table, choices} = tableAndChoices(state), target = table.columns[choices.target];
  const order = knownRows(target);
  shuffle(order, generator(state.dataSeed));
  const scale = targetScale(target, choices);
  const nTraining = Math.round((order.length * state.share) / 100);
  const shown = positions(table, choices, order, "yes");
  return {
    points: shown,
    labels: Float32Array.from(order, (i) => labelOf(target, choices, scale, target.values[i])),
    nTraining: Math.max(1, Math.min(order.length - 1, nTraining)),
    rows: choices.use === "all" ? allInputs(table, choices, order)
      : inputsOf(positions(table, choices, order, choices.scale), state.features),
    largest: scale.largest,
  };
}

/** Inputs over the plane: those that it does not show have their means. */
export function tableGridRows(state, points) {
  const {table, choices} = tableAndChoices(state);
  const axes = [choices.x, choices.y];
  const valueAt = (i, axis) => {
    const {mean, spread} = table.columns[axes[axis]] ?? {mean: 0, spread: 1};
    return choices.scale === "yes" ? points[2 * i + axis] : points[2 * i + axis] * spread + mean;
  };
  if (choices.use === "two") {
    return inputsOf(Float32Array.from(points, (_, k) => valueAt(k >> 1, k & 1)), state.features);
  }
  const inputs = inputsFrom(table, choices), known = knownRows(table.columns[choices.target]);
  const means = inputs.map((input) => (
    known.reduce((sum, i) => sum + inputOf(table, input, i, choices.scale), 0) / known.length));
  const rows = new Float32Array((points.length / 2) * inputs.length);
  for (let i = 0, to = 0; i < points.length / 2; i++) {
    inputs.forEach(({column}, k) => {
      const axis = axes.indexOf(column);
      rows[to++] = axis < 0 ? means[k] : valueAt(i, axis);
    });
  }
  return rows;
}

/** @returns {number} rows that the plane shows at its edge, as they are beyond it */
export function countBeyond(state, reach) {
  const {table, choices} = tableAndChoices(state);
  const points = positions(table, choices, knownRows(table.columns[choices.target]), "yes");
  let found = 0;
  for (let k = 0; k < points.length; k += 2) {
    if (Math.abs(points[k]) > reach || Math.abs(points[k + 1]) > reach) found++;
  }
  return found;
}

/** @returns {string} a number for people */
export function numberText(number, digits = 4) {
  return String(Number(number.toPrecision(digits))).replace("-", "−");
}

function knownRows({kind, values}) {
  const isKnown = kind === "numbers" ? (value) => !Number.isNaN(value) : (value) => value >= 0;
  return [...values.keys()].filter((i) => isKnown(values[i]));
}

function inputsFrom(table, choices) {
  return usedColumns(choices).flatMap((c) => inputsOfColumn(table.columns[c], c));
}

/** One input of one row. A missing number is the mean; of a missing word, all inputs are 0. */
function inputOf({columns}, {column, word}, i, scale) {
  const {values, mean, spread} = columns[column], value = values[i];
  if (word !== null) return value === word ? 1 : 0;
  const known = Number.isNaN(value) ? mean : value;
  return scale === "yes" ? (known - mean) / spread : known;
}

function allInputs(table, choices, order) {
  const inputs = inputsFrom(table, choices);
  const rows = new Float32Array(order.length * inputs.length);
  let to = 0;
  for (const i of order) {
    for (const input of inputs) rows[to++] = inputOf(table, input, i, choices.scale);
  }
  return rows;
}

/** x and y of rows; 0 where no column is chosen. */
function positions(table, choices, order, scale) {
  const axes = [choices.x, choices.y].map((column) => ({column, word: null}));
  const found = new Float32Array(2 * order.length);
  order.forEach((i, k) => axes.forEach((axis, a) => {
    if (axis.column !== NONE) found[2 * k + a] = inputOf(table, axis, i, scale);
  }));
  return found;
}

/** A target is value = label * half + middle, and its labels are up to `largest`. */
function targetScale({low, high}, {task, scale}) {
  if (task === "classes") return {middle: 0, half: 1, largest: 1};
  if (scale === "yes") return {middle: (high + low) / 2, half: (high - low) / 2 || 1, largest: 1};
  return {middle: 0, half: 1, largest: Math.max(Math.abs(low), Math.abs(high))};
}

function labelOf({kind, classes}, {task}, {middle, half}, value) {
  if (task === "numbers") return (value - middle) / half;
  return kind === "words" ? value : classes.indexOf(String(value));
}
