/** The plane: the output of the network, or one neuron's, under the points. */
import {drawImage, freshContext, styleColour} from "../common/canvas.mjs";
import {colourOfLabel, columnFor, paintClasses, paintNumbers} from "../common/colours.mjs";
import {REACH} from "./data.mjs";
import {numberText} from "./table_samples.mjs";

/** Training points, and test points, that are drawn: more would take long, and hide the surface. */
export const MOST_SHOWN = 1_000;
const SURFACE_OPACITY = 0.55; // points of the same colour must stand out

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} frame as worker.mjs sends it
 * @param {{layer: number, unit: number} | null} chosen a neuron to show in place of the output
 * @param {boolean} showTest whether test points are drawn
 */
export function drawSurface(canvas, frame, chosen, showTest) {
  const {context, width} = freshContext(canvas);
  const {classes} = frame.data;
  let image;
  if (chosen) {
    const numbers = mapOf(frame, chosen);
    image = paintNumbers(numbers, Math.sqrt(numbers.length), SURFACE_OPACITY);
  } else if (classes > 2) {
    const side = Math.sqrt(frame.surface.length / classes);
    image = paintClasses(frame.surface, side, classes, SURFACE_OPACITY);
  } else {
    const numbers = columnFor(frame.surface, 0, 1, classes === 2, frame.data.largest);
    image = paintNumbers(numbers, Math.sqrt(numbers.length), SURFACE_OPACITY);
  }
  drawImage(context, image, 0, 0, width);
  drawAxes(context, width);
  drawPoints(context, width, frame.data, showTest);
  nameAxes(context, width, frame.data.axes);
}

/** The values of a neuron over the plane, from -1 to 1; layer 0 holds the inputs. */
export function mapOf(frame, {layer, unit}) {
  if (layer === 0) return columnFor(frame.inputs, unit, frame.sizes[0], false);
  const isOutput = layer === frame.sizes.length - 1;
  const isProbability = isOutput && frame.data.classes > 0;
  return columnFor(frame.maps[layer - 1], unit, frame.sizes[layer], isProbability);
}

function drawAxes(context, width) {
  context.strokeStyle = styleColour("axes");
  context.lineWidth = 1;
  context.beginPath();
  const middle = Math.round(width / 2) + 0.5;
  context.moveTo(middle, 0);
  context.lineTo(middle, width);
  context.moveTo(0, middle);
  context.lineTo(width, middle);
  context.stroke();
}

/** The columns of a table that the plane shows, and their values at its edges. */
function nameAxes(context, width, {x, y}) {
  const middle = width / 2;
  context.fillStyle = styleColour("ink");
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "alphabetic";
  const write = (text, align, left, base) => {
    context.textAlign = align;
    context.fillText(text, left, base, middle - 10);
  };
  const valueAt = ({centre, spread}, at) => numberText(centre + at * spread, 3);
  if (x.name) {
    write(x.name, "right", width - 5, middle - 5);
    write(valueAt(x, -REACH), "left", 5, middle + 14);
    write(valueAt(x, REACH), "right", width - 5, middle + 14);
  }
  if (y.name) {
    write(y.name, "left", middle + 5, 14);
    write(valueAt(y, REACH), "right", middle - 5, 14);
    write(valueAt(y, -REACH), "right", middle - 5, width - 6);
  }
}

function drawPoints(context, width, {classes, points, labels, nTraining, largest}, showTest) {
  const edge = 0.985 * REACH; // where points are shown that lie beyond the plane
  const shown = (coordinate) => Math.max(-edge, Math.min(edge, coordinate));
  const at = (coordinate) => ((shown(coordinate) / REACH + 1) / 2) * width;
  const [ground, ring, testRing] = ["panel", "ring", "test-ring"].map(styleColour);
  const radius = Math.max(2.5, width / 110);
  const drawPoint = (i, edgeColour) => {
    context.beginPath();
    context.arc(at(points[2 * i]), at(-points[2 * i + 1]), radius, 0, 2 * Math.PI);
    context.fillStyle = ground; // colours may be transparent
    context.fill();
    context.fillStyle = colourOfLabel(classes ? labels[i] : labels[i] / largest, classes);
    context.fill();
    context.strokeStyle = edgeColour;
    context.lineWidth = 1;
    context.stroke();
  };
  for (let i = 0; i < Math.min(nTraining, MOST_SHOWN); i++) drawPoint(i, ring);
  if (!showTest) return;
  const last = Math.min(labels.length, nTraining + MOST_SHOWN);
  for (let i = nTraining; i < last; i++) drawPoint(i, testRing);
}
