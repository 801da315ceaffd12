/** Histograms of activations and gradients, layer by layer, and advice. */
import {freshContext, styleColour} from "../common/canvas.mjs";
import {colourOf} from "../common/colours.mjs";
import {element, find} from "../common/dom.mjs";
import {adviceOn, LEAST, MOST} from "./insight.mjs";

const GAP = 12, HEAD = 20, FOOT = 15, BETWEEN = 22, WIDEST = 180;
const FINE = "No unit is dead or saturated, and gradients reach all layers.";

let drawn = null; // the time of the look that is shown
let advised = null; // the advice that is shown

/**
 * Show a look into a network, unless it is shown already.
 *
 * @param {{time: number, layers: object[]}} look as worker.mjs takes it by `lookInto`
 * @param {boolean} again whether to draw it even so
 */
export function showHistograms({time, layers}, again = false) {
  if (time === drawn && !again) return;
  drawn = time;
  drawHistograms(find("histograms"), layers);
  const advice = layers.length > 0 ? adviceOn(layers) : [];
  const text = advice.join("\n");
  if (text === advised) return;
  advised = text;
  const lines = advice.length > 0 ? advice : [FINE];
  find("advice").classList.toggle("fine", advice.length === 0);
  find("advice").replaceChildren(...lines.map((line) => element("li", {textContent: line})));
}

function drawHistograms(canvas, layers) {
  const {context, width, height} = freshContext(canvas);
  const across = Math.min(WIDEST + GAP, (width + GAP) / layers.length);
  const down = (height - 2 * HEAD - 2 * FOOT - BETWEEN) / 2;
  const second = HEAD + down + FOOT + BETWEEN;
  const [ink, muted, line] = ["ink", "muted", "line"].map(styleColour);
  const isWide = across > 64;
  layers.forEach(({activations, gradients, gradient, dead, saturated}, index) => {
    const left = index * across, box = {left, wide: across - GAP, high: down};
    const isOutput = index === layers.length - 1;
    const name = isOutput ? (isWide ? "Output" : "Out") : `${isWide ? "Layer " : ""}${index + 1}`;
    const isIll = dead.length + saturated.length > 0;
    write(context, isIll ? `${name} ⚠` : name, left, HEAD - 7, ink);
    drawBars(context, {...box, top: HEAD}, activations.bins, line,
      (share) => colourOf(activations.low + share * (activations.high - activations.low), 0.85));
    drawBars(context, {...box, top: second}, gradients.bins, line, () => muted);
    if (!isWide) return; // there is no room for numbers
    writeEnds(context, box, HEAD + down, [activations.low, activations.high].map(short), muted);
    write(context, `∇ ${Number(gradient.toPrecision(2))}`, left, second - 7, ink);
    writeEnds(context, box, second + down, [`1e${LEAST}`, `1e${MOST}`], muted);
  });
}

function drawBars(context, {left, top, wide, high}, bins, line, colourAt) {
  const most = Math.max(1, ...bins), step = wide / bins.length;
  context.fillStyle = line;
  context.fillRect(left, top + high, wide, 1);
  bins.forEach((count, i) => {
    if (count === 0) return;
    const tall = Math.max(1.5, high * count / most);
    context.fillStyle = colourAt((i + 0.5) / bins.length);
    context.fillRect(left + i * step, top + high - tall, Math.max(1, step - 0.75), tall);
  });
}

function writeEnds(context, {left, wide}, bottom, [low, high], colour) {
  write(context, low, left, bottom + 12, colour, "left", "10px");
  write(context, high, left + wide, bottom + 12, colour, "right", "10px");
}

function write(context, text, x, y, colour, align = "left", size = "12px") {
  context.font = `${size} system-ui, sans-serif`;
  context.fillStyle = colour;
  context.textAlign = align;
  context.textBaseline = "alphabetic";
  context.fillText(text.replace("-", "−"), x, y);
}

function short(number) {
  return String(Number(number.toPrecision(2)));
}
