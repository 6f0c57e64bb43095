import { normaliseText } from '../../normalize.js';
import { meaningfulTitle } from '../office/core-properties.js';

const LONGEST_VALUE = 2000;
/** Groups that say something about the document, with the name each is kept under. */
export const INFO_TEXTS = new Map([
  ['title', 'title'],
  ['author', 'author'],
  ['subject', 'subject'],
  ['keywords', 'keywords'],
  ['doccomm', 'description'],
]);
export const INFO_TIMES = new Map([
  ['creatim', 'created'],
  ['revtim', 'modified'],
]);
/** The parts of a time. */
export const TIME_PARTS = ['yr', 'mo', 'dy', 'hr', 'min', 'sec'];

/** Collects what a document says about itself. */
export class RtfInfo {
  readonly #values = new Map<string, string>();
  #time = new Map<string, number>();

  /** Begins a text: returns what takes it, or undefined when it is there already. */
  begin(name: string): ((text: string) => void) | undefined {
    if (this.#values.has(name)) return undefined;
    return (text) => {
      const value = this.#values.get(name) ?? '';
      if (value.length < LONGEST_VALUE) this.#values.set(name, value + text.slice(0, LONGEST_VALUE));
    };
  }

  /** A part of the time that is being read. */
  setTimePart(part: string, value: number): void {
    this.#time.set(part, value);
  }

  /** The time that was read is this one. It is local to the author. */
  endTime(name: string): void {
    const part = (key: string, length = 2) => String(this.#time.get(key) ?? 0).padStart(length, '0');
    const date = `${part('yr', 4)}-${part('mo')}-${part('dy')}`;
    const time = `${date}T${part('hr')}:${part('min')}:${part('sec')}`;
    const isTime = (this.#time.get('yr') ?? 0) > 0 && !Number.isNaN(Date.parse(time));
    if (isTime && time.length === 19) this.#values.set(name, time);
    this.#time = new Map();
  }

  get title(): string | undefined {
    return meaningfulTitle(this.#values.get('title'));
  }

  get metadata(): Record<string, string> {
    const entries = [...this.#values].map(([name, value]): [string, string] => [name, normaliseText(value)]);
    return Object.fromEntries(entries.filter(([name, value]) => name !== 'title' && value !== ''));
  }
}
