import { ABOVE, type GridCell, LEFT } from '../merged-cells.js';
import { child, elements, findAll, textOf, type XmlElement } from '../xml.js';
import { isOn, numberOf, valueOf } from './flags.js';
import type { Styles } from './styles.js';

/** A cell that takes part in the text, not one that only continues another. */
interface TableCell {
  element: XmlElement;
  /** How many columns it reaches over. */
  columns: number;
  continuesAbove: boolean;
  continuesLeft: boolean;
}

interface TableRow {
  cells: TableCell[];
  /** Columns that stay free before the first cell. */
  skipped: number;
  isHeader: boolean;
}

/** Wider cells are a sign of damage; word processors allow fewer columns. */
const WIDEST_SPAN = 64;
/** Places that belong to other cells, in one table; cells do not reach over more. */
const MOST_SPANNED = 200_000;
/** Elements around rows and cells that hold nothing of their own. */
const WRAPPERS = new Set(['sdt', 'sdtContent', 'customXml', 'ins', 'moveTo', 'smartTag']);
/** The bit for "first row" where properties are written as a number. */
const FIRST_ROW_BIT = 0x20;

/** A table's rows and cells. */
export class DocxTable {
  readonly #rows: TableRow[];

  constructor(private readonly table: XmlElement) {
    this.#rows = unwrapped(table, 'tr')
      .filter((row) => !isDeleted(child(row, 'trPr'), 'del'))
      .map(readRow);
  }

  /** True for a table of one column: a frame around paragraphs. */
  get isFrame(): boolean {
    return this.#rows.every(({ cells }) => cells.filter((cell) => !cell.continuesLeft).length <= 1);
  }

  /**
   * Rows that name the columns: those that say so, else the first. Of a table of two columns it may well be a name and
   * a value like all others, so there it must also look different.
   */
  headerRows(styles: Styles): number {
    const declared = this.#rows.findIndex((row) => !row.isHeader);
    if (declared !== 0) return declared < 0 ? 1 : declared;
    if (!this.#usesFirstRow) return 0;
    const [first, second] = this.#rows;
    if (this.#rows.some(({ cells }) => cells.length > 2)) return 1;
    const style = valueOf(child(this.table, 'tblPr'), 'tblStyle');
    return styles.marksFirstRow(style) ||
      (stands(first, isBold) && !stands(second, isBold)) ||
      (stands(first, isShaded) && !stands(second, isShaded))
      ? 1
      : 0;
  }

  /** False for a table whose first row its author took for one like the others. */
  get #usesFirstRow(): boolean {
    const look = child(child(this.table, 'tblPr'), 'tblLook')?.attributes;
    if (look?.['firstRow'] !== undefined) return /^(?:1|true|on)$/.test(look['firstRow']);
    const bits = look?.['val'];
    return bits === undefined || (Number.parseInt(bits, 16) & FIRST_ROW_BIT) !== 0;
  }

  /** All cells that hold something, in order. */
  get cells(): XmlElement[] {
    return this.#rows.flatMap(({ cells }) =>
      cells.filter((cell) => !cell.continuesAbove && !cell.continuesLeft).map(({ element }) => element),
    );
  }

  /** The cells' texts, with the places that belong to merged cells. */
  grid(textOfCell: (cell: XmlElement) => string): GridCell[][] {
    let spanned = 0;
    return this.#rows.map(({ cells, skipped }) => {
      const row: GridCell[] = [];
      for (let column = 0; column < skipped && spanned < MOST_SPANNED; column++, spanned++) row.push('');
      for (const { element, columns, continuesAbove, continuesLeft } of cells) {
        if (continuesLeft) row.push(LEFT);
        else row.push(continuesAbove ? ABOVE : textOfCell(element));
        for (let column = 1; column < columns && spanned < MOST_SPANNED; column++, spanned++) row.push(LEFT);
      }
      return row;
    });
  }
}

function readRow(row: XmlElement): TableRow {
  const properties = child(row, 'trPr');
  return {
    cells: unwrapped(row, 'tc')
      .filter((cell) => !isDeleted(child(cell, 'tcPr'), 'cellDel'))
      .map(readCell),
    skipped: span(numberOf(properties, 'gridBefore') ?? 0),
    isHeader: isOn(child(properties, 'tblHeader')),
  };
}

function readCell(cell: XmlElement): TableCell {
  const properties = child(cell, 'tcPr');
  return {
    element: cell,
    columns: Math.max(1, span(numberOf(properties, 'gridSpan') ?? 1)),
    continuesAbove: continues(properties, 'vMerge'),
    continuesLeft: continues(properties, 'hMerge'),
  };
}

function continues(properties: XmlElement | undefined, name: string): boolean {
  return child(properties, name) !== undefined && valueOf(properties, name) !== 'restart';
}

/** True for a row all of whose cells look so. */
function stands(row: TableRow | undefined, looks: (cell: XmlElement) => boolean): boolean {
  return row !== undefined && row.cells.every(({ element }) => looks(element));
}

function isBold(cell: XmlElement): boolean {
  return findAll(cell, 'r')
    .filter((run) => textOf(run).trim() !== '')
    .every((run) => isOn(child(child(run, 'rPr'), 'b')));
}

function isShaded(cell: XmlElement): boolean {
  const fill = child(child(cell, 'tcPr'), 'shd')?.attributes['fill'] ?? 'auto';
  return fill !== 'auto';
}

function isDeleted(properties: XmlElement | undefined, name: string): boolean {
  return child(properties, name) !== undefined;
}

function span(columns: number): number {
  return Math.min(Math.max(columns, 0), WIDEST_SPAN);
}

/** Children of a name, also those inside wrappers. */
function unwrapped(parent: XmlElement, name: string): XmlElement[] {
  const found: XmlElement[] = [];
  const collect = (from: XmlElement): void => {
    for (const element of elements(from)) {
      if (element.name === name) found.push(element);
      else if (WRAPPERS.has(element.name)) collect(element);
    }
  };
  collect(parent);
  return found;
}
