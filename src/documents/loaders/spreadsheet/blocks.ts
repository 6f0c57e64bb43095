import { SheetRow } from './workbook.js';

/** Rows that belong together. */
export type Block = SheetRow[];

/** More groups of columns are one table with many gaps. */
const MOST_SIDE_BY_SIDE = 10;

/** Columns from the first to the last. */
interface Range {
  first: number;
  last: number;
}

/**
 * The parts of a sheet that stand apart: what empty rows separate, and rows that share no column with those above, such
 * as a title in a corner.
 */
export function splitBlocks(rows: readonly SheetRow[]): Block[] {
  const blocks: Block[] = [];
  for (let start = 0; start < rows.length;) {
    let end = start + 1;
    while (end < rows.length && rows[end]?.index === (rows[end - 1]?.index ?? 0) + 1) end++;
    for (const block of splitDisjoint(rows.slice(start, end))) blocks.push(block);
    start = end;
  }
  return blocks;
}

/**
 * Tables that stand side by side, each with its columns; or the block itself where it is one table. Columns may also be
 * empty inside of a table, so empty columns alone tell little: each part must look like a table of its own, and not
 * begin and end with its neighbour if a single column separates the two.
 * @param isTable tells whether rows look like a table of their own
 */
export function splitSideBySide(block: Block, isTable: (block: Block) => boolean): Block[] {
  const parts = columnGroups(block);
  if (parts.length < 2 || parts.length > MOST_SIDE_BY_SIDE) return [block];
  const blocks = parts.map(({ first, last }) => withColumns(block, first, last));
  const areTables = blocks.every((part, at) => {
    const [range, next] = [parts[at], parts[at + 1]];
    if (range === undefined || range.first === range.last || part.length < 2 || !isTable(part)) return false;
    return next === undefined || next.first - range.last > 2 || !isLevel(part, blocks[at + 1] ?? []);
  });
  return areTables ? blocks : [block];
}

/** Cuts where the rows above and those below have no columns in common. */
function splitDisjoint(rows: Block): Block[] {
  const below: (Range | undefined)[] = [];
  for (let at = rows.length - 1; at >= 0; at--) below[at] = widen(below[at + 1], rows[at]);
  const blocks: Block[] = [];
  let above: Range | undefined;
  let start = 0;
  for (const [at, row] of rows.entries()) {
    const rest = below[at];
    if (above !== undefined && rest !== undefined && (above.last < rest.first || above.first > rest.last)) {
      blocks.push(rows.slice(start, at));
      start = at;
      above = undefined;
    }
    above = widen(above, row);
  }
  blocks.push(rows.slice(start));
  return blocks;
}

function widen(range: Range | undefined, row: SheetRow | undefined): Range | undefined {
  if (row === undefined) return range;
  const { first, last } = row;
  return range === undefined
    ? { first, last }
    : { first: Math.min(range.first, first), last: Math.max(range.last, last) };
}

/** The columns in use, in groups of columns next to one another. */
function columnGroups(block: Block): Range[] {
  const used = new Set<number>();
  for (const { columns } of block) for (const column of columns) used.add(column);
  const groups: Range[] = [];
  for (const column of [...used].sort((a, b) => a - b)) {
    const group = groups.at(-1);
    if (group?.last === column - 1) group.last = column;
    else groups.push({ first: column, last: column });
  }
  return groups;
}

function withColumns(block: Block, first: number, last: number): Block {
  const rows: Block = [];
  for (const { index, cells } of block) {
    const within = cells.filter(({ column }) => column >= first && column <= last);
    if (within.length > 0) rows.push(SheetRow.of(index, within, rows.at(-1)));
  }
  return rows;
}

/** True when two blocks begin and end in the same rows. */
function isLevel(one: Block, other: Block): boolean {
  return one[0]?.index === other[0]?.index && one.at(-1)?.index === other.at(-1)?.index;
}
