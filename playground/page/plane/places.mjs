/** Where weights and biases are among the parameters of a network. */

/** The place of a layer's first weight. */
function firstOf(sizes, layer) {
  let first = 0;
  for (let l = 1; l < layer; l++) first += (sizes[l - 1] + 1) * sizes[l];
  return first;
}

/** The place of the weight of a link from a unit of the layer before. */
export function weightPlace(sizes, {layer, unit, from}) {
  return firstOf(sizes, layer) + from * sizes[layer] + unit;
}

export function biasPlace(sizes, {layer, unit}) {
  return firstOf(sizes, layer) + sizes[layer - 1] * sizes[layer] + unit;
}
