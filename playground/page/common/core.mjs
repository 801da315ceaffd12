/**
 * The compiled core of pynn in a page: `csrc/wasm.c` as a class `Network`.
 *
 * Numbers are float32, as in `pynn.Network`. The core checks every number; what it refuses throws a
 * `PynnError` and leaves the network unchanged.
 *
 * @example
 * const core = await loadCore(await fetch("pynn.wasm").then((found) => found.arrayBuffer()));
 * const net = new Network(core, {sizes: [2, 4, 1], activations: ["tanh", "sigmoid"], seed: 1});
 * net.setData([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]);
 * net.train({epochs: 500, rule: "adam", learningRate: 0.05, batchSize: 4});
 * net.predict([[0, 1]]);  // a Float32Array of 1 number near 1
 */

/** The sets of rows of a network, by their codes in csrc/wasm.c. */
const SETS = {training: 0, test: 1, given: 2};

/** Default coefficients of the rules: those of pynn's classes. */
const DEFAULTS = {
  learningRate: 0.001, momentum: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0,
  grow: 1.2, shrink: 0.5, smallest: 1e-6, largest: 50,
};
const DEFAULTS_OF = {
  sgd: {learningRate: 0.1},
  momentum: {learningRate: 0.1, momentum: 0.9},
  nesterov: {learningRate: 0.1, momentum: 0.9},
  adamw: {weightDecay: 0.01},
  rmsprop: {beta2: 0.9},
  rprop: {learningRate: 0.01},
};

/** Default parameters of activations and costs: those of pynn. */
const PARAMETERS = {leaky_relu: 0.01, huber: 1, quantile: 0.5};

/** Costs that match an output activation. */
const COST_OF_OUTPUT = {softmax: "cross_entropy", sigmoid: "binary_cross_entropy", exp: "poisson"};

/** What the core refuses, or where training diverges. */
export class PynnError extends Error {
  name = "PynnError";
}

/**
 * Compile and start the core.
 *
 * @param {BufferSource} bytes the content of pynn.wasm
 * @returns {Promise<Core>}
 */
export async function loadCore(bytes) {
  let memory = null;
  const {instance} = await WebAssembly.instantiate(bytes, {
    wasi_snapshot_preview1: system(() => new DataView(memory.buffer)),
  });
  memory = instance.exports.memory;
  instance.exports._initialize();
  return new Core(instance.exports);
}

/** The functions of WASI that the core links: a clock, and an error for all others. */
function system(view) {
  const NOT_SUPPORTED = 52; // ENOSYS
  return new Proxy(
    {
      clock_time_get(clock, precision, to) {
        view().setBigUint64(to, BigInt(Math.round(performance.now() * 1e6)), true);
        return 0;
      },
      proc_exit(code) {
        throw new PynnError(`the core ended with code ${code}`);
      },
    },
    {get: (known, name) => known[name] ?? (() => NOT_SUPPORTED)},
  );
}

/** The functions of the core, its memory and its lists. */
class Core {
  /** @param {WebAssembly.Exports} exports */
  constructor(exports) {
    this.call = exports;
    /** @type {string[]} names by code, as those of `costs` and `rules` */
    this.activations = this.#names(exports.activation_name);
    this.costs = this.#names(exports.cost_name);
    this.rules = this.#names(exports.rule_name);
  }

  /** @returns {string} the text at an address of the core's memory */
  text(address) {
    const bytes = new Uint8Array(this.call.memory.buffer);
    return new TextDecoder().decode(bytes.slice(address >>> 0, bytes.indexOf(0, address >>> 0)));
  }

  /** @returns {Float32Array} a view of n numbers, valid until the memory grows */
  floats(address, n) {
    return new Float32Array(this.call.memory.buffer, address >>> 0, n);
  }

  /** @returns {number} the code of a name */
  code(what, names, name) {
    const code = names.indexOf(name);
    if (code < 0) throw new PynnError(`${what} must be one of ${names.join(", ")}; got ${name}`);
    return code;
  }

  /** Throw what the core says, and what it was given, unless the status is 0. */
  check(status, given) {
    if (status !== 0) throw new PynnError(`${this.text(this.call.message())}; got ${shown(given)}`);
  }

  #names(nameOf) {
    const names = [];
    for (let address; (address = nameOf(names.length)) !== 0; ) names.push(this.text(address));
    return names;
  }
}

/** A fully-connected network with its data and its state of training. */
export class Network {
  #core;
  #at; // address in the core's memory; 0 once it is freed

  /**
   * @param {Core} core
   * @param {object} options
   * @param {number[]} options.sizes units of the input, of each hidden layer and of the output
   * @param {string[]} options.activations one name for each layer but the input
   * @param {string} [options.cost] by default the one that matches the output activation
   * @param {number} [options.costParameter] delta of huber, or quantile
   * @param {number} [options.slope] of leaky_relu, below 0
   * @param {boolean} [options.bias]
   * @param {number} [options.seed] as `random_state` in Python
   */
  constructor(core, options) {
    const {
      sizes, activations, cost: wanted, costParameter, slope, bias = true, seed = 0, ...unknown
    } = options;
    refuseUnknown(Object.keys(unknown));
    if (sizes?.length !== activations?.length + 1) {
      throw new PynnError("there must be an activation for each size but the first; got "
        + shown(options));
    }
    const cost = wanted ?? COST_OF_OUTPUT[activations.at(-1)] ?? "squared_error";
    core.check(core.call.begin(sizes[0]), options);
    activations.forEach((name, layer) => {
      const code = core.code("activation", core.activations, name);
      const parameter = name === "leaky_relu" ? slope ?? PARAMETERS.leaky_relu : 0;
      core.check(core.call.add_layer(sizes[layer + 1], code, parameter), options);
    });
    const code = core.code("cost", core.costs, cost);
    const parameter = costParameter ?? PARAMETERS[cost] ?? 0;
    const at = core.call.create(code, parameter, bias ? 1 : 0, seed);
    core.check(at === 0 ? 1 : 0, options);
    this.#core = core;
    this.#at = at;
    this.sizes = [...sizes];
    this.activationNames = [...activations];
    this.costName = cost;
  }

  /** Free the memory; the network is of no further use. */
  free() {
    if (this.#at !== 0) this.#core.call.destroy(this.#at);
    this.#at = 0;
  }

  /** Start again with the initial parameters of a seed; the data stays. */
  reset(seed = 0) {
    this.#run("reset", [seed], {seed});
  }

  /**
   * Parameters as in Python: weights (n_in, n_out) of the first layer, its biases, and so on.
   * The view can be written to; ask again after other calls, which may move the memory.
   * @returns {Float32Array}
   */
  get parameters() {
    return this.#floats("parameters", this.#call("n_parameters"));
  }

  /** Copies of the slots of the rules, each like `parameters`; those not in use are 0. */
  get slots() {
    const n = this.#call("n_parameters"), all = this.#call("slots");
    return [0, 1, 2].map((slot) => this.#core.floats(all + 4 * n * slot, n).slice());
  }

  /** Numbers of updates, of finished epochs, and of rows seen in the current one. */
  get progress() {
    return {
      updates: this.#call("n_updates"),
      epochs: this.#call("n_epochs"),
      rows: this.#call("position"),
    };
  }

  /**
   * Learn from these rows from now on; the order of rows starts again.
   * @param {number[][]|Float32Array} X training rows, flat or as an array of rows
   * @param {number[][]|Float32Array} y targets, a number for each output
   * @param {number[][]|Float32Array} [testX] rows for `cost({set: "test"})`
   * @param {number[][]|Float32Array} [testY]
   */
  setData(X, y, testX = [], testY = []) {
    const [n, nTest] = [this.#count(X), this.#count(testX)];
    const rows = [...flat(X), ...flat(testX)], targets = [...flat(y), ...flat(testY)];
    if (flat(y).length !== n * this.sizes.at(-1)) this.#refuseTargets(n, flat(y).length);
    this.#give(rows, targets);
    this.#run("set_data", [n], {rows: n, testRows: nTest});
  }

  /**
   * Train for a number of steps (updates) or until a number of epochs has ended.
   *
   * The first call begins a fit as `Network.fit` does, and so does a call with another rule than
   * before. Other calls go on: 2 calls of 5 steps are 10 steps.
   *
   * @param {object} options
   * @param {number} [options.steps]
   * @param {number} [options.epochs]
   * @param {string} [options.rule] sgd, momentum, nesterov, adam, adamw, rmsprop or rprop; the
   *   coefficients learningRate, momentum, beta1, beta2 (rho of rmsprop), epsilon, weightDecay,
   *   grow, shrink, smallest, largest have the defaults of Python
   * @param {number} [options.batchSize]
   * @param {number} [options.l2] strengths of the penalties; `alpha` in Python
   * @param {number} [options.l1]
   * @param {number} [options.dropout] of all hidden layers
   * @param {number} [options.maxNorm] of a unit's incoming weights
   * @param {number} [options.clipNorm] of the gradient
   * @returns {{cost: number, penalty: number}} means over the rows, before each update
   */
  train(options) {
    const {
      steps, epochs, rule = "adam", batchSize = 32, l2 = 0, l1 = 0, dropout = 0,
      maxNorm = Infinity, clipNorm = Infinity, ...others
    } = options;
    refuseUnknown(Object.keys(others).filter((name) => !(name in DEFAULTS)));
    if ((steps === undefined) === (epochs === undefined)) {
      throw new PynnError(`give either steps or epochs; got ${shown(options)}`);
    }
    const of = {...DEFAULTS, ...DEFAULTS_OF[rule], ...defined(others)};
    const code = this.#core.code("rule", this.#core.rules, rule);
    const coefficients = Object.keys(DEFAULTS).map((name) => of[name]);
    this.#run("set_rule", [code, ...coefficients], options);
    this.#run("set_regularisation", [l2, l1, dropout, maxNorm, clipNorm], options);
    const byEpoch = epochs === undefined ? 0 : 1;
    this.#run("train", [byEpoch ? epochs : steps, byEpoch, batchSize], options);
    return this.#figures();
  }

  /** @returns {Float32Array} outputs of these rows, (n, n_out) */
  predict(X) {
    const n = this.#give(flat(X));
    this.#run("predict", [], {rows: n});
    return this.#found(0, n * this.sizes.at(-1));
  }

  /** @returns {Float32Array[]} activations of these rows, (n, units) for each layer */
  activations(X) {
    const n = this.#give(flat(X));
    this.#run("activate", [], {rows: n});
    return this.#byLayer(0, n);
  }

  /**
   * All numbers of the forward and backward pass of each row, for its own cost, by the names of
   * `pynn.inspection.tracing.Trace`.
   * @returns {{z: Float32Array[], a: Float32Array[], sensitivities: Float32Array[],
   *   deltas: Float32Array[], inputSensitivities: Float32Array, costs: Float64Array}}
   *   for each layer, (n, units): weighted sums, activations, dC/da, dC/dz; then dC/dx, and the cost
   *   of each row
   */
  trace(X, y) {
    const n = this.#give(flat(X), flat(y));
    this.#run("trace", [], {rows: n});
    const units = n * this.sizes.slice(1).reduce((sum, size) => sum + size, 0);
    const [z, a, sensitivities, deltas] = [0, 1, 2, 3].map(
      (i) => this.#byLayer(2 * n + i * units, n));
    const inputSensitivities = this.#found(2 * n + 4 * units, n * this.sizes[0]);
    const costs = new Float64Array(this.#found(0, 2 * n).buffer);
    return {z, a, sensitivities, deltas, inputSensitivities, costs};
  }

  /**
   * The mean cost of rows, and the penalty of the strengths of the last training call.
   * @param {object} [of] rows X with targets y, or a set: "training" or "test"
   * @returns {{cost: number, penalty: number}}
   */
  cost({X, y, set = X === undefined ? "training" : "given"} = {}) {
    return this.#costOf(X, y, set, 0);
  }

  /**
   * As `cost`, with the gradient of both, which is like `parameters`.
   * @returns {{cost: number, penalty: number, gradient: Float32Array}}
   */
  gradient({X, y, set = X === undefined ? "training" : "given"} = {}) {
    const figures = this.#costOf(X, y, set, 1);
    return {...figures, gradient: this.#floats("gradient", this.#call("n_parameters")).slice()};
  }

  #costOf(X, y, set, withGradient) {
    if (X !== undefined) this.#give(flat(X), flat(y));
    this.#run("cost", [SETS[set] ?? -1, withGradient], {set});
    return this.#figures();
  }

  #figures() {
    return {cost: this.#call("mean_cost"), penalty: this.#call("penalty")};
  }

  #call(name, ...given) {
    if (this.#at === 0) throw new PynnError("the network was freed");
    return this.#core.call[name](this.#at, ...given);
  }

  #run(name, numbers, given) {
    for (const number of numbers) {
      if (typeof number !== "number") throw new PynnError(`numbers expected; got ${shown(given)}`);
    }
    this.#core.check(this.#call(name, ...numbers), given);
  }

  #floats(name, n) {
    return this.#core.floats(this.#call(name), n);
  }

  /** A copy of n results from a place on. */
  #found(first, n) {
    return this.#core.floats(this.#call("found") + 4 * first, n).slice();
  }

  #byLayer(first, n) {
    return this.sizes.slice(1).map((size) => {
      first += n * size;
      return this.#found(first - n * size, n * size);
    });
  }

  #count(X) {
    const n = flat(X).length / this.sizes[0];
    if (!Number.isInteger(n)) {
      throw new PynnError(`rows of ${this.sizes[0]} numbers expected; got ${flat(X).length} numbers`);
    }
    return n;
  }

  /** Write rows, and their targets if there are any, into the core; return the number of rows. */
  #give(rows, targets) {
    const n = this.#count(rows), nOut = this.sizes.at(-1);
    if (targets !== undefined && targets.length !== n * nOut) this.#refuseTargets(n, targets.length);
    const at = this.#call("rows", n);
    this.#core.check(at === 0 ? 1 : 0, {rows: n});
    this.#core.floats(at, rows.length).set(rows);
    if (targets !== undefined) this.#core.floats(at + 4 * rows.length, targets.length).set(targets);
    return n;
  }

  #refuseTargets(n, got) {
    throw new PynnError(`y of ${n} rows with ${this.sizes.at(-1)} numbers expected; got ${got} numbers`);
  }
}

/** Rows as one list of numbers. */
function flat(rows) {
  if (ArrayBuffer.isView(rows)) return rows;
  if (!Array.isArray(rows)) throw new PynnError(`an array of rows expected; got ${rows}`);
  const numbers = rows.flatMap((row) => (ArrayBuffer.isView(row) ? [...row] : row));
  const other = numbers.find((number) => typeof number !== "number");
  if (other !== undefined) throw new PynnError(`rows of numbers expected; got ${other}`);
  return numbers;
}

function refuseUnknown(names) {
  if (names.length > 0) throw new PynnError(`there is no option ${names.join(", ")}`);
}

/** The options that are given. */
function defined(options) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Options as text, for messages. */
function shown(options) {
  return Object.entries(options).map(([name, value]) => `${name}: ${value}`).join(", ");
}
