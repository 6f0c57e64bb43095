import { TextBlocks } from '../opendocument/text-blocks.js';
import { alignRows, type TableRow } from './table-rows.js';

/** What is known of a paragraph when it ends. */
export interface ParagraphKind {
  /** From 1; undefined for what is no heading. */
  headingLevel: number | undefined;
  isCode: boolean;
  /** Of the list, from 0. */
  listLevel: number;
  /** How many tables it is in. */
  tableLevel: number;
}

interface OpenTable {
  rows: TableRow[];
  cells: TextBlocks[];
  cell: TextBlocks;
  hasHeader: boolean;
}

/** A text of its own, such as the document or a footnote: collects what is read and makes paragraphs and tables of it. */
export class RtfFlow {
  readonly #blocks = new TextBlocks();
  readonly #tables: OpenTable[] = [];
  #pieces: (string | TextBlocks)[] = [];
  #shapes: TextBlocks[] = [];
  #marker: { text: string; isSymbol: boolean } | undefined;
  #definition: Omit<TableRow, 'cells'> = { edges: [], merged: [] };
  #isMerged = false;
  #isHeader = false;

  add(text: string): void {
    this.#pieces.push(text);
  }

  /** The bullet or number of the paragraph, or a part of it. */
  addMarker(text: string, isSymbol: boolean): void {
    this.#marker ??= { text: '', isSymbol: false };
    this.#marker.text += text;
    this.#marker.isSymbol ||= isSymbol;
  }

  /** A footnote, which stands in parentheses where its number is. */
  addNote(note: TextBlocks): void {
    this.#pieces.push(note);
  }

  /** A text box, which stands after the paragraph in which it is anchored. */
  addShape(shape: TextBlocks): void {
    this.#shapes.push(shape);
  }

  endParagraph({ headingLevel, isCode, listLevel, tableLevel }: ParagraphKind): void {
    this.#openTables(tableLevel);
    const into = this.#tables.at(-1)?.cell ?? this.#blocks;
    const notes = this.#pieces.filter((piece) => typeof piece !== 'string').map((note) => `(${note.flat})`);
    const label = this.#label();
    if (headingLevel !== undefined) {
      const text = this.#pieces
        .filter((piece) => typeof piece === 'string')
        .join('')
        .trim();
      into.heading(headingLevel, text === '' ? '' : `${label ?? ''} ${text}`);
      for (const note of notes) into.paragraph(note);
    } else {
      const text = this.#pieces
        .map((piece) => (typeof piece === 'string' ? piece : ` (${piece.flat})`))
        .join('');
      if (label !== undefined) into.item(listLevel, label, text);
      else if (isCode) into.code(text);
      else into.paragraph(text);
    }
    for (const shape of this.#shapes) into.append(shape);
    this.#pieces = [];
    this.#shapes = [];
    this.#marker = undefined;
  }

  /**
   * Ends a line as some programs write the end of every paragraph, whether an empty line follows or not. Lines without
   * an empty one between them are one paragraph.
   */
  endLine(kind: ParagraphKind): void {
    const standsAlone = this.#marker !== undefined || kind.tableLevel > 0 || kind.headingLevel !== undefined;
    const isEmpty = this.#pieces.length === 0 || this.#pieces.at(-1) === '\n';
    if (standsAlone || isEmpty) this.endParagraph(kind);
    else this.#pieces.push('\n');
  }

  /** Ends the lines before a paragraph of another kind. */
  endLines(kind: ParagraphKind): void {
    if (this.#pieces.at(-1) === '\n') this.endParagraph(kind);
  }

  /** Returns what takes the definition of a row back to what it is now. */
  keepRowDefinition(): () => void {
    const definition = this.#definition;
    return () => void (this.#definition = definition);
  }

  /** A row is defined from here on. */
  defineRow(): void {
    this.#definition = { edges: [], merged: [] };
    this.#isMerged = false;
    this.#isHeader = false;
  }

  /** The row that is being defined holds the names of the columns. */
  defineHeader(): void {
    this.#isHeader = true;
  }

  /** The cell that is being defined belongs to the one above it. */
  mergeCell(): void {
    this.#isMerged = true;
  }

  /** The definition of a cell ends with where its right edge is. */
  defineCell(edge: number): void {
    this.#definition.edges.push(edge);
    this.#definition.merged.push(this.#isMerged);
    this.#isMerged = false;
  }

  /** Ends a cell, and the paragraph in it. */
  endCell(kind: ParagraphKind): void {
    this.endParagraph(kind);
    const table = this.#tables.at(-1);
    if (table === undefined) return;
    table.cells.push(table.cell);
    table.cell = new TextBlocks();
  }

  /** Ends a row of the innermost of so many tables. */
  endRow(tableLevel: number): void {
    this.#openTables(tableLevel);
    const table = this.#tables.at(-1);
    if (table === undefined) return;
    table.hasHeader ||= this.#isHeader && table.rows.length === 0;
    if (table.cells.length > 0) table.rows.push({ ...this.#definition, cells: table.cells });
    table.cells = [];
  }

  /**
   * All that was collected.
   * @param kind of the last paragraph, which nothing ends
   */
  finish(kind: ParagraphKind): TextBlocks {
    this.endParagraph(kind);
    this.#openTables(0);
    return this.#blocks;
  }

  /** Ends tables, or begins them, until so many are open. */
  #openTables(level: number): void {
    while (this.#tables.length < level) {
      this.#tables.push({ rows: [], cells: [], cell: new TextBlocks(), hasHeader: false });
    }
    while (this.#tables.length > level) {
      const table = this.#tables.pop();
      if (table === undefined) return;
      if (table.cells.length > 0) table.rows.push({ edges: [], merged: [], cells: table.cells });
      const into = this.#tables.at(-1)?.cell ?? this.#blocks;
      into.table(alignRows(table.rows), table.hasHeader);
      into.append(table.cell);
    }
  }

  /** The number of the item that the paragraph is, empty for a bullet; undefined when it is none. */
  #label(): string | undefined {
    if (this.#marker === undefined) return undefined;
    const text = this.#marker.text.replace(/\s+/g, ' ').trim();
    // some fonts draw a bullet for a letter
    const isBullet = this.#marker.isSymbol || text === 'o' || !/[\p{L}\p{N}]/u.test(text);
    return isBullet ? '' : text.slice(0, 50);
  }
}
