import { formatNumber } from '../number-format.js';
import { elements, type XmlElement } from '../xml.js';

/** The footnotes and endnotes of a document, numbered in the order in which the text refers to them. */
export class Notes {
  readonly #notes: Record<'footnote' | 'endnote', Map<string, XmlElement>>;
  readonly #labels = new Map<XmlElement, string>();
  readonly #counts = { footnote: 0, endnote: 0 };
  #due: { label: string; note: XmlElement }[] = [];

  constructor(footnotes: XmlElement | undefined, endnotes: XmlElement | undefined) {
    this.#notes = { footnote: notesById(footnotes, 'footnote'), endnote: notesById(endnotes, 'endnote') };
  }

  /** The mark of a note; nothing when there is no such note. */
  mark(kind: 'footnote' | 'endnote', id: string): string {
    const note = this.#notes[kind].get(id);
    if (note === undefined) return '';
    let label = this.#labels.get(note);
    if (label === undefined) {
      const number = ++this.#counts[kind];
      label = `[^${formatNumber(number, kind === 'endnote' ? 'lowerRoman' : 'decimal')}]`;
      this.#labels.set(note, label);
      this.#due.push({ label, note });
    }
    return label;
  }

  /** The notes that were referred to for the first time since this was last asked. */
  takeDue(): { label: string; note: XmlElement }[] {
    const due = this.#due;
    this.#due = [];
    return due;
  }
}

/** The notes with a type are lines that separate the notes from the text. */
function notesById(root: XmlElement | undefined, name: string): Map<string, XmlElement> {
  const notes = elements(root, name).filter(
    ({ attributes }) => (attributes['type'] ?? 'normal') === 'normal',
  );
  return new Map(notes.map((note) => [note.attributes['id'] ?? '', note]));
}
