import { extentOf, type Segment, toRows } from './segments.js';

/** A line of a region. Lengths as in `Run`. */
export interface Line extends Segment {
  /** From left to right; each is in one column of a table, if the line is a row of one. */
  segments: Segment[];
  /** True when gaps divide it as they do rows of a table. */
  mayBeRow: boolean;
  /** True when gaps divide it that are too wide for running text. */
  isDivided: boolean;
}

// widths of gaps, as parts of the font's size
/** Spaces in justified lines are narrower. */
const COLUMN_GAP = 1.2;
/** Tabs in running text are narrower. */
const DIVIDING_GAP = 2.5;
/** Bullets that look like letters, or are read as letters: those of Wingdings. */
const LETTER_BULLET = /^[o§Øü]$/;
/** Bullets, numbers and letters before headings and list items, which stand apart from their text. */
const LABEL = /^(?:[^\p{L}\p{N}]|\(?(?:\d{1,3}(?:\.\d{1,3})*|\p{L}|[ivxlcdm]{1,6})[.)]?|\[\d{1,4}\])$/u;

/** The lines of a region, from top to bottom. */
export function toLines(region: readonly Segment[]): Line[] {
  return toRows(region).map(toLine);
}

function toLine(segments: Segment[]): Line {
  let text = '';
  let mayBeRow = false;
  let isDivided = false;
  let before: Segment | undefined;
  for (const segment of segments) {
    const gap =
      before === undefined ? 0 : (segment.left - before.right) / Math.max(before.size, segment.size);
    const isSecond = before !== undefined && before === segments[0];
    const isLabelled = isSecond && LABEL.test(text);
    const isApart = gap > DIVIDING_GAP && !isLabelled;
    if (isSecond && LETTER_BULLET.test(text)) text = '•';
    if (before !== undefined) text += isApart ? ' | ' : ' ';
    text += segment.text;
    mayBeRow ||= gap > COLUMN_GAP && !isLabelled;
    isDivided ||= isApart;
    before = segment;
  }
  const main = segments.reduce((longest, segment) =>
    segment.text.length > longest.text.length ? segment : longest,
  );
  return {
    text,
    ...extentOf(segments),
    baseline: main.baseline,
    size: main.size,
    isBold: segments.every(({ isBold }) => isBold),
    isMonospaced: segments.every(({ isMonospaced }) => isMonospaced),
    segments,
    mayBeRow,
    isDivided,
  };
}
