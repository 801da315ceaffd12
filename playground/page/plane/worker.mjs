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
import {outputsOf} from "./data.mjs";
import {gridRowsOf, samplesOf} from "./samples.mjs";
import {holdTable} from "./tables.mjs";

/** Sides of the grids of the decision surface, and of a neuron's map. */
const SURFACE = 100, MAP = 32;
/** Training between two looks at the messages, in milliseconds. */
const SLICE = 8;

let core, start; // start(bytes) lets the messages go on that wait for the core
const ready = new Promise((resolve) => { start = resolve; }).then(loadCore);
let id, state, data, net;
let surfaceRows, mapRows;
let before, fittedRule; // steps and epochs of fits with other rules; the rule of this fit
let settings, changes; // settings of training that are in force; what was changed on the way
let replayed = 0, goesOn = true; // train again to this step; whether training goes on from there
let isRunning = false, isDrawn = true;
let restsUntil = 0; // with many rows a frame takes long, and training has half of the time
let isTickDue = false; // there is one loop, even if a pause is short
let slice = 1; // steps of a call
let owed, lastTick; // steps that are due at this speed
let speedFrom; // {time, epochs} when the speed was last read
let epochsPerSecond = 0;

const again = new MessageChannel(); // calls tick() soon, after the messages that wait
again.port1.onmessage = tick;

const HANDLERS = {
  set(message) {
    const differs = state && differ(settingsOf(state), message.state);
    ({id, state} = message);
    if (message.table) holdTable(state.table, message.table);
    if (message.rewind) begin();
    else if (differs) changeSettings();
    if (message.replay && state.steps > 0) {
      [replayed, goesOn] = [state.steps, message.replay.goesOn];
      HANDLERS.play();
    }
    postMessage(frame());
  },
  edit({weight, value}) {
    net.parameters[weight] = value;
    changes.addWeight(progress().steps, weight, value);
    postMessage(frame());
  },
  play() {
    if (isRunning) return;
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
    if (net) postMessage(frame());
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
    if (net) postMessage(frame());
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
  before = {steps: 0, epochs: 0};
  fittedRule = state.rule;
  slice = 1;
  epochsPerSecond = 0;
  if (isRunning) speedFrom = {time: performance.now(), epochs: 0};
  postMessage({type: "data", data, sizes: net.sizes, inputs: mapRows}); // the same in all frames
  settings = settingsOf(state);
  changes = new Changes(state.changes);
  checkWeights();
  makeChanges();
}

/** Refuse weights of a link that the network does not have. */
function checkWeights() {
  const n = net.parameters.length;
  const bad = changes.all.find(({part}) => part.weight >= n);
  if (!bad) return;
  changes.stop();
  throw new PynnError(`the link changes parameter ${bad.part.weight}, but the network has ${n}, from 0`);
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
  return {steps: before.steps + updates, epochs: before.epochs + epochs};
}

function train(length) {
  if (data.nTraining === 0) throw new PynnError("There are no points to learn from: draw some.");
  if (settings.rule !== fittedRule) { // the core begins a fit, and counts from 0
    before = progress();
    fittedRule = settings.rule;
  }
  net.train({...length, ...settings});
  makeChanges();
}

function once(length) {
  isRunning = false;
  stopReplay();
  train(length);
  postMessage(frame());
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
      postMessage(frame());
      isDrawn = false;
      restsUntil = 2 * performance.now() - began;
    }
    if (!isRunning) return;
    isTickDue = true;
    if (isFast() || owed >= 1) again.port2.postMessage(null);
    else setTimeout(tick, 4);
  });
}

function trainAWhile() {
  const start = performance.now();
  owed = Math.min(owed + (start - lastTick) * stepsPerMillisecond(), 1e6);
  lastTick = start;
  while (performance.now() - start < SLICE) {
    const due = isFast() ? slice : Math.min(slice, Math.floor(owed));
    const {steps} = progress();
    const n = Math.min(due, isReplaying() ? replayed - steps : Infinity, changes.next - steps);
    if (n < 1 || (!goesOn && !isReplaying())) return;
    const called = performance.now();
    train({steps: n});
    const took = performance.now() - called;
    owed -= n;
    if (took < SLICE / 4 && n === slice) slice = Math.min(2 * slice, 1000);
    else if (took > SLICE) slice = Math.max(1, slice >> 1);
  }
  if (!isFast()) owed = Math.min(owed, 4 * slice); // what cannot be done is dropped
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

/** What the page shows of the network, and changes as it learns. */
function frame() {
  const {nTraining} = data, nTest = data.labels.length - nTraining;
  const outputs = nTraining > 0 ? net.predict(data.rows) : [];
  return {
    type: "frame", id, isRunning, ...progress(), epochsPerSecond, settings, changes: changes.all,
    trainingCost: nTraining > 0 ? net.cost({set: "training"}).cost : NaN,
    testCost: nTest > 0 ? net.cost({set: "test"}).cost : NaN,
    trainingScore: scoreOf(outputs, 0, nTraining),
    testScore: scoreOf(outputs, nTraining, nTraining + nTest),
    parameters: net.parameters.slice(),
    surface: net.predict(surfaceRows),
    maps: net.activations(mapRows),
  };
}

/**
 * The accuracy of rows; for regression, the share of the variance that is explained (R²); NaN where
 * there are none.
 */
function scoreOf(outputs, first, last) {
  const {classes, labels} = data;
  let found = 0, mean = 0;
  for (let i = first; i < last; i++) mean += labels[i] / (last - first);
  let variance = 0;
  for (let i = first; i < last; i++) {
    if (classes === 0) {
      found += (outputs[i] - labels[i]) ** 2;
      variance += (labels[i] - mean) ** 2;
    } else {
      found += classOf(outputs, i, classes) === labels[i] ? 1 : 0;
    }
  }
  return classes === 0 ? 1 - found / variance : found / (last - first);
}

function classOf(outputs, i, classes) {
  if (classes === 2) return outputs[i] > 0.5 ? 1 : 0;
  const of = outputs.subarray(i * classes, (i + 1) * classes);
  return of.indexOf(Math.max(...of));
}
