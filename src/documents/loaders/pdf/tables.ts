import type { Line } from './lines.js';
import type { Segment } from './segments.js';

/** A table with the lines it takes up. */
export interface Table {
  /** The first line, and one past the last. */
  from: number;
  to: number;
  rows: string[][];
  /** True when the first row names the columns. */
  hasHeader: boolean;
}

/** From where to where a column's text goes. */
interface Column {
  left: number;
  right: number;
}

const FEWEST_ROWS = 3;
/** Rows of one table are closer than this, in parts of the font's size. */
const ROW_GAP = 3.5;
/** Lines of one cell are closer than this. */
const LINE_GAP = 1.6;
/** Columns are apart where at most this share of the rows has text. */
const ACROSS = 0.15;
/** At least this share of the cells stands in one column each. */
const ALIGNED = 0.9;
/** A line that takes up less of the table's width may continue a cell of its first column. */
const NARROW = 0.6;
const MOST_COLUMNS = 60;
/** Columns are at least this far apart, in parts of the font's size. */
const COLUMN_GAP = 0.3;
/** Lines that the names of columns take up. */
const MOST_HEADER_LINES = 4;

/** The tables in a region, from top to bottom: consecutive lines of which the cells stand below one another. */
export function findTables(lines: readonly Line[]): Table[] {
  const tables: Table[] = [];
  for (let from = 0; from < lines.length; from++) {
    if (!isRow(lines[from])) continue;
    const to = endOfRows(lines, from);
    const table = tableOf(lines.slice(from, to));
    if (table !== undefined) tables.push({ from, to, ...table });
    from = to - 1;
  }
  return tables;
}

function isRow(line: Line | undefined): boolean {
  return line !== undefined && line.mayBeRow && !line.isMonospaced;
}

/** One past the last of the rows that begin here. Between and after them may be lines that continue cells. */
function endOfRows(lines: readonly Line[], from: number): number {
  let to = from + 1;
  let width = 0;
  let second = Infinity;
  const edges = new Set<number>();
  for (let at = from; at < lines.length; at++) {
    const line = lines[at];
    const before = lines[at - 1];
    if (line === undefined || (at > from && isApart(before, line, ROW_GAP))) break;
    const [, ...others] = line.segments;
    if (isRow(line) || others.some(({ left }) => edges.has(Math.round(left)))) {
      to = at + 1;
      width = Math.max(width, line.right - line.left);
      second = Math.min(second, others[0]?.left ?? second);
      for (const { left } of others) edges.add(Math.round(left));
    } else if (isApart(before, line, LINE_GAP)) break;
    else if (line.left > second - line.size) {
      if (at === to) to = at + 1;
    } else if (at > to || line.right - line.left > NARROW * width) break;
  }
  return to;
}

function isApart(before: Line | undefined, line: Line, gap: number): boolean {
  return before !== undefined && line.baseline - before.baseline > gap * Math.max(line.size, before.size);
}

function tableOf(lines: readonly Line[]): Pick<Table, 'rows' | 'hasHeader'> | undefined {
  const rows = lines.filter(isRow);
  if (rows.length < FEWEST_ROWS && !(rows.length === 2 && rows.every(({ segments }) => segments.length > 2)))
    return undefined;
  const columns = columnsOf(rows);
  if (columns.length < 2 || columns.length > MOST_COLUMNS) return undefined;
  const cells = rows.flatMap(({ segments }) => segments);
  const aligned = cells.filter((cell) => columns.filter((column) => overlaps(cell, column)).length === 1);
  if (aligned.length < ALIGNED * cells.length) return undefined;
  const filled = joinHeader(fillRows(lines, columns));
  return { rows: filled, hasHeader: looksLikeHeader(filled) };
}

/** Stretches in which rows have text, between stretches in which next to none has. */
function columnsOf(rows: readonly Line[]): Column[] {
  const edges = rows
    .flatMap(({ segments }) => segments)
    .flatMap(({ left, right }) => [
      { at: left, step: 1 },
      { at: right, step: -1 },
    ])
    .sort((one, other) => one.at - other.at || one.step - other.step);
  const most = Math.floor(ACROSS * rows.length);
  const gap = COLUMN_GAP * (rows[0]?.size ?? 0);
  const columns: Column[] = [];
  let depth = 0;
  for (const { at, step } of edges) {
    const column = columns.at(-1);
    if (step > 0 && depth === most && (column === undefined || at - column.right > gap))
      columns.push({ left: at, right: at });
    else if (step < 0 && depth === most + 1 && column !== undefined) column.right = at;
    depth += step;
  }
  return columns;
}

function overlaps(cell: Segment, column: Column): boolean {
  return cell.left < column.right && cell.right > column.left;
}

/** The texts of the cells, column by column. Lines that continue cells are joined to the row above. */
function fillRows(lines: readonly Line[], columns: readonly Column[]): string[][] {
  const rows: string[][] = [];
  let before: Line | undefined;
  for (const line of lines) {
    const cells = cellsOf(line, columns);
    const row = rows.at(-1);
    if (row !== undefined && before !== undefined && continues(line, cells, before)) {
      cells.forEach((cell, column) => {
        if (cell !== '') row[column] = `${row[column] ?? ''} ${cell}`;
      });
    } else rows.push(cells);
    before = line;
  }
  return rows;
}

function cellsOf(line: Line, columns: readonly Column[]): string[] {
  const cells = columns.map(() => '');
  for (const cell of line.segments) {
    const at = Math.max(0, nearest(cell, columns));
    cells[at] = cells[at] ? `${cells[at]} ${cell.text}` : cell.text;
  }
  return cells;
}

/** The first column that the cell stands in, or else the one closest to it. */
function nearest(cell: Segment, columns: readonly Column[]): number {
  const at = columns.findIndex((column) => overlaps(cell, column));
  if (at >= 0) return at;
  const distances = columns.map(({ left, right }) => Math.max(left - cell.right, cell.left - right));
  return distances.indexOf(Math.min(...distances));
}

/** True when the line holds only the rest of cells above it: it has none in the first column, and not all others. */
function continues(line: Line, cells: readonly string[], before: Line): boolean {
  const filled = cells.filter((cell) => cell !== '').length;
  if (isApart(before, line, LINE_GAP)) return false;
  if (cells.some((cell) => isNumber(cell))) return false;
  return cells[0] === '' ? filled < cells.length - 1 || cells.length === 2 : filled === 1;
}

/** Of a table of numbers, the rows above the first of them as one: names of columns take up several lines. */
function joinHeader(rows: string[][]): string[][] {
  const count = rows.findIndex((row) => row.some((cell) => isNumber(cell)));
  const numeric = rows
    .slice(count)
    .filter((row) => 2 * row.filter((cell) => isNumber(cell)).length >= row.length);
  if (count < 2 || count > MOST_HEADER_LINES || 2 * numeric.length < rows.length - count) return rows;
  const [first = [], ...others] = rows.slice(0, count);
  const names = first.map((name, column) => [name, ...others.map((row) => row[column])].join(' ').trim());
  return [names, ...rows.slice(count)];
}

/** True for numbers of all kinds: with units, in per cent, in brackets. */
function isNumber(cell: string): boolean {
  return /\d/.test(cell) && !/\p{L}{2}/u.test(cell);
}

/** The first row names the columns when all but the first have a name, and none is a number. */
function looksLikeHeader([first = []]: readonly (readonly string[])[]): boolean {
  return first.slice(1).every((cell) => cell !== '') && !first.some((cell) => isNumber(cell));
}
