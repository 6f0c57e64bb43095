import { equationText } from '../math.js';
import { relationId } from '../package.js';
import { child, elements, find, textOf, type XmlElement } from '../xml.js';
import { isOn, valueOf } from './flags.js';
import { isHidden, type Styles } from './styles.js';
import { symbolText } from './symbols.js';

/** A thing that a paragraph holds beside its text: a text box, or a drawing in a part of its own. */
export type Attachment =
  { kind: 'box'; content: XmlElement } | { kind: 'chart' | 'diagram'; id: string | undefined };

/** What a paragraph says. */
export interface ParagraphContent {
  /** White space as it is written; `\n` for breaks. */
  text: string;
  attachments: Attachment[];
  /** True when all its text is of letters of the same width. */
  isMonospaced: boolean;
}

/** Gives the mark of a footnote or endnote. */
export type NoteMarker = (kind: 'footnote' | 'endnote', id: string) => string;

/** Read as if they were not there: only their content matters. */
const REMOVED = new Set(['del', 'moveFrom', 'rPr', 'pPr', 'sdtPr', 'sdtEndPr', 'rt', 'instrText', 'delText']);
const DRAWINGS = new Set(['drawing', 'pict', 'object']);
const UNCHECKED = '[ ]';
const CHECKED = '[x]';

/** Reads the content of a paragraph. */
export function readParagraph(
  paragraph: XmlElement,
  isMonospacedStyle: boolean,
  styles: Styles,
  markNote: NoteMarker,
): ParagraphContent {
  const reader = new ParagraphReader(isMonospacedStyle, styles, markNote);
  reader.read(paragraph);
  return reader.content;
}

class ParagraphReader {
  readonly #parts: string[] = [];
  readonly #attachments: Attachment[] = [];
  /** Fields that are open, with whether their result has begun: before it stands what computes it. */
  readonly #fields: { hasResult: boolean }[] = [];
  #fieldsWithoutResult = 0;
  #monospaced = 0;
  #proportional = 0;

  constructor(
    private readonly isMonospacedStyle: boolean,
    private readonly styles: Styles,
    private readonly markNote: NoteMarker,
  ) {}

  get content(): ParagraphContent {
    return {
      text: this.#parts.join(''),
      attachments: this.#attachments,
      isMonospaced: this.#monospaced > 0 && this.#proportional === 0,
    };
  }

  read(parent: XmlElement): void {
    for (const element of elements(parent)) this.#readElement(element);
  }

  #readElement(element: XmlElement): void {
    if (REMOVED.has(element.name)) return;
    if (DRAWINGS.has(element.name)) this.#attach(element);
    else if (element.name === 'r') this.#readRun(element);
    else if (element.name === 'sdt') this.#readControl(element);
    else if (element.name === 'oMath') this.#write(` $${equationText(element)}$ `);
    else if (element.name === 'oMathPara') this.#readEquations(element);
    else if (element.name === 'AlternateContent') this.#readAlternatives(element, (one) => this.read(one));
    else if (!this.#readCharacter(element)) this.read(element);
  }

  #readRun(run: XmlElement): void {
    const properties = child(run, 'rPr');
    if (isHidden(properties)) return;
    const before = this.#parts.length;
    this.read(run);
    if (!this.#hasTextSince(before)) return;
    if (this.styles.isMonospaced(properties) ?? this.isMonospacedStyle) this.#monospaced++;
    else this.#proportional++;
  }

  #hasTextSince(position: number): boolean {
    for (let at = position; at < this.#parts.length; at++) if (this.#parts[at]?.trim() !== '') return true;
    return false;
  }

  /** Reads the elements that stand for characters. */
  #readCharacter(element: XmlElement): boolean {
    const { attributes } = element;
    switch (element.name) {
      case 't':
        this.#write(textOf(element));
        return true;
      case 'tab':
      case 'ptab':
        this.#write('\t');
        return true;
      case 'br':
      case 'cr':
        this.#write('\n');
        return true;
      case 'noBreakHyphen':
        this.#write('-');
        return true;
      case 'sym':
        this.#write(symbolText(attributes['font'] ?? '', Number.parseInt(attributes['char'] ?? '', 16) || 0));
        return true;
      case 'footnoteReference':
        this.#write(this.markNote('footnote', attributes['id'] ?? ''));
        return true;
      case 'endnoteReference':
        this.#write(this.markNote('endnote', attributes['id'] ?? ''));
        return true;
      case 'fldChar':
        this.#readFieldMark(element);
        return true;
      default:
        return false;
    }
  }

  #readFieldMark(mark: XmlElement): void {
    const type = mark.attributes['fldCharType'];
    if (type === 'begin') {
      const box = find(mark, 'checkBox');
      if (box !== undefined)
        this.#write(isOn(child(box, 'checked') ?? child(box, 'default')) ? CHECKED : UNCHECKED);
      this.#fields.push({ hasResult: false });
      this.#fieldsWithoutResult++;
      return;
    }
    const field = type === 'end' ? this.#fields.pop() : this.#fields.at(-1);
    if (field === undefined || field.hasResult) return;
    field.hasResult = true;
    this.#fieldsWithoutResult--;
  }

  /** A content control: its content, unless that only asks for some. */
  #readControl(control: XmlElement): void {
    const properties = child(control, 'sdtPr');
    const box = child(properties, 'checkbox');
    if (box !== undefined) this.#write(isOn(child(box, 'checked')) ? CHECKED : UNCHECKED);
    else if (!isPlaceholder(control)) this.read(child(control, 'sdtContent') ?? control);
  }

  #readEquations(paragraph: XmlElement): void {
    const equations = elements(paragraph, 'oMath').map((equation) => `$$${equationText(equation)}$$`);
    this.#write(`\n${equations.join('\n')}\n`);
  }

  /** Reads what newer programs show; where there is nothing to read in it, what older ones do. */
  #readAlternatives(alternatives: XmlElement, read: (one: XmlElement) => void): void {
    const before = this.#parts.length + this.#attachments.length;
    for (const alternative of elements(alternatives)) {
      read(alternative);
      if (this.#parts.length + this.#attachments.length > before) return;
    }
  }

  /** Finds the text boxes and the drawings of other parts. */
  #attach(drawing: XmlElement): void {
    for (const element of elements(drawing)) {
      if (element.name === 'txbxContent') this.#attachments.push({ kind: 'box', content: element });
      else if (element.name === 'chart') this.#attachments.push({ kind: 'chart', id: relationId(element) });
      else if (element.name === 'relIds')
        this.#attachments.push({ kind: 'diagram', id: element.attributes['dm'] });
      else if (element.name === 'AlternateContent')
        this.#readAlternatives(element, (one) => this.#attach(one));
      else this.#attach(element);
    }
  }

  #write(text: string): void {
    if (text !== '' && this.#fieldsWithoutResult === 0) this.#parts.push(text);
  }
}

/** True for a content control whose content the program makes from the rest of the document. */
export function isGenerated(control: XmlElement): boolean {
  const gallery = valueOf(find(child(control, 'sdtPr'), 'docPartObj'), 'docPartGallery');
  return gallery === 'Table of Contents';
}

/** True for a content control that only asks for content. */
export function isPlaceholder(control: XmlElement): boolean {
  return isOn(child(child(control, 'sdtPr'), 'showingPlcHdr'));
}
