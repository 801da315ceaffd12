/** Points that the user draws on the plane, with the pointer or the keyboard. */
import {styleColour} from "../common/canvas.mjs";
import {colourOfLabel} from "../common/colours.mjs";
import {element, find} from "../common/dom.mjs";
import {notify} from "../common/notice.mjs";
import {DATA_SETS, makeData, REACH} from "./data.mjs";
import {classesOf, MOST_DRAWN, pointsFrom, pointsText} from "./drawn.mjs";
import {MOST_CLASSES} from "./table.mjs";

const APART = 0.22; // least distance of two points of a stroke, and the reach of the eraser
const ERASER = "erase";
const COPIED = MOST_DRAWN / 2; // points of a data set: room is left for others
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
const [STEP, SMALL_STEP] = [0.2, 0.02];

export class OwnPoints {
  #change;
  #redraw;
  #state;
  #drawn; // pointsFrom(state.points)
  #tool = 0; // a class, or ERASER; for numbers 0 draws
  #stroke = 0; // strokes so far; all points of one are undone together
  #last = null; // the last point of a stroke that goes on
  #cross = null; // {x, y} of the keyboard's cross
  #canvas = find("surface");

  /**
   * @param {(part: object, merge?: string) => void} change as for the class Controls
   * @param {() => void} redraw draws the plane again
   */
  constructor(change, redraw) {
    [this.#change, this.#redraw] = [change, redraw];
    this.#listenToPointer();
    this.#canvas.addEventListener("keydown", (event) => this.#onCanvasKey(event));
    this.#canvas.addEventListener("blur", () => this.#moveCross(null));
    find("drawn-kind").addEventListener("change", ({target}) => this.#convert(target.value));
    find("drawn-value").addEventListener("input", () => this.#showTools());
    find("clear-points").addEventListener("click", () => {
      this.#stroke++;
      this.#put([]);
    });
    for (const [name, {label}] of Object.entries(DATA_SETS)) {
      find("drawn-from").add(new Option(label, name));
    }
    find("drawn-from").addEventListener("change", ({target}) => {
      this.#copy(target.value);
      target.value = "";
    });
  }

  get #isOn() { return this.#state?.data === "drawn"; }

  /** Show a state. */
  show(state) {
    this.#state = state;
    find("own-points").hidden = !this.#isOn;
    this.#canvas.tabIndex = this.#isOn ? 0 : -1;
    this.#canvas.classList.toggle("drawn", this.#isOn);
    this.#canvas.ariaLabel = "The output of the network over the plane, and the points."
      + (this.#isOn ? " The arrow keys move a cross, enter draws a point, delete erases." : "");
    if (!this.#isOn) return;
    this.#drawn = pointsFrom(state.points);
    const {kind, points} = this.#drawn;
    find("drawn-kind").value = kind;
    find("drawn-count").textContent = points.length === 0 ? "Click or drag on the plane."
      : `${points.length} of at most ${MOST_DRAWN} points`;
    find("clear-points").disabled = points.length === 0;
    this.#showTools();
  }

  /** Choose a class by the keys 1 to 8, the eraser by x; @returns {boolean} whether it was taken */
  onKey(key) {
    const label = /^[1-8]$/.test(key) ? Number(key) - 1 : key === "x" ? ERASER : null;
    if (!this.#isOn || label === null) return false;
    this.#choose(label);
    return true;
  }

  /** Draw the cross of the keyboard over the plane. */
  drawCross() {
    if (!this.#isOn || !this.#cross) return;
    const context = this.#canvas.getContext("2d"), width = this.#canvas.clientWidth;
    const [x, y] = [this.#cross.x, -this.#cross.y].map((at) => ((at / REACH + 1) / 2) * width);
    context.strokeStyle = styleColour("ink");
    context.lineWidth = 1.5;
    context.beginPath();
    for (const [dx, dy] of Object.values(ARROWS)) {
      context.moveTo(x + 4 * dx, y + 4 * dy);
      context.lineTo(x + 11 * dx, y + 11 * dy);
    }
    context.stroke();
  }

  #listenToPointer() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.#isOn) return;
      canvas.setPointerCapture(event.pointerId);
      this.#stroke++;
      this.#last = null;
      this.#drag(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.#isOn && event.buttons !== 0) this.#drag(event);
    });
    canvas.addEventListener("contextmenu", (event) => {
      if (this.#isOn) event.preventDefault(); // the right button erases
    });
  }

  #drag(event) {
    const {left, top, width} = this.#canvas.getBoundingClientRect();
    const across = (pixels) => Math.round(100 * REACH * (2 * pixels / width - 1)) / 100;
    const at = {x: across(event.clientX - left), y: -across(event.clientY - top)};
    if (Math.abs(at.x) >= REACH || Math.abs(at.y) >= REACH) return;
    if (this.#tool === ERASER || (event.buttons & 2) !== 0) return this.#erase(at);
    if (this.#last && distance(at, this.#last) < APART) return;
    this.#last = at;
    this.#add(at);
  }

  #onCanvasKey(event) {
    const arrow = ARROWS[event.key];
    const isTaken = arrow || ["Enter", " ", "Delete", "Backspace"].includes(event.key);
    if (!this.#isOn || !isTaken || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // the space bar draws, and does not play
    const {x, y} = this.#cross ?? {x: 0, y: 0};
    if (arrow) {
      const step = event.shiftKey ? SMALL_STEP : STEP;
      const most = REACH - STEP;
      const within = (at) => Math.round(100 * Math.max(-most, Math.min(most, at))) / 100;
      return this.#moveCross({x: within(x + step * arrow[0]), y: within(y + step * arrow[1])});
    }
    this.#stroke++;
    const isErasing = event.key === "Delete" || event.key === "Backspace" || this.#tool === ERASER;
    this.#cross = {x, y};
    (isErasing ? (at) => this.#erase(at) : (at) => this.#add(at))({x, y});
  }

  #moveCross(to) {
    if (this.#cross === to) return;
    this.#cross = to;
    this.#redraw();
  }

  #add(at) {
    const {kind, points} = this.#drawn;
    if (points.length >= MOST_DRAWN) {
      return notify(`There are ${MOST_DRAWN} points, which is the limit; erase some to draw more.`);
    }
    this.#put([...points, {...at, label: kind === "n" ? this.#value : this.#tool}]);
  }

  #erase(at) {
    const left = this.#drawn.points.filter((point) => distance(point, at) > APART);
    if (left.length < this.#drawn.points.length) this.#put(left);
  }

  /** Replace the points; those of one stroke are undone together. */
  #put(points, kind = this.#drawn.kind) {
    this.#change({points: pointsText(kind, points)}, `stroke ${this.#stroke}`);
  }

  get #value() { return find("drawn-value").valueAsNumber; }

  /** Classes become numbers from −1 to 1; numbers above 0 become the second of two classes. */
  #convert(kind) {
    const classes = classesOf(this.#drawn);
    const labelOf = ({label}) => {
      if (kind === "c") return label > 0 ? 1 : 0;
      return Math.round(100 * (2 * label / (classes - 1) - 1)) / 100;
    };
    this.#tool = 0;
    this.#stroke++;
    this.#put(this.#drawn.points.map((point) => ({...point, label: labelOf(point)})), kind);
  }

  #copy(name) {
    const {noise, share, dataSeed} = this.#state;
    const {points, labels} = makeData({data: name, noise, share, dataSeed});
    const kind = DATA_SETS[name].classes ? "c" : "n";
    this.#tool = 0;
    this.#stroke++;
    const copied = Array.from({length: COPIED}, (_, i) => (
      {x: points[2 * i], y: points[2 * i + 1], label: labels[i]}));
    this.#put(copied, kind);
  }

  #choose(tool) {
    if (this.#drawn.kind === "n" && tool !== ERASER) tool = 0;
    this.#tool = tool;
    this.#showTools();
  }

  #showTools() {
    const {kind} = this.#drawn, isNumbers = kind === "n";
    find("drawn-number").hidden = !isNumbers;
    const number = this.#value.toFixed(1).replace("-", "−");
    find("drawn-number").querySelector("output").textContent = number;
    const place = find("tools"), n = isNumbers ? 1 : MOST_CLASSES;
    if (place.children.length !== n + 1) {
      place.replaceChildren(...Array.from({length: n}, (_, c) => this.#toolOf(c, isNumbers)),
        this.#toolOf(ERASER));
    }
    const classes = classesOf(this.#drawn);
    for (const input of place.querySelectorAll("input")) {
      input.checked = input.value === String(this.#tool);
      const swatch = input.nextSibling, label = Number(input.value);
      if (input.value === ERASER) continue;
      swatch.style.background = isNumbers ? colourOfLabel(this.#value, 0)
        : colourOfLabel(label, Math.max(classes, label + 1));
    }
  }

  #toolOf(tool, isNumbers) {
    const isEraser = tool === ERASER;
    const name = isEraser ? "Erase" : isNumbers ? "Draw" : String(tool);
    const title = isEraser ? "Erase (X, or the right button)" : isNumbers ? "Draw points"
      : `Draw points of class ${tool} (${tool + 1})`;
    const label = element("label", {className: "tool", title});
    const input = element("input", {type: "radio", name: "tool", value: tool, ariaLabel: title});
    input.addEventListener("change", () => this.#choose(tool));
    label.append(input, element("i", {className: isEraser ? "eraser" : ""}), name);
    return label;
  }
}

function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
