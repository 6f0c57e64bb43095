import { UnreadableDocumentError } from './loader.js';

/** A table of more rows than this is cut into several passages; each row then names its columns. */
const MOST_GRID_ROWS = 12;
const LONGEST_GRID = 1500;
/** The names of columns are shortened so that one row does not repeat more of them than this, but not to less. */
const LONGEST_NAMES = 10_000;
const LONGEST_NAME = 100;
const SHORTEST_NAME = 20;
/** More text than this no table may become. */
const LONGEST_TEXT = 100_000_000;
/** What Markdown takes for the beginning of a heading, table or code. */
const MARKUP = /^(?=#{1,6}\s|\||`{3}|~{3})/;

/** White space and control characters that are not a single space between words; most texts have none. */
const UNTIDY = /[^\S ]|\p{Cc}|^ | $| {2}/u;

/** A value in a table. */
export interface TableCell {
  /** From 0. */
  column: number;
  /** On one line, never empty. */
  text: string;
}

/**
 * A table as text for the chunker, made row by row. A small one becomes a pipe table. A longer one, of which a passage
 * may hold only the end, becomes one paragraph a row, in which each value stands behind its column's name, so that
 * every row can be understood alone.
 */
export class TableText {
  readonly #labels = new Map<number, string>();
  readonly #lines: string[] = [];
  /** The rows so far, as long as they are few. */
  #grid: (readonly TableCell[])[] | undefined = [];
  #gridLength = 0;
  #length = 0;

  /** @param names the names of the columns, as far as they have any, in order */
  constructor(private readonly names: readonly TableCell[] = []) {
    const longest = Math.min(
      LONGEST_NAME,
      Math.max(SHORTEST_NAME, LONGEST_NAMES / Math.max(1, names.length)),
    );
    for (const { column, text } of names)
      this.#labels.set(column, shorten(text.replace(/\s*:$/, ''), longest));
    if (names.length > 0) this.#addToGrid(names);
  }

  /**
   * Adds a row.
   * @param cells in order, without empty ones
   * @throws {UnreadableDocumentError} when the table becomes too large
   */
  add(cells: readonly TableCell[]): void {
    if (cells.length === 0) return;
    this.#addToGrid(cells);
    const line = recordLine(
      cells.map(({ column }) => this.#labels.get(column) ?? ''),
      cells.map(({ text }) => text),
    );
    this.#lines.push(paragraph(line));
    this.#length += line.length + 2;
    if (this.#length > LONGEST_TEXT)
      throw new UnreadableDocumentError(
        `It holds a table of more than ${LONGEST_TEXT.toLocaleString('en')} characters, the most that is read.`,
      );
  }

  /** The text of all rows. */
  toString(): string {
    // a table may also be nothing but names
    const rows = this.#grid ?? (this.#lines.length === 0 ? [this.names] : undefined);
    return rows === undefined ? this.#lines.join('\n\n') : grid(rows);
  }

  #addToGrid(cells: readonly TableCell[]): void {
    if (this.#grid === undefined) return;
    this.#grid.push(cells);
    this.#gridLength += cells.reduce((sum, { text }) => sum + text.length + 3, 0);
    if (this.#grid.length > MOST_GRID_ROWS || this.#gridLength > LONGEST_GRID) this.#grid = undefined;
  }
}

/**
 * A table as text for the chunker (see `TableText`). Empty rows, columns and values are left out.
 * @param rows cells as plain text; white space in them is collapsed
 * @param header true when the first row holds the names of the columns
 */
export function tableText(rows: readonly (readonly string[])[], header: boolean): string {
  const filled = rows.map(cellsOf).filter((row) => row.length > 0);
  const [names, ...records] = header ? filled : [[], ...filled];
  const table = new TableText(names);
  for (const record of records) table.add(record);
  return table.toString();
}

/** One record on a line: `name: value; name: value`. */
export function recordLine(names: readonly string[], values: readonly string[]): string {
  const named = values.map((value, column) => {
    const name = names[column] ?? '';
    return value === '' || name === '' ? value : `${name}: ${value}`;
  });
  return named.filter((part) => part !== '').join('; ');
}

/** A paragraph that stays one, however it begins. */
export function paragraph(line: string): string {
  return line.replace(MARKUP, '\\');
}

/** A text with single spaces in place of all white space. */
export function oneLine(text: string): string {
  return UNTIDY.test(text) ? text.replace(/[\s\p{Cc}]+/gu, ' ').trim() : text;
}

function cellsOf(row: readonly string[]): TableCell[] {
  return row.map((cell, column) => ({ column, text: oneLine(cell) })).filter(({ text }) => text !== '');
}

/** A long name without its middle, as names that begin alike may end differently. */
function shorten(name: string, longest: number): string {
  if (name.length <= longest) return name;
  const half = Math.floor((longest - 1) / 2);
  // half of a character that takes two units is none
  const start = name.slice(0, half).replace(/[\ud800-\udbff]$/, '');
  return `${start}…${name.slice(-half).replace(/^[\udc00-\udfff]/, '')}`;
}

function grid(rows: readonly (readonly TableCell[])[]): string {
  const columns = [...new Set(rows.flat().map(({ column }) => column))].sort((a, b) => a - b);
  if (columns.length < 2) return rows.map(([cell]) => paragraph(cell?.text ?? '')).join('\n\n');
  const lines = rows.map((row) => {
    const texts = new Map(row.map(({ column, text }) => [column, text]));
    const cells = columns.map((column) => (texts.get(column) ?? '').replaceAll('|', String.raw`\|`));
    return `| ${cells.join(' | ')} |`;
  });
  lines.splice(1, 0, `|${'---|'.repeat(columns.length)}`);
  return lines.join('\n');
}
