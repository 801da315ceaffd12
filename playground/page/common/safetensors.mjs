/** Networks in safetensors files, which `pynn.Network.save` writes and `pynn.Network.load` reads. */

/** The largest file that is read, and the longest header in it, in bytes. */
export const MOST_BYTES = 1_000_000;
const MOST_OF_HEAD = 100_000;

const KEY = "pynn.Network", CHECKSUM = "pynn.checksum";
const ARGUMENTS = [
  "layer_sizes", "activation", "output_activation", "cost", "bias", "dtype", "classes",
];
/** What Network takes beside those; the page has none of it, but knows the names. */
const OTHERS = ["input_scale", "residual", "norm", "members", "embeddings"];
const WIDTHS = {F32: 4, F64: 8};
const DTYPES = {float32: "F32", float64: "F64"};

/**
 * Write a network with biases.
 *
 * @param {object} net
 * @param {number[]} net.sizes units of the input, of each hidden layer and of the output
 * @param {string[]} net.activations one name for each layer but the input
 * @param {string} net.cost
 * @param {Float32Array} net.parameters
 * @param {Object<string, string>} [notes] for the metadata
 * @returns {Uint8Array} the content of the file
 */
export function writeNetwork({sizes, activations, cost, parameters}, notes = {}) {
  const tensors = new Map(splitOf(sizes).map(({name, shape, first, length}) => (
    [name, {shape, bytes: littleEndian(parameters.subarray(first, first + length))}])));
  const names = [...tensors.keys()].sort();
  const metadata = {
    ...notes,
    [KEY]: JSON.stringify({
      layer_sizes: sizes, activation: activations.slice(0, -1),
      output_activation: activations.at(-1), cost, bias: true, dtype: "float32", classes: null,
    }),
  };
  metadata[CHECKSUM] = checksumOf(tensors, metadata);
  const head = {__metadata__: metadata};
  let end = 0;
  for (const name of names) {
    const {shape, bytes} = tensors.get(name);
    head[name] = {dtype: "F32", shape, data_offsets: [end, end += bytes.length]};
  }
  let text = JSON.stringify(head);
  const encoder = new TextEncoder();
  text += " ".repeat((8 - (encoder.encode(text).length % 8)) % 8);
  return joined([encoder.encode(text), ...names.map((name) => tensors.get(name).bytes)]);
}

/** The length of the header, the header and the tensors, one after the other. */
function joined(parts) {
  const length = new DataView(new ArrayBuffer(8));
  length.setUint32(0, parts[0].length, true);
  const all = [new Uint8Array(length.buffer), ...parts];
  const content = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let to = 0;
  for (const part of all) {
    content.set(part, to);
    to += part.length;
  }
  return content;
}

/**
 * Read a network with biases, all of whose numbers are finite.
 *
 * @param {Uint8Array} content of the file
 * @returns {{sizes: number[], activations: string[], cost: string, parameters: Float32Array,
 *   metadata: Object<string, string>, isRounded: boolean}} `isRounded` says whether the numbers
 *   were float64
 * @throws {Error} whose message says what is wrong with the file
 */
export function readNetwork(content) {
  if (content.length > MOST_BYTES) {
    refuse(`it has ${content.length.toLocaleString("en")} bytes, and the page reads at most `
      + MOST_BYTES.toLocaleString("en"));
  }
  const {metadata, tensors} = tensorsIn(content);
  const {sizes, activations, cost, dtype} = argumentsIn(metadata);
  const wanted = splitOf(sizes), last = wanted.at(-1);
  const others = [...tensors.keys()].filter((name) => !wanted.some((one) => one.name === name));
  if (others.length > 0) refuse(`its network has no tensor ${brief(others[0])}`);
  for (const {name, shape} of wanted) {
    const tensor = tensors.get(name);
    const isGood = tensor?.dtype === dtype && String(tensor.shape) === String(shape);
    if (!isGood) refuse(`it has no ${name} of shape ${shape.join(" × ")} in ${dtype}`);
  }
  const parameters = new Float32Array(last.first + last.length);
  for (const {name, first} of wanted) parameters.set(numbersOf(tensors.get(name)), first);
  if (!parameters.every(Number.isFinite)) refuse("not all of its parameters are finite as float32");
  const {[CHECKSUM]: checksum, ...notes} = metadata;
  if (checksum !== undefined && checksum !== checksumOf(tensors, notes)) {
    refuse("its content does not match its checksum");
  }
  return {sizes, activations, cost, parameters, metadata: notes, isRounded: dtype === "F64"};
}

/** Weights and biases of each layer in the parameters. */
function splitOf(sizes) {
  let first = 0;
  return sizes.slice(1).flatMap((size, layer) => [
    {name: `weights.${layer}`, shape: [sizes[layer], size]}, {name: `biases.${layer}`, shape: [size]},
  ]).map((tensor) => {
    const length = tensor.shape.reduce((product, size) => product * size, 1);
    first += length;
    return {...tensor, first: first - length, length};
  });
}

/** Read the header, and check that its tensors fill the file without gap or overlap. */
function tensorsIn(content) {
  const length = content.length < 8 ? NaN
    : Number(new DataView(content.buffer, content.byteOffset).getBigUint64(0, true));
  if (!(length <= content.length - 8)) refuse("it is not a safetensors file, or not all of one");
  if (length > MOST_OF_HEAD) {
    refuse(`its header is longer than ${MOST_OF_HEAD.toLocaleString("en")} bytes`);
  }
  const {__metadata__: metadata = {}, ...described} = headOf(content.subarray(8, 8 + length));
  if (!isObject(metadata) || Object.values(metadata).some((note) => typeof note !== "string")) {
    refuse("its metadata are not text");
  }
  const body = content.subarray(8 + length), tensors = new Map();
  let end = 0;
  const inOrder = Object.entries(described).map(checkedTensor)
    .sort((a, b) => a.first - b.first || a.last - b.last);
  for (const {name, dtype, shape, first, last} of inOrder) {
    if (first !== end) refuse(`its tensor ${brief(name)} leaves a gap or overlaps another`);
    tensors.set(name, {dtype, shape, bytes: body.subarray(first, last)});
    end = last;
  }
  if (end !== body.length) refuse("its tensors do not fill it");
  return {metadata, tensors};
}

function headOf(bytes) {
  let head;
  try {
    head = JSON.parse(new TextDecoder("utf-8", {fatal: true}).decode(bytes));
  } catch {
    refuse("its header is not JSON");
  }
  if (!isObject(head)) refuse("its header is not a JSON object");
  return head;
}

function checkedTensor([name, given]) {
  const {dtype, shape, data_offsets: offsets} = isObject(given) ? given : {};
  const areWhole = (list) => Array.isArray(list)
    && list.every((number) => Number.isSafeInteger(number) && number >= 0);
  if (typeof dtype !== "string" || !areWhole(shape) || !areWhole(offsets) || offsets.length !== 2) {
    refuse(`its tensor ${brief(name)} is not described as it should be`);
  }
  if (!Object.hasOwn(WIDTHS, dtype)) {
    refuse(`its tensor ${brief(name)} is ${brief(dtype)}; the page reads F32 and F64`);
  }
  const [first, last] = offsets;
  const length = shape.reduce((product, size) => product * size, WIDTHS[dtype]);
  if (last - first !== length) refuse(`its tensor ${brief(name)} has another size than its shape`);
  return {name, dtype, shape, first, last};
}

/** Read the arguments of Network. */
function argumentsIn(metadata) {
  if (!Object.hasOwn(metadata, KEY)) refuse(`its metadata have no entry ${KEY}`);
  let given;
  try {
    given = JSON.parse(metadata[KEY]);
  } catch {
    refuse(`its entry ${KEY} is not JSON`);
  }
  if (!isObject(given)) refuse(`its entry ${KEY} is not a JSON object`);
  for (const name of Object.keys(given)) {
    if (OTHERS.includes(name)) refuse(`its network has ${name}, which the page's networks lack`);
    if (!ARGUMENTS.includes(name)) refuse(`its entry ${KEY} has the unknown argument ${brief(name)}`);
  }
  if (given.bias !== true) refuse("its network has no biases; the page's networks have them");
  const sizes = given.layer_sizes, hidden = given.activation;
  const areSizes = Array.isArray(sizes) && sizes.length >= 2
    && sizes.every((size) => Number.isInteger(size) && size >= 1 && size <= MOST_BYTES);
  if (!areSizes) refuse("its layer_sizes are not a list of positive integers");
  if (!Array.isArray(hidden) || hidden.length !== sizes.length - 2) {
    refuse("it does not have an activation for each hidden layer");
  }
  const activations = [...hidden, given.output_activation].map(
    (one) => nameOf("activation", one, {leaky_relu: 0.01}));
  if (!Object.hasOwn(DTYPES, String(given.dtype))) refuse("its dtype is not float32 or float64");
  checkClasses(given.classes ?? null, sizes.at(-1));
  return {sizes, activations, cost: nameOf("cost", given.cost, {}), dtype: DTYPES[given.dtype]};
}

/** The page does not show labels of classes, but a file with wrong ones is damaged. */
function checkClasses(classes, nOutputs) {
  const n = nOutputs === 1 ? 2 : nOutputs;
  const areGood = classes === null
    || (Array.isArray(classes) && classes.length === n && new Set(classes).size === n);
  if (!areGood) refuse(`its classes are not ${n} different labels`);
}

/** A name, or an object of a name and its parameter, which must be the page's own. */
function nameOf(what, given, parameters) {
  if (typeof given === "string") return given;
  const [[name, parameter], ...rest] = isObject(given) ? Object.entries(given) : [[]];
  const isKnown = rest.length === 0 && Object.hasOwn(parameters, name ?? "");
  if (isKnown && parameters[name] === parameter) return name;
  return refuse(`its ${what} ${brief(JSON.stringify(given) ?? "")} is not one of the page`);
}

function numbersOf({dtype, bytes}) {
  const view = new DataView(bytes.buffer, bytes.byteOffset), width = WIDTHS[dtype];
  return Float32Array.from({length: bytes.length / width}, (_, i) => (
    dtype === "F32" ? view.getFloat32(width * i, true) : view.getFloat64(width * i, true)));
}

function littleEndian(numbers) {
  const view = new DataView(new ArrayBuffer(4 * numbers.length));
  numbers.forEach((number, i) => view.setFloat32(4 * i, number, true));
  return new Uint8Array(view.buffer);
}

/** As pynn/model/files.py: the CRC-32 of notes and tensors, by name. */
function checksumOf(tensors, metadata) {
  let crc = 0;
  for (const name of Object.keys(metadata).sort()) {
    crc = crc32(new TextEncoder().encode(`${name}=${metadata[name]}\n`), crc);
  }
  for (const name of [...tensors.keys()].sort()) crc = crc32(tensors.get(name).bytes, crc);
  return crc.toString(16).padStart(8, "0");
}

/** The CRC-32 of zlib, by bits: files are small. */
function crc32(bytes, start) {
  let crc = ~start;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

function isObject(given) {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

function brief(text) {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function refuse(why) {
  throw new Error(why);
}
