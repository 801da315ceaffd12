/** The state of the room that suits a network from a file. */
import {DATA_SETS, outputsOf} from "./data.mjs";
import {FEATURES} from "./features.mjs";
import {shapeOf, startText} from "./loaded.mjs";

/**
 * The parts of a state that make it the state of a network from a file. The data stays if it suits
 * the network, or is as the file says, or is the first data set that does.
 *
 * @param {object} net as readNetwork returns it
 * @param {object} state the present one
 * @param {object | null} saved the state that the file holds
 * @param {object} limits mostLayers, mostUnits, and the names of activations
 * @returns {object}
 * @throws {Error} that says why the page has no such network
 */
export function partFor(net, state, saved, {mostLayers, mostUnits, activations}) {
  const hidden = net.sizes.slice(1, -1), output = net.activations.at(-1);
  if (hidden.length > mostLayers || hidden.some((units) => units > mostUnits)) {
    throw new Error(`it is a network ${net.sizes.join("–")}; the page takes up to ${mostLayers} hidden `
      + `layers of up to ${mostUnits} units`);
  }
  const other = net.activations.slice(0, -1).find((name) => !activations.includes(name));
  if (other !== undefined) {
    throw new Error(`its activation ${other} is not one of ${activations.join(", ")}`);
  }
  const [classes, cost] = outputOf(net.sizes.at(-1), output, net.cost);
  const inputs = net.sizes[0];
  return {
    ...dataFor(inputs, classes, state, saved), cost,
    layers: hidden.map((units, i) => ({units, activation: net.activations[i]})),
    start: startText(net.parameters),
  };
}

/** Classes and cost, as a state has them, of an output layer. */
function outputOf(units, activation, cost) {
  const known = [
    [0, "squared_error", "identity", "squared_error"],
    [2, "cross_entropy", "sigmoid", "binary_cross_entropy"],
    [2, "squared_error", "sigmoid", "squared_error"],
    [units, "cross_entropy", "softmax", "cross_entropy"],
    [units, "squared_error", "softmax", "squared_error"],
  ];
  const [classes, ownCost] = known.find((one) => one[2] === activation && one[3] === cost) ?? [];
  if (classes === undefined || outputsOf(classes) !== units) {
    throw new Error(`its ${units} outputs are ${activation} with the cost ${cost}; the page takes `
      + "identity with squared_error or sigmoid with binary_cross_entropy or squared_error, of 1 "
      + "output, and softmax with cross_entropy or squared_error, of 3 or more");
  }
  return [classes, ownCost];
}

function dataFor(inputs, classes, state, saved) {
  const suits = (one) => shapeOf(one).inputs === inputs && shapeOf(one).classes === classes;
  if (suits(state)) return {};
  if (saved && suits(saved)) {
    const {data, noise, share, dataSeed, features, points, table, choices} = saved;
    return {data, noise, share, dataSeed, features, points, table, choices};
  }
  const data = Object.keys(DATA_SETS).find((name) => DATA_SETS[name].classes === classes);
  const features = Object.keys(FEATURES).slice(0, inputs);
  if (data === undefined || features.length < inputs) {
    const kind = classes ? `${classes} classes` : "numbers as targets";
    throw new Error(`it takes ${inputs} inputs and tells ${kind}; open a table with such columns first`);
  }
  return {data, features};
}
