import { tableText } from '../table-text.js';

/** A place in a table that belongs to the cell left of it, or above it. */
export const LEFT = Symbol('left');
export const ABOVE = Symbol('above');

/** A cell's text, or which other cell it is a part of. */
export type GridCell = string | typeof LEFT | typeof ABOVE;

/** Longer cells are not repeated in the rows that they reach over. */
const LONGEST_REPEATED = 200;
/** What names the columns is not as long as this. */
const LONGEST_NAME = 100;
/** More rows that name the columns would rather be the table. */
const MOST_HEADER_ROWS = 5;

/**
 * A table with merged cells as text. A cell that reaches over several rows stands in each of them, so that every row can
 * be understood alone; names that reach over several columns stand over each. First rows of one cell are captions.
 * @param headerRows how many rows name the columns, as the document says; a second one is also found by its looks
 */
export function mergedTableText(rows: readonly (readonly GridCell[])[], headerRows: number): string {
  const filled = rows.filter((row) => row.some((cell) => cell !== ''));
  const width = filled.reduce((widest, row) => Math.max(widest, row.length), 0);
  const captionRows = width > 1 ? filled.findIndex((row) => !isCaption(row)) : 0;
  const captions = captionRows < 0 ? filled : filled.slice(0, captionRows);
  const body = filled.slice(captions.length);
  // a caption may have been counted among the rows of names
  const declared = headerRows > 1 ? Math.max(1, headerRows - captions.length) : headerRows;
  const count = Math.min(countHeaderRows(body, declared), MOST_HEADER_ROWS);
  const resolved = resolveRows(body, count);
  const names = joinNames(resolved.slice(0, count));
  const hasNames = count > 0 && names.every((name) => name.length <= LONGEST_NAME);
  const table = hasNames ? tableText([names, ...resolved.slice(count)], true) : tableText(resolved, false);
  return [...captions.flatMap((row) => row.filter(isText)), table].filter((part) => part !== '').join('\n\n');
}

function isText(cell: GridCell): cell is string {
  return typeof cell === 'string';
}

/** True for a row of a single cell, in a table that has more columns. */
function isCaption(row: readonly GridCell[] | undefined): boolean {
  const [first, ...others] = row ?? [];
  return (
    typeof first === 'string' && first !== '' && others.length > 0 && others.every((cell) => cell === LEFT)
  );
}

/** A first row with names over several columns has the others in the second, if that shares its corner with it. */
function countHeaderRows(rows: readonly (readonly GridCell[])[], declared: number): number {
  const [first, second] = rows;
  if (declared !== 1 || first === undefined || second === undefined)
    return Math.max(0, Math.min(declared, rows.length - 1));
  const sharesCorner = second[0] === ABOVE || (first[0] === '' && second[0] === '');
  return rows.length > 2 && first.includes(LEFT) && sharesCorner ? 2 : 1;
}

function resolveRows(rows: readonly (readonly GridCell[])[], headerRows: number): string[][] {
  const resolved: string[][] = [];
  for (const [index, cells] of rows.entries()) {
    const row: string[] = [];
    for (const [column, cell] of cells.entries()) {
      if (typeof cell === 'string') row.push(cell);
      else if (cell === ABOVE) row.push(repeatable(resolved[index - 1]?.[column]));
      else row.push(index < headerRows ? repeatable(row[column - 1]) : '');
    }
    resolved.push(row);
  }
  return resolved;
}

function repeatable(text = ''): string {
  return text.length > LONGEST_REPEATED ? '' : text;
}

/** One name a column, of the names that stand above one another. */
function joinNames(rows: readonly (readonly string[])[]): string[] {
  const width = rows.reduce((widest, row) => Math.max(widest, row.length), 0);
  return Array.from({ length: width }, (_, column) =>
    [...new Set(rows.map((row) => row[column] ?? ''))].filter((name) => name !== '').join(' / '),
  );
}
