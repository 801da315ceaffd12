/** The room Plane: one state, the network that is trained with it, and the views of both. */
import {writeAddress} from "../common/address.mjs";
import {colourNames, paletteInUse, setPalette} from "../common/colours.mjs";
import {find} from "../common/dom.mjs";
import {clearNotice, notify} from "../common/notice.mjs";
import {Past} from "../common/past.mjs";
import {drawChart} from "./chart.mjs";
import {showConfusion} from "./confusion.mjs";
import {Controls} from "./controls.mjs";
import {Diagram} from "./diagram.mjs";
import {Edit} from "./edit.mjs";
import {Explain} from "./explain.mjs";
import {Files} from "./files.mjs";
import {showHistograms} from "./histograms.mjs";
import {showLegend} from "./legend.mjs";
import {sizesOf, withStart} from "./loaded.mjs";
import {markPlace, markPoint, Overlay, rowAt} from "./marks.mjs";
import {OwnPoints} from "./own_points.mjs";
import {OwnTable} from "./own_table.mjs";
import {outlineOf} from "./samples.mjs";
import {
  defaultState, FIELDS, fromHash, needsRewind, toHash, trainsOtherwise, untrained, withAside,
} from "./state.mjs";
import {drawSurface} from "./surface.mjs";
import {Trainer} from "./trainer.mjs";

const MOST_WAITS = 250; // of 20 ms

let state = defaultState();
let frame = null;
let isRunning = false;
let looked; // the place of the number that is looked at
let merged = null; // the field that the last change was of
const past = new Past();
const diagram = new Diagram(find("diagram"), draw, () => edit.focus());
const edit = new Edit(diagram, changeWeight, draw);
const controls = new Controls(change);
const ownPoints = new OwnPoints(change, draw);
const ownTable = new OwnTable(change);
const explain = new Explain(change, (place) => {
  looked = place;
  drawMarks();
});
const overDiagram = new Overlay(find("diagram")), overSurface = new Overlay(find("surface"));
new Files(whenShown, change);
const trainer = new Trainer(show, (message) => {
  notify(message);
  setRunning(false);
});

/** Change parts of the state as the user asks. */
function change(part, merge = null) {
  const after = withStart(state, {...state, ...part});
  const counts = needsRewind(state, after) || trainsOtherwise(state, after);
  if (counts && (merge === null || merge !== merged)) past.add(state);
  if (counts) merged = merge;
  apply(after);
}

/** Give a weight or bias another value. */
function changeWeight(place, value) {
  const merge = `weight ${place}`;
  if (merge !== merged) past.add(state);
  merged = merge;
  clearNotice();
  trainer.edit(place, value);
  showState();
}

/** Show a state, and go on with it. */
function apply(after) {
  const rewinds = needsRewind(state, after);
  state = rewinds ? untrained(after) : after;
  clearNotice();
  if (rewinds) trainer.rewind(state);
  else trainer.set(state);
  showState();
}

/** Start again from the untrained network. */
function rewind() {
  setRunning(false);
  trainer.pause();
  state = untrained(state);
  clearNotice();
  trainer.rewind(state);
  showState();
}

/** Open the state of a link, and train as far as it says. */
function open(hash) {
  const {state: wanted, problems} = fromHash(hash, {palette: paletteInUse()});
  if (frame && isOther(wanted)) past.add(state);
  state = wanted;
  setRunning(false);
  trainer.pause();
  trainer.replay(state, false);
  showState();
  const some = problems.slice(0, 3).join(", ");
  if (some) notify(`Parts of the link are not valid, and have their defaults: ${some}`);
}

/** Whether undo leads from a state to the one that is shown: not if only its progress differs. */
function isOther(after) {
  return needsRewind(state, after) || trainsOtherwise(state, after)
    || JSON.stringify(state.changes) !== JSON.stringify(after.changes);
}

/** @returns {Promise<{frame: object, state: object}>} once the network of the state is shown */
async function whenShown() {
  for (let i = 0; i < MOST_WAITS && !trainer.isNewest(frame); i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (!trainer.isNewest(frame)) throw new Error("the network is not ready yet; try again");
  return {frame, state};
}

function play() {
  clearNotice();
  setRunning(true);
  trainer.play();
}

function toggle() {
  if (isRunning) trainer.pause();
  else play();
}

function undo() {
  if (past.canUndo) goTo(withAside(past.undo(state), state));
}

function redo() {
  if (past.canRedo) goTo(withAside(past.redo(state), state));
}

/** Show a state of the past; the same network is trained again, as far as it is now. */
function goTo(after) {
  const isKept = frame && !needsRewind(state, after) && frame.steps <= FIELDS.steps.most;
  const steps = isKept ? frame.steps : 0;
  const canReplay = after.changes.every(({step}) => step <= steps);
  state = {...after, steps, changes: canReplay ? after.changes : []};
  merged = null;
  clearNotice();
  trainer.replay(state, isRunning);
  showState();
}

/** Put the state into the address, unless another room is shown by now. */
function keep() {
  if (document.body.dataset.room === "plane") writeAddress(toHash(state));
}

/** Take a frame of worker.mjs. */
function show(newest) {
  frame = newest;
  setRunning(frame.isRunning);
  state = {...state, changes: frame.changes};
  if (!isRunning) takeProgress();
  draw();
}

/** Take what training came to into the state, and so into the link. */
function takeProgress() {
  const steps = frame.steps <= FIELDS.steps.most ? frame.steps : 0;
  const isShown = !trainsOtherwise(state, {...state, ...frame.settings});
  state = {...state, ...frame.settings, steps};
  if (isShown) keep();
  else showState(); // training stopped on the way to the last settings
}

function draw() {
  if (!frame) return;
  diagram.draw(frame, state); // canvases come first, as texts may move them
  const {chosen} = diagram; // which draw() forgets if this network lacks it
  const showTest = state.showTest === "yes" || state.data === "drawn";
  drawSurface(find("surface"), frame, chosen, showTest);
  ownPoints.drawCross();
  drawChart(find("chart"), frame.costs);
  showHistograms(frame.look);
  explain.draw(frame, state);
  drawMarks();
  find("output-title").textContent = chosen ? diagram.title() : "Output";
  find("neuron").textContent = diagram.describe() || hint();
  edit.show(frame);
  showConfusion(frame.confusion?.[find("confusion-of").value] ?? null, frame.data.words);
  showFigures();
}

function hint() {
  const [positive, negative] = colourNames();
  return `${positive} is positive, ${negative} negative; thicker links are larger weights. `
    + "Click a neuron or a link to edit it.";
}

/** Mark the example that is explained, and the number that is looked at. */
function drawMarks() {
  if (!frame) return;
  const isExplained = state.explain > 0 && frame.trace;
  overDiagram.draw((context) => {
    if (isExplained) markPlace(context, looked, (at) => diagram.placeOf(at), frame.sizes);
  });
  overSurface.draw((context, width) => {
    if (isExplained) markPoint(context, width, frame.data.points, frame.trace.row);
  });
}

/** Explain the point that is clicked. */
function choosePoint(event) {
  if (state.explain === 0 || state.data === "drawn" || !frame) return; // a click draws a point
  const row = rowAt(find("surface"), event, frame.data.points);
  if (row >= 0) change({explain: row + 1});
}

function showFigures() {
  const {classes} = frame.data;
  find("epochs").textContent = frame.epochs.toLocaleString("en");
  find("steps").textContent = frame.steps.toLocaleString("en");
  find("rate").textContent = isRunning && frame.epochsPerSecond > 0
    ? Math.round(frame.epochsPerSecond).toLocaleString("en") : "–";
  showNumber("training-cost", frame.trainingCost, costText);
  showNumber("test-cost", frame.testCost, costText);
  const scoreText = (score) => (classes ? `${(100 * score).toFixed(1)} %` : score.toFixed(3));
  showNumber("training-score", frame.trainingScore, scoreText);
  showNumber("test-score", frame.testScore, scoreText);
  find("score-name").textContent = classes ? "Accuracy" : "R²";
}

/** A figure, rounded; all of its digits are in the title. There is none where there are no rows. */
function showNumber(id, number, text) {
  find(id).textContent = Number.isFinite(number) ? text(number).replace("-", "−") : "–";
  find(id).title = String(number);
}

function costText(cost) {
  return cost >= 0.001 ? cost.toPrecision(3) : cost.toExponential(1);
}

function setRunning(is) {
  isRunning = is;
  document.body.classList.toggle("running", is);
  find("play-label").textContent = is ? "Pause" : "Play";
  find("neuron").ariaLive = is ? "off" : "polite"; // its numbers change all the time
}

function showState() {
  usePalette();
  const outline = outlineOf(state);
  controls.show(state, outline);
  ownPoints.show(state);
  ownTable.show(state);
  find("undo").disabled = !past.canUndo;
  find("redo").disabled = !past.canRedo;
  find("shape").textContent = sizesOf(state).join("–") + (state.start ? ", loaded" : "");
  showLegend(outline);
  keep();
}

/** Draw all numbers in the colours of the state. */
function usePalette() {
  if (paletteInUse() === state.palette) return;
  setPalette(state.palette);
  redraw();
}

const KEYS = {
  " ": toggle, r: rewind, s: () => trainer.step(), e: () => trainer.epoch(),
};

/** Take a key of the keyboard that no control of the page takes. */
function onKey(event) {
  const key = event.key.toLowerCase();
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && (key === "z" || key === "y")) {
    event.preventDefault();
    (key === "y" || event.shiftKey ? redo : undo)();
  }
  const isTaken = isCommand || event.altKey
    || event.target.closest("input, select, button, textarea");
  if (isTaken || ownPoints.onKey(key) || !Object.hasOwn(KEYS, key)) return;
  event.preventDefault();
  KEYS[key]();
}

/** Stop training, as another room is shown. */
function close() {
  keepProgress();
  setRunning(false);
  trainer.pause();
}

/** Take training that goes on into the link. */
function keepProgress() {
  if (isRunning && trainer.isNewest(frame) && frame.steps > state.steps) takeProgress();
}

function redraw() {
  controls.drawDataSets();
  diagram.repaint();
  draw();
  if (frame) showHistograms(frame.look, true);
  showLegend(outlineOf(state)); // its colours may be others
}

find("play").addEventListener("click", toggle);
find("rewind").addEventListener("click", rewind);
find("step").addEventListener("click", () => trainer.step());
find("epoch").addEventListener("click", () => trainer.epoch());
find("surface").addEventListener("click", choosePoint);
find("undo").addEventListener("click", undo);
find("redo").addEventListener("click", redo);
find("confusion-of").addEventListener("change", draw);
find("restart").addEventListener("click", () => change(withAside(defaultState(), state)));
setInterval(keepProgress, 1000); // a reload goes on from there
new ResizeObserver(redraw).observe(find("diagram"));
trainer.start().catch((error) => notify(`This browser cannot run the page: ${error.message}`));

/** What main.mjs asks of a room; `redraw` is for other colours or sizes. */
export const plane = {open, close, onKey, redraw};
