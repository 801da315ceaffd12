/** Tables as text: cells between commas, semicolons, tabs or bars; quotes as in RFC 4180. */

export const MOST_BYTES = 5_000_000;
export const MOST_ROWS = 20_000;
export const MOST_COLUMNS = 200;

/** What a table that cannot be used says. */
export class TableError extends Error {
  name = "TableError";
}

/** The first of these that the first line has; a comma comes last, as it is in decimal numbers. */
const DELIMITERS = ["\t", ";", "|", ","];
const [QUOTE, NEWLINE, RETURN] = ['"', "\n", "\r"].map((sign) => sign.charCodeAt(0));

/**
 * Split a text into rows of cells; empty lines are skipped.
 *
 * @param {string} text
 * @returns {{rows: string[][], lines: number[], delimiter: string}} rows of equal length, the line
 *   of each, counted from 1, and what is between two cells
 * @throws {TableError} where the text is no table, or is larger than the limits
 */
export function parseCsv(text) {
  checkSize(text.length);
  if (/[\0-\x08\x0e-\x1f\ufffd]/.test(text)) {
    throw new TableError("This is no text in UTF-8, but binary data or another encoding. "
      + "A table is a text file, such as CSV.");
  }
  const content = text.replace(/^\ufeff/, "");
  const delimiter = delimiterOf(content);
  const [rows, lines] = [[], []];
  for (let at = 0, line = 1; at < content.length; ) {
    const found = readRow(content, at, line, delimiter);
    if (found.cells.length > 1 || found.cells[0] !== "") {
      checkRow(rows, found.cells, line);
      rows.push(found.cells);
      lines.push(line);
    }
    [at, line] = [found.next, found.line];
  }
  if (rows.length === 0) throw new TableError("The table is empty.");
  return {rows, lines, delimiter};
}

/** Refuse a text before it is read. */
export function checkSize(bytes) {
  if (bytes > MOST_BYTES) {
    throw new TableError(`The table has ${(bytes / 1e6).toFixed(1)} MB; `
      + `at most ${MOST_BYTES / 1e6} MB are read.`);
  }
}

function checkRow(rows, cells, line) {
  const expected = rows[0]?.length ?? cells.length;
  if (cells.length !== expected) {
    throw new TableError(`Line ${line} has ${counted(cells.length, "cell")}, `
      + `but the first row has ${expected}.`);
  }
  checkRows(rows.length); // the new one may hold the names
}

/** Refuse more rows than are read. */
export function checkRows(n) {
  if (n > MOST_ROWS) {
    throw new TableError(`The table has more than ${MOST_ROWS.toLocaleString("en")} rows, `
      + "which is the limit.");
  }
}

function counted(n, what) {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

function delimiterOf(text) {
  const line = (text.match(/[^\r\n]+/)?.[0] ?? "").replace(/"[^"]*"/g, "");
  return DELIMITERS.find((sign) => line.includes(sign)) ?? ",";
}

/** Read the row that begins at a place: its cells, and the place and line of the next row. */
function readRow(text, at, line, delimiter) {
  const cells = [], between = delimiter.charCodeAt(0);
  for (;;) {
    if (cells.length === MOST_COLUMNS) {
      throw new TableError(`Line ${line} has more than ${MOST_COLUMNS} cells, which is the limit.`);
    }
    const isQuoted = text.charCodeAt(at) === QUOTE;
    const cell = isQuoted ? readQuoted(text, at, line) : readPlain(text, at, between);
    cells.push(cell.text.trim());
    if (isQuoted) line += cell.text.split("\n").length - 1;
    at = cell.end;
    const sign = text.charCodeAt(at);
    if (sign === between) {
      at++;
      continue;
    }
    if (at < text.length && sign !== NEWLINE && sign !== RETURN) {
      throw new TableError(`In line ${line}, text follows a closing quote.`);
    }
    const isPair = sign === RETURN && text.charCodeAt(at + 1) === NEWLINE;
    return {cells, next: at + (isPair ? 2 : 1), line: line + 1};
  }
}

function readPlain(text, at, between) {
  let end = at;
  for (; end < text.length; end++) {
    const sign = text.charCodeAt(end);
    if (sign === between || sign === NEWLINE || sign === RETURN) break;
  }
  return {text: text.slice(at, end), end};
}

/** Two quotes stand for one within a cell. */
function readQuoted(text, at, line) {
  const parts = [];
  for (let from = at + 1; ; ) {
    const end = text.indexOf('"', from);
    if (end < 0) throw new TableError(`In line ${line}, a quote is never closed.`);
    const isDouble = text.charCodeAt(end + 1) === QUOTE;
    parts.push(text.slice(from, isDouble ? end + 1 : end));
    if (!isDouble) return {text: parts.join(""), end: end + 1};
    from = end + 2;
  }
}
