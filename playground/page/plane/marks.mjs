/** Marks over the diagram and the plane: where a number is, and which point is the example. */
import {freshContext, styleColour} from "../common/canvas.mjs";
import {element} from "../common/dom.mjs";
import {REACH} from "./data.mjs";

/** A transparent canvas over another one, which gets all events. */
export class Overlay {
  #below;
  #canvas;

  constructor(below) {
    this.#below = below;
    this.#canvas = element("canvas", {className: "overlay", ariaHidden: "true"});
    below.after(this.#canvas);
  }

  /** Clear it, and draw with `draw(context, width)`. */
  draw(draw) {
    const {style} = this.#canvas, below = this.#below;
    style.left = `${below.offsetLeft + below.clientLeft}px`;
    style.top = `${below.offsetTop + below.clientTop}px`;
    style.width = `${below.clientWidth}px`;
    style.height = `${below.clientHeight}px`;
    const {context, width} = freshContext(this.#canvas);
    context.strokeStyle = styleColour("mark");
    context.lineWidth = 3;
    draw(context, width);
  }
}

/**
 * Mark a place of the network.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {object | undefined} at as walkthrough.mjs describes it
 * @param {(neuron: object) => {x: number, y: number, side: number} | undefined} squareOf
 * @param {number[]} sizes
 */
export function markPlace(context, at, squareOf, sizes) {
  if (!at) return;
  const units = at.unit === undefined ? [...Array(sizes[at.layer]).keys()] : [at.unit];
  const squares = units.map((unit) => squareOf({layer: at.layer, unit})).filter(Boolean);
  if (at.from !== undefined) {
    const from = squareOf({layer: at.layer - 1, unit: at.from});
    if (from && squares.length) markLink(context, from, squares[0]);
    return;
  }
  for (const {x, y, side} of squares) {
    const small = at.isBias ? Math.max(4, Math.round(side / 5)) : side;
    context.strokeRect(x - 3, y + side - small - 3, small + 6, small + 6);
  }
}

function markLink(context, from, to) {
  const [x, y, toX, toY] = [from.x + from.side, from.y + from.side / 2, to.x, to.y + to.side / 2];
  const bend = (toX - x) / 2;
  context.beginPath();
  context.moveTo(x, y);
  context.bezierCurveTo(x + bend, y, toX - bend, toY, toX, toY);
  context.stroke();
}

/** Mark the point of an example on the plane. */
export function markPoint(context, width, points, row) {
  const at = (coordinate) => ((coordinate / REACH + 1) / 2) * width;
  context.beginPath();
  context.arc(at(points[2 * row]), at(-points[2 * row + 1]), Math.max(6, width / 45), 0, 2 * Math.PI);
  context.stroke();
}

/** @returns {number} the row whose point is nearest to a place of the canvas; -1 if none is near */
export function rowAt(canvas, event, points) {
  const {left, top, width} = canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - left, event.clientY - top]
    .map((distance) => (2 * distance / width - 1) * REACH);
  let found = -1, least = 0.3 ** 2;
  for (let row = 0; row < points.length / 2; row++) {
    const apart = (points[2 * row] - x) ** 2 + (points[2 * row + 1] + y) ** 2;
    if (apart < least) [found, least] = [row, apart];
  }
  return found;
}
