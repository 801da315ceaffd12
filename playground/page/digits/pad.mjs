/** The square to draw on, with a mouse, a finger or the keyboard. */
import {freshContext, styleColour} from "../common/canvas.mjs";
import {BRUSHES, LARGEST, MOST_POINTS, pointsOf, SIDE, withStroke} from "./drawing.mjs";
import {greyImage, paintImage} from "./pixels.mjs";

const CLOSEST = 3; // points of a line are no closer than this, in coordinates
const STEP = 8; // an arrow key moves the pen this far
const MOVES = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

export class Pad {
  #canvas;
  #on;
  #drawing;
  #brush = "medium";
  #stroke = null; // that is being drawn
  #pen = null; // where the keyboard's pen is; null without focus

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {object} on `change(drawing)` with each new point, `end(drawing)` after a stroke, and
   *   `full()` where there are too many points
   */
  constructor(canvas, on) {
    this.#canvas = canvas;
    this.#on = on;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.#stroke) return;
      canvas.setPointerCapture(event.pointerId);
      this.#begin(this.#pointOf(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.#stroke || !canvas.hasPointerCapture(event.pointerId)) return;
      for (const one of event.getCoalescedEvents?.() ?? [event]) this.#add(this.#pointOf(one));
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, () => this.#end());
    }
    canvas.addEventListener("keydown", (event) => this.#onKey(event));
    canvas.addEventListener("blur", () => {
      this.#end();
      this.#pen = null;
      this.redraw();
    });
  }

  /** Whether a stroke has begun that has not ended. */
  get isDrawing() { return this.#stroke !== null; }

  /** Show a drawing, and the pixels of an example; another drawing ends the line. */
  show(drawing, brush, example) {
    if (drawing !== this.#drawing) this.#stroke = null;
    [this.#drawing, this.#brush, this.example] = [drawing, brush, example];
    this.redraw();
  }

  redraw() {
    const {context, width} = freshContext(this.#canvas);
    const drawing = this.#current();
    if (drawing.strokes) for (const stroke of drawing.strokes) drawStroke(context, stroke, width);
    else paintImage(context, greyImage(this.example, SIDE), 0, 0, width, {isSmooth: true});
    if (this.#pen) this.#drawPen(context, width);
  }

  #current() {
    return this.#stroke ? withStroke(this.#drawing, this.#stroke) : this.#drawing;
  }

  #pointOf(event) {
    const {left, top, width, height} = this.#canvas.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height].map(
      (share) => Math.max(0, Math.min(LARGEST, Math.round(LARGEST * share))));
  }

  #begin(point) {
    if (this.#isFull()) return;
    this.#stroke = {brush: this.#brush, points: [point]};
    this.#changed();
  }

  #add(point) {
    const [x, y] = this.#stroke?.points.at(-1) ?? [];
    if (!this.#stroke || Math.hypot(point[0] - x, point[1] - y) < CLOSEST) return;
    if (this.#isFull()) this.#end();
    else {
      this.#stroke = {...this.#stroke, points: [...this.#stroke.points, point]};
      this.#changed();
    }
  }

  #end() {
    if (!this.#stroke) return;
    const drawing = this.#current();
    this.#stroke = null;
    this.#on.end(drawing);
  }

  #isFull() {
    const isFull = pointsOf(this.#current().strokes ?? []) >= MOST_POINTS;
    if (isFull) this.#on.full();
    return isFull;
  }

  #changed() {
    this.redraw();
    this.#on.change(this.#current());
  }

  /** Space puts the keyboard's pen down and lifts it; arrows move it, with shift further. */
  #onKey(event) {
    const isArrow = Object.hasOwn(MOVES, event.key);
    if (event.ctrlKey || event.metaKey || event.altKey || !(isArrow || event.key === " ")) return;
    event.preventDefault();
    this.#pen ??= [Math.round(LARGEST / 2), Math.round(LARGEST / 2)];
    if (isArrow) {
      const far = event.shiftKey ? 3 * STEP : STEP;
      this.#pen = this.#pen.map((at, axis) =>
        Math.max(0, Math.min(LARGEST, at + far * MOVES[event.key][axis])));
      this.#add(this.#pen);
    } else if (this.#stroke) this.#end();
    else this.#begin(this.#pen);
    this.redraw();
  }

  #drawPen(context, width) {
    const [x, y] = this.#pen.map((at) => at * width / LARGEST);
    context.strokeStyle = styleColour("accent");
    context.lineWidth = this.#stroke ? 3 : 1.5;
    context.beginPath();
    context.arc(x, y, BRUSHES[this.#brush] * width / LARGEST, 0, 2 * Math.PI);
    context.stroke();
  }
}

function drawStroke(context, {brush, points}, width) {
  const scale = width / LARGEST;
  context.strokeStyle = styleColour("ink");
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = 2 * BRUSHES[brush] * scale;
  context.beginPath();
  context.moveTo(points[0][0] * scale, points[0][1] * scale);
  for (const [x, y] of points) context.lineTo(x * scale, y * scale);
  context.stroke();
}
