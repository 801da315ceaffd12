/** The plane: the output of the network, or one neuron's, under the points. */
import {drawImage, freshContext, styleColour} from "../common/canvas.mjs";
import {colourOfLabel, columnFor, paintClasses, paintNumbers} from "../common/colours.mjs";
import {REACH} from "./data.mjs";

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
    const numbers = columnFor(frame.surface, 0, 1, classes === 2);
    image = paintNumbers(numbers, Math.sqrt(numbers.length), SURFACE_OPACITY);
  }
  drawImage(context, image, 0, 0, width);
  drawAxes(context, width);
  drawPoints(context, width, frame.data, showTest);
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

function drawPoints(context, width, {classes, points, labels, nTraining}, showTest) {
  const at = (coordinate) => ((coordinate / REACH + 1) / 2) * width;
  const [ground, ring, testRing] = ["panel", "ring", "test-ring"].map(styleColour);
  const radius = Math.max(2.5, width / 110);
  const last = showTest ? labels.length : nTraining;
  for (let i = 0; i < last; i++) {
    context.beginPath();
    context.arc(at(points[2 * i]), at(-points[2 * i + 1]), radius, 0, 2 * Math.PI);
    context.fillStyle = ground; // colours may be transparent
    context.fill();
    context.fillStyle = colourOfLabel(labels[i], classes);
    context.fill();
    context.strokeStyle = i < nTraining ? ring : testRing;
    context.lineWidth = 1;
    context.stroke();
  }
}
