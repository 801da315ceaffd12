/**
 * Points that were drawn, as text: "c" for classes or "n" for numbers, then for each point two
 * digits of base 36 for x and two for y, in hundredths from the edge of the plane, and one for the
 * class or two for the number, in hundredths from -6.
 */
import {REACH} from "./data.mjs";

export const MOST_DRAWN = 400;
const MOST_CLASSES = 8, LARGEST = 6; // of classes; of numbers
const HUNDREDTHS = 100;

/** No points, for classes. */
export const NO_POINTS = "c";

/** @returns {string} points as text */
export function pointsText(kind, points) {
  return kind + points.map(({x, y, label}) => pair(x, REACH) + pair(y, REACH)
    + (kind === "c" ? String(label) : pair(label, LARGEST))).join("");
}

/** @returns {{kind: string, points: {x: number, y: number, label: number}[]} | undefined} */
export function pointsFrom(text) {
  const kind = text[0], length = {c: 5, n: 6}[kind];
  const n = (text.length - 1) / length;
  if (!/^[cn][0-9a-z]*$/.test(text) || !Number.isInteger(n) || n > MOST_DRAWN) return undefined;
  const points = Array.from({length: n}, (_, i) => {
    const of = text.slice(1 + i * length, 1 + (i + 1) * length);
    const label = kind === "c" ? Number(of[4]) : number(of.slice(4), LARGEST);
    return {x: number(of.slice(0, 2), REACH), y: number(of.slice(2, 4), REACH), label};
  });
  const isGood = ({x, y, label}) => Math.abs(x) <= REACH && Math.abs(y) <= REACH
    && (kind === "c" ? label < MOST_CLASSES : Math.abs(label) <= LARGEST);
  return points.every(isGood) ? {kind, points} : undefined;
}

/** @returns {number} classes of points, 0 for numbers */
export function classesOf({kind, points}) {
  return kind === "n" ? 0 : points.reduce((most, {label}) => Math.max(most, label + 1), 2);
}

function pair(value, reach) {
  return Math.round((value + reach) * HUNDREDTHS).toString(36).padStart(2, "0");
}

function number(text, reach) {
  return (parseInt(text, 36) - reach * HUNDREDTHS) / HUNDREDTHS;
}
