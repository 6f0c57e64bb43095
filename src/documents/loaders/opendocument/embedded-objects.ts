import { child, elements, find, textOf, type XmlElement } from '../office/xml.js';
import type { OpenDocumentParts } from './package.js';

/** Each of them is a part to be unpacked and parsed. */
const MOST_OBJECTS = 500;

/** Formulas and charts, which are documents inside a document. Each is opened once, however often it is shown. */
export class EmbeddedObjects {
  readonly #folders = new Set<string>();
  readonly #opened = new Map<XmlElement, XmlElement | undefined>();

  constructor(private readonly parts: Pick<OpenDocumentParts, 'embedded'>) {}

  /** The root element of the object in a frame, or undefined when there is none, or it was in another frame already. */
  open(frame: XmlElement): XmlElement | undefined {
    const object = child(frame, 'object');
    const inside = child(object, 'document') ?? child(object, 'math');
    if (object === undefined || inside !== undefined || this.#opened.has(object)) {
      return inside ?? (object && this.#opened.get(object));
    }
    const folder = (object.attributes['href'] ?? '').replace(/^\.\//, '');
    if (folder === '' || this.#folders.has(folder) || this.#folders.size >= MOST_OBJECTS) return undefined;
    this.#folders.add(folder);
    const root = this.parts.embedded(folder);
    this.#opened.set(object, root);
    return root;
  }
}

/** A formula as it was typed, or its signs in a row. Undefined when the object is no formula. */
export function formulaText(object: XmlElement): string | undefined {
  if (object.name !== 'math') return undefined;
  return (textOf(find(object, 'annotation')) || textOf(object)).replace(/\s+/g, ' ').trim();
}

/** What a chart says: its titles, and the table of its data. Undefined when the object is no chart. */
export function chartParts(
  object: XmlElement,
): { titles: string[]; data: XmlElement | undefined } | undefined {
  const chart = child(find(object, 'chart'), 'chart');
  if (chart === undefined) return undefined;
  const titles = elements(chart)
    .filter(({ name }) => name === 'title' || name === 'subtitle')
    .map(textOf);
  return { titles, data: child(chart, 'table') };
}
