import type { TextBlock } from './blocks.js';
import type { Segment } from './segments.js';
import { endsWithPageNumber } from './wording.js';

/** How the running text of a document looks. */
export interface Typography {
  bodySize: number;
  /** Bold text stands out. */
  isBoldRare: boolean;
  /** Text in which all letters are equally wide stands out. */
  isMonospacedRare: boolean;
}

/** Text at least this much larger than the running text may be a heading. */
const LARGER = 1.15;
const NOT_SMALLER = 0.95;
/** Sizes that differ less are the same. */
const SAME_SIZE = 0.04;
const MOST_LINES = 4;
const LONGEST = 200;
const LONGEST_BOLD = 120;
const MOST_LEVELS = 3;
/** Text that stands out is at most this share of all. */
const RARE_BOLD = 0.3;
const RARE_MONOSPACED = 0.6;

/** Counts how much of a document is set in which way. */
export class TypographyCounter {
  private readonly sizes = new Map<number, number>();
  private length = 0;
  private bold = 0;
  private monospaced = 0;

  add({ text, size, isBold, isMonospaced }: Segment): void {
    const rounded = Math.round(size * 2) / 2;
    this.sizes.set(rounded, (this.sizes.get(rounded) ?? 0) + text.length);
    this.length += text.length;
    if (isBold) this.bold += text.length;
    if (isMonospaced) this.monospaced += text.length;
  }

  result(): Typography {
    const [body] = [...this.sizes].sort(([, one], [, other]) => other - one);
    return {
      bodySize: body?.[0] ?? 0,
      isBoldRare: this.bold < RARE_BOLD * this.length,
      isMonospacedRare: this.monospaced < RARE_MONOSPACED * this.length,
    };
  }
}

/** True when a paragraph looks like a heading, and reads like one. */
export function isHeading(block: TextBlock, { bodySize, isBoldRare }: Typography): boolean {
  const { text, size, isBold, isItem, lineCount } = block;
  if (isItem || lineCount > MOST_LINES || text.length > LONGEST) return false;
  if (endsWithPageNumber(text) || !/\p{L}{2}/u.test(text) || /[,;]$/.test(text) || text.includes(' | '))
    return false;
  if (size >= LARGER * bodySize) return !/[.:]$/.test(text) || text.length < LONGEST / 4;
  if (!isBold || !isBoldRare || size < NOT_SMALLER * bodySize) return false;
  return lineCount <= 2 && text.length <= LONGEST_BOLD && !/[.:!?]$/.test(text) && !/^\p{Ll}/u.test(text);
}

/** The first of the headings that are about as large as the largest. */
export function largestHeading(headings: readonly TextBlock[]): TextBlock | undefined {
  const largest = headings.reduce((most, { size }) => Math.max(most, size), 0);
  return headings.find(({ size }) => size * LARGER >= largest);
}

/** The levels of headings, from 1: the larger, the higher. */
export function headingLevels(headings: readonly TextBlock[]): Map<TextBlock, number> {
  const levels = new Map<TextBlock, number>();
  let level = 1;
  let used = 0;
  let size = headings.reduce((most, heading) => Math.max(most, heading.size), 0);
  for (const heading of headings.toSorted((one, other) => other.size - one.size)) {
    if (heading.size < size * (1 - SAME_SIZE)) {
      // a size that is used only once, as on a cover, is no level of its own beside the title's
      if (used > 1 || level === 1) level++;
      used = 0;
      size = heading.size;
    }
    used++;
    levels.set(heading, Math.min(level, MOST_LEVELS));
  }
  return levels;
}
