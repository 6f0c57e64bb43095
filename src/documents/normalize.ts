/** A letter with more combining marks than this is noise, and ordering the marks takes quadratic time. */
const MOST_MARKS = 64;
const excessMarks = new RegExp(String.raw`(\p{M}{${MOST_MARKS}})\p{M}+`, 'gu');

/** Line breaks of all kinds: CRLF, CR, vertical tab, form feed, NEL, line and paragraph separator. */
const LINE_BREAK = /\r\n?|[\v\f\u0085\u2028\u2029]/g;
/** Control characters but tab and line feed, byte order marks, and soft hyphens, which would cut words in two. */
// oxlint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\ufeff]/g;
/** The lookbehind keeps a long run of spaces inside a line from being tried from each of its spaces. */
const TRAILING_SPACE = /(?<![^\S\n])[^\S\n]+$/gm;
const BLANK_LINES = /\n{4,}/g;

/**
 * The form in which documents are stored, and which all offsets index: well-formed Unicode in NFC, `\n` as the only
 * line break, no control characters but tab and line feed, no spaces at line ends, at most two blank lines in a row,
 * nothing blank at either end. PostgreSQL's `text` accepts every result. Idempotent; takes linear time.
 */
export function normaliseText(text: string): string {
  return text
    .toWellFormed()
    .replace(LINE_BREAK, '\n')
    .replace(INVISIBLE, '')
    .replace(excessMarks, '$1')
    .normalize('NFC')
    .replace(excessMarks, '$1') // a few characters become several marks in NFC
    .replace(TRAILING_SPACE, '')
    .replace(BLANK_LINES, '\n\n\n')
    .trim();
}
