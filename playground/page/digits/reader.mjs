/** The network that reads digits, and what one step of gradient descent does to it. */
import {Network} from "../common/core.mjs";
import {SIZES} from "./state.mjs";

const ACTIVATIONS = ["sigmoid", "sigmoid", "softmax"];

export class Reader {
  #net;
  #shipped; // its parameters, as they come with the page
  #levelsOf;
  #taught = []; // the steps that the parameters are the result of

  /**
   * @param {Core} core
   * @param {Uint8Array} bytes the parameters in float16, as playground/digits.py writes them
   * @param {(drawing: object) => Float32Array} levels the pixels of a drawing
   */
  constructor(core, bytes, levels) {
    this.#net = new Network(core, {sizes: SIZES, activations: ACTIVATIONS});
    this.#shipped = fromFloat16(bytes);
    this.#levelsOf = levels;
    this.#net.parameters.set(this.#shipped);
    /**
     * The last step, or null: {digit, rate, drawing, pixels, before, after, gradient, trace,
     * costs}. `before` and `after` are all parameters, `costs` those of the drawing in both.
     */
    this.last = null;
  }

  /** @returns {Float32Array} a copy of the parameters */
  get parameters() {
    return this.#net.parameters.slice();
  }

  /** @returns {{z: Float32Array[], a: Float32Array[]}} of each layer, for these pixels */
  read(pixels) {
    return this.#net.trace(pixels, targetOf(0)); // z and a depend on no target
  }

  /** Have the parameters after these steps. */
  follow(taught) {
    const goesOn = this.#taught.every((step, i) => step === taught[i]);
    if (!goesOn) {
      this.#net.parameters.set(this.#shipped);
      this.#taught = [];
    }
    for (const step of taught.slice(this.#taught.length)) this.#step(step);
    if (taught.length === 0) this.last = null;
    this.#taught = taught;
  }

  /** One step of gradient descent: each number moves against its slope of the cost. */
  #step({digit, rate, drawing}) {
    const pixels = this.#levelsOf(drawing), y = targetOf(digit);
    const before = this.parameters, trace = this.#net.trace(pixels, y);
    const {cost, gradient} = this.#net.gradient({X: pixels, y});
    const after = before.map((number, i) => number - rate * gradient[i]);
    this.#net.parameters.set(after);
    const costs = [cost, this.#net.cost({X: pixels, y}).cost];
    this.last = {digit, rate, drawing, pixels, before, after, gradient, trace, costs};
  }
}

/** 1 for the digit, 0 for the others. */
function targetOf(digit) {
  return Float32Array.from({length: 10}, (_, d) => (d === digit ? 1 : 0));
}

/** Numbers from bytes of little-endian float16, whose exponents are all below that of infinity. */
function fromFloat16(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({length: bytes.length / 2}, (_, i) => {
    const bits = view.getUint16(2 * i, true);
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    return bits >> 15 ? -size : size;
  });
}

/** The place of a layer's first weight in the parameters; layers count from 1, and 4 is the end. */
export function firstWeight(layer) {
  let first = 0;
  for (let l = 1; l < layer; l++) first += (SIZES[l - 1] + 1) * SIZES[l];
  return first;
}

/** @returns {Float32Array} the weights that lead into a unit */
export function weightsInto(parameters, layer, unit) {
  const first = firstWeight(layer), n = SIZES[layer];
  return Float32Array.from({length: SIZES[layer - 1]}, (_, i) => parameters[first + i * n + unit]);
}

/** @returns {number} the bias of a unit */
export function biasOf(parameters, layer, unit) {
  return parameters[firstWeight(layer) + SIZES[layer - 1] * SIZES[layer] + unit];
}

/** What a parameter is: the layer it leads into, the unit before (null: a bias) and the unit. */
export function placeOf(index) {
  let layer = 1;
  while (index >= firstWeight(layer + 1)) layer++;
  const within = index - firstWeight(layer), n = SIZES[layer];
  const from = Math.floor(within / n);
  return {layer, from: from < SIZES[layer - 1] ? from : null, to: within % n};
}
