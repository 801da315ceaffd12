/** Tables of the user: pasted, dropped or opened; and the choices of their columns. */
import {element, find} from "../common/dom.mjs";
import {notify} from "../common/notice.mjs";
import {
  choicesText, defaultChoices, NONE, suit, tasksOf, usedColumns, widthOf,
} from "./choices.mjs";
import {checkSize, TableError} from "./csv.mjs";
import {REACH} from "./data.mjs";
import {MOST_SHOWN} from "./surface.mjs";
import {MOST_INPUTS, targetsIn} from "./table.mjs";
import {countBeyond, tableAndChoices} from "./table_samples.mjs";
import {addTable, isInLink, MOST_IN_LINK} from "./tables.mjs";

export class OwnTable {
  #change;
  #table;
  #choices;
  #shown = null; // the part of the state that the panel shows

  /** @param {(part: object) => void} change as for the class Controls */
  constructor(change) {
    this.#change = change;
    find("open-file").addEventListener("click", () => find("file").click());
    find("file").addEventListener("change", ({target}) => {
      this.#readFile(target.files[0]);
      target.value = ""; // so that the same file can be opened again
    });
    find("paste").addEventListener("change", ({target}) => {
      this.#read(target.value, "Pasted table");
      target.value = "";
    });
    this.#listenToPage();
    this.#listenToChoices();
  }

  /** Show a state. */
  show(state) {
    const isOn = state.data === "table";
    find("own-table").hidden = !isOn;
    find("columns").hidden = true;
    find("features").hidden = false;
    if (!isOn) return;
    const {table, choices} = tableAndChoices(state);
    [this.#table, this.#choices] = [table, choices];
    find("columns").hidden = choices.use !== "all";
    find("features").hidden = choices.use === "all";
    const shown = JSON.stringify([state.table, choices]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    find("table-name").textContent = table.name;
    find("table-size").textContent
      = `${table.n.toLocaleString("en")} rows, ${table.columns.length} columns`;
    this.#showChoices();
    this.#showColumns();
    const notes = this.#notes(state).map((textContent) => element("li", {textContent}));
    find("table-notes").replaceChildren(...notes);
  }

  #listenToPage() {
    const isMeant = () => document.body.dataset.room === "plane";
    document.addEventListener("paste", (event) => {
      const other = event.target.closest?.("input, textarea, [contenteditable]");
      if (!isMeant() || (other && other !== find("paste"))) return;
      event.preventDefault();
      this.#take(event.clipboardData, "Pasted table");
    });
    document.addEventListener("dragover", (event) => {
      if (!isMeant()) return;
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) document.body.classList.remove("dropping");
    });
    document.addEventListener("drop", (event) => {
      document.body.classList.remove("dropping");
      if (!isMeant()) return;
      event.preventDefault();
      this.#take(event.dataTransfer, "Dropped table");
    });
  }

  /** Take what was pasted or dropped: a file, or a text. */
  #take(transfer, name) {
    if (transfer.files.length > 0) return void this.#readFile(transfer.files[0]);
    this.#read(transfer.getData("text/plain"), name);
  }

  async #readFile(file) {
    if (!file) return;
    try {
      checkSize(file.size);
      this.#read(await file.text(), file.name);
    } catch (error) {
      const {message} = error;
      notify(error instanceof TableError ? message : `The file cannot be read: ${message}`);
    }
  }

  #read(text, name) {
    if (text === "") return;
    try {
      this.#change({data: "table", table: addTable(text, name), choices: ""});
    } catch (error) {
      if (!(error instanceof TableError)) throw error;
      notify(error.message);
    }
  }

  #listenToChoices() {
    const on = (id, part) => find(id).addEventListener("change", ({target}) => {
      this.#choose(part(target));
    });
    const place = (target) => Number(target.value);
    on("target", (target) => ({
      ...defaultChoices(this.#table, place(target)), scale: this.#choices.scale,
    }));
    on("task", (target) => ({task: target.value}));
    on("use", (target) => ({use: target.value}));
    on("scale-columns", (target) => ({scale: target.checked ? "yes" : "no"}));
    for (const [axis, other] of [["x", "y"], ["y", "x"]]) {
      on(`${axis}-column`, (target) => {
        const column = place(target), taken = column !== NONE && column === this.#choices[other];
        return {[axis]: column, ...(taken && {[other]: this.#choices[axis]})};
      });
    }
  }

  /** Ask for other choices, unless they do not suit the table. */
  #choose(part) {
    const choices = {...this.#choices, ...part};
    if (suit(choices, this.#table)) return this.#change({choices: choicesText(choices)});
    const width = widthOf(this.#table, usedColumns(choices));
    notify(width === 0 ? "A network needs an input: tick a column."
      : `These columns are ${width} inputs; a network here has at most ${MOST_INPUTS}.`);
    this.#showChoices();
    this.#showColumns();
  }

  #showChoices() {
    const {columns} = this.#table, {target, task, x, y, use, scale} = this.#choices;
    const named = (places) => places.map((c) => [c, columns[c].name]);
    fill(find("target"), named(targetsIn(this.#table)), target);
    fill(find("task"), tasksOf(columns[target]).map((name) => [name, name]), task);
    const others = [...columns.keys()].filter((c) => c !== target);
    const numbers = others.filter((c) => columns[c].kind === "numbers");
    for (const [axis, chosen] of Object.entries({x, y})) {
      fill(find(`${axis}-column`), [...named(numbers), [NONE, "nothing"]], chosen);
    }
    find("use").value = use;
    find("scale-columns").checked = scale === "yes";
  }

  #showColumns() {
    const {columns} = this.#table, {target, x, y, columns: ticked} = this.#choices;
    const focused = document.activeElement?.dataset.column;
    const boxes = [...columns.keys()].filter((c) => c !== target).map((c) => {
      const isAxis = c === x || c === y;
      const input = element("input", {
        type: "checkbox", checked: isAxis || ticked.includes(c), disabled: isAxis,
      });
      input.dataset.column = c;
      input.addEventListener("change", () => {
        const others = ticked.filter((other) => other !== c);
        const chosen = input.checked ? [...others, c].sort((a, b) => a - b) : others;
        this.#choose({columns: chosen});
      });
      const width = widthOf(this.#table, [c]), {name} = columns[c];
      const label = element("label", {className: "check", title: name});
      const count = width > 1 ? ` (${width})` : "";
      label.append(input, element("span", {textContent: name + count}));
      return label;
    });
    find("column-list").replaceChildren(...boxes);
    find("column-list").querySelector(`[data-column="${focused}"]`)?.focus();
    const width = widthOf(this.#table, usedColumns(this.#choices));
    find("input-count").textContent = `${width} of at most ${MOST_INPUTS} inputs`;
  }

  /** @returns {string[]} what was done to the table, and what a link leaves out */
  #notes(state) {
    const {n, columns, notes} = this.#table, {target, task, x, y, use, scale} = this.#choices;
    const used = use === "two" ? [x, y].filter((c) => c !== NONE) : usedColumns(this.#choices);
    const isMissing = (kind) => used.some(
      (c) => columns[c].kind === kind && columns[c].nMissing > 0);
    const nLost = columns[target].nMissing, nBeyond = countBeyond(state, REACH);
    const count = (number) => number.toLocaleString("en");
    return [
      [!isInLink(state.table), "The link does not hold this table: packed, it has more than "
        + `${count(MOST_IN_LINK)} characters.`],
      ...notes.map((note) => [true, note]),
      [task === "numbers" && scale === "yes", "The target is scaled to −1 to 1."],
      [nLost > 0, `Rows without a target are left out: ${count(nLost)}.`],
      [isMissing("numbers"), "Missing numbers are the mean of their column."],
      [isMissing("words"), "Where a word is missing, its inputs are all 0."],
      [use === "all" && used.some((c) => c !== x && c !== y),
        "On the plane, inputs that it does not show are at their means."],
      [nBeyond > 0, `Points beyond the plane are at its edge: ${count(nBeyond)}.`],
      [n > MOST_SHOWN, `The plane shows the first ${count(MOST_SHOWN)} training and test points.`],
    ].filter(([isTrue]) => isTrue).map(([, text]) => text);
  }
}

/** Give a select these choices, [value, text] each. */
function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  select.value = chosen;
}
