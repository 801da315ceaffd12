// node fuzz_core.mjs PYNN.WASM N: hand bad arguments to the core, N times. Each call must return or
// throw a PynnError, and a network must learn as well afterwards as before.
import {readFileSync} from "node:fs";
import {loadCore, Network, PynnError} from "../../playground/page/common/core.mjs";

const core = await loadCore(readFileSync(process.argv[2]));
let state = 1;
const random = (n) => (state = (state * 48271) % 2147483647) % n;
const pick = (from) => from[random(from.length)];
const BAD = [NaN, Infinity, -Infinity, -1, 0, 0.5, 1, 2, 3, 1e-300, 1e300, 2 ** 31, 2 ** 32, 2 ** 53,
  undefined, null, "", "7", {}, [], [1], true, () => 1];
const number = () => pick(BAD);
const rows = () => pick([[], [[1, 2]], [[1, 2], [3, NaN]], [[1]], [1, 2, 3], new Float32Array(40),
  [[1e300, 0]], [["a", "b"]], null, 7, "rows", [[0, 1], [1, 0], [1, 1]]]);
const NAMES = [...core.activations, ...core.costs, ...core.rules, "", "no such name", 3, undefined];
const name = () => pick(NAMES);
const OPTIONS = ["learningRate", "momentum", "beta1", "beta2", "epsilon", "weightDecay", "grow",
  "shrink", "smallest", "largest", "l2", "l1", "dropout", "maxNorm", "clipNorm", "batchSize"];
const options = () => {
  const of = {[pick(["steps", "epochs"])]: pick([1, 2, 50, -1, 0, NaN, 0.5, 1e300, "1", null])};
  if (random(2)) of.rule = pick([...core.rules, name()]);
  for (let i = random(3); i > 0; i--) of[pick(OPTIONS)] = number();
  return of;
};

function learned() {
  const net = new Network(core, {sizes: [2, 4, 1], activations: ["tanh", "sigmoid"], seed: 3});
  net.setData([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]);
  net.train({epochs: 100, rule: "adam", learningRate: 0.05, batchSize: 2});
  const found = net.parameters.join();
  net.free();
  return found;
}

const CALLS = [
  (net) => net.setData(rows(), rows(), ...pick([[], [rows(), rows()]])),
  (net) => net.train(options()),
  (net) => net.predict(rows()),
  (net) => net.activations(rows()),
  (net) => net.trace(rows(), rows()),
  (net) => net.cost(pick([{}, {set: name()}, {set: "test"}, {X: rows(), y: rows()}])),
  (net) => net.gradient(pick([{}, {set: "test"}, {X: rows(), y: rows()}])),
  (net) => net.reset(number()),
  (net) => net.parameters.fill(Number(pick([0, 1, 1e38, NaN, Infinity]))),
];

const before = learned(), seen = new Set();
let net = null, n_refused = 0;
for (let i = 0; i < Number(process.argv[3]); i++) {
  try {
    if (net === null || random(20) === 0) {
      const sizes = [2, ...pick([[1], [3, 2], [40, 1], [number(), 1]])];
      const activations = sizes.slice(1).map((size, layer) =>
        random(3) ? pick(["tanh", "relu", "sigmoid", "selu"]) : name());
      net?.free();
      net = null;
      net = new Network(core, {sizes, activations, seed: pick([0, 1, number()]),
        cost: pick([undefined, undefined, name()]), costParameter: pick([undefined, number()])});
    }
    pick(CALLS)(net);
  } catch (error) {
    if (!(error instanceof PynnError)) throw error;
    seen.add(error.message.split("; got")[0]);
    n_refused++;
  }
}
if (learned() !== before) throw new Error("a network learns otherwise than before");
console.log(`${n_refused} refused, for ${seen.size} reasons`);
for (const reason of [...seen].sort()) console.log(`  ${reason}`);
