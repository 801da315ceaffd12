/** Training and test cost by epoch, on a logarithmic axis. */
import {freshContext, styleColour} from "../common/canvas.mjs";

const MOST_POINTS = 800;
const LEAST_COST = 1e-9; // the logarithm of 0 has no place
const LEFT = 40, BOTTOM = 20, TOP = 8, RIGHT = 8;

export class Chart {
  #canvas;
  #rows = []; // {epoch, training, test}
  #apart = 0; // epochs between two rows

  constructor(canvas) {
    this.#canvas = canvas;
  }

  /** Forget all rows. */
  clear() {
    this.#rows = [];
    this.#apart = 0;
  }

  /**
   * Add the costs of a time, in epochs; where there are many rows, every second one is dropped.
   * Costs of no points are NaN, and not drawn.
   */
  add(epoch, training, test) {
    if (Number.isNaN(training)) return;
    const rows = this.#rows, before = rows.at(-2);
    if (rows.at(-1)?.epoch === epoch || (before && epoch - before.epoch < this.#apart)) rows.pop();
    rows.push({epoch, training, test});
    if (rows.length <= MOST_POINTS) return;
    this.#rows = rows.filter((_, i) => i % 2 === 0 || i === rows.length - 1);
    this.#apart = epoch / (MOST_POINTS / 2);
  }

  draw() {
    const {context, width, height} = freshContext(this.#canvas);
    if (this.#rows.length === 0) return;
    const costs = this.#rows.flatMap(({training, test}) => [training, test])
      .filter((cost) => !Number.isNaN(cost))
      .map((cost) => Math.log10(Math.max(cost, LEAST_COST)));
    const low = Math.floor(Math.min(...costs));
    const high = Math.max(Math.ceil(Math.max(...costs)), low + 1);
    const last = Math.max(10, this.#rows.at(-1).epoch);
    const at = {
      x: (epoch) => LEFT + (epoch / last) * (width - LEFT - RIGHT),
      y: (cost) => TOP + ((high - Math.log10(Math.max(cost, LEAST_COST))) / (high - low))
        * (height - TOP - BOTTOM),
    };
    drawGrid(context, at, {low, high, last, width, height});
    this.#drawLine(context, at, "test", "line-test", [4, 3]);
    this.#drawLine(context, at, "training", "ink", []);
  }

  #drawLine(context, at, name, colour, dash) {
    context.strokeStyle = styleColour(colour);
    context.lineWidth = 1.75;
    context.setLineDash(dash);
    context.beginPath();
    for (const row of this.#rows) context.lineTo(at.x(row.epoch), at.y(row[name]));
    context.stroke();
    context.setLineDash([]);
  }
}

function drawGrid(context, at, {low, high, last, width, height}) {
  context.fillStyle = styleColour("muted");
  context.strokeStyle = styleColour("line");
  context.lineWidth = 1;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "right";
  context.textBaseline = "middle";
  const each = Math.ceil((high - low) / 4); // decades between two labels
  for (let decade = low; decade <= high; decade += each) {
    const y = Math.round(at.y(10 ** decade)) + 0.5;
    context.beginPath();
    context.moveTo(LEFT, y);
    context.lineTo(width - RIGHT, y);
    context.stroke();
    context.fillText(decade < -3 ? `10${superscript(decade)}` : `${+(10 ** decade).toFixed(3)}`,
      LEFT - 5, y);
  }
  context.textBaseline = "alphabetic";
  context.textAlign = "left";
  context.fillText("0", LEFT, height - 4);
  context.textAlign = "right";
  context.fillText(`${Math.floor(last).toLocaleString("en")} epochs`, width - RIGHT, height - 4);
}

function superscript(number) {
  return [...String(number)].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign])).join("");
}
