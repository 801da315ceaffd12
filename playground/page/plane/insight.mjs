/** Histograms of a network's activations and gradients, and advice about common problems. */

/** Histograms have this many bins. */
export const BINS = 24;
/** Histograms of gradients are of their sizes from 10**LEAST to 10**MOST. */
export const LEAST = -8;
export const MOST = 2;
const MOST_ROWS = 500; // enough, and quick
/** Activations that are flat far from 0, with their slope as a share of the steepest. */
const FLATTEN = {tanh: (a) => 1 - a * a, sigmoid: (a) => 4 * a * (1 - a)};
const FLAT = 0.05, ON_MOST_ROWS = 0.95;

/**
 * Look into a network at its first training rows.
 *
 * @param {Network} net
 * @param {Float32Array} rows
 * @param {Float32Array} targets
 * @param {number} nTraining
 * @returns {object[]} for each layer from the first hidden one: `units`; `activations` and
 *   `gradients`, as `histogram` gives them; `gradient`, the root mean square of those of its weights;
 *   and units that are `dead` (a relu that is 0 on all rows) or `saturated` (nearly flat on 95 % of the rows)
 */
export function lookInto(net, rows, targets, nTraining) {
  const n = Math.min(nTraining, MOST_ROWS);
  if (n === 0) return [];
  const X = rows.subarray(0, n * net.sizes[0]), y = targets.subarray(0, n * net.sizes.at(-1));
  const activations = net.activations(X), {gradient} = net.gradient({X, y});
  let first = 0;
  return activations.map((a, index) => {
    const units = net.sizes[index + 1], name = net.activationNames[index];
    const isHidden = index < activations.length - 1;
    const end = first + net.sizes[index] * units;
    const weights = gradient.subarray(first, end);
    first = end + units;
    return {
      units,
      activations: histogram(a, ...rangeOf(a, name)),
      gradients: histogram(sizesOf(weights), LEAST, MOST),
      gradient: Math.sqrt(weights.reduce((sum, g) => sum + g * g, 0) / weights.length),
      dead: isHidden && name === "relu" ? unitsWhere(a, units, (value) => value === 0, 1) : [],
      saturated: isHidden && Object.hasOwn(FLATTEN, name)
        ? unitsWhere(a, units, (value) => FLATTEN[name](value) < FLAT, ON_MOST_ROWS) : [],
    };
  });
}

/** The histogram of numbers; those out of range count in the bins at the ends. */
function histogram(numbers, low, high) {
  const bins = new Uint32Array(BINS), scale = BINS / (high - low);
  for (const number of numbers) {
    bins[Math.max(0, Math.min(BINS - 1, Math.floor((number - low) * scale)))]++;
  }
  return {low, high, bins};
}

/** The ends of a histogram of activations. */
function rangeOf(numbers, name) {
  if (name === "tanh") return [-1, 1];
  if (name === "sigmoid" || name === "softmax") return [0, 1];
  let [low, high] = [0, 0];
  for (const number of numbers) [low, high] = [Math.min(low, number), Math.max(high, number)];
  return high > low ? [low, high] : [0, 1];
}

/** The logarithms of sizes; that of 0 is below all others. */
function sizesOf(numbers) {
  return numbers.map((number) => Math.log10(Math.abs(number)));
}

/** Units whose values pass a test on at least this share of the rows. */
function unitsWhere(a, units, holds, share) {
  const n = a.length / units, counts = new Uint32Array(units);
  for (let i = 0; i < a.length; i++) if (holds(a[i])) counts[i % units]++;
  return [...counts.keys()].filter((unit) => counts[unit] >= share * n);
}

/**
 * Describe problems of a network, and what to try.
 *
 * @param {object[]} layers as `lookInto` gives them
 * @returns {string[]}
 */
export function adviceOn(layers) {
  const advice = [];
  layers.forEach(({units, dead, saturated}, index) => {
    const at = `Layer ${index + 1}: `;
    if (dead.length > 0) {
      advice.push(`${at}${areUnits(dead, units, "dead")}: 0 for all points checked, so their `
        + "gradients are 0 too. Try leaky relu, a smaller learning rate, or new weights.");
    }
    if (saturated.length > 0) {
      advice.push(`${at}${areUnits(saturated, units, "saturated")}: nearly flat for at `
        + "least 95 % of the points checked, so learning is slow. Try an L2 penalty, a smaller "
        + "learning rate, or relu.");
    }
  });
  const [first, last] = [layers[0]?.gradient, layers.at(-1)?.gradient];
  if (last > 0 && first < last / 1000) {
    const size = first === 0 ? "0" : `${Math.round(last / first)} times smaller than the output's`;
    advice.push(`Gradients vanish: those of layer 1 are ${size}. Try relu, or fewer layers.`);
  }
  return advice;
}

function areUnits(those, units, what) {
  const numbers = those.map((unit) => unit + 1);
  if (numbers.length === 1) return `neuron ${numbers[0]} is ${what}`;
  if (numbers.length === units) return `all ${units} neurons are ${what}`;
  if (numbers.length > 4) return `${numbers.length} of ${units} neurons are ${what}`;
  return `neurons ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)} are ${what}`;
}
