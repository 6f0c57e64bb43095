import { paragraph, recordLine, TableText } from '../table-text.js';
import { type Block, splitBlocks, splitSideBySide } from './blocks.js';
import { findHeader, type Header, headerEvidence, isKeyValue } from './header.js';
import { repeatMerged } from './repeat-merged.js';
import { kindOf } from './value-kind.js';
import type { Cell, Merge, Sheet, SheetRow } from './workbook.js';

/** More, or longer, texts above a table are no title of it. */
const MOST_TITLE_ROWS = 4;
const LONGEST_TITLE = 150;
/** Empty rows between a title and its table, at most; and between two parts of one table. */
const TITLE_GAP = 2;
const TABLE_GAP = 1;
/** In a table of fewer columns, a row of one cell is a row like others. */
const NARROWEST_WITH_NOTES = 3;

/** The last table, which may go on behind an empty row. */
interface OpenTable {
  text: TableText;
  header: Header;
  first: number;
  last: number;
  lastRow: number;
}

/** What a sheet holds as blocks of Markdown: its tables, with their titles as headings, and the texts around them. */
export function sheetText({ rows, merges }: Sheet): string[] {
  const writer = new SheetWriter(spansByRow(merges));
  for (const block of splitBlocks(repeatMerged(rows, merges))) {
    const parts = splitSideBySide(block, (part) => writer.hasHeader(part));
    if (parts.length === 1) writer.write(block);
    else for (const part of parts.flatMap(splitBlocks)) writer.write(part);
  }
  return writer.finish();
}

class SheetWriter {
  readonly #parts: string[] = [];
  /** Texts that are the title of the next table if it follows soon. */
  #title: SheetRow[] = [];
  /** A row that stands alone, and may hold the names of the next table. */
  #names: Block | undefined;
  #table: OpenTable | undefined;

  constructor(private readonly spans: ReadonlyMap<number, readonly Merge[]>) {}

  /** True when rows look like a table whose columns have names. */
  hasHeader(block: Block): boolean {
    return findHeader(block.slice(leadingTexts(block)), this.spans).evidence !== 'none';
  }

  write(block: Block): void {
    const names = this.#names;
    this.#names = undefined;
    const isJoined = names !== undefined && this.#areNamesOf(names, block);
    if (names !== undefined && !isJoined) this.#writeBlock(names);
    const whole = isJoined ? [...names, ...block] : block;
    if (this.#title.length === 0 && this.#goesOn(whole)) return;
    if (whole.length === 1 && leadingTexts(whole) === 0) this.#names = whole;
    else this.#writeBlock(whole);
  }

  finish(): string[] {
    if (this.#names !== undefined) this.#writeBlock(this.#names);
    this.#writeParagraphs(this.#title);
    this.#closeTable();
    return this.#parts;
  }

  #writeBlock(block: Block): void {
    const titleRows = leadingTexts(block);
    if (titleRows === block.length) {
      this.#writeTexts(block);
      return;
    }
    this.#writeTitle(block.slice(0, titleRows), block[0]?.index ?? 0);
    this.#writeTable(block.slice(titleRows));
  }

  /** True for a row of names that an empty row separates from the table below, which has none of its own. */
  #areNamesOf(names: Block, block: Block): boolean {
    const [row] = names;
    if (row === undefined || (block[0]?.index ?? 0) - row.index > TABLE_GAP + 1) return false;
    return headerEvidence(row.cells, block) !== 'none' && !this.hasHeader(block);
  }

  /** Rows of one cell each: a title, if it is short and a table follows, or just text. */
  #writeTexts(block: Block): void {
    this.#writeParagraphs(this.#title);
    this.#title = [];
    if (isTitle(block)) {
      this.#title = block;
      return;
    }
    const header = findHeader(block, this.spans);
    if (header.evidence === 'none') this.#writeParagraphs(block);
    else this.#writeTable(block);
  }

  /** The title of the table that comes next: what stands right above it, in the block before and in its own. */
  #writeTitle(own: Block, tableRow: number): void {
    const isNear = this.#isNear(this.#title, tableRow);
    if (!isNear) this.#writeParagraphs(this.#title);
    const rows = isNear ? [...this.#title, ...own] : own;
    this.#title = [];
    if (isTitle(rows)) this.#write(`### ${rows.map(({ firstText }) => firstText).join(' – ')}`);
    else this.#writeParagraphs(rows);
  }

  /** True for texts that stand closer to the table below than to the one above, of which they may be a note. */
  #isNear(texts: readonly SheetRow[], tableRow: number): boolean {
    const [first, last] = [texts[0], texts.at(-1)];
    if (first === undefined || last === undefined) return false;
    const above = this.#table === undefined ? Infinity : first.index - this.#table.lastRow;
    return tableRow - last.index <= Math.min(TITLE_GAP + 1, above);
  }

  #writeTable(block: Block): void {
    const header = findHeader(block, this.spans);
    if (isKeyValue(block, header.evidence)) {
      this.#writeKeyValues(block);
      return;
    }
    this.#closeTable();
    const [first, last] = columnsOf(block);
    const text = new TableText(header.names);
    this.#table = { text, header, first, last, lastRow: 0 };
    this.#addRows(this.#table, block.slice(header.rows));
  }

  /** Adds rows to the last table if they are the rest of it, behind a row that was left empty. */
  #goesOn(block: Block): boolean {
    const table = this.#table;
    const start = block[0];
    if (table === undefined || start === undefined || leadingTexts(block) > 0) return false;
    if (start.index - table.lastRow > TABLE_GAP + 1) return false;
    const [first, last] = columnsOf(block);
    if (first < table.first || last > table.last) return false;
    // programs that print pages repeat the names on each
    const isRepeated = start.columns.length > 1 && sameCells(start.cells, table.header.names);
    const evidence = headerEvidence(start.cells, block.slice(1));
    if (!isRepeated && evidence !== 'none' && !(evidence === 'likely' && table.header.rows > 0)) return false;
    this.#addRows(table, isRepeated ? block.slice(1) : block);
    return true;
  }

  #addRows(table: OpenTable, rows: readonly SheetRow[]): void {
    let end = rows.length;
    if (table.last - table.first + 1 >= NARROWEST_WITH_NOTES)
      while (end > 0 && isNote(rows[end - 1], table.first)) end--;
    for (const { cells } of rows.slice(0, end)) table.text.add(cells);
    table.lastRow = rows.at(-1)?.index ?? table.lastRow;
    this.#writeParagraphs(rows.slice(end));
  }

  #writeKeyValues(block: Block): void {
    const text = new TableText();
    for (const { cells } of block) {
      const [key, value] = cells;
      const line = recordLine([(key?.text ?? '').replace(/ ?:$/, '')], [value?.text ?? '']);
      text.add([{ column: 0, text: value === undefined ? (key?.text ?? '') : line }]);
    }
    this.#write(String(text));
  }

  #writeParagraphs(rows: readonly SheetRow[]): void {
    for (const row of rows) this.#write(paragraph(row.firstText));
  }

  /** Adds a part, with which the last table ends. */
  #write(part: string): void {
    this.#closeTable();
    this.#parts.push(part);
  }

  #closeTable(): void {
    if (this.#table !== undefined) this.#parts.push(String(this.#table.text));
    this.#table = undefined;
  }
}

/** How many first rows have but one cell. */
function leadingTexts(block: Block): number {
  const table = block.findIndex(({ columns }) => columns.length > 1);
  return table < 0 ? block.length : table;
}

/** True for rows of one cell each that may be the title of a table. */
function isTitle(rows: readonly SheetRow[]): boolean {
  const texts = rows.map(({ firstText }) => firstText);
  return (
    texts.length > 0 &&
    texts.length <= MOST_TITLE_ROWS &&
    texts.join(' – ').length <= LONGEST_TITLE &&
    texts.some((text) => kindOf(text) === 'text')
  );
}

/** True for a last row that says something about a table rather than holding values. */
function isNote(row: SheetRow | undefined, firstColumn: number): boolean {
  return row?.columns.length === 1 && row.columns[0] === firstColumn && kindOf(row.firstText) === 'text';
}

function sameCells(cells: readonly Cell[], others: readonly Cell[]): boolean {
  return (
    cells.length === others.length &&
    cells.every(({ column, text }, at) => column === others[at]?.column && text === others[at]?.text)
  );
}

/** The first and the last column in use. */
function columnsOf(block: Block): [number, number] {
  let [first, last] = [Infinity, 0];
  for (const row of block) {
    first = Math.min(first, row.first);
    last = Math.max(last, row.last);
  }
  return [first, last];
}

/** The merged cells that reach over several columns, by their first row. */
function spansByRow(merges: readonly Merge[]): Map<number, Merge[]> {
  const spans = new Map<number, Merge[]>();
  for (const merge of merges) {
    if (merge.left === merge.right) continue;
    const known = spans.get(merge.top);
    if (known === undefined) spans.set(merge.top, [merge]);
    else known.push(merge);
  }
  return spans;
}
