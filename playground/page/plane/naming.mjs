/** Places of numbers in the network (see walkthrough.mjs), in words. */

/** @returns {string} the name of a neuron, counted from 1, with the input as layer 0 */
export function neuronName({layer, unit}) {
  return layer ? `neuron ${unit + 1} of layer ${layer}` : `input ${unit + 1}`;
}

/** @returns {string} what a number is and where, such as "z of neuron 1 of layer 2" */
export function nameOf(is, at) {
  if (!at) return is;
  if (at.from !== undefined) {
    const ends = `from ${neuronName({layer: at.layer - 1, unit: at.from})} to ${neuronName(at)}`;
    return is === "weight" ? `weight ${ends}` : `${is} of the weight ${ends}`;
  }
  if (at.unit === undefined) return is === "C" ? "C of all outputs" : `${is} of layer ${at.layer}`;
  if (at.isBias && is !== "bias") return `${is} of the bias of ${neuronName(at)}`;
  return is === "x" ? `x of ${neuronName(at)}` : `${is} of ${neuronName(at)}`;
}
