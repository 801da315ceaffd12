/**
 * The rows that a network learns from: of a data set, of points that were drawn, or of a table.
 */
import {DATA_SETS, generator, makeData, REACH, targetsOf} from "./data.mjs";
import {classesOf, pointsFrom} from "./drawn.mjs";
import {FEATURES, gridPoints, inputsOf} from "./features.mjs";
import {tableGridRows, tableOutline, tableSamples} from "./table_samples.mjs";

const UNNAMED = {name: "", centre: 0, spread: 1};

/**
 * What is known of the rows before they are made.
 *
 * @param {object} state
 * @returns {{classes: number, words: string[], names: string[], axes: object}} the number of
 *   classes, 0 for regression; their names, or those of the targets −1 and 1; the names of the
 *   inputs; {x, y} of the plane, each {name, centre, spread}: it shows (value - centre) / spread
 */
export function outlineOf(state) {
  if (state.data === "table") return tableOutline(state);
  const classes = state.data === "drawn"
    ? classesOf(pointsFrom(state.points)) : DATA_SETS[state.data].classes;
  return {
    classes,
    words: classes ? Array.from({length: classes}, (_, c) => `class ${c}`) : ["−1", "1"],
    names: state.features.map((name) => FEATURES[name].label),
    axes: {x: UNNAMED, y: UNNAMED},
  };
}

/**
 * Make the rows.
 *
 * @param {object} state
 * @returns {object} what outlineOf returns, and
 *   points: x and y of each row on the plane; labels: its class or target; nTraining: the first of
 *   them are for training; rows: inputs of the network, (n, names.length); targets: (n, outputs);
 *   largest: the target with the fullest colour
 */
export function samplesOf(state) {
  const outline = outlineOf(state);
  const {points, labels, nTraining, rows, largest} = state.data === "table" ? tableSamples(state)
    : state.data === "drawn" ? drawnSamples(state) : makeData(state);
  return {
    ...outline, points, labels, nTraining,
    rows: rows ?? inputsOf(points, state.features),
    targets: targetsOf({classes: outline.classes, labels}),
    largest: largest ?? 1,
  };
}

/** Inputs of a network at the points of a grid over the plane, as gridPoints orders them. */
export function gridRowsOf(state, side) {
  const points = gridPoints(side, REACH);
  return state.data === "table" ? tableGridRows(state, points) : inputsOf(points, state.features);
}

/** Each point keeps its place among training or test points while others are drawn. */
function drawnSamples({points: text, share, dataSeed}) {
  const {points} = pointsFrom(text), random = generator(dataSeed);
  const isTraining = points.map((_, i) => random() < share / 100 || i === 0);
  const training = points.filter((_, i) => isTraining[i]);
  const sorted = [...training, ...points.filter((_, i) => !isTraining[i])];
  return {
    points: Float32Array.from(sorted.flatMap(({x, y}) => [x, y])),
    labels: Float32Array.from(sorted, ({label}) => label),
    nTraining: training.length,
  };
}
