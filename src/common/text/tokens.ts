import { countTokens as count, setMergeCacheSize } from 'gpt-tokenizer/encoding/o200k_base';
import { codePointBoundary, isSpace } from './spans.js';

/**
 * Longest run of letters, of white space or of other signs that is merged as one. Byte-pair merging is quadratic in a
 * run, so without this a megabyte of line breaks would take minutes. Hardly a word that people write is longer.
 */
const LONGEST_RUN = 64;
const runs = (length: number) => String.raw`[\p{L}\p{M}]{${length}}|\s{${length}}|[^\s\p{L}\p{N}]{${length}}`;
const hasLongRun = new RegExp(runs(LONGEST_RUN + 1), 'u');
const longRun = new RegExp(runs(LONGEST_RUN), 'gu');

/** Text without single spaces is counted in windows of this length. */
const WINDOW = 4096;

/** Tokens of the words seen last, with the space before them. Filled and emptied as a whole, which beats bookkeeping. */
const known = new Map<string, number>();
const MOST_KNOWN = 50_000;
const LONGEST_KNOWN = 32;

const options = { disallowedSpecial: new Set<string>() };
// The tokenizer's own least-recently-used cache gets slower the larger it is: its default size loses time on prose.
setMergeCacheSize(256);

/**
 * Tokens of a text in OpenAI's `o200k_base` encoding: exact for OpenAI's current models; an estimate for others, whose
 * own count differs by up to a third. Text that looks like a special token is counted as text. Runs of more than 64
 * letters, spaces or signs are counted in parts, which may add a token a part.
 */
export function countTokens(text: string): number {
  let total = 0;
  for (let start = 0; start < text.length;) {
    const end = wordEnd(text, start);
    total +=
      end - start > LONGEST_KNOWN ? countLong(text.slice(start, end)) : countWord(text.slice(start, end));
    start = end;
  }
  return total;
}

/** How many tokens others make of the same text, at most, as far as it is ASCII. */
const MARGIN = 2;

/**
 * Upper bound of the tokens of a text in any tokenizer of bytes, for what must never be underestimated. Outside of
 * ASCII, where tokenizers differ by a factor of five, every byte may be a token; what is not ASCII has at most twice as
 * many bytes as it makes the text longer than its UTF-16 code units.
 */
export function tokensAtMost(text: string): number {
  return MARGIN * countTokens(text) + 2 * (Buffer.byteLength(text) - text.length);
}

/** The next single space between words, where a cut never changes the count, or the end of the window or text. */
function wordEnd(text: string, start: number): number {
  const limit = Math.min(start + WINDOW, text.length);
  for (let at = start + 1; at < limit - 1; at++) {
    if (text.charCodeAt(at) !== 0x20) continue;
    if (!isSpace(text.charCodeAt(at - 1)) && !isSpace(text.charCodeAt(at + 1))) return at;
  }
  return codePointBoundary(text, limit);
}

function countWord(word: string): number {
  let tokens = known.get(word);
  if (tokens === undefined) {
    if (known.size >= MOST_KNOWN) known.clear();
    const copy = copied(word);
    known.set(copy, (tokens = count(copy, options)));
  }
  return tokens;
}

function countLong(slice: string): number {
  const window = copied(slice);
  if (window.length <= LONGEST_RUN || !hasLongRun.test(window)) return count(window, options);
  let total = 0;
  let start = 0;
  for (const match of window.matchAll(longRun)) {
    const end = match.index + match[0].length;
    total += count(window.slice(start, end), options);
    start = end;
  }
  return total + count(window.slice(start), options);
}

/** A copy of its own: a slice in a cache would keep the whole text it was cut from in memory. */
function copied(slice: string): string {
  return ` ${slice}`.slice(1);
}
