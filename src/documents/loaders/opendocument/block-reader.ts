import { elements, type XmlElement } from '../office/xml.js';
import { chartParts, EmbeddedObjects, formulaText } from './embedded-objects.js';
import { alternativeText, InlineReader, isLeftOut, type Line } from './inline.js';
import { ListCounter } from './lists.js';
import type { OpenDocumentParts } from './package.js';
import type { PageCounter } from './page-counter.js';
import { countFrom, OpenDocumentStyles } from './styles.js';
import { TableRowReader } from './table-rows.js';
import { TextBlocks } from './text-blocks.js';

/** Reads the paragraphs, lists, tables and frames of a document. */
export class BlockReader {
  readonly #styles: OpenDocumentStyles;
  readonly #objects: EmbeddedObjects;
  readonly #lists: ListCounter;
  readonly #inline: InlineReader;
  readonly #tables: TableRowReader;
  /** How many cells, notes and frames are around what is read; page breaks are none in them. */
  #depth = 0;

  constructor(
    parts: OpenDocumentParts,
    private readonly pages: PageCounter,
  ) {
    this.#styles = new OpenDocumentStyles([parts.content, parts.styles]);
    this.#objects = new EmbeddedObjects(parts);
    this.#lists = new ListCounter(this.#styles);
    this.#inline = new InlineReader(this.#styles, this.#objects, pages, (body) => this.readApart(body).flat);
    this.#tables = new TableRowReader(
      (cell) => this.readApart(cell),
      () => pages.turn(),
    );
  }

  /** Reads all blocks inside an element. */
  read(parent: XmlElement, into: TextBlocks): void {
    for (const element of elements(parent)) this.#readBlock(element, into);
  }

  /** Reads what stands apart from the text around it, such as a cell. */
  readApart(parent: XmlElement, blocks = new TextBlocks(this.pages)): TextBlocks {
    this.#apart(() => this.read(parent, blocks));
    return blocks;
  }

  #readBlock(element: XmlElement, into: TextBlocks): void {
    if (isLeftOut(element)) return;
    switch (element.name) {
      case 'p':
      case 'h':
        return this.#readParagraph(element, into);
      case 'list':
        return this.#lists.inList(element, () => this.read(element, into));
      case 'list-item':
      case 'list-header':
        return this.#lists.inItem(element, () => this.read(element, into));
      case 'table':
        return this.#readTable(element, into);
      case 'frame':
        return this.#readFrame(element, into);
      case 'soft-page-break':
        return this.pages.turn();
      default:
        return this.read(element, into);
    }
  }

  #readParagraph(element: XmlElement, into: TextBlocks): void {
    const style = this.#styles.style('paragraph', element.attributes['style-name']);
    if (style.isHidden) return;
    if (this.#depth === 0) this.pages.beginBlock(style.breaksBefore);
    const isHeading = element.name === 'h' || style.role === 'title';
    const line = this.#inline.read(element, isHeading);
    if (line.isHidden) return;
    if (isHeading) this.#addHeading(element, line, into);
    else if (style.role === 'code') into.code(line.pieces.join(''));
    else this.#addParagraph(line, into);
    for (const note of line.notes ?? []) into.paragraph(`(${note})`);
    this.#apart(() => line.shapes.forEach((shape) => this.#readBlock(shape, into)));
    if (line.pagesLater > 0) this.pages.turn(line.pagesLater);
    if (style.breaksAfter && this.#depth === 0) this.pages.turnBeforeNext();
  }

  #addHeading(element: XmlElement, { pieces }: Line, into: TextBlocks): void {
    const level = countFrom(element.attributes['outline-level']) ?? 1;
    const position = this.#lists.next();
    const number = position?.label ?? (element.name === 'h' ? this.#lists.headingNumber(level, element) : '');
    const text = pieces.join('').trim();
    into.heading(level, text === '' ? '' : `${number} ${text}`);
  }

  #addParagraph({ pieces }: Line, into: TextBlocks): void {
    const position = this.#lists.next();
    const text = pieces.join('');
    if (position === undefined) into.paragraph(text);
    else if (position.label === undefined) into.continueItem(text);
    else into.item(position.level, position.label, text);
  }

  #readTable(table: XmlElement, into: TextBlocks): void {
    const { breaksBefore } = this.#styles.style('table', table.attributes['style-name']);
    if (this.#depth === 0) this.pages.beginBlock(breaksBefore);
    const { page } = this.pages;
    const { rows, hasHeader } = this.#tables.read(table);
    into.table(rows, hasHeader, page);
  }

  /** The parts of a frame are different forms of the same; the first that can be read stands for it. */
  #readFrame(frame: XmlElement, into: TextBlocks): void {
    for (const part of elements(frame)) {
      if (part.name === 'text-box') return void this.readApart(part, into);
      if (part.name === 'table') return this.#apart(() => this.#readTable(part, into));
      if (part.name === 'object' && this.#readObject(frame, into)) return;
    }
    into.paragraph(alternativeText(frame));
  }

  #readObject(frame: XmlElement, into: TextBlocks): boolean {
    const object = this.#objects.open(frame);
    if (object === undefined) return false;
    const formula = formulaText(object);
    if (formula !== undefined) into.paragraph(formula);
    const chart = chartParts(object);
    for (const title of chart?.titles ?? []) into.paragraph(title);
    if (chart?.data !== undefined) into.table(this.#tables.read(chart.data).rows, true);
    return formula !== undefined || chart !== undefined;
  }

  #apart(read: () => void): void {
    this.#depth++;
    this.#lists.apart(read);
    this.#depth--;
  }
}
