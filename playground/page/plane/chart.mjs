/** Training and test cost by epoch, on a logarithmic axis. */
import {freshContext, styleColour} from "../common/canvas.mjs";

const LEAST_COST = 1e-9, MOST_COST = 1e30; // the logarithms of 0 and of infinity have no place
const LEFT = 40, BOTTOM = 20, TOP = 8, RIGHT = 8;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Float64Array} costs rows of an epoch, the training and the test cost, as costs.mjs makes
 *   them; a cost is NaN where there is none
 */
export function drawChart(canvas, costs) {
  const {context, width, height} = freshContext(canvas);
  const rows = Array.from({length: costs.length / 3}, (_, i) => costs.subarray(3 * i, 3 * i + 3));
  const logs = rows.flatMap(([, ...both]) => both.filter((cost) => !Number.isNaN(cost)).map(logOf));
  if (logs.length === 0) return;
  const low = Math.floor(Math.min(...logs));
  const high = Math.max(Math.ceil(Math.max(...logs)), low + 1);
  const last = Math.max(10, rows.at(-1)[0]);
  const at = {
    x: (epoch) => LEFT + (epoch / last) * (width - LEFT - RIGHT),
    y: (cost) => TOP + ((high - logOf(cost)) / (high - low)) * (height - TOP - BOTTOM),
  };
  drawGrid(context, at, {low, high, last, width, height});
  drawLine(context, at, rows, 2, "line-test", [4, 3]);
  drawLine(context, at, rows, 1, "ink", []);
}

function logOf(cost) {
  return Math.log10(Math.min(Math.max(cost, LEAST_COST), MOST_COST));
}

function drawLine(context, at, rows, column, colour, dash) {
  context.strokeStyle = styleColour(colour);
  context.lineWidth = 1.75;
  context.setLineDash(dash);
  context.beginPath();
  for (const row of rows) {
    if (!Number.isNaN(row[column])) context.lineTo(at.x(row[0]), at.y(row[column]));
  }
  context.stroke();
  context.setLineDash([]);
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
    const isPlain = Math.abs(decade) <= 3;
    context.fillText(isPlain ? `${+(10 ** decade).toFixed(3)}` : `10${superscript(decade)}`,
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
