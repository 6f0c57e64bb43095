import { codePointBoundary, countTokens, isSpace, type Span, trimSpan } from '../../common/text/index.js';

const wordSegmenter = new Intl.Segmenter('en', { granularity: 'word' });
const graphemeSegmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The segmenters see only this much text on either side of a cut: their time must not depend on the text's length. */
const CONTEXT = 64;
const FIRST_GUESS = 4;
const MOST_CHARACTERS_PER_TOKEN = 32;

/** A piece of text and its tokens. */
export interface CountedSpan extends Span {
  tokens: number;
}

/**
 * Cuts a range into pieces of at most `limit` tokens, where sentences are no help: at a line break, else at white
 * space, else at a word boundary, else between graphemes, else between code points. The pieces are trimmed; all
 * between them is white space. Guesses each length from the piece before, so that most text is counted once or twice.
 */
export function* splitByTokens(text: string, range: Span, limit: number): Generator<CountedSpan> {
  let perToken = FIRST_GUESS;
  let at = range.start;
  while (at < range.end) {
    if (isSpace(text.charCodeAt(at))) {
      at++;
      continue;
    }
    let length = Math.max(1, Math.floor(limit * perToken));
    let cut = cutAt(text, at, at + length, range.end);
    let piece = counted(text, at, cut);
    while (piece.tokens > limit && cut > firstCut(text, at)) {
      length = Math.max(1, Math.floor(((cut - at) * limit * 0.95) / piece.tokens));
      cut = cutAt(text, at, at + length, range.end);
      piece = counted(text, at, cut);
    }
    yield piece;
    // white space may be very long and cost next to nothing, so one piece says only so much about the next
    perToken = Math.min((0.97 * (cut - at)) / piece.tokens, perToken * 2, MOST_CHARACTERS_PER_TOKEN);
    at = cut;
  }
}

function counted(text: string, start: number, end: number): CountedSpan {
  const span = trimSpan(text, start, end) ?? { start, end };
  return { ...span, tokens: Math.max(1, countTokens(text.slice(span.start, span.end))) };
}

/** The earliest place for a cut: after one code point. */
function firstCut(text: string, from: number): number {
  return codePointBoundary(text, from + 1) > from ? from + 1 : from + 2;
}

/** The best place for a cut after `from` and not after `to`; `end` if that is reached. */
function cutAt(text: string, from: number, to: number, end: number): number {
  if (to >= end) return end;
  const first = firstCut(text, from);
  const latest = Math.max(first, codePointBoundary(text, to));
  return breakBefore(text, from, latest) ?? segmentBefore(text, from, latest) ?? latest;
}

/** The last line break in the second half of a range, else the last white space in its last quarter. */
function breakBefore(text: string, from: number, to: number): number | undefined {
  const half = to - (to - from) / 2;
  const quarter = to - Math.max(CONTEXT, (to - from) / 4);
  let space: number | undefined;
  for (let at = to; at > half; at--) {
    const code = text.charCodeAt(at);
    if (code === 0x0a) return at;
    if (space === undefined && at > quarter && isSpace(code)) space = at;
  }
  return space;
}

/** The start of the word, else of the grapheme, that a cut would fall into. */
function segmentBefore(text: string, from: number, to: number): number | undefined {
  const start = Math.max(from, codePointBoundary(text, Math.max(0, to - CONTEXT)));
  const around = text.slice(start, codePointBoundary(text, Math.min(text.length, to + CONTEXT)));
  for (const segmenter of [wordSegmenter, graphemeSegmenter]) {
    const index = segmenter.segment(around).containing(to - start)?.index ?? 0;
    if (index > 0) return start + index;
  }
  return undefined;
}
