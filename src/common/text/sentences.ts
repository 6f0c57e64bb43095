/** A half-open range of UTF-16 code units, as `String.prototype.slice` takes it. */
export interface Span {
  start: number;
  end: number;
}

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Words after which a full stop rarely ends a sentence. Lower case, without the stop. */
const ABBREVIATIONS = new Set(
  (
    'mr mrs ms dr prof sr jr st vs etc e.g i.e eg ie al fig figs eq eqs no nos vol vols pp p ch sec art approx ca cf ' +
    'inc ltd co corp dept est gen gov hon rep sen rev col capt lt sgt maj jan feb mar apr jun jul aug sep sept oct nov dec ' +
    'u.s u.k u.n u.s.a a.m p.m ph.d m.d b.a m.a d.c'
  ).split(' '),
);

/**
 * Splits a text into sentences: the spans are in order, do not overlap, hold no white space at their ends, and all
 * that lies between them is white space. Line breaks that are blank lines always end a sentence, and so do the ends
 * of list items and headings, which the Unicode rules (UAX #29) alone would join or cut at abbreviations.
 */
export function splitSentences(text: string): Span[] {
  const spans: Span[] = [];
  for (const block of blocks(text)) {
    let open: Span | undefined;
    for (const { segment, index } of segmenter.segment(text.slice(block.start, block.end))) {
      const span = trimmed(text, block.start + index, block.start + index + segment.length);
      if (span === undefined) continue;
      if (open !== undefined && continues(text, open, span)) open.end = span.end;
      else spans.push((open = span));
    }
  }
  return spans;
}

/** Blocks between blank lines, and single lines that begin a list item, a table row or a heading. */
function* blocks(text: string): Generator<Span> {
  const boundary = /\n[ \t]*\n|\n(?=[ \t]*(?:[-*•+] |\d{1,3}[.)] |#{1,6} |\|))|(?<=(?:^|\n)#{1,6} [^\n]*)\n/g;
  let start = 0;
  for (const match of text.matchAll(boundary)) {
    yield { start, end: match.index };
    start = match.index + match[0].length;
  }
  yield { start, end: text.length };
}

/** True when the break between two segments is not the end of a sentence. */
function continues(text: string, before: Span, after: Span): boolean {
  const head = text.slice(Math.max(before.start, before.end - 24), before.end);
  const next = text.slice(after.start, after.start + 2);
  if (!head.endsWith('.')) return false;
  const word = /(?:^|[\s("'[])([^\s("'[]+)\.$/.exec(head)?.[1]?.toLowerCase();
  if (word === undefined) return false;
  if (ABBREVIATIONS.has(word)) return true;
  // an initial, as in "J. Smith", or a numbered lead such as "1."
  return /^(?:\p{Lu}|\d{1,3})$/u.test(word.toUpperCase()) && /^\p{L}/u.test(next) && word.length <= 2;
}

function trimmed(text: string, start: number, end: number): Span | undefined {
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return start < end ? { start, end } : undefined;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0x2028 || code === 0x2029;
}
