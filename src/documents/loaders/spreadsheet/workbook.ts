import { UnreadableDocumentError } from '../loader.js';
import { oneLine, type TableCell } from '../table-text.js';

/** A cell with a text, in the row that holds it. */
export type Cell = TableCell;

/** Between the texts of a row, which are on one line. */
const SEPARATOR = '\n';

/** A row that has cells. Its texts are kept as one, as a table may have millions of them. */
export class SheetRow {
  private constructor(
    /** From 0. */
    readonly index: number,
    /** The columns that are not empty, in order. */
    readonly columns: readonly number[],
    private readonly texts: string,
  ) {}

  /**
   * @param cells in order, at least one
   * @param above another row; where it has the same columns, only one of the two keeps them
   */
  static of(index: number, cells: readonly Cell[], above?: SheetRow): SheetRow {
    const columns = cells.map(({ column }) => column);
    const isAlike =
      above?.columns.length === columns.length && columns.every((column, at) => column === above.columns[at]);
    return new SheetRow(
      index,
      isAlike ? above.columns : columns,
      cells.map(({ text }) => text).join(SEPARATOR),
    );
  }

  /** The cells in order, made anew each time. */
  get cells(): Cell[] {
    const texts = this.texts.split(SEPARATOR);
    return this.columns.map((column, at) => ({ column, text: texts[at] ?? '' }));
  }

  /** The text of the first cell. */
  get firstText(): string {
    const end = this.texts.indexOf(SEPARATOR);
    return end < 0 ? this.texts : this.texts.slice(0, end);
  }

  get first(): number {
    return this.columns[0] ?? 0;
  }

  get last(): number {
    return this.columns.at(-1) ?? 0;
  }
}

/** Cells that are shown as one. Rows and columns count from 0, the last ones included. */
export interface Merge {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

/** What a sheet holds: its rows in order, without empty ones. */
export interface Sheet {
  name: string;
  rows: SheetRow[];
  merges: Merge[];
}

/** What all the formats of spreadsheets are read into. */
export interface Workbook {
  sheets: Sheet[];
  title?: string;
  metadata?: Record<string, unknown>;
}

const MOST_ROWS = 1_000_000;
const MOST_CELLS = 5_000_000;
const MOST_CHARACTERS = 100_000_000;

/** Counts what a workbook holds, as a small file can stand for endless rows. */
export class WorkbookLimits {
  #rows = 0;
  #cells = 0;
  #characters = 0;

  /** @throws {UnreadableDocumentError} when there are too many */
  addRow(): void {
    if (++this.#rows > MOST_ROWS) throw tooLarge(MOST_ROWS, 'rows');
  }

  /** @throws {UnreadableDocumentError} when there are too many, or too long ones */
  addCell(length: number): void {
    if (++this.#cells > MOST_CELLS) throw tooLarge(MOST_CELLS, 'cells');
    this.#characters += length;
    if (this.#characters > MOST_CHARACTERS) throw tooLarge(MOST_CHARACTERS, 'characters');
  }
}

/** Collects the cells of a sheet, in the order in which its file holds them. */
export class SheetBuilder {
  readonly #rows: SheetRow[] = [];
  readonly #merges: Merge[] = [];
  /** The row that cells are added to. */
  #row = -1;
  #cells: Cell[] = [];

  constructor(
    readonly name: string,
    private readonly limits: WorkbookLimits,
  ) {}

  /**
   * Adds a cell, unless it is blank.
   * @throws {UnreadableDocumentError} when the workbook becomes too large
   */
  cell(row: number, column: number, text: string): void {
    const line = oneLine(text);
    if (line === '') return;
    this.limits.addCell(line.length);
    if (row !== this.#row) this.#closeRow();
    this.#row = row;
    this.#cells.push({ column, text: line });
  }

  merge(merge: Merge): void {
    if (merge.bottom > merge.top || merge.right > merge.left) this.#merges.push(merge);
  }

  /** The sheet. */
  build(): Sheet {
    this.#closeRow();
    const rows = inOrder(this.#rows, (row) => row.index);
    return { name: oneLine(this.name), rows, merges: this.#merges };
  }

  #closeRow(): void {
    if (this.#cells.length === 0) return;
    this.limits.addRow();
    const cells = inOrder(this.#cells, (cell) => cell.column);
    this.#rows.push(SheetRow.of(this.#row, cells, this.#rows.at(-1)));
    this.#cells = [];
  }
}

/** Nearly all files hold rows and cells in order; they are put in order where they are not. */
function inOrder<T>(items: T[], key: (item: T) => number): T[] {
  let last = -1;
  const isSorted = items.every((item) => {
    const isNext = key(item) >= last;
    last = key(item);
    return isNext;
  });
  return isSorted ? items : items.sort((a, b) => key(a) - key(b));
}

function tooLarge(most: number, what: string): UnreadableDocumentError {
  return new UnreadableDocumentError(
    `It holds more than ${most.toLocaleString('en')} ${what}, the most that is read.`,
  );
}
