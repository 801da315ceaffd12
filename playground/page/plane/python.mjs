/** A network of the page as a Python script, which gives the same numbers with pynn. */
import {base64Of} from "../common/base64.mjs";
import {FEATURES} from "./features.mjs";

/** Rows that a script holds; those of more are in a file beside it. */
export const MOST_EMBEDDED = 400;
const WIDTH = 96; // of a line of numbers
/** Rules that move parameters even at the learning rate 0, and so cannot stop within an epoch. */
const KEEP_MOVING = ["momentum", "nesterov", "rprop"];

/** Rules of the page as arguments `optimizer`. */
const OPTIMIZERS = {
  sgd: (rate) => `pynn.SGD(${rate})`,
  momentum: (rate) => `pynn.SGD(${rate}, momentum=0.9)`,
  nesterov: (rate) => `pynn.SGD(${rate}, momentum=0.9, nesterov=True)`,
  adam: (rate) => `pynn.Adam(${rate})`,
  adamw: (rate) => `pynn.AdamW(${rate})`,
  rmsprop: (rate) => `pynn.RMSprop(${rate})`,
  rprop: (rate) => `pynn.Rprop(${rate})`,
};

/** Features that Python computes with the same bits, from float64 numbers x and y. */
const EXPRESSIONS = {x: "x", y: "y", xx: "x * x", yy: "y * y", xy: "x * y"};

/**
 * Write the script of a network.
 *
 * @param {object} of
 * @param {object} of.state settings of training, seed, features of plane/state.mjs
 * @param {object} of.net sizes, activations (one for each layer but the input) and cost
 * @param {Float32Array} of.parameters those that the network has now
 * @param {Float32Array | null} of.start those that training began with; null: those of the seed
 * @param {object[]} of.changes what was changed on the way (see changes.mjs)
 * @param {number} of.steps updates so far
 * @param {object} of.data rows (n, inputs), targets (n, outputs), nTraining; points of the plane and
 *   their labels, of which the rows are computed unless they are of a table
 * @returns {{script: string, csv: string | null, notes: string[]}} `csv` is the content of
 *   playground.csv, where the script reads one; notes say what the user has to know
 * @throws {Error} where there are no training rows
 */
export function pythonScript(of) {
  const {net, data, steps} = of;
  if (data.nTraining === 0) throw new Error("there are no training points yet to write a script of");
  const n = data.rows.length / net.sizes[0];
  const table = tableOf(of, n);
  const isInFile = n > MOST_EMBEDDED;
  const way = wayOf(of);
  const needsBytes = of.start !== null || holdsNumbers(way);
  const script = [
    `"""A network ${net.sizes.join("-")} of the pynn playground, after ${counted(steps, "step")}.`,
    "",
    "With the environment variable PYNN_ISA=baseline, the numbers are those of the page to the bit;",
    "other instruction sets round otherwise.",
    '"""',
    "",
    ...(needsBytes ? ["import base64", ""] : []),
    "import numpy as np",
    "",
    "import pynn",
    "",
    ...dataLines(table, isInFile, data.nTraining, n),
    "",
    ...networkLines(of, way),
    ...trainingLines(of, way),
    'print("training cost", net.cost(X[:n], targets[:n]))',
    ...(data.nTraining < n ? ['print("test cost", net.cost(X[n:], targets[n:]))'] : []),
    "",
  ].join("\n");
  const notes = [NOTES[way]];
  if (isInFile) notes.push("The script reads playground.csv: save both files in one folder.");
  const csv = isInFile ? csvOf(table) : null;
  return {script, csv, notes: notes.filter(Boolean)};
}

const NOTES = {
  untrained: "The network is untrained so far.",
  replayed: "",
  changed: "Settings or weights were changed while this network was trained, so the script holds its "
    + "parameters, and does not train.",
  stopped: "pynn stops momentum and Rprop at the end of an epoch only, so the script holds the "
    + "parameters, and does not train. At the end of an epoch it would.",
};

/** How the script comes to the parameters: from the start alone, by training, or as numbers. */
function wayOf({state, steps, changes, data}) {
  if (changes.some(({step, part}) => step > 0 || !("weight" in part))) return "changed";
  if (steps === 0) return "untrained";
  const isWithinEpoch = steps % stepsOf(state, data) !== 0;
  return isWithinEpoch && KEEP_MOVING.includes(state.rule) ? "stopped" : "replayed";
}

function holdsNumbers(way) {
  return way === "changed" || way === "stopped";
}

/** Steps of an epoch. */
function stepsOf({batchSize}, {nTraining}) {
  return Math.ceil(nTraining / batchSize);
}

/** Columns of numbers, by name, and the expressions that make rows and targets of them. */
function tableOf({state, net, data}, n) {
  const nOutputs = net.sizes.at(-1), nInputs = net.sizes[0];
  if (state.data === "table") {
    const inputs = columns(data.rows, nInputs), targets = columns(data.targets, nOutputs);
    return {n, columns: [...inputs, ...targets], nInputs};
  }
  const embedded = state.features.filter((name) => !(name in EXPRESSIONS));
  const of = columns(data.rows, nInputs);
  const [x, y] = columns(data.points, 2);
  const named = embedded.map((name) => FEATURES[name].label.replace(" ", "_"));
  return {
    n,
    columns: [x, y, ...embedded.map((name) => of[state.features.indexOf(name)]), [...data.labels]],
    names: ["x", "y", ...named, "label"],
    inputs: state.features.map(
      (name) => EXPRESSIONS[name] ?? FEATURES[name].label.replace(" ", "_")),
    target: nOutputs > 1 ? `np.eye(${nOutputs})[label.astype(int)]` : "label[:, np.newaxis]",
  };
}

function columns(numbers, width) {
  return Array.from({length: width}, (_, column) => Array.from(
    {length: numbers.length / width}, (_, row) => numbers[row * width + column]));
}

function dataLines(table, isInFile, nTraining, n) {
  const width = table.columns.length;
  const read = isInFile
    ? ['table = np.loadtxt("playground.csv", delimiter=",", dtype=np.float32, ndmin=2)']
    : ['table = """', ...wrapped(rowsOf(table).map((row) => row.join(" "))), '"""',
      `table = np.array(table.split(), np.float32).reshape(-1, ${width})`];
  return [
    `# ${counted(n, "row")}, of which the first ${nTraining} are for training`,
    ...read,
    `n = ${nTraining}`,
    ...(table.names ? [
      `${table.names.join(", ")} = table.astype(float).T`,
      `X = np.column_stack([${table.inputs.join(", ")}])`,
      `targets = ${table.target}`,
    ] : [`X, targets = table[:, :${table.nInputs}], table[:, ${table.nInputs}:]`]),
  ];
}

function networkLines({state, net, start, changes}, way) {
  const names = (list) => `[${list.map((name) => `"${name}"`).join(", ")}]`;
  const hidden = net.activations.slice(0, -1);
  return [
    "net = pynn.Network(",
    `    [${net.sizes.join(", ")}],`,
    ...(hidden.length ? [`    activation=${names(hidden)},`] : []),
    `    output_activation="${net.activations.at(-1)}",`,
    `    cost="${net.cost}",`,
    `    random_state=${state.seed},`,
    ")",
    ...(start ? parameterLines("It was loaded with these parameters.", start) : []),
    ...(holdsNumbers(way) ? [] : changes.map(({part: {weight, value}}) => (
      `net.parameters[${weight}] = ${value}  # edited`))),
  ];
}

function trainingLines(of, way) {
  const {state, data, steps} = of;
  if (way === "untrained") return [];
  if (holdsNumbers(way)) {
    return parameterLines(`Its parameters after ${counted(steps, "step")}.`, of.parameters);
  }
  const {rule, learningRate, batchSize, l2, l1, dropout} = state;
  const perEpoch = stepsOf(state, data), epochs = Math.ceil(steps / perEpoch);
  const options = [
    `epochs=${epochs}`,
    `batch_size=${Math.min(batchSize, data.nTraining)}`,
    `optimizer=${OPTIMIZERS[rule](learningRate)}`,
    ...(l2 ? [`alpha=${l2}`] : []),
    ...(l1 ? [`l1=${l1}`] : []),
    ...(dropout ? [`dropout=${dropout}`] : []),
  ];
  const call = ["net.fit(", "    X[:n],", "    targets[:n],", ...options.map((o) => `    ${o},`)];
  if (steps % perEpoch !== 0) {
    const last = Number(((steps - 0.5) / perEpoch).toPrecision(12));
    call.push(`    # The learning rate is 0 in the rest of the last epoch, after step ${steps}.`,
      `    schedule=pynn.StepDecay(every=${last}, factor=1e-300),`);
  }
  return [...call, ")"];
}

function parameterLines(comment, parameters) {
  const lines = base64Of(parameters).match(/.{1,92}/g).map((line) => `    "${line}"`);
  return [
    `# ${comment}`,
    "parameters = (", ...lines, ")",
    'net.parameters[:] = np.frombuffer(base64.b64decode(parameters), "<f4")',
  ];
}

function rowsOf({columns: of, n}) {
  const written = of.map((column) => column.map(shortest));
  return Array.from({length: n}, (_, row) => written.map((column) => column[row]));
}

function csvOf(table) {
  return `${rowsOf(table).map((row) => row.join(",")).join("\n")}\n`;
}

/** The shortest decimal number that is this float32 number. */
function shortest(number) {
  for (let digits = 1; digits < 9; digits++) {
    const text = number.toPrecision(digits);
    if (Math.fround(text) === number) return String(Number(text));
  }
  return String(Number(number.toPrecision(9)));
}

/** Texts in lines of at most WIDTH letters, with two spaces between two texts. */
function wrapped(texts) {
  const lines = [];
  let line = "";
  for (const text of texts) {
    if (line && line.length + 2 + text.length > WIDTH) {
      lines.push(line);
      line = "";
    }
    line += line ? `  ${text}` : text;
  }
  return [...lines, line];
}

function counted(n, thing) {
  return `${n.toLocaleString("en")} ${thing}${n === 1 ? "" : "s"}`;
}
