import { type TableCell, TextBlocks } from '../opendocument/text-blocks.js';

/** A row as it is written: cells side by side, without those that others cover. */
export interface TableRow {
  cells: TextBlocks[];
  /** Where the right edge of each cell is, in twentieths of a point. */
  edges: number[];
  /** For each cell, whether it belongs to the one above it. */
  merged: boolean[];
}

/** Edges that are closer are the same. */
const SAME_EDGE = 60;
/** Tables with more edges are not in columns. */
const MOST_COLUMNS = 60;

/** The rows of a table with every cell in its column, and with the text of cells that reach down in each of their rows. */
export function alignRows(rows: readonly TableRow[]): TableCell[][] {
  const columns = columnsOf(rows);
  const aligned: TableCell[][] = [];
  for (const { cells, edges, merged } of rows) {
    const row: TableCell[] = [];
    cells.forEach((content, index) => {
      const left = index === 0 ? -1 : columnAt(columns, edges[index - 1]);
      // where the left edge is not known, cells follow one another
      while (row.length < Math.min(left + 1, MOST_COLUMNS)) row.push({ content: new TextBlocks() });
      const above = merged[index] === true ? aligned.at(-1)?.[row.length] : undefined;
      row.push(above === undefined ? { content } : { content: above.content, repeats: true });
    });
    aligned.push(row);
  }
  return aligned;
}

/** The right edges of the columns; none where all rows have the same number of cells, or edges without order. */
function columnsOf(rows: readonly TableRow[]): number[] {
  const counts = new Set(rows.map(({ cells }) => cells.length));
  if (counts.size < 2 || rows.some(({ cells, edges }) => cells.length !== edges.length)) return [];
  const edges = [...new Set(rows.flatMap((row) => row.edges))].sort((a, b) => a - b);
  const columns = edges.filter((edge, index) => edge - (edges[index - 1] ?? -Infinity) > SAME_EDGE);
  return columns.length > MOST_COLUMNS ? [] : columns;
}

/** The column that ends at an edge, or -1. */
function columnAt(columns: readonly number[], edge: number | undefined): number {
  return columns.findLastIndex((column) => edge !== undefined && column <= edge);
}
