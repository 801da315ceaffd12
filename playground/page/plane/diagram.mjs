/** The network: each neuron's own map, and links whose width and colour are weights. */
import {freshContext, styleColour} from "../common/canvas.mjs";
import {colourOf} from "../common/colours.mjs";
import {drawChosenLink, drawLinks, linkAt} from "./links.mjs";
import {drawMap, paintMaps} from "./maps.mjs";
import {biasPlace, weightPlace} from "./places.mjs";

const NAME_FONT = "12px system-ui, sans-serif", WIDEST_NAME = 84;
const MARGIN = 14, LARGEST = 52;
const REACH = 3, LINK_REACH = 5; // how far the pointer may be from a neuron, and from a link

export class Diagram {
  #canvas;
  #frame = null;
  #state = null;
  #neurons = []; // {layer, unit, x, y, side}
  #links = []; // {layer, unit, from, to, place}, `from` and `to` are of #neurons
  #under = null; // what the pointer is at: a neuron {layer, unit}, or a link {layer, unit, from}
  #isPainted = false; // whether the maps are those of the frame
  pinned = null; // the same for what was clicked, or chosen by keys

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} redraw is called where something else is chosen
   * @param {() => void} edit is called where the user wants to edit what is chosen
   */
  constructor(canvas, redraw, edit) {
    this.#canvas = canvas;
    const look = (place) => {
      if (areSame(place, this.#under)) return;
      this.#under = place;
      canvas.style.cursor = place ? "pointer" : "";
      redraw();
    };
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") look(this.#at(event));
    });
    canvas.addEventListener("pointerleave", () => look(null));
    canvas.addEventListener("click", (event) => {
      this.pinned = this.#at(event);
      redraw();
    });
    canvas.addEventListener("dblclick", () => this.pinned && edit());
    canvas.addEventListener("keydown", (event) => {
      const next = this.#next(event.key);
      if (next !== undefined) this.pinned = next;
      else if (event.key !== "Enter" || !this.pinned) return;
      event.preventDefault();
      redraw();
      if (event.key === "Enter") edit();
    });
  }

  /** The neuron that is looked at, or null. */
  get chosen() {
    const place = this.#under ?? this.pinned;
    return place && place.from === undefined ? place : null;
  }

  /** Draw a frame, or the last one again. */
  draw(frame, state) {
    if (frame !== this.#frame) this.#isPainted = false;
    [this.#frame, this.#state] = [frame, state];
    const {context, width, height} = freshContext(this.#canvas);
    this.#arrange(width, height);
    if (!this.#has(this.pinned)) this.pinned = null;
    if (!this.#has(this.#under)) this.#under = null;
    if (!this.#isPainted) paintMaps(frame);
    this.#isPainted = true;
    this.#drawLinks(context);
    this.#drawNeurons(context);
  }

  /** Paint the maps again, as their colours are others. */
  repaint() {
    this.#isPainted = false;
  }

  /** @returns {string} what is looked at and its numbers, in words; "" for nothing */
  describe() {
    const place = this.#under ?? this.pinned;
    if (!place) return "";
    const {sizes, parameters} = this.#frame, {layer, unit, from} = place;
    const number = (at) => parameters[at].toFixed(2).replace("-", "−");
    if (from !== undefined) {
      const what = `Weight from ${this.nameOf(layer - 1, from)} to ${this.nameOf(layer, unit)}`;
      return `${what}: ${number(weightPlace(sizes, place))}`;
    }
    if (layer === 0) return this.title();
    const weights = Array.from({length: sizes[layer - 1]}, (_, i) => (
      `${this.#shortName(layer - 1, i)} ${number(weightPlace(sizes, {layer, unit, from: i}))}`));
    return `${this.title()}: bias ${number(biasPlace(sizes, place))}; weights ${weights.join(", ")}`;
  }

  /** @returns {string} the name of the chosen neuron */
  title() {
    const name = this.nameOf(this.chosen.layer, this.chosen.unit);
    return name[0].toUpperCase() + name.slice(1);
  }

  /** @returns {string} the name of a neuron */
  nameOf(layer, unit) {
    if (layer === 0) return `input ${this.#shortName(layer, unit)}`;
    if (layer < this.#frame.sizes.length - 1) return `layer ${layer}, neuron ${unit + 1}`;
    return this.#frame.sizes[layer] > 1 ? `output ${unit + 1}` : "output";
  }

  /** @returns {{x: number, y: number, side: number} | undefined} the square of a neuron */
  placeOf({layer, unit}) {
    return this.#neurons.find((neuron) => neuron.layer === layer && neuron.unit === unit);
  }

  #shortName(layer, unit) {
    return layer === 0 ? this.#frame.data.names[unit] : `${unit + 1}`;
  }

  #has(place) {
    const {sizes} = this.#frame;
    return place && place.unit < sizes[place.layer]
      && (place.from === undefined || place.from < sizes[place.layer - 1]);
  }

  /** Place neurons and links. */
  #arrange(width, height) {
    const {sizes} = this.#frame, most = Math.max(...sizes);
    const [across, down] = [(width - 2 * MARGIN) / sizes.length, (height - 2 * MARGIN) / most];
    const side = Math.floor(Math.min(LARGEST, 0.56 * across, 0.84 * down));
    const pitch = Math.min(1.55 * side, down);
    const left = MARGIN + this.#widthOfNames(); // room for the names of the inputs
    const step = (width - left - MARGIN - side) / (sizes.length - 1);
    const columns = sizes.map((size, layer) => Array.from({length: size}, (_, unit) => ({
      layer, unit, side,
      x: Math.round(left + layer * step),
      y: Math.round(height / 2 + (unit - (size - 1) / 2) * pitch - side / 2),
    })));
    this.#neurons = columns.flat();
    this.#links = columns.slice(1).flatMap((column, index) => column.flatMap((to) => (
      columns[index].map((from) => ({
        from, to, place: weightPlace(sizes, {...to, from: from.unit}),
      })))));
  }

  #widthOfNames() {
    const context = this.#canvas.getContext("2d");
    context.font = NAME_FONT;
    const widths = this.#frame.data.names.map((name) => context.measureText(name).width);
    return Math.min(WIDEST_NAME, Math.max(22, ...widths));
  }

  /** @returns {{x: number, y: number, side: number} | undefined} the square of a neuron */
  placeOf({layer, unit}) {
    return this.#neurons.find((neuron) => neuron.layer === layer && neuron.unit === unit);
  }

  /** What is under the pointer. */
  #at(event) {
    const {left, top} = this.#canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    const neuron = this.#neurons.find((at) => x > at.x - REACH && x < at.x + at.side + REACH
      && y > at.y - REACH && y < at.y + at.side + REACH);
    if (neuron) return {layer: neuron.layer, unit: neuron.unit};
    const link = linkAt(this.#links, x, y, LINK_REACH);
    return link && {layer: link.to.layer, unit: link.to.unit, from: link.from.unit};
  }

  /** The neuron that a key leads to, null to choose none, undefined for other keys. */
  #next(key) {
    if (key === "Escape") return null;
    const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    if (!Object.hasOwn(moves, key) || !this.#frame) return undefined;
    if (!this.pinned) return {layer: 1, unit: 0};
    const {sizes} = this.#frame, [layers, units] = moves[key];
    const layer = Math.max(0, Math.min(sizes.length - 1, this.pinned.layer + layers));
    return {layer, unit: Math.max(0, Math.min(sizes[layer] - 1, this.pinned.unit + units))};
  }

  #drawLinks(context) {
    const {parameters} = this.#frame, {chosen} = this;
    const isOther = (at) => at.layer !== chosen.layer || at.unit !== chosen.unit;
    drawLinks(context, this.#links, parameters,
      chosen ? ({from, to}) => isOther(from) && isOther(to) : () => false);
    for (const place of [this.pinned, this.#under]) {
      const link = place && this.#links.find(({from, to}) => (
        to.layer === place.layer && to.unit === place.unit && from.unit === place.from));
      if (!link) continue;
      const [ground, ink] = ["panel", "ink"].map(styleColour);
      drawChosenLink(context, link, parameters[link.place], ground, ink);
    }
  }

  #drawNeurons(context) {
    const {sizes, parameters} = this.#frame, {chosen} = this;
    const [ground, ink, edge] = ["panel", "ink", "frame"].map(styleColour);
    for (const neuron of this.#neurons) {
      const {layer, unit, x, y, side} = neuron;
      const isChosen = layer === chosen?.layer && unit === chosen?.unit;
      context.fillStyle = ground;
      context.fillRect(x, y, side, side);
      drawMap(context, neuron);
      context.lineWidth = isChosen ? 2.5 : 1;
      context.strokeStyle = isChosen ? ink : edge;
      context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
      if (layer > 0) drawBias(context, neuron, parameters[biasPlace(sizes, neuron)], ground);
    }
    this.#drawNames(context, ink);
  }

  #drawNames(context, ink) {
    context.fillStyle = ink;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const {layer, unit, x, y, side} of this.#neurons) {
      if (layer > 0) return;
      context.font = side > 11 ? NAME_FONT : NAME_FONT.replace("12", "9");
      context.fillText(fitting(context, this.#shortName(0, unit), x - 6), x - 4, y + side / 2);
    }
  }
}

/** A text, or its beginning, that is no wider than this. */
function fitting(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let n = text.length - 1;
  while (n > 1 && context.measureText(`${text.slice(0, n)}…`).width > width) n--;
  return `${text.slice(0, n)}…`;
}

function areSame(one, other) {
  return one?.layer === other?.layer && one?.unit === other?.unit && one?.from === other?.from;
}

/** The bias is the small square in a corner. */
function drawBias(context, {x, y, side}, bias, ground) {
  const small = Math.max(4, Math.round(side / 5));
  const square = [x - 1, y + side - small, small + 1, small + 1];
  context.fillStyle = ground;
  context.fillRect(...square);
  context.fillStyle = colourOf(bias, 0.1 + 0.9 * Math.tanh(Math.abs(bias)));
  context.fillRect(...square);
}
