import { isYear, kindOf, type ValueKind } from './value-kind.js';
import type { Cell, Merge, SheetRow } from './workbook.js';

/** How much speaks for a row of names: only its looks, or also values below it that it is unlike. */
export type Evidence = 'none' | 'likely' | 'sure';

/** The names of a table's columns, and how many rows they take. */
export interface Header {
  evidence: Evidence;
  names: Cell[];
  rows: number;
}

const NO_HEADER: Header = { evidence: 'none', names: [], rows: 0 };
/** Rows that are looked at. */
const SAMPLE = 20;
const MOST_HEADER_ROWS = 4;
const LONGEST_NAME = 200;
/** A name reaches over no more columns. */
const WIDEST_SPAN = 64;

/**
 * Finds the names of a table's columns. They are in its first row; or in its first rows, where names reach over several
 * columns that have names of their own below.
 * @param spans the merged cells that reach over several columns, by their first row
 */
export function findHeader(rows: readonly SheetRow[], spans: ReadonlyMap<number, readonly Merge[]>): Header {
  let levels = 1;
  while (levels < MOST_HEADER_ROWS && spans.has(rows[levels - 1]?.index ?? -1) && areNames(rows[levels]))
    levels++;
  for (; levels > 1; levels--) {
    const header = headerOf(
      rows,
      rows.slice(0, levels).map((row) => spread(row, spans.get(row.index) ?? [])),
    );
    if (header.evidence !== 'none') return header;
  }
  return (
    findGroups(rows) ??
    headerOf(
      rows,
      rows.slice(0, 1).map(({ cells }) => cells),
    )
  );
}

/** What speaks for it that a row holds the names of the columns of those below. */
export function headerEvidence(names: readonly Cell[], rows: readonly SheetRow[]): Evidence {
  const values = sampleColumns(rows.slice(0, SAMPLE));
  const columns = new Set([...values.keys(), ...names.map(({ column }) => column)]);
  const distinct = new Set(names.map(({ text }) => text)).size;
  if (values.size === 0 || names.length * 2 < columns.size || distinct * 2 < names.length) return 'none';
  if (!names.every((name) => canName(name.text, values.get(name.column) ?? []))) return 'none';
  const texts = names.filter(({ text }) => kindOf(text) === 'text');
  if (texts.length === 0) return 'none';
  if (texts.some(({ column }) => isAllValues(values.get(column) ?? []))) return 'sure';
  const isRepeated = names.some(({ column, text }) => values.get(column)?.includes(text));
  return distinct < names.length || isRepeated || columns.size === 1 ? 'none' : 'likely';
}

/** The header that some first rows make, given the cells of each of them. */
function headerOf(rows: readonly SheetRow[], levels: readonly (readonly Cell[])[]): Header {
  const names = compose(levels);
  const evidence = headerEvidence(names, rows.slice(levels.length, levels.length + SAMPLE));
  return evidence === 'none' ? NO_HEADER : { evidence, names, rows: levels.length };
}

/**
 * A first row of names each of which stands over the first of several columns, without being merged. That shows in how
 * few they are, or in the names below them, which come again for each.
 */
function findGroups(rows: readonly SheetRow[]): Header | undefined {
  const [groups, names] = rows;
  if (groups === undefined || names === undefined || groups.columns.length < 2) return undefined;
  if (!areNames(groups) || !areNames(names)) return undefined;
  const below = names.cells;
  const distinct = new Set(below.map(({ text }) => text)).size;
  if (groups.columns.length * 2 > below.length && distinct === below.length) return undefined;
  const over = groups.cells;
  let group: Cell | undefined;
  let next = 0;
  for (const { column } of below) {
    for (; (groups.columns[next] ?? Infinity) <= column; next++) group = over[next];
    if (group !== undefined && group.column < column) over.push({ column, text: group.text });
  }
  const header = headerOf(rows, [over, below]);
  return header.evidence === 'sure' ? header : undefined;
}

/** One name a column, of the names that stand above one another. */
function compose(levels: readonly (readonly Cell[])[]): Cell[] {
  const names = new Map<number, Set<string>>();
  for (const level of levels)
    for (const { column, text } of level) {
      const known = names.get(column);
      if (known === undefined) names.set(column, new Set([text]));
      else known.add(text);
    }
  return [...names]
    .sort(([a], [b]) => a - b)
    .map(([column, texts]) => ({ column, text: [...texts].join(' / ') }));
}

/** The cells of a row, with merged ones in all the columns that they reach over. */
function spread({ cells }: SheetRow, merges: readonly Merge[]): Cell[] {
  const texts = new Map(cells.map(({ column, text }) => [column, text]));
  for (const { left, right } of merges) {
    const text = texts.get(left);
    if (text === undefined) continue;
    for (let column = left + 1; column <= Math.min(right, left + WIDEST_SPAN); column++)
      if (!texts.has(column)) texts.set(column, text);
  }
  return [...texts].map(([column, text]) => ({ column, text }));
}

function areNames(row: SheetRow | undefined): boolean {
  return row !== undefined && row.cells.every(({ text }) => canName(text, []));
}

/** True for a text that may name a column: no value, or a date over other values than dates. */
function canName(text: string, values: readonly string[]): boolean {
  if (text.length > LONGEST_NAME) return false;
  const kind = kindOf(text);
  if (kind === 'number') return isYear(text) && !values.some(isYear);
  if (kind === 'date') return !values.some((value) => kindOf(value) === 'date');
  return kind === 'text';
}

function isAllValues(values: readonly string[]): boolean {
  return values.length > 0 && values.every((value) => kindOf(value) !== 'text');
}

function sampleColumns(rows: readonly SheetRow[]): Map<number, string[]> {
  const columns = new Map<number, string[]>();
  for (const { cells } of rows)
    for (const { column, text } of cells) {
      const known = columns.get(column);
      if (known === undefined) columns.set(column, [text]);
      else known.push(text);
    }
  return columns;
}

/**
 * True for two columns of which the first names what the second says, row by row, such as a form has them.
 * @param evidence for a header
 */
export function isKeyValue(rows: readonly SheetRow[], evidence: Evidence): boolean {
  if (evidence === 'sure') return false;
  const sample = rows.slice(0, SAMPLE);
  const [keys, values, ...others] = [...sampleColumns(sample)].sort(([a], [b]) => a - b);
  if (keys === undefined || values === undefined || others.length > 0) return false;
  const names = keys[1];
  if (names.length < sample.length || new Set(names).size < names.length) return false;
  if (!names.every((name) => name.length <= LONGEST_NAME && kindOf(name) === 'text')) return false;
  const kinds = new Set<ValueKind>(values[1].map(kindOf));
  const marked = names.filter((name) => name.endsWith(':')).length;
  return evidence === 'none' || kinds.size > 1 || marked * 2 > names.length;
}
