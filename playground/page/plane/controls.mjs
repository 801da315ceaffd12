/** The controls: they ask for changes of the state, and show it. */
import {freshContext, styleColour} from "../common/canvas.mjs";
import {colourOfLabel, PALETTES} from "../common/colours.mjs";
import {DATA_SETS, makeData, REACH} from "./data.mjs";
import {element, find} from "../common/dom.mjs";
import {FEATURES} from "./features.mjs";
import {ACTIVATIONS, FIELDS, MOST_LAYERS, MOST_UNITS} from "./state.mjs";

const WORDS = {
  cross_entropy: "cross-entropy", squared_error: "squared error",
  sgd: "SGD", momentum: "SGD, momentum", nesterov: "SGD, Nesterov", adam: "Adam",
  adamw: "AdamW", rmsprop: "RMSprop", rprop: "Rprop",
  leaky_relu: "leaky relu",
  ...Object.fromEntries(Object.entries(PALETTES).map(([name, {label}]) => [name, label])),
  slow: "10 steps/s", medium: "60 epochs/s", fast: "fastest",
};
const COST_TEXTS = {
  cross_entropy: "Cross-entropy of a point: −ln of the probability that the network gives to its class.",
  squared_error: "Squared error of a point: half of (output − target)², summed over the outputs.",
};
const NEW_LAYER = {units: 4, activation: "tanh"};

export class Controls {
  #change;
  #state;
  #shownLayers; // as JSON

  /** @param {(part: object, merge?: string) => void} change asks for new values of parts of the
   *   state; changes with the same `merge`, one after the other, are undone together */
  constructor(change) {
    this.#change = change;
    for (const field of document.querySelectorAll("[data-field]")) this.#prepare(field);
    this.#prepareDataSets();
    this.#prepareFeatures();
    for (const [id, name] of [["new-points", "dataSeed"], ["new-weights", "seed"]]) {
      find(id).addEventListener("click", () => change({[name]: next(this.#state[name])}));
    }
    find("show-test").addEventListener("change", (event) => {
      change({showTest: event.target.checked ? "yes" : "no"});
    });
    find("add-layer").addEventListener("click", () => {
      const {layers} = this.#state;
      change({layers: [...layers, {...(layers.at(-1) ?? NEW_LAYER)}]});
    });
  }

  /** Show a state, of whose data outlineOf knows the classes. */
  show(state, {classes}) {
    this.#state = state;
    for (const field of document.querySelectorAll("[data-field]")) {
      const value = state[field.dataset.field];
      const text = value === 0 && field.placeholder ? "" : value; // which shows what 0 means
      if (document.activeElement !== field || Number(field.value) !== value) field.value = text;
      const output = field.closest("label").querySelector("output");
      if (output) output.textContent = `${value} %`;
    }
    const cost = document.querySelector("[data-field=cost]");
    cost.disabled = classes === 0; // regression has one cost
    if (classes === 0) cost.value = "squared_error";
    find("cost-is").textContent = `${COST_TEXTS[cost.value]} The cost is the mean.`;
    for (const input of document.querySelectorAll("[name=data]")) {
      input.checked = input.value === state.data;
    }
    for (const input of find("features").querySelectorAll("input")) {
      input.checked = state.features.includes(input.value);
      input.disabled = input.checked && state.features.length === 1; // one must stay
    }
    this.#showOwnData(state.data);
    const isDrawn = state.data === "drawn"; // all points are shown, so that each can be erased
    find("show-test").checked = isDrawn || state.showTest === "yes";
    find("show-test").disabled = isDrawn;
    find("add-layer").disabled = state.layers.length === MOST_LAYERS;
    this.#showLayers(state.layers);
  }

  /** Own data has no noise, and its seed only chooses the test points. */
  #showOwnData(data) {
    const isOwn = !Object.hasOwn(DATA_SETS, data);
    find("noise").hidden = isOwn;
    find("new-points").textContent = isOwn ? "New split" : "New points";
    find("new-points").title = isOwn ? "Other points are for tests" : "";
  }

  /** Draw the pictures of the data sets. */
  drawDataSets() {
    for (const canvas of document.querySelectorAll("#data-sets canvas")) drawThumbnail(canvas);
  }

  #prepare(field) {
    const name = field.dataset.field, {choices, least, most} = FIELDS[name];
    if (choices) {
      for (const choice of choices) {
        const isNever = name === "stopCost" && choice === 0;
        field.add(new Option(isNever ? "never" : WORDS[choice] ?? String(choice), choice));
      }
      field.addEventListener("change", () => {
        this.#change({[name]: choices.find((choice) => String(choice) === field.value)});
      });
      return;
    }
    [field.min, field.max] = [least, most];
    field.addEventListener("input", () => {
      const number = field.value === "" && field.placeholder ? 0 : field.valueAsNumber;
      const isGood = Number.isInteger(number) && number >= least && number <= most;
      if (isGood) this.#change({[name]: number}, name);
    });
    field.addEventListener("change", () => {
      field.value = this.#state[name] || !field.placeholder ? this.#state[name] : "";
    });
  }

  #prepareDataSets() {
    const own = {drawn: {label: "Draw"}, table: {label: "Table"}};
    for (const [name, {label}] of Object.entries({...DATA_SETS, ...own})) {
      const input = element("input", {type: "radio", name: "data", value: name});
      const canvas = element("canvas", {ariaHidden: "true"});
      canvas.dataset.name = name;
      input.addEventListener("change", () => this.#change({data: name}));
      const choice = element("label", {className: "choice", title: label});
      choice.append(input, canvas, element("span", {textContent: label}));
      find("data-sets").append(choice);
    }
  }

  #prepareFeatures() {
    for (const [name, {label}] of Object.entries(FEATURES)) {
      const input = element("input", {type: "checkbox", value: name});
      input.addEventListener("change", () => {
        const before = this.#state.features;
        const wanted = (other) => (other === name ? input.checked : before.includes(other));
        this.#change({features: Object.keys(FEATURES).filter(wanted)});
      });
      const choice = element("label", {className: "check"});
      choice.append(input, ` ${label}`);
      find("features").append(choice);
    }
  }

  /** Show the layers; where their number stays, the elements do, and so does the focus. */
  #showLayers(layers) {
    const shown = JSON.stringify(layers);
    if (shown === this.#shownLayers) return;
    this.#shownLayers = shown;
    const place = find("layers");
    while (place.children.length > layers.length) place.lastChild.remove();
    while (place.children.length < layers.length) {
      place.append(this.#layerControls(place.children.length));
    }
    layers.forEach(({units, activation}, index) => {
      const group = place.children[index];
      const [remove, fewer, more] = group.querySelectorAll("button");
      group.querySelector("output").textContent = units;
      group.querySelector("select").value = activation;
      [remove.disabled, fewer.disabled, more.disabled] = [false, units === 1, units === MOST_UNITS];
    });
    place.classList.toggle("empty", layers.length === 0);
  }

  #layerControls(index) {
    const name = `Layer ${index + 1}`;
    const group = element("div", {className: "layer", role: "group", ariaLabel: name});
    const button = (text, label, doIt) => {
      const found = element("button", {type: "button", textContent: text, title: label});
      found.ariaLabel = label;
      found.addEventListener("click", doIt);
      return found;
    };
    const update = (part) => this.#change({
      layers: this.#state.layers.map(
        (layer, i) => (i === index ? {...layer, ...part(layer)} : layer)),
    });
    const select = element("select", {ariaLabel: `${name}: activation`});
    for (const choice of ACTIVATIONS) select.add(new Option(WORDS[choice] ?? choice, choice));
    select.addEventListener("change", () => update(() => ({activation: select.value})));
    const head = element("div", {className: "layer-head"});
    head.append(name, button("×", `${name}: remove`, () => {
      this.#change({layers: this.#state.layers.filter((_, i) => i !== index)});
    }));
    const units = element("div", {className: "units"});
    units.append(
      button("−", `${name}: remove a neuron`, () => update((layer) => ({units: layer.units - 1}))),
      element("output", {ariaLabel: `${name}: neurons`}),
      button("+", `${name}: add a neuron`, () => update((layer) => ({units: layer.units + 1}))));
    group.append(head, units, select);
    return group;
  }
}

/** Dots in a box, as of a pen, or rows and columns. */
const OWN_PICTURES = {
  drawn(context, width) {
    const unit = width / 14;
    [[3, 9], [4.5, 6.5], [6.5, 5], [9, 5], [11, 6.5]].forEach(([x, y], i) => {
      context.fillStyle = colourOfLabel(i > 2 ? 1 : 0, 2);
      context.beginPath();
      context.arc(x * unit, y * unit, 0.9 * unit, 0, 2 * Math.PI);
      context.fill();
    });
  },
  table(context, width) {
    const unit = width / 14;
    context.strokeStyle = context.fillStyle = styleColour("frame");
    context.lineWidth = 1;
    context.fillRect(2 * unit, 3 * unit, 10 * unit, 2 * unit);
    for (const row of [3, 5, 7, 9]) context.strokeRect(2 * unit, row * unit, 10 * unit, 2 * unit);
    context.strokeRect(5.3 * unit, 3 * unit, 3.3 * unit, 8 * unit);
  },
};

function drawThumbnail(canvas) {
  const {context, width} = freshContext(canvas), own = OWN_PICTURES[canvas.dataset.name];
  if (own) return own(context, width);
  const settings = {data: canvas.dataset.name, noise: 5, share: 50, dataSeed: 3};
  const {classes, points, labels} = makeData(settings);
  const at = (coordinate) => ((coordinate / REACH + 1) / 2) * width;
  for (let i = 0; i < labels.length / 2; i++) {
    context.fillStyle = colourOfLabel(labels[i], classes);
    context.fillRect(at(points[2 * i]) - 1, at(-points[2 * i + 1]) - 1, 2, 2);
  }
}

function next(seed) {
  return seed === FIELDS.seed.most ? 0 : seed + 1;
}
