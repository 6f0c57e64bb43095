import type { Vocabulary } from './vocabulary.js';

/** Signs that only list items begin with. Those of symbol fonts are no characters. */
const BULLET = /^[•◦▪▫■□●○‣⁃∙➢➤►▶✓✔❖\p{Co}]\s*/u;
/** A line of a table of contents. */
const CONTENTS = / … (?:\d{1,5}|[ivxlc]{1,6})$/;
const DASH = /^[-–—·*]\s+/;
/** What list items begin with, and now and then a line of a sentence too. */
const ENUMERATOR =
  /^(?:[-–—·*]|\(?(?:\d{1,3}|\p{L}|[ivxlc]{1,5})[.)]|\d{1,3}(?:\.\d{1,3})+\.?|\[\d{1,4}\])\s+\S/u;
const SENTENCE_END = /[.!?:;…。！？：][)\]"'”’»]*$/u;
const UNSPACED_SCRIPT = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\u3000-\u303f\uff00-\uffef]`;
const UNSPACED_END = new RegExp(`${UNSPACED_SCRIPT}$`, 'u');
const UNSPACED_START = new RegExp(`^${UNSPACED_SCRIPT}`, 'u');
const WORD_START = /^\p{Ll}+/u;
const BROKEN_WORD = /\p{L}[-\u2010\u00ad]$/u;
/** Dashes between words or numbers, and ends of addresses, that go on without a space. */
const OPEN_END = /(?:[\p{L}\p{N}][-\u2010\u2013\u2014]|https?:\/\/\S*[/_.=&?%#-])$/u;
const LAST_WORD = /[^\s([{"'“‘]+$/;
const ADDRESS = /https?:\/\/\S*$/;
/** How much of the ends of lines is looked at. */
const LONGEST_WORD = 200;

export function startsWithBullet(text: string): boolean {
  return BULLET.test(text);
}

/** The text of a list item without its bullet or dash; undefined when it has none. */
export function itemText(text: string): string | undefined {
  const mark = BULLET.exec(text) ?? DASH.exec(text);
  return mark === null ? undefined : text.slice(mark[0].length);
}

/** True for text that may begin a list item, such as `1.` or a dash. */
export function startsWithEnumerator(text: string): boolean {
  return ENUMERATOR.test(text);
}

export function endsSentence(text: string): boolean {
  return SENTENCE_END.test(text);
}

/** True when a line ends in the first part of a word that the next goes on with. */
export function endsInWord(line: string, next: string): boolean {
  return BROKEN_WORD.test(line) && WORD_START.test(next);
}

/** True for a line of a table of contents, which nothing follows. */
export function endsWithPageNumber(text: string): boolean {
  return CONTENTS.test(text);
}

/** The part of a line that could have stood on the line before: its first word, or one letter of unspaced scripts. */
export function firstWord(text: string): string {
  return UNSPACED_START.test(text) ? text.slice(0, 1) : (/^\S+/.exec(text)?.[0] ?? '');
}

/** Lines of a paragraph as running text. Words that were broken at the end of a line are put together. */
export class RunningText {
  private readonly parts: string[] = [];
  private last = '';

  constructor(
    first: string,
    private readonly vocabulary: Vocabulary,
  ) {
    this.add(first, '');
  }

  /** Adds a line that goes on where the one before ends. */
  append(line: string): void {
    const tail = this.last.slice(-LONGEST_WORD);
    const start = WORD_START.exec(line.slice(0, LONGEST_WORD))?.[0];
    if (BROKEN_WORD.test(tail) && start !== undefined && !ADDRESS.test(tail)) {
      const word = LAST_WORD.exec(tail)?.[0].slice(0, -1) ?? '';
      // a word with hyphens of its own was broken at one of them
      if (!/[-\u2010]/.test(word) && !this.vocabulary.isCompound(word, start))
        this.parts[this.parts.length - 1] = this.last.slice(0, -1);
      this.add(line, '');
    } else {
      const isUnspaced = UNSPACED_END.test(tail) && UNSPACED_START.test(line);
      this.add(line, isUnspaced || OPEN_END.test(tail) ? '' : ' ');
    }
  }

  /** Adds a line that stands by itself. */
  appendLine(line: string): void {
    this.add(line, '\n');
  }

  toString(): string {
    return this.parts.join('');
  }

  private add(line: string, glue: string): void {
    this.parts.push(glue + line);
    this.last = glue + line;
  }
}
