/**
 * What the columns of a table are for: {target, task, x, y, use, scale, columns}.
 *
 * `target`, `x`, `y` and `columns` are places of columns; `x` and `y`, which the plane shows, may
 * be NONE. `task` is "classes" or "numbers"; `use` is "two" where the inputs are computed from x and y
 * alone, or "all" where they are the columns, and x and y; `scale` is "yes" or "no".
 */
import {MOST_INPUTS, targetsIn} from "./table.mjs";

export const NONE = -1;

/** @returns {object} choices that suit a table, for this target or its last possible one */
export function defaultChoices(table, target = targetsIn(table).at(-1)) {
  const {columns} = table;
  const others = [...columns.keys()].filter((c) => c !== target);
  const [x = NONE, y = NONE] = others.filter((c) => columns[c].kind === "numbers");
  const taken = [];
  for (const c of [...others.filter((c) => c === x || c === y), ...others]) {
    const fits = !taken.includes(c) && widthOf(table, [...taken, c]) <= MOST_INPUTS;
    if (fits) taken.push(c);
  }
  const task = columns[target].classes ? "classes" : "numbers";
  const use = taken.every((c) => c === x || c === y) ? "two" : "all";
  return {target, task, x, y, use, scale: "yes", columns: taken.sort((a, b) => a - b)};
}

/** @returns {string} choices for a link */
export function choicesText({target, task, x, y, use, scale, columns}) {
  return [target, task, x, y, use, scale, columns.join("-")].join("_");
}

/** @returns {object | undefined} the choices that a link names, if they suit the table */
export function choicesFrom(text, table) {
  const parts = text.split("_");
  const place = (part) => (/^(\d{1,3}|-1)$/.test(part) ? Number(part) : NaN);
  const [target, task, x, y, use, scale, columns = ""] = parts;
  const found = {
    target: place(target), task, x: place(x), y: place(y), use, scale,
    columns: columns === "" ? [] : columns.split("-").map(place),
  };
  return parts.length === 7 && suit(found, table) ? found : undefined;
}

/** Whether choices are possible. */
export function suit({target, task, x, y, use, scale, columns}, table) {
  const isInput = (c) => c in table.columns && c !== target;
  const canBeAxis = (c) => c === NONE || (isInput(c) && table.columns[c].kind === "numbers");
  if (!targetsIn(table).includes(target)) return false;
  if (!tasksOf(table.columns[target]).includes(task)) return false;
  if (!["two", "all"].includes(use) || !["yes", "no"].includes(scale)) return false;
  if (!canBeAxis(x) || !canBeAxis(y) || (x === y && x !== NONE)) return false;
  const areSorted = columns.every((c, i) => isInput(c) && !(c <= columns[i - 1]));
  const used = usedColumns({x, y, columns});
  return areSorted && used.length > 0 && widthOf(table, used) <= MOST_INPUTS;
}

/** @returns {string[]} what a target can be learned as */
export function tasksOf({kind, classes}) {
  return [...(classes ? ["classes"] : []), ...(kind === "numbers" ? ["numbers"] : [])];
}

/** The columns that are inputs where all are used. */
export function usedColumns({x, y, columns}) {
  const axes = [x, y].filter((c) => c !== NONE && !columns.includes(c));
  return [...columns, ...axes].sort((a, b) => a - b);
}

/** Inputs of a network from these columns. */
export function widthOf(table, columns) {
  return columns.reduce((sum, c) => sum + inputsOfColumn(table.columns[c], c).length, 0);
}

/**
 * The inputs from a column: a column of numbers is one; of words there is an input for each word,
 * which is 1 where the word is and otherwise 0; two words that are never missing share one.
 *
 * @returns {{column: number, word: number | null, name: string}[]}
 */
export function inputsOfColumn({name, kind, words, nMissing}, column) {
  if (kind === "numbers") return [{column, word: null, name}];
  const all = words.map((word, place) => ({column, word: place, name: `${name} = ${word}`}));
  return words.length === 2 && nMissing === 0 ? all.slice(1) : all;
}
