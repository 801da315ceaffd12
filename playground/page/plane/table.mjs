/** Tables: columns of numbers or of words, read from rows of cells. */
import {checkRows, TableError} from "./csv.mjs";

/** Of a network, and so of the words of a column. */
export const MOST_INPUTS = 32;
export const MOST_CLASSES = 8;
const MOST_NOTES = 5;
const LONGEST_NAME = 60;

const MISSING = new Set(["", "?", "-", "na", "n/a", "nan", "null", "none"]);
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;
const LONGEST_NUMBER = 40; // letters
const LARGEST = 1e30; // squares of numbers are summed

/**
 * Read a table.
 *
 * A column is of numbers where each cell that is not missing is one, otherwise of words: 2 to 32
 * different ones, which recur. Columns that a network cannot use are left out, and the notes name
 * them.
 *
 * @param {{rows: string[][], lines: number[], delimiter: string}} parsed as parseCsv returns it
 * @param {boolean} [hasNames] whether the first row holds names; found out by default
 * @returns {{n: number, columns: object[], notes: string[]}}
 *   columns: see `numbersOf` and `wordsOf`
 * @throws {TableError} where too little is left
 */
export function readTable({rows, lines, delimiter}, hasNames = isHeader(rows)) {
  const first = hasNames ? 1 : 0, n = rows.length - first;
  checkRows(n);
  const columns = [], notes = [];
  if (!hasNames) notes.push("The first row holds no names, so columns are numbered.");
  for (let c = 0; c < rows[0].length; c++) {
    const name = shortName((hasNames && rows[0][c]) || `column ${c + 1}`);
    const cells = Array.from({length: n}, (_, i) => rows[first + i][c]);
    const {column, problem} = readColumn(name, cells, delimiter !== ",", lines.slice(first));
    if (column) columns.push(column);
    else notes.push(`Left out: ${name} (${problem}).`);
  }
  if (n < 2) throw new TableError("The table has fewer than 2 rows below its names of columns.");
  if (columns.length < 2) {
    throw new TableError("A table needs a target and an input: 2 columns, between commas, "
      + `semicolons, tabs or bars. ${notes.at(-1) ?? ""}`);
  }
  if (targetsIn({columns}).length === 0) {
    throw new TableError("No column of the table can be a target: one of numbers, or of at most "
      + `${MOST_CLASSES} different words.`);
  }
  return {n, columns, notes: shortened(notes)};
}

/** The columns that can be targets, by their places. */
export function targetsIn({columns}) {
  return [...columns.keys()].filter((c) => columns[c].kind === "numbers" || columns[c].classes);
}

/** Names are no numbers, and below them are numbers, or words other than the names. */
function isHeader(rows) {
  const isNumber = (cell) => !Number.isNaN(numberOf(cell, true));
  if (rows[0].some(isNumber) || rows[0].every(isMissing)) return false;
  const others = rows.slice(1);
  return others[0]?.some(isNumber)
    || rows[0].every((name, c) => others.every((row) => row[c] !== name));
}

function readColumn(name, cells, hasDecimalCommas, lines) {
  const values = new Float64Array(cells.length);
  let other = -1; // the first cell that is no number
  let nNumbers = 0;
  cells.forEach((cell, i) => {
    values[i] = numberOf(cell, hasDecimalCommas);
    if (!Number.isNaN(values[i])) nNumbers++;
    else if (other < 0 && !isMissing(cell)) other = i;
  });
  if (nNumbers === 0 && other < 0) return {problem: "it is empty"};
  if (other < 0) return numbersOf(name, values);
  const found = wordsOf(name, cells);
  if (found.problem && nNumbers > cells.length / 2) {
    return {problem: `line ${lines[other]} has ${quoted(cells[other])}, which is no number`};
  }
  return found;
}

/** {name, kind: "numbers", values (NaN where missing), nMissing, mean, spread, low, high, classes:
 * its whole numbers as words if there are at most 8, otherwise null} */
function numbersOf(name, values) {
  const known = values.filter((value) => !Number.isNaN(value));
  const mean = known.reduce((sum, value) => sum + value / known.length, 0);
  const spread = Math.sqrt(
    known.reduce((sum, value) => sum + (value - mean) ** 2 / known.length, 0));
  const low = known.reduce((a, b) => Math.min(a, b)), high = known.reduce((a, b) => Math.max(a, b));
  if (!(spread > 1e-12 * Math.max(Math.abs(low), Math.abs(high)))) {
    return {problem: "it is the same in all rows"};
  }
  const distinct = distinctOf(known, MOST_CLASSES)?.sort((a, b) => a - b);
  const classes = distinct?.every(Number.isInteger) ? distinct.map(String) : null;
  const nMissing = values.length - known.length;
  return {column: {name, kind: "numbers", values, nMissing, mean, spread, low, high, classes}};
}

/** {name, kind: "words", values: places in words (-1 where missing), nMissing, words, classes: the
 * words if there are at most 8, otherwise null} */
function wordsOf(name, cells) {
  const known = cells.filter((cell) => !isMissing(cell)).map(shortName);
  const words = distinctOf(known, MOST_INPUTS)?.sort();
  if (!words) return {problem: `more than ${MOST_INPUTS} different words`};
  if (words.length < 2) return {problem: "it is the same in all rows"};
  if (words.length > Math.max(MOST_CLASSES, cells.length / 2)) {
    return {problem: `${words.length} different words in ${cells.length} rows`};
  }
  const places = new Map(words.map((word, place) => [word, place]));
  const values = Float64Array.from(cells,
    (cell) => (isMissing(cell) ? -1 : places.get(shortName(cell))));
  const nMissing = values.filter((value) => value < 0).length;
  const classes = words.length <= MOST_CLASSES ? words : null;
  return {column: {name, kind: "words", values, nMissing, words, classes}};
}

/** Different values in the order of their first places, or undefined where there are more. */
function distinctOf(values, most) {
  const found = new Set();
  for (const value of values) {
    found.add(value);
    if (found.size > most) return undefined;
  }
  return [...found];
}

/** The number that a cell holds, or NaN. */
function numberOf(cell, hasDecimalCommas) {
  if (cell.length > LONGEST_NUMBER) return NaN;
  const text = hasDecimalCommas && !cell.includes(".") ? cell.replace(",", ".") : cell;
  const number = NUMBER.test(text) ? Number(text) : NaN;
  return Math.abs(number) <= LARGEST ? number : NaN;
}

function isMissing(cell) {
  return cell.length < 5 && MISSING.has(cell.toLowerCase());
}

function quoted(cell) {
  return `"${cell.length > 20 ? `${cell.slice(0, 20)}…` : cell}"`;
}

function shortName(name) {
  const line = name.replace(/\s+/g, " ");
  return line.length > LONGEST_NAME ? `${line.slice(0, LONGEST_NAME - 1)}…` : line;
}

function shortened(notes) {
  if (notes.length <= MOST_NOTES) return notes;
  return [...notes.slice(0, MOST_NOTES), `And ${notes.length - MOST_NOTES} more such notes.`];
}
