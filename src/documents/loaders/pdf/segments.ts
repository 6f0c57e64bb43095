import type { FontStyle } from './fonts.js';
import type { Run } from './runs.js';

/** Text of one line without a wide gap in it: a line of a paragraph, or a cell of a table. Lengths as in `Run`. */
export interface Segment {
  text: string;
  left: number;
  right: number;
  baseline: number;
  size: number;
  isBold: boolean;
  isMonospaced: boolean;
}

/** Anything that stands on a line. */
interface Placed {
  left: number;
  baseline: number;
  size: number;
}

// all lengths are parts of the font's size
/** Baselines that are closer than this are one line. */
const SAME_LINE = 0.4;
/** Small text that is raised by less than this stands on the line: numbers of notes, exponents. */
const RAISED = 0.6;
const SMALL = 0.85;
/** Of fonts that differ more than this in size, the larger one does not decide what is close. */
const SIZE_RATIO = 1.8;
/** Text this much shorter than other text of its line does not decide how the line looks. */
const SHORT = 0.3;
const WORD_GAP = 0.12;
const WIDE_GAP = 0.65;
/** Text printed twice to look bold, or with a shadow, is off by less than this. */
const REPRINT = 0.3;
const RIGHT_TO_LEFT =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/gu;
/** A sign of a font that says for none of its signs which character it is, as bullets often are. */
const UNKNOWN_SIGN = /^[\p{Cc}\p{Co}]$/u;
/** Letters in the forms that they take beside others, and letters joined to one sign: as plain letters. */
const LETTER_FORMS = /[\ufb00-\ufc5d\ufc64-\ufd3d\ufd50-\ufdfb\ufe80-\ufefc]+/g;
/**
 * Alef, an alef of any kind and lam, which follow one another in no word: a ligature of lam and alef of which the letters
 * were turned round, as pdf.js does where it stands for two letters.
 */
const TURNED_LIGATURE = /(?<=\u0627)([\u0622\u0623\u0625\u0627])\u0644/g;
/** Lines that draw out Arabic words. */
const DRAWN_OUT = /\u0640{2,}/g;
const RIGHT_TO_LEFT_LETTER = String.raw`[\p{Script=Hebrew}\p{Script=Arabic}]`;
/** Where scripts of either direction meet. Spaces there are often part of a run's width only. */
const SCRIPT_CHANGE = new RegExp(
  String.raw`(?<=${RIGHT_TO_LEFT_LETTER})(?=\p{Script=Latin})|(?<=\p{Script=Latin})(?=${RIGHT_TO_LEFT_LETTER})`,
  'gu',
);
/** Rows of dots that lead the eye to a page number. */
const LEADERS = / ?(?:[.·…_] ?){5,}/g;

/** Things grouped to the lines they stand on: from top to bottom, and each from left to right. */
export function toRows<T extends Placed>(items: readonly T[]): T[][] {
  const sorted = [...items].sort((one, other) => one.baseline - other.baseline);
  const rows: T[][] = [];
  let row: T[] = [];
  let anchor: T | undefined;
  for (const item of sorted) {
    if (anchor !== undefined && item.baseline - anchor.baseline <= reach(anchor, item)) {
      row.push(item);
      if (item.size > anchor.size) anchor = item;
    } else {
      row = [item];
      rows.push(row);
      anchor = item;
    }
  }
  for (const members of rows) members.sort((one, other) => one.left - other.left);
  return rows;
}

/** How much lower than another thing one may be and still stand on the same line. */
function reach(upper: Placed, lower: Placed): number {
  const size = Math.min(Math.max(upper.size, lower.size), SIZE_RATIO * Math.min(upper.size, lower.size));
  return size * (upper.size < SMALL * lower.size ? RAISED : SAME_LINE);
}

/** The segments that runs make up, row by row. */
export function toSegments(runs: readonly Run[], styleOf: (font: string) => FontStyle): Segment[] {
  const segments: Segment[] = [];
  for (const row of toRows(runs)) {
    let open: Run[] = [];
    let right = -Infinity;
    for (const run of row) {
      if (isReprint(open.at(-1), run)) continue;
      if (open.length > 0 && run.left - right > WIDE_GAP * run.size) {
        segments.push(segmentOf(open, styleOf));
        open = [];
        right = -Infinity;
      }
      open.push(run);
      right = Math.max(right, run.right);
    }
    segments.push(segmentOf(open, styleOf));
  }
  return segments.filter(({ text }) => text !== '');
}

/** True when most letters are of a script that is written from right to left. */
export function isMostlyRightToLeft(segments: readonly Segment[]): boolean {
  let count = 0;
  let length = 0;
  for (const { text } of segments) {
    count += text.match(RIGHT_TO_LEFT)?.length ?? 0;
    length += text.length;
  }
  return count * 2 > length;
}

function isReprint(before: Run | undefined, run: Run): boolean {
  if (before === undefined || before.text !== run.text) return false;
  return Math.abs(before.left - run.left) < REPRINT * run.size;
}

function segmentOf(row: readonly Run[], styleOf: (font: string) => FontStyle): Segment {
  const main = mainOf(row);
  let length = 0;
  let bold = 0;
  let monospaced = 0;
  let right = main.right;
  for (const run of row) {
    const style = styleOf(run.font);
    length += run.text.length;
    if (style.isBold) bold += run.text.length;
    if (style.isMonospaced) monospaced += run.text.length;
    right = Math.max(right, run.right);
  }
  return {
    text: joinRuns(row),
    left: row[0]?.left ?? main.left,
    right,
    baseline: main.baseline,
    size: main.size,
    isBold: bold > 0.9 * length,
    isMonospaced: monospaced > 0.9 * length,
  };
}

/** The run that shows how the text looks: the largest that is no short insertion. */
function mainOf(row: readonly Run[]): Run {
  const longest = row.reduce((most, run) => (run.text.length > most.text.length ? run : most));
  return row.reduce(
    (most, run) => (run.size > most.size && run.text.length > SHORT * longest.text.length ? run : most),
    longest,
  );
}

/** The text of runs in the order in which it is read. */
function joinRuns(row: readonly Run[]): string {
  const isRightToLeft = 2 * lengthOf(row.filter((run) => run.isRightToLeft)) > lengthOf(row);
  const ordered = isRightToLeft ? readFromRight(row) : row;
  let text = '';
  let before: Run | undefined;
  for (const run of ordered) {
    if (before !== undefined && isApart(before, run)) text += ' ';
    text += run.text;
    before = run;
  }
  if (UNKNOWN_SIGN.test(text)) return '•';
  if (isRightToLeft) text = repairRightToLeft(text);
  return text
    .replace(LETTER_FORMS, (letters) => letters.normalize('NFKC'))
    .replace(/\s+/g, ' ')
    .replace(LEADERS, ' … ')
    .trim();
}

function repairRightToLeft(text: string): string {
  return text.replace(SCRIPT_CHANGE, ' ').replace(DRAWN_OUT, '').replace(TURNED_LIGATURE, 'ل$1');
}

function isApart(before: Run, run: Run): boolean {
  const [first, second] = before.left <= run.left ? [before, run] : [run, before];
  return run.isSpaced || second.left - first.right > WORD_GAP * Math.min(first.size, second.size);
}

/** From right to left, but words of other scripts, and numbers, among themselves from left to right. */
function readFromRight(row: readonly Run[]): Run[] {
  const ordered: Run[] = [];
  for (let at = row.length - 1; at >= 0; at--) {
    let from = at;
    while (from > 0 && row[from]?.isRightToLeft === false && row[from - 1]?.isRightToLeft === false) from--;
    for (const run of row.slice(from, at + 1)) ordered.push(run);
    at = from;
  }
  return ordered;
}

/** From the leftmost to the rightmost edge. */
export function extentOf(placed: readonly { left: number; right: number }[]): {
  left: number;
  right: number;
} {
  let from = Infinity;
  let to = -Infinity;
  for (const { left, right } of placed) {
    from = Math.min(from, left);
    to = Math.max(to, right);
  }
  return { left: from, right: to };
}

function lengthOf(row: readonly Run[]): number {
  return row.reduce((sum, { text }) => sum + text.length, 0);
}
