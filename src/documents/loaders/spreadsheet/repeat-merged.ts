import { type Merge, SheetRow } from './workbook.js';

/** A longer text is no name that a row needs. */
const LONGEST_REPEATED = 200;
/** What may be repeated of one sheet, in cells and their characters. */
const MOST_REPEATED = 10_000_000;

/** A cell that reaches into the rows below. */
interface Reaching {
  bottom: number;
  text: string;
}

/**
 * The rows with the text of cells that reach over several of them in each of these that holds anything else, so that
 * every row makes sense alone.
 */
export function repeatMerged(rows: readonly SheetRow[], merges: readonly Merge[]): readonly SheetRow[] {
  const waiting = merges.filter(({ top, bottom }) => bottom > top).sort((a, b) => a.top - b.top);
  if (waiting.length === 0) return rows;
  const reaching = new Map<number, Reaching>();
  let next = 0;
  let budget = MOST_REPEATED;
  return rows.map((row) => {
    for (const [column, { bottom, text }] of reaching) {
      budget -= text.length + 1;
      if (bottom < row.index || budget < 0) reaching.delete(column);
    }
    const filled = reaching.size === 0 ? row : union(row, reaching);
    const begins: Merge[] = [];
    for (let merge = waiting[next]; merge !== undefined && merge.top <= row.index; merge = waiting[++next])
      if (merge.top === row.index) begins.push(merge);
    const texts = begins.length === 0 ? undefined : textsByColumn(row);
    for (const { left, bottom } of begins) {
      const text = texts?.get(left);
      if (text !== undefined && text.length <= LONGEST_REPEATED) reaching.set(left, { bottom, text });
    }
    return filled;
  });
}

/** A row with texts from above in the columns that it leaves free. */
function union(row: SheetRow, above: ReadonlyMap<number, Reaching>): SheetRow {
  const cells = row.cells;
  const taken = new Set(row.columns);
  for (const [column, { text }] of above) if (!taken.has(column)) cells.push({ column, text });
  return SheetRow.of(
    row.index,
    cells.sort((a, b) => a.column - b.column),
  );
}

function textsByColumn({ cells }: SheetRow): Map<number, string> {
  return new Map(cells.map(({ column, text }) => [column, text]));
}
