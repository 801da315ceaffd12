/** The page: one state, the network that is trained with it, and the views of both. */
import {Chart} from "./chart.mjs";
import {Controls} from "./controls.mjs";
import {DATA_SETS} from "./data.mjs";
import {Diagram} from "./diagram.mjs";
import {element, find} from "./dom.mjs";
import {
  defaultState, FIELDS, fromHash, needsRewind, Past, toHash, trainsOtherwise, withAside,
} from "./state.mjs";
import {drawSurface} from "./surface.mjs";
import {Trainer} from "./trainer.mjs";

let {state, problems} = fromHash(location.hash);
let frame = null;
let isRunning = false;
let isReproducible = true; // whether the settings were the same in all steps
let merged = null; // the field that the last change was of
const past = new Past();
const chart = new Chart(find("chart"));
const diagram = new Diagram(find("diagram"), draw);
const controls = new Controls(change);
const trainer = new Trainer(show, (message) => {
  notify(message);
  setRunning(false);
});

/** Change parts of the state as the user asks. */
function change(part, merge = null) {
  const after = {...state, ...part};
  const counts = needsRewind(state, after) || trainsOtherwise(state, after);
  if (counts && (merge === null || merge !== merged)) past.add(state);
  if (counts) merged = merge;
  apply(after);
}

/** Show a state, and go on with it. */
function apply(after) {
  const rewinds = needsRewind(state, after);
  if (trainsOtherwise(state, after) && frame?.steps > 0) isReproducible = false;
  if (rewinds) isReproducible = true;
  state = rewinds || !isReproducible ? {...after, steps: 0} : after;
  if (rewinds) chart.clear();
  notify("");
  trainer.set(state, rewinds);
  showState();
}

/** Start again from the untrained network. */
function rewind() {
  setRunning(false);
  trainer.pause();
  isReproducible = true;
  state = {...state, steps: 0};
  chart.clear();
  notify("");
  trainer.set(state, true);
  showState();
}

/** Open the state of a link, and train as far as it says. */
function open() {
  setRunning(false);
  trainer.pause();
  isReproducible = true;
  chart.clear();
  trainer.set(state, true);
  if (state.steps > 0) play(state.steps);
  showState();
  notify(problems.length ? `The link has parts that are not valid; they have their defaults: ${problems.slice(0, 3).join(", ")}` : "");
}

function play(steps) {
  notify("");
  setRunning(true);
  trainer.play(steps);
}

function toggle() {
  if (isRunning) trainer.pause();
  else play();
}

function undo() {
  if (past.canUndo) apply(withAside(past.undo(state), state));
  merged = null;
  showState();
}

function redo() {
  if (past.canRedo) apply(withAside(past.redo(state), state));
  merged = null;
  showState();
}

/** Take a frame of worker.mjs. */
function show(newest) {
  frame = newest;
  setRunning(frame.isRunning);
  if (!isRunning && isReproducible && frame.steps <= FIELDS.steps.most) {
    state = {...state, steps: frame.steps};
    writeHash();
  }
  const perEpoch = Math.ceil(frame.data.nTraining / state.batchSize);
  chart.add(Math.max(frame.epochs, frame.steps / perEpoch), frame.trainingCost, frame.testCost);
  draw();
}

function draw() {
  if (!frame) return;
  const {chosen} = diagram;
  diagram.draw(frame, state);
  drawSurface(find("surface"), frame, chosen, state.showTest === "yes");
  chart.draw();
  find("output-title").textContent = chosen ? diagram.title() : "Output";
  find("neuron").textContent = chosen ? diagram.describe()
    : "Blue is positive, orange negative; thicker links are larger weights. Point at a neuron to look at it.";
  showFigures();
}

function showFigures() {
  const {classes} = frame.data;
  find("epochs").textContent = frame.epochs.toLocaleString("en");
  find("steps").textContent = frame.steps.toLocaleString("en");
  find("rate").textContent = isRunning && frame.epochsPerSecond > 0
    ? Math.round(frame.epochsPerSecond).toLocaleString("en") : "–";
  showNumber("training-cost", frame.trainingCost, costText);
  showNumber("test-cost", frame.testCost, costText);
  const scoreText = classes ? (score) => `${(100 * score).toFixed(1)} %` : (score) => score.toFixed(3);
  showNumber("training-score", frame.trainingScore, scoreText);
  showNumber("test-score", frame.testScore, scoreText);
  find("score-name").textContent = classes ? "Accuracy" : "R²";
}

/** A figure, rounded; all of its digits are in the title. */
function showNumber(id, number, text) {
  find(id).textContent = text(number).replace("-", "−");
  find(id).title = String(number);
}

function costText(cost) {
  return cost >= 0.001 ? cost.toPrecision(3) : cost.toExponential(1);
}

function setRunning(is) {
  isRunning = is;
  document.body.classList.toggle("running", is);
  find("play-label").textContent = is ? "Pause" : "Play";
}

function showState() {
  controls.show(state);
  find("undo").disabled = !past.canUndo;
  find("redo").disabled = !past.canRedo;
  const {classes} = DATA_SETS[state.data];
  const sizes = [state.features.length, ...state.layers.map(({units}) => units), Math.max(1, classes - (classes === 2))];
  find("shape").textContent = sizes.join("–");
  find("legend").className = classes > 2 ? "three" : classes ? "two" : "regression";
  find("legend").textContent = "";
  const words = {0: ["−1", "1"], 2: ["class 0", "class 1"], 3: ["class 0", "class 1", "class 2"]}[classes];
  find("legend").append(...words.map((text) => element("span", {textContent: text})));
  writeHash();
}

function writeHash() {
  history.replaceState(null, "", `#${toHash(state)}`);
}

function notify(message) {
  find("notice").textContent = message;
  find("notice").hidden = message === "";
}

const KEYS = {
  " ": toggle, r: rewind, s: () => trainer.step(), e: () => trainer.epoch(),
};

function onKey(event) {
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
    event.preventDefault();
    (key === "y" || event.shiftKey ? redo : undo)();
  }
  const isTaken = event.ctrlKey || event.metaKey || event.altKey
    || event.target.closest("input, select, button");
  if (isTaken || !Object.hasOwn(KEYS, key)) return;
  event.preventDefault();
  KEYS[key]();
}

find("play").addEventListener("click", toggle);
find("rewind").addEventListener("click", rewind);
find("step").addEventListener("click", () => trainer.step());
find("epoch").addEventListener("click", () => trainer.epoch());
find("undo").addEventListener("click", undo);
find("redo").addEventListener("click", redo);
find("restart").addEventListener("click", () => change(withAside(defaultState(), state)));
document.addEventListener("keydown", onKey);
window.addEventListener("hashchange", () => {
  past.add(state);
  ({state, problems} = fromHash(location.hash));
  open();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  controls.drawDataSets();
  draw();
});
new ResizeObserver(() => draw()).observe(find("diagram"));

controls.drawDataSets();
trainer.start().catch((error) => notify(`This browser cannot run the page: ${error.message}`));
open();
