import { BEFORE_NUMBER, MAYBE_LAST, NEVER_LAST, STARTERS } from './abbreviations.js';
import { type Span, trimSpan } from './spans.js';

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Without one of these a passage is one sentence, and the segmenter, which is slow to start, is not needed. */
const TERMINATOR = /[\p{Sentence_Terminal}\u0085\u2028\u2029]/u;
/** What a passage may end with so that its only terminator is its last. */
const ENDING = /^[\p{Sentence_Terminal}"'”’»)\]]{1,8}$/u;
/** A list item, quotation, table row, heading or code fence: begins a passage of its own. */
const OWN_LINE = /^[ \t]*(?:[-*•+>] |\d{1,3}[.)] |#{1,6} |\||```|~~~)/;
/** A heading, table row or fence also ends with its line. */
const SINGLE_LINE = /^[ \t]*(?:#{1,6} |\||```|~~~)/;
/** Reference marks of an encyclopedia or a paper, right behind a full stop: they belong to the sentence before. */
const REFERENCES = /(?<=\p{Sentence_Terminal})(?:\[[^[\]\n]{1,24}\])+/gu;
/** Text narrower than this many columns is not line-wrapped prose: a poem, an address, a list of names. */
const NARROWEST_WRAP = 30;

/**
 * Splits a text into sentences: the spans are in order, do not overlap, hold no white space at their ends, and all
 * that lies between them is white space. Builds on UAX #29, which alone ends sentences at abbreviations and at every
 * line break: here blank lines, list items, headings and table rows end a sentence, and the breaks of wrapped lines
 * do not. Takes linear time.
 */
export function splitSentences(text: string): Span[] {
  const spans: Span[] = [];
  for (const passage of passages(text)) splitPassage(text, passage, spans);
  return spans;
}

/** Ranges in which a line break is no more than a space. */
function* passages(text: string): Generator<Span> {
  let paragraph: Span[] = [];
  for (let start = 0; start <= text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const line = trimSpan(text, start, end);
    if (line !== undefined) paragraph.push(line);
    else if (paragraph.length > 0) {
      yield* paragraphPassages(text, paragraph);
      paragraph = [];
    }
    start = end + 1;
  }
  yield* paragraphPassages(text, paragraph);
}

function* paragraphPassages(text: string, lines: readonly Span[]): Generator<Span> {
  let width = 0;
  for (const { start, end } of lines) width = Math.max(width, end - start);
  let open: Span | undefined;
  let before: Span | undefined;
  for (const line of lines) {
    const joins = before !== undefined && isWrapped(text, before, line, width);
    if (open !== undefined && joins) open.end = line.end;
    else {
      if (open !== undefined) yield open;
      open = { ...line };
    }
    before = line;
  }
  if (open !== undefined) yield open;
}

/** True when the first word of the next line did not fit on this one, or goes on in lower case. */
function isWrapped(text: string, line: Span, next: Span, width: number): boolean {
  if (OWN_LINE.test(text.slice(next.start, next.start + 8))) return false;
  if (SINGLE_LINE.test(text.slice(line.start, line.start + 8))) return false;
  const length = line.end - line.start;
  if (length * 2 >= width && /^\p{Ll}/u.test(text.slice(next.start, next.start + 2))) {
    if (!/[.:;!?]/.test(text.charAt(line.end - 1))) return true;
  }
  if (width < NARROWEST_WRAP) return false;
  const room = width - length;
  return !/\s/.test(text.slice(next.start, Math.min(next.end, next.start + room)));
}

function splitPassage(text: string, passage: Span, spans: Span[]): void {
  const source = text.slice(passage.start, passage.end);
  const terminator = source.search(TERMINATOR);
  if (terminator < 0 || (source.length - terminator <= 8 && ENDING.test(source.slice(terminator)))) {
    spans.push(passage);
    return;
  }
  const flat = source.replaceAll('\n', ' ');
  // UAX #29 takes the "[" for a closing bracket, and the mark for the next sentence
  const references = new Map<number, number>();
  const masked = flat.replace(REFERENCES, (marks, at: number) => {
    references.set(at, at + marks.length);
    return ' '.repeat(marks.length);
  });
  let open: Span | undefined;
  for (const { segment, index } of segmenter.segment(masked)) {
    const span = trimSpan(masked, index, index + segment.length);
    if (span === undefined) continue;
    if (open !== undefined && continues(masked, open, span)) open.end = span.end;
    else {
      if (open !== undefined) spans.push(shifted(open, passage.start));
      open = span;
    }
    open.end = references.get(open.end) ?? open.end;
  }
  if (open !== undefined) spans.push(shifted(open, passage.start));
}

/** True when the break between two segments is not the end of a sentence. */
function continues(text: string, before: Span, after: Span): boolean {
  const next = text.slice(after.start, after.start + 24);
  const head = text.slice(Math.max(before.start, before.end - 24), before.end);
  if (/[!?]["'”’»)\]]*$/.test(head)) return /^\p{Ll}/u.test(next); // "Really?" he asked.
  if (!head.endsWith('.')) return false;
  // the mark of a list item, such as "1." or "b."
  if (before.end - before.start <= 5 && /^\(?(?:\d{1,3}|\p{L}|[ivxIVX]{1,4})\.$/u.test(head)) return true;
  const word = /(?:^|[\s("'[“‘])([^\s("'[“‘]+)\.$/.exec(head)?.[1];
  return word !== undefined && abbreviates(word, next);
}

function abbreviates(word: string, next: string): boolean {
  const lower = word.toLowerCase();
  if (NEVER_LAST.has(lower)) return true;
  if (BEFORE_NUMBER.has(lower)) return /^[([]?(?:\p{N}|[IVXLC]+\b|\p{Lu}\b)/u.test(next);
  const initialOrAcronym = /^(?:\p{L}\.)+\p{L}$|^(?:\p{Lu}\.?-)?\p{Lu}$/u.test(word);
  if (!initialOrAcronym && !MAYBE_LAST.has(lower)) return false;
  const nextWord = /^[\p{L}'’]+/u.exec(next)?.[0];
  if (nextWord === undefined) return /^[\p{N}(,;&–-]/u.test(next);
  return !STARTERS.has(nextWord.toLowerCase());
}

function shifted(span: Span, by: number): Span {
  return { start: span.start + by, end: span.end + by };
}
