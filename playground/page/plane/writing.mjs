/**
 * Numbers and formulas as text, with the digits and signs of pynn/inspection/writing.py.
 *
 * Formulas are lists of pieces: text, or a term {text, at, is, isAnswer} with the place `at` of its
 * number in the network, and what it is; answers are the numbers that a line computes.
 */

/** @returns {string} a number with these significant digits and a true minus sign */
export function numberText(x, digits = 4) {
  if (Number.isNaN(x)) return "nan";
  const sign = x < 0 ? "−" : "";
  if (!Number.isFinite(x)) return `${sign}∞`;
  if (x === 0) return "0";
  const [mantissa, power] = toEven(Math.abs(x), digits).split("e");
  const all = mantissa.replace(".", ""), exponent = Number(power);
  if (exponent < -4 || exponent >= digits) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${stripped(`${all[0]}.${all.slice(1)}`)}e${exponent < 0 ? "−" : "+"}${size}`;
  }
  const point = Math.max(exponent, 0) + 1, padded = "0".repeat(Math.max(0, -exponent)) + all;
  return sign + stripped(`${padded.slice(0, point)}.${padded.slice(point)}`);
}

/** `toExponential`, but half a digit is rounded to the even one, as Python rounds. */
function toEven(x, digits) {
  const text = x.toExponential(digits - 1);
  const exact = x.toExponential(60).replace(".", ""); // more digits than two doubles share
  const isHalf = /^50*e/.test(exact.slice(digits));
  if (!isHalf || Number(exact[digits - 1]) % 2 !== 0) return text;
  return `${exact[0]}.${exact.slice(1, digits)}e${exact.split("e")[1]}`;
}

function stripped(text) {
  return text.replace(/\.?0*$/, "");
}

/** Writes numbers with `digits` significant digits and sums with at most `maxTerms` terms. */
export class Writer {
  constructor(digits, maxTerms) {
    this.digits = digits;
    this.maxTerms = maxTerms;
  }

  text(x) {
    return numberText(x, this.digits);
  }

  /** A term, in brackets if it is a negative factor. */
  factor({x, at, is}) {
    const text = this.text(x);
    return {text: text.startsWith("−") ? `(${text})` : text, at, is, x};
  }

  /** A number that a line computes. */
  answer({x, at, is}) {
    return {text: this.text(x), at, is, x, isAnswer: true};
  }

  /** Put terms into a formula, with "=" behind it; "" stays empty. */
  filled(formula, terms) {
    if (!formula) return [];
    const written = Object.fromEntries(
      Object.entries(terms).map(([letter, term]) => [letter, this.factor(term)]));
    for (const [difference, other] of [["1 − a", 1], ["1 − a", -1], ["a − y", terms.y?.x]]) {
      if (!formula.includes(difference) || other === undefined) continue;
      const text = this.#toldApart(terms.a.x, other);
      if (text) written.a = {...written.a, text};
    }
    return [...filled(formula, written), " = "];
  }

  /** A number with enough digits if it would look like another one; otherwise "". */
  #toldApart(a, other) {
    const distance = Math.abs(a - other);
    const isAlike = distance > 0 && distance < Infinity && this.text(a) === this.text(other);
    if (!isAlike) return "";
    const more = Math.floor(Math.log10(Math.abs(other))) - Math.floor(Math.log10(distance));
    const text = numberText(a, Math.min(this.digits + more, 17));
    return text.startsWith("−") ? `(${text})` : text;
  }

  /**
   * Write a sum of products, and of a bias if there is one.
   * @param {object[][]} products pairs of terms
   * @param {object} [bias]
   */
  sum(products, bias) {
    const values = products.map(([a, b]) => a.x * b.x);
    const {front, between, back} = cut(telling(values, this.maxTerms), this.maxTerms);
    const write = (i) => [[...[this.factor(products[i][0]), "·", this.factor(products[i][1])]]];
    const gap = between ? [[`… ${between} more …`]] : [];
    const all = [...front.flatMap(write), ...gap, ...back.flatMap(write)];
    const total = all.flatMap((pieces, i) => (i ? [" + ", ...pieces] : pieces));
    if (!bias) return total.length ? total : ["0"];
    if (total.length === 0) return [{...bias, text: this.text(bias.x)}];
    const text = this.text(Math.abs(bias.x));
    return [...total, bias.x < 0 ? " − " : " + ", {...bias, text}];
  }
}

/** Replace the letters of a formula by pieces. */
export function filled(formula, pieces) {
  const letter = new RegExp(`(?<![a-z])([${Object.keys(pieces).join("")}])(?![a-z])`);
  return formula.split(letter).map((part, i) => (i % 2 ? pieces[part] : part))
    .filter((piece) => piece !== "");
}

/** The indices of all numbers, or of those that are not 0 if there are many. */
export function telling(numbers, limit) {
  const all = Array.from(numbers, (_, i) => i);
  return all.length <= limit ? all : all.filter((i) => numbers[i] !== 0);
}

/** The first and last items up to the limit, and the number of those left out. */
export function cut(chosen, limit) {
  if (chosen.length <= limit) return {front: chosen, between: 0, back: []};
  const nBack = Math.floor(limit / 2);
  return {
    front: chosen.slice(0, limit - nBack),
    between: chosen.length - limit,
    back: chosen.slice(chosen.length - nBack),
  };
}
