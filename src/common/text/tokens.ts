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

/** Texts are counted in windows of this length, copied, so that the tokenizer's cache never keeps a whole text alive. */
const WINDOW = 4096;
const options = { disallowedSpecial: new Set<string>() };

// Small on purpose: a hit takes longer the larger the tokenizer's least-recently-used map is, so that its default size
// is slower on prose than no cache at all, and every entry keeps the window it was cut from in memory.
setMergeCacheSize(512);

/**
 * Tokens of a text in OpenAI's `o200k_base` encoding: exact for OpenAI's current models; an estimate for others, whose
 * own count differs by up to a third. Text that looks like a special token is counted as text. Runs of more than 64
 * letters, spaces or signs are counted in parts, which may add a token a part.
 */
export function countTokens(text: string): number {
  let total = 0;
  for (let start = 0; start < text.length;) {
    const end = windowEnd(text, start);
    total += countWindow(text.slice(start, end));
    start = end;
  }
  return total;
}

/** The end of a window: before a single space between words if there is one, where a cut never changes the count. */
function windowEnd(text: string, start: number): number {
  if (text.length - start <= WINDOW) return text.length;
  const limit = start + WINDOW;
  for (let at = limit; at > start; at--) {
    if (text.charCodeAt(at) !== 0x20) continue;
    if (!isSpace(text.charCodeAt(at - 1)) && !isSpace(text.charCodeAt(at + 1))) return at;
  }
  return codePointBoundary(text, limit);
}

function countWindow(slice: string): number {
  // the detour through a longer string makes a copy; a plain slice would keep the text it was cut from in memory
  const window = ` ${slice}`.slice(1);
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
