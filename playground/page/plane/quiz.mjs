/** Questions for the numbers of a walk, one after the other; what comes after one is hidden. */
import {find} from "../common/dom.mjs";
import {nameOf} from "./naming.mjs";
import {numberText} from "./writing.mjs";

export class Quiz {
  isOn = false;
  #answers = []; // {piece, part} in their order
  #order = new Map(); // the number of answers before each line and piece
  #next = 0; // the answer that is asked
  #judged = new Map(); // by the index of an answer: "right" or "wrong"
  #write;

  /**
   * @param {() => void} write writes the walk again
   * @param {() => void} end ends the questions
   */
  constructor(write, end) {
    this.#write = write;
    find("quiz").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#check(find("quiz-answer").value);
    });
    find("quiz-show").addEventListener("click", () => this.#check(null));
    find("quiz-end").addEventListener("click", end);
  }

  /** The piece that is asked for, if any. */
  get asked() {
    return this.isOn ? this.#answers[this.#next]?.piece : undefined;
  }

  /** Start again, as the numbers are others. */
  forget() {
    this.#next = 0;
    this.#judged.clear();
    find("quiz-result").textContent = "";
  }

  /** Ask, or do not, about these parts of a walk. */
  set(isOn, parts) {
    if (isOn && !this.isOn) this.forget();
    this.isOn = isOn;
    this.#answers = [];
    this.#order = new Map();
    parts.forEach((part, i) => part.lines.forEach((line) => {
      this.#order.set(line, this.#answers.length);
      for (const piece of line.pieces.filter((one) => typeof one !== "string")) {
        this.#order.set(piece, this.#answers.length);
        if (piece.isAnswer) this.#answers.push({piece, part: i});
      }
    }));
    this.#ask();
  }

  /** Whether a line or piece comes after what is asked. */
  hides(item) {
    return this.isOn && this.#order.get(item) > this.#next;
  }

  /** @returns {"right" | "wrong" | undefined} how a piece was answered */
  judgementOf(piece) {
    if (!this.isOn || !piece.isAnswer) return undefined;
    return this.#judged.get(this.#order.get(piece));
  }

  /** Go on with the first question of a part. */
  goToPart(index) {
    const found = this.#answers.findIndex(({part}) => part >= index);
    this.#next = found < 0 ? this.#answers.length : found;
    this.#write();
  }

  #ask() {
    const {asked} = this;
    find("quiz").hidden = !this.isOn;
    find("quiz").classList.toggle("done", this.isOn && !asked);
    find("quiz-question").textContent = asked
      ? `What is ${nameOf(asked.is, asked.at)}?` : "That was the last number.";
  }

  /** Judge a text; null shows the number. */
  #check(text) {
    const {asked} = this;
    if (!asked) return;
    const typed = text === null ? NaN : numberFrom(text);
    if (text !== null && Number.isNaN(typed)) {
      find("quiz-result").textContent = "Type a number such as −0.25 or 3e-5.";
      return;
    }
    const isRight = isNear(typed, asked.x);
    if (text !== null) this.#judged.set(this.#next, isRight ? "right" : "wrong");
    const verdict = text === null ? "It is" : isRight ? "Right:" : `Not ${text.trim()}:`;
    find("quiz-result").textContent = `${verdict} ${asked.is} = ${asked.text}. ${this.#score()}`;
    find("quiz-answer").value = "";
    this.#next++;
    this.#write();
  }

  #score() {
    const all = [...this.#judged.values()], right = all.filter((one) => one === "right");
    return all.length ? `${right.length} of ${all.length} right.` : "";
  }
}

/** A number as it is typed, with any minus sign and a decimal comma or point. */
export function numberFrom(text) {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  return plain === "" ? NaN : Number(plain);
}

/** Whether a number is right to two digits, or to 1 %. */
export function isNear(typed, x) {
  return numberText(typed, 2) === numberText(x, 2) || Math.abs(typed - x) <= 0.01 * Math.abs(x);
}
