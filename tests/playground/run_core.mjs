// node run_core.mjs PYNN.WASM <CASES: train networks as JSON describes them, print what becomes of
// them as JSON. Every float32 is exact in it.
import {readFileSync} from "node:fs";
import {loadCore, Network, PynnError} from "../../playground/page/common/core.mjs";

const core = await loadCore(readFileSync(process.argv[2]));
const answers = [];
for (const {network, data, calls} of JSON.parse(readFileSync(0, "utf8"))) {
  const answer = {costs: [], errors: []};
  const attempt = (doIt) => {
    try {
      return doIt();
    } catch (error) {
      if (!(error instanceof PynnError)) throw error;
      answer.errors.push(error.message);
    }
  };
  const net = attempt(() => new Network(core, network));
  answers.push(answer);
  if (!net) continue;
  answer.initial = net.parameters.slice();
  attempt(() => net.setData(...data));
  for (const call of calls) answer.costs.push(attempt(() => net.train(call)));
  answer.parameters = net.parameters.slice();
  answer.slots = net.slots;
  answer.progress = net.progress;
  const [X, y] = data;
  answer.outputs = attempt(() => net.predict(X));
  answer.gradient = attempt(() => net.gradient({X, y}));
  answer.trace = attempt(() => net.trace(X, y));
  answer.activations = attempt(() => net.activations(X));
  net.free();
}
const plain = (key, value) => (ArrayBuffer.isView(value) ? [...value] : value);
process.stdout.write(JSON.stringify(answers, plain));
