/** Parameters of a loaded network in a state: training begins with them. */
import {base64Of, bytesOf} from "../common/base64.mjs";
import {outputsOf} from "./data.mjs";
import {outlineOf} from "./samples.mjs";

/** @returns {{inputs: number, classes: number}} of the data of a state; 0 classes for regression */
export function shapeOf(state) {
  const {names, classes} = outlineOf(state);
  return {inputs: names.length, classes};
}

/** @returns {number[]} units of the input, of each hidden layer and of the output */
export function sizesOf(state) {
  const {inputs, classes} = shapeOf(state);
  return [inputs, ...state.layers.map(({units}) => units), outputsOf(classes)];
}

function countParameters(sizes) {
  return sizes.slice(1).reduce((sum, size, layer) => sum + (sizes[layer] + 1) * size, 0);
}

/** @returns {string} parameters for a link, as base64 with the letters - and _ */
export function startText(parameters) {
  return base64Of(parameters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @returns {Float32Array | undefined} the parameters that a link holds, if all are finite */
export function startFrom(text) {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const bytes = bytesOf(text.replaceAll("-", "+").replaceAll("_", "/"));
  if (bytes.length % 4 !== 0) return undefined;
  const numbers = new Float32Array(bytes.buffer);
  return numbers.every(Number.isFinite) ? numbers : undefined;
}

/** Whether the parameters of a state, if there are some, are as many as its network has. */
export function hasGoodStart(state) {
  if (state.start === "") return true;
  return startFrom(state.start)?.length === countParameters(sizesOf(state));
}

/** A state after a change, without parameters that were of another network. */
export function withStart(before, after) {
  const isSame = after.seed === before.seed && String(sizesOf(after)) === String(sizesOf(before));
  return after.start === before.start && !isSame ? {...after, start: ""} : after;
}
