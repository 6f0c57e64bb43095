import { attribute, descendants, type HtmlElement, inlineText, isElement } from './html-tree.js';

const WIDEST_SPAN = 50;
/** A cell with more text is a column of a page layout. */
const LONGEST_CELL = 2000;
/** Cells that reach over several rows are repeated in each, so that a row makes sense alone; within these limits. */
const LONGEST_REPEATED = 200;

/** Characters that may still be written for cells that span rows; keeps a small file from making a huge text. */
export interface RepeatBudget {
  left: number;
}

/**
 * The rows of a data table as Markdown, or undefined for a table that only lays out a page: one with tables, headings
 * or long texts in its cells, or with a single column.
 */
export function tableLines(
  table: HtmlElement,
  skip: (element: HtmlElement) => boolean,
  budget: RepeatBudget,
): string[] | undefined {
  const found = collectRows(table, skip);
  if (found === undefined) return undefined;
  const rows: string[][] = [];
  let spanning: Spanning[] = [];
  for (const cells of found) {
    const { row, rest } = readRow(cells, spanning, skip, budget);
    spanning = rest;
    if (row.some((cell) => cell.length > LONGEST_CELL)) return undefined;
    if (row.some((cell) => cell !== '')) rows.push(row);
  }
  const width = rows.reduce((widest, row) => Math.max(widest, row.length), 0);
  if (width < 2) return undefined;
  const lines = rows.map((row) => `| ${row.join(' | ')} |`);
  lines.splice(1, 0, `|${'---|'.repeat(rows[0]?.length ?? width)}`);
  return lines;
}

/** Cells a row, or undefined when the content of a cell is more than a cell can hold. */
function collectRows(
  table: HtmlElement,
  skip: (element: HtmlElement) => boolean,
): HtmlElement[][] | undefined {
  const rows: HtmlElement[][] = [];
  for (const node of descendants(table, skip)) {
    if (!isElement(node)) continue;
    if (node.tagName === 'table' || /^h[1-6]$/.test(node.tagName)) return undefined;
    if (node.tagName === 'tr') rows.push([]);
    else if (node.tagName === 'td' || node.tagName === 'th') rows.at(-1)?.push(node);
  }
  return rows;
}

interface Spanning {
  column: number;
  text: string;
  rowsLeft: number;
}

function readRow(
  cells: readonly HtmlElement[],
  spanning: readonly Spanning[],
  skip: (element: HtmlElement) => boolean,
  budget: RepeatBudget,
): { row: string[]; rest: Spanning[] } {
  const row: string[] = [];
  const rest: Spanning[] = [];
  const above = spanning.values();
  let next = above.next().value;
  const fill = () => {
    for (; next !== undefined && next.column <= row.length; next = above.next().value) {
      if ((budget.left -= next.text.length + 3) < 0) continue;
      row.push(next.text);
      if (next.rowsLeft > 1) rest.push({ ...next, rowsLeft: next.rowsLeft - 1 });
    }
  };
  for (const cell of cells) {
    fill();
    const text = inlineText(cell, skip).replaceAll('|', String.raw`\|`);
    const rowsLeft = spanOf(cell, 'rowspan', 1000) - 1;
    if (rowsLeft > 0 && text.length <= LONGEST_REPEATED) rest.push({ column: row.length, text, rowsLeft });
    row.push(text);
    for (let left = spanOf(cell, 'colspan', WIDEST_SPAN); left > 1; left--) row.push('');
  }
  fill();
  return { row, rest: rest.sort((a, b) => a.column - b.column) };
}

function spanOf(cell: HtmlElement, name: string, most: number): number {
  const span = Number.parseInt(attribute(cell, name) ?? '1', 10);
  return span >= 1 ? Math.min(span, most) : 1;
}
