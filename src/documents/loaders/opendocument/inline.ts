import { child, textOf, type XmlElement } from '../office/xml.js';
import { formulaText, type EmbeddedObjects } from './embedded-objects.js';
import type { PageCounter } from './page-counter.js';
import { countFrom, type OpenDocumentStyles } from './styles.js';

/** The text of a paragraph, and what is anchored in it. */
export interface Line {
  pieces: string[];
  /** Frames and other shapes, which stand after the paragraph. */
  shapes: XmlElement[];
  /** Footnotes that are kept out of the text; where undefined, they stand in it in parentheses. */
  notes: string[] | undefined;
  isHidden: boolean;
  /** How many pages end in the middle of the text. */
  pagesLater: number;
}

/** What is no text of the document: comments, changes that were made, scripts, and pictures in flat files. */
const LEFT_OUT = new Set(
  (
    'annotation annotation-end tracked-changes note-citation script event-listeners forms ruby-text binary-data ' +
    'object-ole plugin applet floating-frame page-thumbnail sequence-decls variable-decls user-field-decls ' +
    // they repeat the headings
    'table-of-content illustration-index table-index object-index user-index alphabetical-index'
  ).split(' '),
);
const SHAPES = new Set(
  'frame custom-shape rect ellipse circle line polyline polygon regular-polygon path connector caption g'.split(
    ' ',
  ),
);
const MOST_SPACES = 40;
/** The name of a picture's file, which says nothing. */
const FILE_NAME = /^\S{1,200}\.\w{3,4}$/;

/** True for what is not read at all. */
export function isLeftOut({ name, attributes }: XmlElement): boolean {
  return LEFT_OUT.has(name) || attributes['display'] === 'none' || attributes['is-hidden'] === 'true';
}

/** What stands for a picture that cannot be seen. */
export function alternativeText(frame: XmlElement): string {
  const text = textOf(child(frame, 'desc')) || textOf(child(frame, 'title'));
  return FILE_NAME.test(text) ? '' : text;
}

/** Reads the text inside paragraphs and headings. */
export class InlineReader {
  #isInNote = false;

  constructor(
    private readonly styles: OpenDocumentStyles,
    private readonly objects: EmbeddedObjects,
    private readonly pages: PageCounter,
    /** Reads the body of a note as one line. */
    private readonly readNote: (body: XmlElement) => string,
  ) {}

  /** @param notesApart true to keep footnotes out of the text */
  read(paragraph: XmlElement, notesApart: boolean): Line {
    const notes = notesApart ? [] : undefined;
    const line: Line = { pieces: [], shapes: [], notes, isHidden: false, pagesLater: 0 };
    this.#gather(paragraph, line);
    return line;
  }

  #gather(parent: XmlElement, line: Line): void {
    for (const node of parent.children) {
      if (typeof node === 'string') line.pieces.push(node.replace(/[ \t\r\n]+/g, ' '));
      else if (node.name === 'hidden-paragraph') line.isHidden ||= node.attributes['is-hidden'] === 'true';
      else if (!isLeftOut(node)) this.#gatherElement(node, line);
    }
  }

  #gatherElement(element: XmlElement, line: Line): void {
    const { name, attributes } = element;
    if (name === 's') line.pieces.push(' '.repeat(Math.min(countFrom(attributes['c']) ?? 1, MOST_SPACES)));
    else if (name === 'tab') line.pieces.push('\t');
    else if (name === 'line-break') line.pieces.push('\n');
    else if (name === 'soft-page-break') this.#turnPage(line);
    else if (name === 'note') this.#addNote(element, line);
    else if (SHAPES.has(name)) this.#addShape(element, line);
    else if (name !== 'span' || !this.styles.style('text', attributes['style-name']).isHidden) {
      this.#gather(element, line);
    }
  }

  /** A paragraph belongs to the page on which it begins. */
  #turnPage(line: Line): void {
    if (line.pieces.length === 0) this.pages.turn();
    else line.pagesLater++;
  }

  /** What is inside a note inside another is a part of that. */
  #addNote(note: XmlElement, line: Line): void {
    const body = child(note, 'note-body');
    if (body === undefined) return;
    if (this.#isInNote) return this.#gather(body, line);
    this.#isInNote = true;
    const text = this.readNote(body);
    this.#isInNote = false;
    if (text === '') return;
    if (line.notes === undefined) line.pieces.push(` (${text})`);
    else line.notes.push(text);
  }

  /** A formula is a part of the sentence. */
  #addShape(shape: XmlElement, line: Line): void {
    const object = this.objects.open(shape);
    const formula = object && formulaText(object);
    if (formula !== undefined) line.pieces.push(formula);
    else line.shapes.push(shape);
  }
}
