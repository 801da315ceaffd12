/** The room Digits: a drawing, the network that reads it, and steps that teach the network. */
import {writeAddress} from "../common/address.mjs";
import {PALETTES, setPalette} from "../common/colours.mjs";
import {loadCore} from "../common/core.mjs";
import {element, find} from "../common/dom.mjs";
import {coreBytes, embeddedBytes} from "../common/embedded.mjs";
import {clearNotice, notify} from "../common/notice.mjs";
import {Past} from "../common/past.mjs";
import {Diagram} from "./diagram.mjs";
import {BRUSHES, EMPTY, examplesOf, isEmpty, levelsOf, MOST_POINTS, SIDE} from "./drawing.mjs";
import {showStep} from "./step.mjs";
import {showNeuron, showNudges} from "./neuron.mjs";
import {percent} from "./numbers.mjs";
import {Pad} from "./pad.mjs";
import {fill, greyImage} from "./pixels.mjs";
import {Reader} from "./reader.mjs";
import {
  defaultState, fromHash, isSame, linkHoldsSteps, MOST_STEPS, RATES, toHash,
} from "./state.mjs";

const DIGITS = [...Array(10).keys()];
const LIGHTING = 700; // milliseconds in which the layers light up

let state = defaultState();
let isOpen = false;
let examples = [];
let reader = null; // once the core has started
let shown = null; // what is drawn: the drawing, its pixels, the reading and what the diagram needs
let starting = null; // a promise
let frame = null; // of the animation, or of the line that is being drawn
const past = new Past();
const pad = new Pad(find("digit-pad"), {
  change: follow,
  end: (drawing) => change({drawing}),
  full: () => notify(`A drawing has at most ${MOST_POINTS.toLocaleString("en")} points: `
    + "undo a stroke or clear it."),
});
const diagram = new Diagram(find("digit-diagram"), ({layer, unit}) => set({layer, unit}));

/** Start the core, once. */
async function start() {
  const core = await loadCore(await coreBytes());
  const [network, images] = await Promise.all(
    ["embedded-digits", "embedded-examples"].map(embeddedBytes));
  examples = examplesOf(new Uint8Array(images));
  reader = new Reader(core, new Uint8Array(network), pixelsOf);
  showExamples();
}

function open(hash) {
  const {state: wanted, problems} = fromHash(hash);
  isOpen = true;
  if (reader && isOther(wanted)) past.add(state);
  state = wanted;
  if (problems.length > 0) {
    const some = problems.slice(0, 3).join(", ");
    notify(`Parts of the link are not valid, and have their defaults: ${some}`);
  }
  starting ??= start();
  starting.then(() => isOpen && show({isNew: true}), (error) => {
    notify(`This browser cannot run the page: ${error.message}`);
  });
}

/** Whether undo leads from a state to the one that is shown. */
function isOther({drawing, taught}) {
  return toHash({...state, drawing, taught}) !== toHash(state);
}

function close() {
  isOpen = false;
  cancelAnimationFrame(frame);
}

/** Change the drawing or what was taught, which can be undone. */
function change(part) {
  past.add(state);
  clearNotice();
  state = {...state, ...part};
  show({isNew: part.drawing !== undefined});
}

/** Change what undo leaves alone. */
function set(part) {
  state = {...state, ...part};
  show({isNew: false});
}

function undo() {
  if (past.canUndo) goTo(past.undo(state));
}

function redo() {
  if (past.canRedo) goTo(past.redo(state));
}

function goTo({drawing, taught}) {
  const isNew = drawing !== state.drawing;
  clearNotice();
  state = {...state, drawing, taught};
  show({isNew});
}

/** @returns {Float32Array} what the network gets of a drawing */
function pixelsOf(drawing) {
  return drawing.strokes ? levelsOf(drawing.strokes) : examples[drawing.example];
}

/** Show the state. */
function show({isNew}) {
  if (!reader) return;
  setPalette(state.palette);
  reader.follow(state.taught);
  pad.show(state.drawing, state.brush, pixelsOf(state.drawing));
  read(state.drawing);
  showNeuron(state, shown.parameters, shown.pixels, shown.reading);
  const last = reader.last && isSame(reader.last.drawing, state.drawing) ? reader.last : null;
  showNudges(state, last);
  showStep(last, state.taught.length);
  showControls();
  if (isNew) lightUp();
  else drawDiagram(3);
  if (isOpen) writeAddress(toHash(state));
}

/** Read a drawing, and show the answer. */
function read(drawing) {
  const pixels = pixelsOf(drawing);
  const reading = isEmpty(drawing) ? null : reader.read(pixels);
  shown = {pixels, reading, parameters: reader.parameters};
  fill(find("digit-pixels"), greyImage(pixels, SIDE));
  showAnswer(reading?.a[2]);
}

/** Show what the network makes of a line while it is drawn, at most once for each frame. */
function follow(drawing) {
  find("digit-answer").ariaLive = "off";
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => {
    read(drawing);
    showNeuron(state, shown.parameters, shown.pixels, shown.reading);
    drawDiagram(3);
  });
}

/** Light up the network layer by layer. */
function lightUp() {
  cancelAnimationFrame(frame);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    drawDiagram(3);
    return;
  }
  const begin = performance.now();
  const next = (now) => {
    const lit = Math.min(3, 3 * Math.max(0, now - begin) / LIGHTING);
    drawDiagram(lit);
    if (lit < 3) frame = requestAnimationFrame(next);
  };
  next(begin);
}

function drawDiagram(lit) {
  if (!isOpen) return; // a hidden canvas has no size
  const {pixels, reading, parameters} = shown;
  diagram.draw({pixels, parameters, a: reading?.a, chosen: state, lit});
}

function showAnswer(outputs) {
  find("digit-answer").textContent = outputs ? answerText(outputs) : "Nothing is drawn yet.";
  const best = outputs ? outputs.indexOf(Math.max(...outputs)) : null;
  for (const [digit, bar] of [...find("digit-bars").children].entries()) {
    const share = outputs?.[digit];
    bar.classList.toggle("best", digit === best);
    bar.querySelector("i").style.width = `${100 * (share ?? 0)}%`;
    bar.lastChild.textContent = share === undefined ? "–" : percent(share);
    bar.lastChild.title = share === undefined ? "" : String(share);
  }
}

function answerText(outputs) {
  const [first, second] = [...DIGITS].sort((one, other) => outputs[other] - outputs[one]);
  if (outputs[first] > 0.9) return `It is a ${first}, ${percent(outputs[first])} sure.`;
  return `Perhaps a ${first}, ${percent(outputs[first])},\n`
    + `or a ${second}, ${percent(outputs[second])}.`;
}

function showControls() {
  find("digit-undo").disabled = !past.canUndo;
  find("digit-redo").disabled = !past.canRedo;
  find("digit-clear").disabled = isEmpty(state.drawing);
  find("digit-answer").ariaLive = "polite";
  for (const button of find("digit-teach").querySelectorAll("button")) {
    button.disabled = isEmpty(state.drawing);
  }
  find("digit-examples").querySelectorAll("button").forEach((button, example) => {
    button.ariaPressed = String(state.drawing.example === example);
  });
  find("digit-brush").value = state.brush;
  find("digit-rate").value = String(state.rate);
  find("digit-palette").value = state.palette;
}

/** This is a 7: one step of gradient descent on the drawing. */
function teach(digit) {
  if (state.taught.length >= MOST_STEPS) {
    notify(`The page keeps ${MOST_STEPS} steps: press “Forget” to start again.`);
    return;
  }
  const {drawing, rate, taught} = state;
  change({taught: [...taught, {digit, rate, drawing}]});
  if (!linkHoldsSteps(state)) {
    notify("The link to this page leaves out your steps, as it would be too long.");
  }
}

function showExamples() {
  find("digit-examples").append(...examples.map((pixels, example) => {
    const name = example < 10 ? `A ${example}` : `Misread digit ${example - 9}`;
    const button = element("button", {type: "button", ariaLabel: name});
    const canvas = element("canvas", {});
    fill(canvas, greyImage(pixels, SIDE));
    button.append(canvas);
    button.addEventListener("click", () => change({drawing: {example}}));
    return button;
  }));
}

function makeControls() {
  find("digit-bars").append(...DIGITS.map((digit) => {
    const bar = element("li", {}), track = element("span", {className: "track"});
    track.append(element("i", {}));
    bar.append(element("b", {textContent: digit}), track, element("span", {textContent: "–"}));
    return bar;
  }));
  find("digit-teach").append(...DIGITS.map((digit) => {
    const button = element("button", {type: "button", textContent: digit});
    button.ariaLabel = `This is a ${digit}`;
    button.addEventListener("click", () => teach(digit));
    return button;
  }));
  const option = (value, textContent = value) => element("option", {value, textContent});
  find("digit-brush").append(...Object.keys(BRUSHES).map((name) => option(name)));
  find("digit-rate").append(...RATES.map((rate) => option(rate)));
  find("digit-palette").append(
    ...Object.entries(PALETTES).map(([name, {label}]) => option(name, label)));
}

/** Take a key of the keyboard that no control of the page takes. */
function onKey(event) {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || (key !== "z" && key !== "y")) return;
  event.preventDefault();
  (key === "y" || event.shiftKey ? redo : undo)();
}

function redraw() {
  if (!shown) return;
  find("digit-examples").querySelectorAll("canvas").forEach((canvas, example) => {
    fill(canvas, greyImage(examples[example], SIDE));
  });
  if (pad.isDrawing) {
    pad.redraw();
    drawDiagram(3);
  } else show({isNew: false});
}

makeControls();
find("digit-undo").addEventListener("click", undo);
find("digit-redo").addEventListener("click", redo);
find("digit-clear").addEventListener("click", () => change({drawing: EMPTY}));
find("digit-forget").addEventListener("click", () => change({taught: []}));
find("digit-palette").addEventListener("change", (event) => set({palette: event.target.value}));
find("digit-brush").addEventListener("change", (event) => set({brush: event.target.value}));
find("digit-rate").addEventListener("change", (event) => set({rate: Number(event.target.value)}));
new ResizeObserver(() => {
  if (isOpen) redraw();
}).observe(find("digit-diagram"));

/** What main.mjs asks of a room; `redraw` is for other colours or sizes. */
export const digits = {open, close, onKey, redraw};
