import { child, elements, type XmlElement } from '../xml.js';
import { isOn, numberOf, valueOf } from './flags.js';

/** What a paragraph is by its style. */
export interface ParagraphStyle {
  /** Title of the document, an entry of a table of contents, or lines of code. */
  role?: 'title' | 'contents' | 'code';
  /** 0 for the headings of chapters; deeper ones are those below them. */
  outlineLevel?: number;
  /** The list that the style numbers its paragraphs by, and the style that says so. */
  list?: { id: string; level?: number; style: string };
  /** True when its letters have all the same width. */
  isMonospaced: boolean;
}

/** Styles that lean on more others than these do not count; word processors allow fewer. */
const LONGEST_CHAIN = 20;
const HEADING = /^heading ?([1-9])$/;
const CONTENTS = /^(?:toc ?(?:[1-9]|heading)|contents (?:[1-9]|heading)|table of figures|index ?[1-9])$/;
const CODE =
  /^(?:source ?code|code(?: ?block)?|html ?preformatted|preformatted(?: ?text)?|macro ?text|verbatim)$/;
const MONOSPACED =
  /\b(?:courier|consolas|menlo|monaco|mono|monospace|lucida console|andale mono|inconsolata|fira code|source code|cascadia code|sf mono|fixedsys|terminal)\b/i;
const PLAIN: ParagraphStyle = { isMonospaced: false };
/** Not a heading, in outline levels. */
const BODY_TEXT = 9;

/** The styles of a document. */
export class Styles {
  readonly #elements = new Map<string, XmlElement>();
  readonly #paragraphs = new Map<string, ParagraphStyle>();
  /** The style of paragraphs that name none; what it looks like says nothing about them. */
  readonly #standard: string | undefined;

  constructor(root: XmlElement | undefined) {
    for (const style of elements(root, 'style')) {
      const { styleId: id, type, default: isDefault } = style.attributes;
      if (id === undefined) continue;
      this.#elements.set(id, style);
      if (type === 'paragraph' && /^(?:1|true|on)$/.test(isDefault ?? '')) this.#standard = id;
    }
  }

  /** What the paragraphs of a style are; a style that is only named, by its name. */
  paragraph(id: string | undefined): ParagraphStyle {
    if (id === undefined || id === this.#standard) return PLAIN;
    let style = this.#paragraphs.get(id);
    if (style === undefined) {
      style = this.#read(id);
      this.#paragraphs.set(id, style);
    }
    return style;
  }

  /** True for run properties that make letters of the same width, undefined where they say nothing. */
  isMonospaced(properties: XmlElement | undefined): boolean | undefined {
    const font = fontOf(properties);
    if (font !== undefined) return MONOSPACED.test(font);
    const style = valueOf(properties, 'rStyle');
    return style === undefined ? undefined : this.#isMonospacedStyle(style);
  }

  /** True for a style of tables that makes their first row look different. */
  marksFirstRow(id: string | undefined): boolean {
    for (const [, element] of id === undefined ? [] : this.#chain(id))
      if (elements(element, 'tblStylePr').some(({ attributes }) => attributes['type'] === 'firstRow'))
        return true;
    return false;
  }

  #read(id: string): ParagraphStyle {
    const style: ParagraphStyle = { isMonospaced: this.#isMonospacedStyle(id) === true };
    for (const [name, element] of this.#chain(id)) {
      const properties = child(element, 'pPr');
      const lowerName = (valueOf(element, 'name') ?? name).toLowerCase();
      style.role ??= roleOf(lowerName);
      style.outlineLevel ??= numberOf(properties, 'outlineLvl') ?? headingLevel(lowerName);
      const list = child(properties, 'numPr');
      const listId = valueOf(list, 'numId');
      if (listId !== undefined) style.list ??= { id: listId, level: numberOf(list, 'ilvl'), style: name };
    }
    if ((style.outlineLevel ?? BODY_TEXT) >= BODY_TEXT) delete style.outlineLevel;
    return style;
  }

  #isMonospacedStyle(id: string): boolean | undefined {
    for (const [, element] of this.#chain(id)) {
      const font = fontOf(child(element, 'rPr'));
      if (font !== undefined) return MONOSPACED.test(font);
    }
    return undefined;
  }

  /** A style and those that it is based on, nearest first, without the standard one. */
  *#chain(id: string): Generator<[string, XmlElement | undefined]> {
    let name: string | undefined = id;
    for (let length = 0; name !== undefined && name !== this.#standard && length < LONGEST_CHAIN; length++) {
      const element: XmlElement | undefined = this.#elements.get(name);
      yield [name, element];
      name = valueOf(element, 'basedOn');
    }
  }
}

/** The outline level that a paragraph has by itself, apart from its style. */
export function ownOutlineLevel(properties: XmlElement | undefined): number | undefined {
  return numberOf(properties, 'outlineLvl');
}

/** True for run properties that hide text. */
export function isHidden(properties: XmlElement | undefined): boolean {
  return isOn(child(properties, 'vanish'));
}

function fontOf(properties: XmlElement | undefined): string | undefined {
  return child(properties, 'rFonts')?.attributes['ascii'];
}

function roleOf(name: string): ParagraphStyle['role'] {
  if (name === 'title') return 'title';
  if (CONTENTS.test(name)) return 'contents';
  return CODE.test(name) ? 'code' : undefined;
}

function headingLevel(name: string): number | undefined {
  const level = HEADING.exec(name)?.[1];
  return level === undefined ? undefined : Number(level) - 1;
}
