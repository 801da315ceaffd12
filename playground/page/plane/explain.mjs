/** The panel "Explain this step": the numbers of one example, forward and back, term by term. */
import {element, find} from "../common/dom.mjs";
import {nameOf} from "./naming.mjs";
import {Quiz} from "./quiz.mjs";
import {labelOf, walkThrough} from "./walkthrough.mjs";
import {numberText} from "./writing.mjs";

const HINT = "Arrow keys go from number to number; the diagram shows where each one is.";
/** Numbers of a layer and terms of a sum that are written; the middle of more is left out. */
const LIMITS = [4, 8, 32];

export class Explain {
  #change;
  #point;
  #frame = null;
  #state = null;
  #shown = ""; // what the lines were made of, to write them once
  #terms = []; // {node, piece, line} in their order
  #at = -1; // the term that the keyboard is at
  #quiz;

  /**
   * @param {(part: object) => void} change asks for new values of parts of the state
   * @param {(place: object | undefined) => void} point is called with the place of the number that
   *   is looked at
   */
  constructor(change, point) {
    this.#change = change;
    this.#point = point;
    this.#quiz = new Quiz(() => this.#write(), () => this.#change({ask: "no"}));
    for (const limit of LIMITS) {
      find("explain-terms").add(new Option(limit === LIMITS.at(-1) ? "all" : limit, limit));
    }
    this.#prepareHead();
    this.#prepareText();
  }

  /** Show a frame of worker.mjs, whose trace is of the example, once training pauses. */
  draw(frame, state) {
    [this.#frame, this.#state] = [frame, state];
    const isOpen = state.explain > 0;
    const panel = find("explain"), opener = find("explain-open");
    if (panel.hidden === isOpen) this.#setOpen(isOpen);
    opener.ariaExpanded = String(isOpen);
    if (!isOpen || !frame.trace) return;
    panel.classList.toggle("stale", frame.isRunning);
    const n = frame.data.labels.length, {row} = frame.trace;
    if (state.explain > n) return void this.#change({explain: n});
    const set = row < frame.data.nTraining ? "training" : "test";
    find("explain-of").textContent = `of ${n.toLocaleString("en")} (${set})`;
    find("example").max = n;
    if (document.activeElement !== find("example")) find("example").value = row + 1;
    [find("example-before").disabled, find("example-after").disabled] = [row === 0, row === n - 1];
    find("explain-ask").checked = state.ask === "yes";
    if (!frame.isRunning) this.#writeOnce();
    else find("explain-note").textContent = "Training goes on. Pause to read the numbers of a step.";
  }

  #setOpen(isOpen) {
    find("explain").hidden = !isOpen;
    document.body.classList.toggle("explaining", isOpen);
    if (isOpen) {
      const {style} = find("diagram"), header = document.querySelector("header");
      style.scrollMarginTop = `${header.offsetHeight + 8}px`; // the header stays at the top
      find("diagram").scrollIntoView({block: "start"});
    }
    else this.#point(undefined);
  }

  #prepareHead() {
    const go = (row) => {
      const n = this.#frame?.data.labels.length ?? 0;
      if (!(row >= 1 && row <= n)) return;
      this.#state = {...this.#state, explain: row}; // the next click may come before the next frame
      this.#change({explain: row});
    };
    const step = (by) => () => go(this.#state.explain + by);
    find("explain-open").addEventListener("click", () => {
      this.#change({explain: this.#state?.explain ? 0 : 1});
    });
    find("explain-close").addEventListener("click", () => {
      this.#change({explain: 0});
      find("explain-open").focus({preventScroll: true});
    });
    find("example-before").addEventListener("click", step(-1));
    find("example-after").addEventListener("click", step(1));
    find("example").addEventListener("input", () => go(find("example").valueAsNumber));
    find("explain-terms").addEventListener("change", () => this.#writeOnce());
    find("explain-ask").addEventListener("change", (event) => {
      this.#change({ask: event.target.checked ? "yes" : "no"});
    });
    find("explain-part").addEventListener("change", (event) => this.#goToPart(event.target.value));
  }

  #prepareText() {
    const text = find("explain-text");
    const termOf = (event) => this.#terms[event.target.dataset.term];
    text.addEventListener("pointerover", (event) => { if (termOf(event)) this.#look(termOf(event)); });
    text.addEventListener("pointerout", () => this.#look(this.#terms[this.#at]));
    text.addEventListener("click", (event) => {
      if (termOf(event)) this.#goTo(this.#terms.indexOf(termOf(event)));
    });
    text.addEventListener("keydown", (event) => {
      const next = this.#next(event.key);
      if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.#goTo(next);
    });
  }

  /** The term that a key leads to, -1 for none, undefined for other keys. */
  #next(key) {
    const last = this.#terms.length - 1, at = this.#at;
    const other = (by) => {
      const line = this.#terms[at]?.line;
      const found = this.#terms.findIndex((term) => term.line === (line ?? -1) + by);
      return found < 0 ? at : found;
    };
    switch (key) {
      case "ArrowRight": return Math.min(last, at + 1);
      case "ArrowLeft": return Math.max(0, at - 1);
      case "ArrowDown": return other(1);
      case "ArrowUp": return other(-1);
      case "Home": return 0;
      case "End": return last;
      case "Escape": return at < 0 ? undefined : -1;
      default: return undefined;
    }
  }

  #goTo(index) {
    this.#terms[this.#at]?.node.classList.remove("here");
    this.#at = index;
    const term = this.#terms[index];
    term?.node.classList.add("here");
    term?.node.scrollIntoView({block: "nearest", inline: "nearest"});
    this.#look(term);
  }

  /** Say what a number is, and show where. */
  #look(term) {
    const isAsked = term && term.piece === this.#quiz.asked;
    find("explain-term").textContent = !term ? HINT
      : `${nameOf(term.piece.is, term.piece.at)}: ${isAsked ? "?" : numberText(term.piece.x, 8)}`;
    this.#point(term?.piece.at);
  }

  #writeOnce() {
    const {trace, steps, parameters} = this.#frame;
    const made = JSON.stringify([trace.row, steps, this.#rate(), find("explain-terms").value,
      [...trace.x], [...trace.y], [...parameters]]);
    if (made === this.#shown && this.#quiz.isOn === (this.#state.ask === "yes")) return;
    if (made !== this.#shown) this.#quiz.forget();
    this.#shown = made;
    this.#write();
  }

  /** The learning rate, if gradient descent is what the rule does. */
  #rate() {
    const {rule, learningRate} = this.#frame.settings;
    return rule === "sgd" ? learningRate : null;
  }

  #write() {
    const limit = Number(find("explain-terms").value);
    const parts = walkThrough(this.#frame, this.#frame.trace,
      {maxNeurons: limit, maxTerms: limit, rate: this.#rate()});
    this.#quiz.set(this.#state.ask === "yes", parts);
    this.#showParts(parts);
    this.#terms = [];
    let line = 0;
    const nodes = parts.map((part, i) => this.#partNode(part, i, () => line++));
    find("explain-text").replaceChildren(...nodes.filter(Boolean));
    find("explain-note").textContent = noteOf(this.#frame.settings);
    this.#goTo(Math.min(this.#at, this.#terms.length - 1));
    if (this.#quiz.isOn) this.#goTo(this.#terms.findIndex(({piece}) => piece === this.#quiz.asked));
  }

  /** Name the parts in their chooser. */
  #showParts(parts) {
    const chooser = find("explain-part"), titles = parts.map(({title}) => title.split(",")[0]);
    const shown = Array.from(chooser.options, (option) => option.text);
    if (String(shown) === String(titles)) return;
    chooser.replaceChildren(...titles.map((title, i) => new Option(title, i)));
  }

  #goToPart(index) {
    if (this.#quiz.isOn) this.#quiz.goToPart(Number(index));
    const node = find("explain-text").querySelector(`[data-part="${index}"]`);
    if (!node) return;
    node.scrollIntoView({block: "start"});
    const first = node.querySelector("[data-term]")?.dataset.term;
    if (!this.#quiz.isOn && first !== undefined) this.#goTo(Number(first));
  }

  /** A part as it is shown, or null if it comes after what is asked. */
  #partNode(part, index, nextLine) {
    if (this.#quiz.hides(part.lines[0])) return null;
    const node = element("section", {className: "part"});
    node.dataset.part = index;
    const rules = part.rules.map((rule) => element("p", {className: "rule", textContent: rule}));
    const lines = element("div", {className: "lines"});
    for (const line of part.lines) {
      if (this.#quiz.hides(line)) break;
      lines.append(...this.#lineNodes(line, nextLine()));
    }
    node.append(element("h3", {textContent: part.title}), ...rules, lines);
    return node;
  }

  #lineNodes(line, number) {
    const text = element("span", {className: "text"});
    for (const piece of line.pieces) {
      text.append(typeof piece === "string" ? piece : this.#termNode(piece, number));
      if (piece === this.#quiz.asked) break;
    }
    return [element("span", {className: "label", textContent: labelOf(line)}), text];
  }

  #termNode(piece, line) {
    const isAsked = piece === this.#quiz.asked;
    const node = element("span", {className: "term", textContent: isAsked ? "?" : piece.text});
    if (piece.isAnswer) node.classList.add("answer");
    if (isAsked) node.classList.add("asked");
    const judged = this.#quiz.judgementOf(piece);
    if (judged) node.classList.add(judged);
    node.dataset.term = this.#terms.length;
    this.#terms.push({node, line, piece});
    return node;
  }
}

/** How the gradient of one example becomes a step. */
function noteOf({rule, batchSize, l2, l1, dropout}) {
  const batch = batchSize === 1 ? "A batch is one example"
    : `A batch takes the mean gradient of its ${batchSize} examples`;
  const step = rule === "sgd" ? `${batch}.` : `${batch}; the rule makes a step of it.`;
  const left = [dropout ? "dropout" : "", l2 || l1 ? "penalties" : ""].filter(Boolean);
  return left.length ? `${step} Without ${left.join(" and ")}.` : step;
}
