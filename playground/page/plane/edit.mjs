/** The row under the diagram, where a weight or a bias is edited. */
import {element, find} from "../common/dom.mjs";
import {notify} from "../common/notice.mjs";
import {LARGEST_WEIGHT} from "./changes.mjs";
import {biasPlace, weightPlace} from "./places.mjs";

const NOTHING = "Click a link or a neuron to edit it";

export class Edit {
  #which = find("edit-which");
  #value = find("edit-value");
  #diagram;
  #shown = ""; // what the list is for, as JSON

  /**
   * @param {Diagram} diagram
   * @param {(place: number, value: number) => void} change asks for a new value of a parameter
   * @param {() => void} redraw is called where another number is chosen
   */
  constructor(diagram, change, redraw) {
    this.#diagram = diagram;
    this.#which.addEventListener("change", () => {
      const {layer, unit} = diagram.pinned, {from} = this.#which.selectedOptions[0].dataset;
      diagram.pinned = from === undefined ? {layer, unit} : {layer, unit, from: Number(from)};
      redraw();
    });
    [this.#value.min, this.#value.max] = [-LARGEST_WEIGHT, LARGEST_WEIGHT];
    this.#value.addEventListener("change", () => {
      const number = this.#value.valueAsNumber;
      if (Math.abs(number) <= LARGEST_WEIGHT) {
        change(Number(this.#which.value), Number(number.toPrecision(7)));
      } else {
        notify(`A weight or bias is a number from −${LARGEST_WEIGHT} to ${LARGEST_WEIGHT}; got `
          + (Number.isNaN(number) ? "none" : number));
        this.#shown = "";
        redraw();
      }
    });
    for (const field of [this.#which, this.#value]) {
      field.addEventListener("keydown", (event) => {
        if (event.key === "Escape") find("diagram").focus();
      });
    }
  }

  focus() {
    this.#value.focus();
    this.#value.select();
  }

  /** Show the number that is chosen in the diagram. */
  show({sizes, parameters}) {
    const {pinned} = this.#diagram, canEdit = pinned !== null && pinned.layer > 0;
    [this.#which.disabled, this.#value.disabled] = [!canEdit, !canEdit];
    const shown = JSON.stringify([canEdit && pinned, sizes]);
    if (shown !== this.#shown) this.#list(canEdit ? pinned : null, sizes);
    const isNew = shown !== this.#shown;
    this.#shown = shown;
    if (!canEdit) this.#value.value = "";
    else if (isNew || document.activeElement !== this.#value) {
      this.#value.value = Number(parameters[this.#which.value].toPrecision(4));
    }
  }

  /** List the numbers of the neuron that is chosen, or that a chosen link leads to. */
  #list(place, sizes) {
    if (place === null) return void this.#which.replaceChildren(new Option(NOTHING));
    const {layer, unit} = place, to = this.#diagram.nameOf(layer, unit);
    const bias = new Option(`Bias of ${to}`, biasPlace(sizes, place));
    const weights = Array.from({length: sizes[layer - 1]}, (_, from) => {
      const option = element("option", {value: weightPlace(sizes, {layer, unit, from})});
      option.textContent = `Weight from ${this.#diagram.nameOf(layer - 1, from)}`;
      option.dataset.from = from;
      return option;
    });
    this.#which.replaceChildren(bias, ...weights);
    this.#which.ariaLabel = `Bias or weight of ${to}`;
    this.#which.selectedIndex = place.from === undefined ? 0 : place.from + 1;
  }
}
