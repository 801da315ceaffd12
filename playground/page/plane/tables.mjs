/**
 * The tables that the page, or its worker, holds. A state names its table by a key: the packed
 * table itself where it is short enough for a link, otherwise its fingerprint.
 */
import {MOST_BYTES, MOST_COLUMNS, parseCsv, TableError} from "./csv.mjs";
import {irisRows} from "./iris.mjs";
import {readTable} from "./table.mjs";

/** Characters of a packed table that a link holds. */
export const MOST_IN_LINK = 8_000;
const HELD_BY_PAGE = "~"; // begins a fingerprint

const held = new Map();

/** The key of the table that is there before others: the irises. */
export const FIRST_TABLE = "";

/** @returns {object} the table of a key that is known */
export function tableOf(key) {
  if (key === FIRST_TABLE && !held.has(key)) {
    hold(key, readTable(parsed(irisRows()), true), "Irises");
  }
  return held.get(key);
}

/** Hold a table, under a key that another holder gave it. */
export function holdTable(key, table) {
  held.set(key, table);
}

/**
 * Read a table and hold it.
 *
 * @param {string} text as parseCsv takes it
 * @param {string} name of the table, for people
 * @returns {string} its key
 * @throws {TableError}
 */
export function addTable(text, name) {
  const table = readTable(parseCsv(text)), packed = pack(table);
  const key = packed.length <= MOST_IN_LINK ? packed : HELD_BY_PAGE + fingerprint(packed);
  hold(key, table, name);
  return key;
}

function hold(key, table, name) {
  held.set(key, {...table, name});
}

/** Whether a link holds the table of a key. */
export function isInLink(key) {
  return !key.startsWith(HELD_BY_PAGE);
}

/** @returns {string | undefined} the key that a link names, if the page has or can unpack its table */
export function keyOf(text) {
  if (tableOf(text)) return text;
  if (!isInLink(text) || text.length > MOST_IN_LINK) return undefined;
  try {
    hold(text, readTable(parsed(unpack(text)), true), "Table of a link");
    return text;
  } catch (error) {
    if (error instanceof TableError || error instanceof URIError) return undefined;
    throw error;
  }
}

function parsed(rows) {
  return {rows, lines: rows.map((_, i) => i + 1), delimiter: ","};
}

/** Columns are joined by *, the name and the cells of each by _, which links leave as they are. */
function pack({columns}) {
  return columns.map(({name, kind, values, words}) => {
    const cells = kind === "numbers"
      ? Array.from(values, (value) => (Number.isNaN(value) ? "" : String(value)))
      : packedWords(words, values);
    return [escaped(name), ...cells].join("_");
  }).join("*");
}

/** The first cell with a word holds it, others its place among the words, between dots. */
function packedWords(words, values) {
  const seen = new Map();
  return Array.from(values, (place) => {
    if (place < 0) return "";
    if (seen.has(place)) return `.${seen.get(place)}`;
    seen.set(place, seen.size);
    return `.${escaped(words[place])}.`;
  });
}

/** @returns {string[][]} rows of cells; the first holds the names */
export function unpack(text) {
  const columns = text.split("*", MOST_COLUMNS + 1).map((column) => {
    const words = [];
    return column.split("_").map((cell, i) => {
      const [before, word, after] = cell.split(".");
      if (i === 0 || before !== "" || word === undefined) return decodeURIComponent(cell);
      if (after === undefined) return words[Number(word)] ?? "";
      words.push(decodeURIComponent(word));
      return words.at(-1);
    });
  });
  if (columns.some((column) => column.length !== columns[0].length)) {
    throw new TableError("The columns of the table differ in length.");
  }
  return columns[0].map((_, row) => columns.map((column) => column[row]));
}

function escaped(text) {
  const signs = {_: "%5F", ".": "%2E", "*": "%2A"};
  return encodeURIComponent(text).replace(/[_.*]/g, (sign) => signs[sign]);
}

/** FNV-1a of 32 bits, and the length. */
function fingerprint(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return `${(hash >>> 0).toString(16).padStart(8, "0")}.${text.length.toString(36)}`;
}
