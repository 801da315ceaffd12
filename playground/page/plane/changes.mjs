/**
 * What was changed while a network was training: settings of training, and weights and biases.
 *
 * A change is {step, part}: after this number of steps, `part` has new values of some of SETTINGS,
 * or is {weight, value} with the place of a parameter and its new value. Where settings change, the
 * first change, of step 0, holds what they were at the start; those of the state are the last.
 */

/** Settings of training, which can change while it goes on. */
export const SETTINGS = ["rule", "learningRate", "batchSize", "l2", "l1", "dropout"];
/** A link holds no more changes than this. */
export const MOST_CHANGES = 200;
/** Weights and biases are edited within ± this. */
export const LARGEST_WEIGHT = 1000;

/** @returns {object} the settings of training of a state */
export function settingsOf(state) {
  return Object.fromEntries(SETTINGS.map((name) => [name, state[name]]));
}

/** The changes of one network in the order of their steps; some may still be due. */
export class Changes {
  #made = [];
  #due;

  /** @param {object[]} due changes that will be made again */
  constructor(due) {
    this.#due = due;
  }

  /** All of them. */
  get all() { return [...this.#made, ...this.#due]; }

  /** The step of the next one that is due. */
  get next() { return this.#due[0]?.step ?? Infinity; }

  /** Note that the next one is made, and return its part. */
  make() {
    const change = this.#due[0];
    this.#made = [...this.#made, change];
    this.#due = this.#due.slice(1);
    return change.part;
  }

  /** Forget those that are due. */
  stop() { this.#due = []; }

  /** Note that settings change from `before` to `after`; those not yet made are forgotten. */
  addSettings(step, before, after) {
    this.stop();
    const isOfSettings = ({part}) => !("weight" in part);
    if (step === 0) { // the network starts with them
      this.#made = this.#made.filter((change) => !isOfSettings(change));
      return;
    }
    const names = SETTINGS.filter((name) => before[name] !== after[name]);
    if (names.length === 0) return;
    const known = Object.assign({}, ...this.#made.filter(isOfSettings).map(({part}) => part));
    for (const name of names) if (!(name in known)) this.#addStart({[name]: before[name]});
    const part = Object.fromEntries(names.map((name) => [name, after[name]]));
    const last = this.#made.at(-1);
    const merges = last.step === step && isOfSettings(last);
    this.#made = merges
      ? [...this.#made.slice(0, -1), {step, part: {...last.part, ...part}}]
      : [...this.#made, {step, part}];
  }

  #addStart(part) {
    const [first, ...others] = this.#made;
    if (first?.step === 0 && !("weight" in first.part)) {
      this.#made = [{step: 0, part: {...first.part, ...part}}, ...others];
    } else {
      this.#made = [{step: 0, part}, ...this.#made];
    }
  }

  /** Note that a weight or bias is edited; those not yet made are forgotten. */
  addWeight(step, weight, value) {
    this.stop();
    const isReplaced = (change) => change.step === step && change.part.weight === weight;
    const others = this.#made.filter((change) => !isReplaced(change));
    this.#made = [...others, {step, part: {weight, value}}];
  }
}

/** Changes as text: step*name*value for a setting, step*place*value for a weight. */
export function changesToText(changes) {
  return changes.flatMap(({step, part}) => ("weight" in part
    ? `${step}*${part.weight}*${part.value}`
    : Object.entries(part).map(([name, value]) => `${step}*${name}*${value}`))).join("_");
}

/**
 * Read changes.
 *
 * @param {string} text as changesToText writes it
 * @param {(name: string, text: string) => any} valueOf the value of a setting, or undefined
 * @returns {object[] | undefined}
 */
export function changesFromText(text, valueOf) {
  if (text === "") return [];
  const changes = text.split("_", MOST_CHANGES + 1).map((entry) => changeOf(entry, valueOf));
  const isGood = changes.length <= MOST_CHANGES && changes.every(
    (change, i) => change && (i === 0 || changes[i - 1].step <= change.step));
  return isGood ? changes : undefined;
}

function changeOf(entry, valueOf) {
  const [step, name, text, ...rest] = entry.split("*");
  if (!/^\d{1,7}$/.test(step) || text === undefined || rest.length > 0) return undefined;
  if (/^\d{1,5}$/.test(name)) {
    const value = /^-?\d[\d.]{0,20}(e-\d{1,2})?$/.test(text) ? Number(text) : NaN;
    const isGood = Math.abs(value) <= LARGEST_WEIGHT;
    return isGood ? {step: Number(step), part: {weight: Number(name), value}} : undefined;
  }
  const value = SETTINGS.includes(name) ? valueOf(name, text) : undefined;
  return value === undefined ? undefined : {step: Number(step), part: {[name]: value}};
}
