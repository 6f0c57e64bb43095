import type { Segment } from './segments.js';

/** Words of a language that are used in one document are fewer. */
const MOST_WORDS = 200_000;
const WORD = /\p{Ll}+(?:[-\u2010]\p{Ll}+)*/gu;

/** The words of a document, by which it can tell whether a hyphen at the end of a line belongs to the word. */
export class Vocabulary {
  private readonly words = new Set<string>();

  /** Takes in the words inside a line: those at its ends may be parts of words. */
  add({ text }: Segment): void {
    const inner = text.slice(text.indexOf(' ') + 1, Math.max(0, text.lastIndexOf(' ')));
    for (const [word] of inner.matchAll(WORD)) if (this.words.size < MOST_WORDS) this.words.add(word);
  }

  /** True when two parts are joined by a hyphen wherever they stand, not only where a line ends. */
  isCompound(first: string, second: string): boolean {
    const [one, two] = [first.toLowerCase(), second.toLowerCase()];
    if (this.words.has(one + two)) return false;
    return this.words.has(`${one}-${two}`) || (this.words.has(one) && this.words.has(two));
  }
}
