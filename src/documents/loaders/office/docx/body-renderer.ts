import type { BlockWriter } from '../block-writer.js';
import { chartText } from '../chart.js';
import { diagramText } from '../diagram.js';
import { mergedTableText } from '../merged-cells.js';
import type { OfficePackage } from '../package.js';
import { child, elements, find, textOf, type XmlElement } from '../xml.js';
import { valueOf } from './flags.js';
import type { Notes } from './notes.js';
import type { ListPlace, Numbering } from './numbering.js';
import { type Attachment, isGenerated, isPlaceholder, readParagraph } from './paragraph-reader.js';
import { ownOutlineLevel, type ParagraphStyle, type Styles } from './styles.js';
import { DocxTable } from './table-reader.js';

/** What the text of a document is read with. */
export interface DocumentParts {
  package: OfficePackage;
  /** Name of the part that holds the text. */
  mainPart: string;
  styles: Styles;
  numbering: Numbering;
  notes: Notes;
}

/** What a paragraph becomes. */
interface Block {
  text: string;
  style: ParagraphStyle;
  place: ListPlace | undefined;
  /** 1 for the outermost; undefined for what is no heading. */
  headingLevel: number | undefined;
  isMonospaced: boolean;
}

/** A longer paragraph is none, whatever its style: a clause of a contract, numbered as a heading. */
const LONGEST_HEADING = 200;
/** A cell with more text is a column of a page layout. */
const LONGEST_CELL = 2000;
/** Text that is hardly prose. */
const LOOKS_LIKE_CODE = /[{}[\]=<>\\$_|]|\w\(|;$/;
const NOTE_MARK = /\[\^\w+\]/g;
const REMOVED = new Set(['del', 'moveFrom', 'sectPr', 'sdtPr', 'sdtEndPr', 'altChunk']);

/** Writes the body of a document as Markdown. */
export class BodyRenderer {
  readonly #drawn = new Set<string>();
  /** Paragraphs of letters of the same width, until it is known whether they are code. */
  #typed: Block[] = [];
  /** The text of the first heading. */
  firstHeading: string | undefined;

  /** @param hasTitle true when the document's title stands above its headings */
  constructor(
    private readonly parts: DocumentParts,
    private readonly writer: BlockWriter,
    private readonly hasTitle: boolean,
  ) {}

  /** Writes the paragraphs and tables that are in an element. */
  render(parent: XmlElement): void {
    this.#renderChildren(parent);
    this.#endTyped();
    this.#writeNotes();
  }

  #renderChildren(parent: XmlElement): void {
    for (const element of elements(parent)) {
      if (element.name === 'p') this.#renderParagraph(element);
      else if (element.name === 'tbl') this.#renderTable(element);
      else if (element.name === 'AlternateContent') this.#renderChildren(elements(element)[0] ?? element);
      else if (element.name === 'sdt' && (isGenerated(element) || isPlaceholder(element))) continue;
      else if (!REMOVED.has(element.name)) this.#renderChildren(element);
    }
  }

  #renderParagraph(paragraph: XmlElement): void {
    const attachments: Attachment[] = [];
    const block = this.#readBlock(paragraph, attachments);
    if (block.style.role !== 'contents') this.#writeBlock(block);
    if (this.#typed.length === 0) this.#writeNotes();
    this.#writeAttachments(attachments);
  }

  #readBlock(paragraph: XmlElement, attachments: Attachment[]): Block {
    const { styles, numbering, notes } = this.parts;
    const properties = child(paragraph, 'pPr');
    const styleId = valueOf(properties, 'pStyle');
    const style = styles.paragraph(styleId);
    const content = readParagraph(paragraph, style.isMonospaced, styles, (kind, id) => notes.mark(kind, id));
    for (const attachment of content.attachments) attachments.push(attachment);
    const hasText = content.text.trim() !== '';
    const level = ownOutlineLevel(properties) ?? style.outlineLevel;
    return {
      text: content.text,
      style,
      // word processors do not number a paragraph that is there only for what is anchored to it
      place: hasText ? numbering.count(properties, styleId) : undefined,
      headingLevel:
        hasText && content.text.length <= LONGEST_HEADING ? this.#headingLevel(style, level) : undefined,
      isMonospaced: content.isMonospaced,
    };
  }

  #headingLevel(style: ParagraphStyle, outlineLevel: number | undefined): number | undefined {
    if (style.role === 'title') return 1;
    if (outlineLevel === undefined || outlineLevel < 0 || outlineLevel > 8) return undefined;
    return outlineLevel + (this.hasTitle ? 2 : 1);
  }

  #writeBlock(block: Block): void {
    const { text, style, place, headingLevel } = block;
    const isTyped = block.isMonospaced && headingLevel === undefined && place === undefined;
    if (style.role === 'code') {
      this.#endTyped();
      this.writer.code(text);
      return;
    }
    // an empty line between lines of code is one of them
    if (isTyped || (this.#typed.length > 0 && text.trim() === '')) {
      this.#typed.push(block);
      return;
    }
    if (text.trim() === '') return;
    this.#endTyped();
    if (headingLevel !== undefined) {
      const heading = text.replace(NOTE_MARK, '');
      this.firstHeading ??= heading;
      this.writer.heading(headingLevel, place === undefined ? heading : `${place.label} ${heading}`);
    } else if (place === undefined || place.isUnmarked) this.writer.paragraph(text);
    else this.writer.item(place.depth, place.label, text);
  }

  /** Writes paragraphs that look typed: as code when they look like it, else as paragraphs. */
  #endTyped(): void {
    const typed = this.#typed;
    this.#typed = [];
    const isCode = looksLikeCode(typed);
    for (const { text } of typed) {
      if (isCode) this.writer.code(text);
      else this.writer.paragraph(text);
    }
  }

  #writeAttachments(attachments: readonly Attachment[]): void {
    if (attachments.length === 0) return;
    this.#endTyped();
    for (const attachment of attachments) {
      if (attachment.kind === 'box') this.#renderChildren(attachment.content);
      else this.#writeDrawing(attachment.kind, attachment.id);
    }
  }

  #writeDrawing(kind: 'chart' | 'diagram', id: string | undefined): void {
    const name = this.parts.package.target(this.parts.mainPart, id);
    if (name === undefined || this.#drawn.has(name)) return;
    this.#drawn.add(name);
    const root = this.parts.package.optionalXml(name);
    if (root !== undefined) this.writer.markdown(kind === 'chart' ? chartText(root) : diagramText(root));
  }

  #renderTable(element: XmlElement): void {
    const table = new DocxTable(element);
    const attachments: Attachment[] = [];
    this.#endTyped();
    if (isLayout(table)) {
      for (const cell of table.cells) {
        this.#renderChildren(cell);
        this.#endTyped();
        this.writer.endBlock();
      }
      return;
    }
    const grid = table.grid((cell) => this.#cellText(cell, attachments));
    this.writer.markdown(mergedTableText(grid, table.headerRows(this.parts.styles)));
    this.#writeNotes();
    this.#writeAttachments(attachments);
  }

  /** The paragraphs of a cell, one after the other. */
  #cellText(cell: XmlElement, attachments: Attachment[]): string {
    const parts: string[] = [];
    const collect = (parent: XmlElement): void => {
      for (const element of elements(parent)) {
        if (element.name === 'p') {
          const { text, place } = this.#readBlock(element, attachments);
          const mark = place === undefined || place.isUnmarked ? '' : `${place.label || '-'} `;
          if (text.trim() !== '') parts.push(mark + text);
        } else if (element.name !== 'tcPr' && !REMOVED.has(element.name) && !isPlaceholder(element))
          collect(element);
      }
    };
    collect(cell);
    return parts.join(' ').replace(/\s+/g, ' ').trim();
  }

  #writeNotes(): void {
    for (const { label, note } of this.parts.notes.takeDue()) {
      const text = this.#cellText(note, []);
      if (text !== '') this.writer.note(`${label}: ${text}`);
    }
  }
}

/** True for a table that only places what is in it: in frames, in tables of their own, or in columns of text. */
function isLayout(table: DocxTable): boolean {
  return (
    table.isFrame ||
    table.cells.some((cell) => find(cell, 'tbl') !== undefined) ||
    table.cells.some((cell) => textOf(cell).length > LONGEST_CELL)
  );
}

/** True when at least half of the lines look like code. */
function looksLikeCode(blocks: readonly Block[]): boolean {
  const lines = blocks.flatMap(({ text }) => text.split('\n')).filter((line) => line.trim() !== '');
  return lines.filter((line) => LOOKS_LIKE_CODE.test(line.trim())).length * 2 >= lines.length;
}
