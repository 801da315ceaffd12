/** The network: each neuron's own map, and links whose width and colour are weights. */
import {drawImage, freshContext, styleColour} from "../common/canvas.mjs";
import {colourOf, paintNumbers} from "../common/colours.mjs";
import {mapOf} from "./surface.mjs";

const NAME_FONT = "12px system-ui, sans-serif", WIDEST_NAME = 84;
const MARGIN = 14, LARGEST = 52, MAP_OPACITY = 0.85;

export class Diagram {
  #canvas;
  #frame = null;
  #state = null;
  #neurons = []; // {layer, unit, x, y, side}

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(neuron: object | null) => void} choose is called with {layer, unit} where the pointer
   *   or the arrow keys choose a neuron, and with null where they leave it
   */
  constructor(canvas, choose) {
    this.#canvas = canvas;
    this.chosen = null;
    const set = (neuron) => {
      const same = neuron?.layer === this.chosen?.layer && neuron?.unit === this.chosen?.unit;
      this.chosen = neuron && {layer: neuron.layer, unit: neuron.unit};
      if (!same) choose(this.chosen);
    };
    canvas.addEventListener("pointermove", (event) => set(this.#under(event)));
    canvas.addEventListener("pointerdown", (event) => set(this.#under(event)));
    canvas.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") set(null);
    });
    canvas.addEventListener("blur", () => set(null));
    canvas.addEventListener("keydown", (event) => {
      const next = this.#next(event.key);
      if (next === undefined) return;
      event.preventDefault();
      set(next);
    });
  }

  draw(frame, state) {
    [this.#frame, this.#state] = [frame, state];
    const {context, width, height} = freshContext(this.#canvas);
    this.#place(width, height);
    if (this.chosen && !this.#find(this.chosen)) this.chosen = null;
    this.#drawLinks(context);
    for (const neuron of this.#neurons) this.#drawNeuron(context, neuron);
  }

  /** @returns {string} the numbers of the chosen neuron, in words */
  describe() {
    if (!this.chosen) return "";
    const {sizes, parameters} = this.#frame, {layer, unit} = this.chosen;
    if (layer === 0) return `Input ${this.#nameOf(layer, unit)}`;
    const first = firstParameter(sizes, layer);
    const weight = (i) => parameters[first + i * sizes[layer] + unit].toFixed(2);
    const weights = Array.from({length: sizes[layer - 1]},
      (_, i) => `${this.#nameOf(layer - 1, i)} ${weight(i)}`);
    const bias = parameters[first + sizes[layer - 1] * sizes[layer] + unit].toFixed(2);
    return `${this.title()}: bias ${bias}; weights ${weights.join(", ")}`.replaceAll("-", "−");
  }

  /** @returns {string} the name of the chosen neuron */
  title() {
    const {layer, unit} = this.chosen;
    if (layer === 0) return `Input ${this.#nameOf(layer, unit)}`;
    if (layer < this.#frame.sizes.length - 1) return `Layer ${layer}, neuron ${unit + 1}`;
    return this.#frame.sizes[layer] > 1 ? `Output ${unit + 1}` : "Output";
  }

  #nameOf(layer, unit) {
    return layer === 0 ? this.#frame.data.names[unit] : `${unit + 1}`;
  }

  #place(width, height) {
    const {sizes} = this.#frame, most = Math.max(...sizes);
    const [across, down] = [(width - 2 * MARGIN) / sizes.length, (height - 2 * MARGIN) / most];
    const side = Math.floor(Math.min(LARGEST, 0.56 * across, 0.84 * down));
    const pitch = Math.min(1.55 * side, down);
    const left = MARGIN + this.#widthOfNames(); // room for the names of the inputs
    const step = (width - left - MARGIN - side) / (sizes.length - 1);
    this.#neurons = sizes.flatMap((size, layer) => Array.from({length: size}, (_, unit) => ({
      layer, unit, side,
      x: Math.round(left + layer * step),
      y: Math.round(height / 2 + (unit - (size - 1) / 2) * pitch - side / 2),
    })));
  }

  #widthOfNames() {
    const context = this.#canvas.getContext("2d");
    context.font = NAME_FONT;
    const widths = this.#frame.data.names.map((name) => context.measureText(name).width);
    return Math.min(WIDEST_NAME, Math.max(22, ...widths));
  }

  #find({layer, unit}) {
    return this.#neurons.find((neuron) => neuron.layer === layer && neuron.unit === unit);
  }

  #under(event) {
    const {left, top} = this.#canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    const reach = 3;
    return this.#neurons.find((at) => x > at.x - reach && x < at.x + at.side + reach
      && y > at.y - reach && y < at.y + at.side + reach) ?? null;
  }

  /** The neuron that a key leads to, null to choose none, undefined for other keys. */
  #next(key) {
    if (key === "Escape") return null;
    const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    if (!(key in moves) || !this.#frame) return undefined;
    if (!this.chosen) return this.#find({layer: 1, unit: 0});
    const {sizes} = this.#frame, [layers, units] = moves[key];
    const layer = Math.max(0, Math.min(sizes.length - 1, this.chosen.layer + layers));
    const unit = Math.max(0, Math.min(sizes[layer] - 1, this.chosen.unit + units));
    return this.#find({layer, unit});
  }

  #drawLinks(context) {
    const {sizes, parameters} = this.#frame;
    const columns = sizes.map((_, layer) => this.#neurons.filter((at) => at.layer === layer));
    for (let layer = 1; layer < sizes.length; layer++) {
      const first = firstParameter(sizes, layer);
      for (const from of columns[layer - 1]) {
        for (const to of columns[layer]) {
          this.#drawLink(context, from, to, parameters[first + from.unit * sizes[layer] + to.unit]);
        }
      }
    }
  }

  #drawLink(context, from, to, weight) {
    const isIts = (at) => at.layer === this.chosen?.layer && at.unit === this.chosen?.unit;
    const isFaded = this.chosen && !isIts(from) && !isIts(to);
    const strength = Math.tanh(Math.abs(weight) / 1.5);
    const [x, y, toX, toY] = [from.x + from.side, from.y + from.side / 2, to.x, to.y + to.side / 2];
    const bend = (toX - x) / 2;
    context.beginPath();
    context.moveTo(x, y);
    context.bezierCurveTo(x + bend, y, toX - bend, toY, toX, toY);
    context.lineWidth = 0.6 + (from.side / 7) * strength;
    context.strokeStyle = colourOf(weight, (0.12 + 0.78 * strength) * (isFaded ? 0.2 : 1));
    context.stroke();
  }

  #drawNeuron(context, neuron) {
    const {layer, unit, x, y, side} = neuron;
    const {sizes, parameters} = this.#frame, map = mapOf(this.#frame, neuron);
    context.fillStyle = styleColour("panel");
    context.fillRect(x, y, side, side);
    drawImage(context, paintNumbers(map, Math.sqrt(map.length), MAP_OPACITY), x, y, side);
    const isChosen = layer === this.chosen?.layer && unit === this.chosen?.unit;
    context.lineWidth = isChosen ? 2.5 : 1;
    context.strokeStyle = styleColour(isChosen ? "ink" : "frame");
    context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
    if (layer === 0) this.#drawName(context, neuron);
    else drawBias(context, neuron, parameters[biasOf(sizes, layer, unit)]);
  }

  #drawName(context, {unit, x, y, side}) {
    context.fillStyle = styleColour("ink");
    context.font = side > 11 ? NAME_FONT : NAME_FONT.replace("12", "9");
    context.textAlign = "right";
    context.textBaseline = "middle";
    const name = fitting(context, this.#nameOf(0, unit), x - 6);
    context.fillText(name, x - 4, y + side / 2);
  }
}

/** A text, or its beginning, that is no wider than this. */
function fitting(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let n = text.length - 1;
  while (n > 1 && context.measureText(`${text.slice(0, n)}…`).width > width) n--;
  return `${text.slice(0, n)}…`;
}

/** The bias is the small square in a corner. */
function drawBias(context, {x, y, side}, bias) {
  const small = Math.max(4, Math.round(side / 5));
  context.fillStyle = styleColour("panel");
  context.fillRect(x - 1, y + side - small, small + 1, small + 1);
  context.fillStyle = colourOf(bias, 0.1 + 0.9 * Math.tanh(Math.abs(bias)));
  context.fillRect(x - 1, y + side - small, small + 1, small + 1);
}

/** The place of a layer's first weight in the parameters. */
function firstParameter(sizes, layer) {
  let first = 0;
  for (let l = 1; l < layer; l++) first += (sizes[l - 1] + 1) * sizes[l];
  return first;
}

function biasOf(sizes, layer, unit) {
  return firstParameter(sizes, layer) + sizes[layer - 1] * sizes[layer] + unit;
}
