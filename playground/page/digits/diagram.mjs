/** The network: the pixels, circles as bright as activations, and the strongest links. */
import {freshContext, styleColour} from "../common/canvas.mjs";
import {colourOf} from "../common/colours.mjs";
import {SIDE} from "./drawing.mjs";
import {greyImage, paintImage} from "./pixels.mjs";
import {weightsInto} from "./reader.mjs";
import {SIZES} from "./state.mjs";

const MARGIN = 12, LABEL = 26; // LABEL: room for the digits beside the outputs
const N_LINKS = 70; // drawn into each layer, where no neuron is chosen
const PIXEL_LINKS = 60; // drawn into a chosen neuron of the first layer

export class Diagram {
  #canvas;
  #shown = null; // what draw() was given last
  #neurons = []; // {layer, unit, x, y, radius}

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(neuron: {layer: number, unit: number}) => void} choose is called where a click or an
   *   arrow key chooses a neuron
   */
  constructor(canvas, choose) {
    this.#canvas = canvas;
    canvas.addEventListener("pointermove", (event) => {
      canvas.style.cursor = this.#under(event) ? "pointer" : "default";
    });
    canvas.addEventListener("click", (event) => {
      const neuron = this.#under(event);
      if (neuron) choose(neuron);
    });
    canvas.addEventListener("keydown", (event) => {
      const next = this.#next(event.key);
      if (!next) return;
      event.preventDefault();
      choose(next);
    });
  }

  /**
   * @param {object} shown `pixels`, `parameters`, activations `a` of each layer or null, the
   *   `chosen` neuron, and the number of layers that are `lit`, which may be a fraction
   */
  draw(shown) {
    this.#shown = shown;
    const {context, width, height} = freshContext(this.#canvas);
    const image = this.#place(width, height);
    if (shown.a) for (let layer = 1; layer <= 3; layer++) this.#drawLinks(context, layer, image);
    paintImage(context, greyImage(shown.pixels, SIDE), image.x, image.y, image.side);
    context.strokeStyle = styleColour("frame");
    context.lineWidth = 1;
    context.strokeRect(image.x - 0.5, image.y - 0.5, image.side + 1, image.side + 1);
    if (shown.a && shown.chosen.layer === 1) this.#drawPixelLinks(context, image);
    for (const neuron of this.#neurons) this.#drawNeuron(context, neuron);
  }

  #place(width, height) {
    const side = SIDE * Math.max(2, Math.floor(Math.min(0.3 * width, 0.5 * height) / SIDE));
    const left = MARGIN + side, right = width - LABEL - MARGIN;
    const columns = [0.36, 0.68, 1].map((share) => left + share * (right - left));
    this.#neurons = [1, 2, 3].flatMap((layer) => {
      const pitch = Math.min(34, (height - 2 * MARGIN) / SIZES[layer]);
      const radius = Math.min(13, 0.42 * pitch);
      return Array.from({length: SIZES[layer]}, (_, unit) => ({
        layer, unit, radius,
        x: columns[layer - 1],
        y: height / 2 + (unit - (SIZES[layer] - 1) / 2) * pitch,
      }));
    });
    return {x: MARGIN, y: Math.round((height - side) / 2), side};
  }

  #under(event) {
    const {left, top} = this.#canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    return this.#neurons.find(
      (at) => Math.abs(x - at.x) < at.radius + 6 && Math.abs(y - at.y) < at.radius + 2);
  }

  #next(key) {
    const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    if (!Object.hasOwn(moves, key) || !this.#shown) return null;
    const [layers, units] = moves[key], {chosen} = this.#shown;
    const layer = Math.max(1, Math.min(3, chosen.layer + layers));
    return {layer, unit: Math.max(0, Math.min(SIZES[layer] - 1, chosen.unit + units))};
  }

  /** How much of a layer is lit, from 0 to 1. */
  #light(layer) {
    return Math.max(0, Math.min(1, this.#shown.lit - layer + 1));
  }

  /** The links that carry most: their width is weight times activation. */
  #drawLinks(context, layer, image) {
    const {a, chosen} = this.#shown;
    const touches = ({from, to}) => (to.layer === chosen.layer && to.unit === chosen.unit)
      || (from?.layer === chosen.layer && from.unit === chosen.unit);
    const links = layer === 1 ? this.#pixelLinks(image, 4) : this.#linksInto(layer, a[layer - 2]);
    links.sort((one, other) => Math.abs(one.carried) - Math.abs(other.carried));
    const strongest = links.slice(-N_LINKS), of = strongest.at(-1);
    for (const link of strongest) {
      drawLink(context, link, link.carried / Math.abs(of.carried), 0.5 * this.#light(layer));
    }
    if (layer === 1) return; // drawn above the image
    for (const link of links.filter(touches)) {
      drawLink(context, link, link.carried / Math.abs(of.carried), this.#light(layer));
    }
  }

  #linksInto(layer, before) {
    const from = this.#neurons.filter((at) => at.layer === layer - 1);
    return this.#neurons.filter((at) => at.layer === layer).flatMap((to) => {
      const weights = weightsInto(this.#shown.parameters, layer, to.unit);
      return from.map((at, i) => ({from: at, to, carried: weights[i] * before[i]}));
    });
  }

  /** The strongest links from pixels to each neuron of the first layer. */
  #pixelLinks(image, most, units = this.#neurons.filter((at) => at.layer === 1)) {
    const {pixels, parameters} = this.#shown, size = image.side / SIDE;
    return units.flatMap((to) => {
      const carried = weightsInto(parameters, 1, to.unit).map((weight, i) => weight * pixels[i]);
      const order = [...carried.keys()].filter((i) => carried[i] !== 0);
      order.sort((i, j) => Math.abs(carried[j]) - Math.abs(carried[i]));
      return order.slice(0, most).map((i) => ({
        from: {
          x: image.x + (i % SIDE + 0.5) * size, y: image.y + (Math.floor(i / SIDE) + 0.5) * size,
          radius: 0,
        },
        to, carried: carried[i],
      }));
    });
  }

  #drawPixelLinks(context, image) {
    const {chosen} = this.#shown;
    const units = this.#neurons.filter(
      ({layer, unit}) => layer === chosen.layer && unit === chosen.unit);
    const links = this.#pixelLinks(image, PIXEL_LINKS, units);
    const most = Math.abs(links[0]?.carried);
    for (const link of links) drawLink(context, link, link.carried / most, this.#light(1));
  }

  #drawNeuron(context, {layer, unit, x, y, radius}) {
    const {a, chosen} = this.#shown;
    const isChosen = layer === chosen.layer && unit === chosen.unit;
    const activation = a ? a[layer - 1][unit] * this.#light(layer) : 0;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = styleColour("panel");
    context.fill();
    context.globalAlpha = activation;
    context.fillStyle = styleColour("ink");
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = isChosen ? 3 : 1;
    context.strokeStyle = styleColour(isChosen ? "accent" : "frame");
    context.stroke();
    if (layer === 3) drawDigit(context, unit, x + radius + 8, y, activation);
  }
}

function drawLink(context, {from, to}, share, opacity) {
  const x = from.x + from.radius, toX = to.x - to.radius, bend = 0.4 * (toX - x);
  context.beginPath();
  context.moveTo(x, from.y);
  context.bezierCurveTo(x + bend, from.y, toX - bend, to.y, toX, to.y);
  context.lineWidth = 0.5 + 2.5 * Math.abs(share);
  context.strokeStyle = colourOf(share, opacity * (0.15 + 0.85 * Math.abs(share)));
  context.stroke();
}

function drawDigit(context, digit, x, y, activation) {
  context.fillStyle = styleColour(activation > 0.5 ? "ink" : "muted");
  context.font = `${activation > 0.5 ? 700 : 400} 15px system-ui, sans-serif`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(String(digit), x, y + 1);
}
