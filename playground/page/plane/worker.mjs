/**
 * Training, in a Web Worker: the page stays free, and calls are short, so that a pause counts at
 * once.
 *
 * Messages to it: {type: "start", bytes} with pynn.wasm; {type: "set", id, state, rewind}, with
 * replay: {goesOn} to train again as far as the state says, and with the table of the state unless
 * it was sent before; {type: "play"}, {type: "step"}, {type: "epoch"}, {type: "pause"};
 * {type: "edit", weight, value}; and {type: "drawn"} when the page is ready for a new frame. It
 * answers with {type: "data"} for each untrained network (see `begin`), with frames (see `frame`)
 * and with {type: "error", message}.
 */
import {loadCore, Network, PynnError} from "../common/core.mjs";
import {Changes, settingsOf} from "./changes.mjs";
import {Costs} from "./costs.mjs";
import {outputsOf} from "./data.mjs";
import {lookInto} from "./insight.mjs";
import {startFrom} from "./loaded.mjs";
import {gridRowsOf, samplesOf} from "./samples.mjs";
import {accuracyOf, classesOf, confusionOf, varianceExplained} from "./scores.mjs";
import {holdTable} from "./tables.mjs";

/** Sides of the grids of the decision surface, and of a neuron's map. */
const SURFACE = 100, MAP = 32;
/** Training between two looks at the messages, in milliseconds. */
const SLICE = 8;
/** Between two looks into a network that trains, in milliseconds. */
const LOOK = 250;

let core, start; // start(bytes) lets the messages go on that wait for the core
const ready = new Promise((resolve) => { start = resolve; }).then(loadCore);
let id, state, data, net;
let surfaceRows, mapRows;
let before, fittedRule; // steps of fits with other rules; the rule of this fit
let settings, changes; // settings of training that are in force; what was changed on the way
let replayed = 0, goesOn = true; // train again to this step; whether training goes on from there
let isRunning = false, isDrawn = true;
let restsUntil = 0; // with many rows a frame takes long, and training has half of the time
let isTickDue = false; // there is one loop, even if a pause is short
let slice = 1; // steps of a call
let owed, lastTick; // steps that are due at this speed
let speedFrom; // {time, epochs} when the speed was last read
let epochsPerSecond = 0;
let costs; // by epoch
let isAbove = false; // whether the cost is above the one that training stops at
let look; // {time, layers} of the last look into the network

const again = new MessageChannel(); // calls tick() soon, after the messages that wait
again.port1.onmessage = tick;

const HANDLERS = {
  set(message) {
    const differs = state && differ(settingsOf(state), message.state);
    ({id, state} = message);
    if (message.table) holdTable(state.table, message.table);
    if (message.rewind) begin();
    else if (differs) changeSettings();
    isAbove = costOf("training") > state.stopCost;
    if (message.replay && state.steps > 0) {
      [replayed, goesOn] = [state.steps, message.replay.goesOn];
      HANDLERS.play();
    }
    show();
  },
  edit({weight, value}) {
    net.parameters[weight] = value;
    changes.addWeight(progress().steps, weight, value);
    show();
  },
  play() {
    if (isRunning) return;
    isAbove = costOf("training") > state.stopCost;
    isRunning = true;
    [owed, lastTick] = [1, performance.now()];
    speedFrom = {time: lastTick, epochs: progress().epochs};
    if (!isTickDue) tick();
  },
  step: () => once({steps: 1}),
  epoch: () => once({epochs: 1}),
  pause() {
    isRunning = false;
    stopReplay();
    if (net) show();
  },
  drawn: () => { isDrawn = true; },
};

onmessage = ({data: message}) => {
  if (message.type === "start") return void start(message.bytes);
  guarded(async () => {
    core = await ready;
    HANDLERS[message.type](message);
  });
};

/** Pass errors on to the page. */
async function guarded(doIt) {
  try {
    await doIt();
  } catch (error) {
    isRunning = false;
    stopReplay();
    const message = error instanceof PynnError ? error.message.split("; got")[0] : String(error);
    postMessage({type: "error", id, message});
    if (net) show();
  }
}

/** Make the data and an untrained network. */
function begin() {
  [replayed, goesOn] = [0, true];
  data = samplesOf(state);
  const {classes, rows, targets, nTraining} = data;
  const nInputs = data.names.length, nOutputs = outputsOf(classes);
  const output = {0: "identity", 2: "sigmoid"}[classes] ?? "softmax";
  net?.free();
  net = null;
  net = new Network(core, {
    sizes: [nInputs, ...state.layers.map(({units}) => units), nOutputs],
    activations: [...state.layers.map(({activation}) => activation), output],
    cost: state.cost === "cross_entropy" && classes > 0 ? undefined : "squared_error",
    seed: state.seed,
  });
  if (nTraining > 0) {
    net.setData(rows.subarray(0, nTraining * nInputs), targets.subarray(0, nTraining * nOutputs),
      rows.subarray(nTraining * nInputs), targets.subarray(nTraining * nOutputs));
  }
  surfaceRows = gridRowsOf(state, SURFACE);
  mapRows = gridRowsOf(state, MAP);
  before = 0;
  fittedRule = state.rule;
  slice = 1;
  epochsPerSecond = 0;
  look = {time: -Infinity};
  if (isRunning) speedFrom = {time: performance.now(), epochs: 0};
  if (state.start !== "") net.parameters.set(startFrom(state.start));
  postMessage({ // the same in all frames
    type: "data", data, inputs: mapRows,
    sizes: net.sizes, activations: net.activationNames, cost: net.costName,
  });
  settings = settingsOf(state);
  changes = new Changes(state.changes);
  const bad = changes.all.find(({part}) => part.weight >= net.parameters.length);
  if (bad) changes.stop();
  makeChanges();
  costs = new Costs();
  costs.add(costOf("training"), costOf("test"));
  if (bad) throw new PynnError(`The link changes parameter ${bad.part.weight}, but the network has `
    + `${net.parameters.length}, from 0`);
}

function differ(before, after) {
  return Object.keys(before).some((name) => before[name] !== after[name]);
}

/** Go on with the settings of the state. */
function changeSettings() {
  const wanted = settingsOf(state);
  changes.addSettings(progress().steps, settings, wanted);
  settings = wanted;
}

/** Make the changes that are due. */
function makeChanges() {
  while (changes.next <= progress().steps) {
    const {weight, value, ...part} = changes.make();
    if (weight === undefined) settings = {...settings, ...part};
    else net.parameters[weight] = value;
  }
}

/** Steps and finished epochs since the network was untrained. */
function progress() {
  const {updates, epochs} = net.progress;
  return {steps: before + updates, epochs};
}

function train(length) {
  checkRows();
  if (settings.rule !== fittedRule) { // the core begins a fit, and counts its steps from 0
    before = progress().steps;
    fittedRule = settings.rule;
  }
  net.train({...length, ...settings});
  if (progress().epochs === costs.next) costs.add(costOf("training"), costOf("test"));
  makeChanges();
}

/** The cost of "training" or "test" rows; NaN where there are none. */
function costOf(set) {
  const {nTraining, labels} = data, n = set === "training" ? nTraining : labels.length - nTraining;
  return n > 0 ? net.cost({set}).cost : NaN;
}

function once(length) {
  isRunning = false;
  stopReplay();
  train(length);
  show();
}

/** Train for a while, show it if the page is ready, and go on. */
function tick() {
  isTickDue = false;
  if (!isRunning) return;
  guarded(() => {
    trainAWhile();
    if (!goesOn && !isReplaying()) {
      isRunning = false;
      stopReplay();
    }
    const began = performance.now();
    if ((isDrawn && began >= restsUntil) || !isRunning) {
      readSpeed();
      show();
      isDrawn = false;
      restsUntil = 2 * performance.now() - began;
    }
    if (!isRunning) return;
    isTickDue = true;
    if (isFast() || owed >= 1) again.port2.postMessage(null);
    else setTimeout(tick, 4);
  });
}

function checkRows() {
  if (data.nTraining === 0) throw new PynnError("There are no points to learn from: draw some.");
}

function trainAWhile() {
  checkRows();
  const start = performance.now();
  owed = Math.min(owed + (start - lastTick) * stepsPerMillisecond(), 1e6);
  lastTick = start;
  while (isRunning && performance.now() - start < SLICE) {
    const n = stepsNow();
    if (n < 1) break;
    const called = performance.now();
    train({steps: n});
    const took = performance.now() - called;
    owed -= n;
    if (took < SLICE / 4 && n === slice) slice = Math.min(2 * slice, 1000);
    else if (took > SLICE) slice = Math.max(1, slice >> 1);
    if (isAtStop()) isRunning = false;
  }
  if (!isFast()) owed = Math.min(owed, 4 * slice); // what cannot be done is dropped
}

/** Steps of the next call: those due, but no more than until something happens. */
function stepsNow() {
  if (!goesOn && !isReplaying()) return 0;
  const {steps, epochs} = progress();
  const limits = [changes.next - steps, stepsUntil(costs.next)];
  if (isReplaying()) limits.push(replayed - steps);
  if (state.stopEpoch > epochs) limits.push(stepsUntil(state.stopEpoch));
  if (state.stopCost > 0) limits.push(stepsUntil(epochs + 1));
  return Math.min(slice, isFast() ? slice : Math.floor(owed), ...limits);
}

/** Steps until this number of epochs has ended. */
function stepsUntil(epochs) {
  const {nTraining} = data, {batchSize, rule} = settings;
  const rows = rule === fittedRule ? net.progress.rows : 0; // another rule starts an epoch
  return (epochs - progress().epochs - 1) * Math.ceil(nTraining / batchSize)
    + Math.ceil((nTraining - rows) / batchSize);
}

/** Whether an epoch has ended that the user wants to stop at, or reached the cost to stop at. */
function isAtStop() {
  if (net.progress.rows > 0 || isReplaying()) return false;
  const isLow = isAbove && state.stopCost > 0 && costOf("training") <= state.stopCost;
  return isLow || progress().epochs === state.stopEpoch;
}

/** Go on from here in place of the step of a link. */
function stopReplay() {
  [replayed, goesOn] = [0, true];
  changes?.stop();
}

function isReplaying() {
  return progress().steps < replayed;
}

/** Links are followed at full speed. */
function isFast() {
  return state.speed === "fast" || isReplaying();
}

/** Medium is 60 epochs a second, slow 10 steps. */
function stepsPerMillisecond() {
  return state.speed === "slow" ? 0.01 : 0.06 * Math.ceil(data.nTraining / settings.batchSize);
}

function readSpeed() {
  const time = performance.now(), {epochs} = progress();
  if (time - speedFrom.time < 500) return;
  epochsPerSecond = (1000 * (epochs - speedFrom.epochs)) / (time - speedFrom.time);
  speedFrom = {time, epochs};
}

/** Post what the page shows of the network. */
function show() {
  const shown = frame();
  const arrays = [shown.parameters, shown.surface, ...shown.maps, shown.costs];
  postMessage(shown, arrays.map(({buffer}) => buffer)); // they are not copied
}

/** What the page shows of the network, and changes as it learns. */
function frame() {
  const {rows, nTraining} = data, {epochs} = progress();
  const outputs = nTraining > 0 ? net.predict(rows) : new Float32Array();
  const [trainingCost, testCost] = [costOf("training"), costOf("test")];
  return {
    type: "frame", id, isRunning, ...progress(), epochsPerSecond, settings, changes: changes.all,
    trainingCost, testCost, ...scores(outputs),
    costs: costs.until(epochs + net.progress.rows / Math.max(1, nTraining), trainingCost, testCost),
    look: lookNow(),
    parameters: net.parameters.slice(),
    surface: net.predict(surfaceRows),
    maps: net.activations(mapRows),
    trace: state.explain > 0 ? traceOf(state.explain - 1) : null,
  };
}

/** All numbers of one example, or of the last one if there are not so many; null without rows. */
function traceOf(wanted) {
  const row = Math.min(wanted, data.labels.length - 1);
  if (row < 0) return null;
  const part = (numbers, width) => numbers.slice(row * width, (row + 1) * width);
  const x = part(data.rows, net.sizes[0]), y = part(data.targets, net.sizes.at(-1));
  const trace = net.trace(x, y);
  return {...trace, row, x, y, cost: trace.costs[0]};
}

/** Accuracies and confusion matrices of the training and the test rows; R² for regression. */
function scores(outputs) {
  const {classes, labels, nTraining} = data;
  const parts = (all) => [all.subarray(0, nTraining), all.subarray(nTraining)];
  const [training, test] = parts(labels);
  if (classes === 0) {
    const [found, testFound] = parts(outputs);
    const trainingScore = varianceExplained(training, found);
    return {trainingScore, testScore: varianceExplained(test, testFound), confusion: null};
  }
  const [found, testFound] = parts(classesOf(outputs, classes));
  const confusion = [
    confusionOf(training, found, classes), confusionOf(test, testFound, classes)];
  const [trainingScore, testScore] = confusion.map((counts) => accuracyOf(counts, classes));
  return {trainingScore, testScore, confusion};
}

/** What a look into the network shows; while it trains, some times a second. */
function lookNow() {
  const time = performance.now();
  if (!isRunning || time - look.time > LOOK) {
    look = {time, layers: lookInto(net, data.rows, data.targets, data.nTraining)};
  }
  return look;
}
