import type { Line } from './lines.js';
import {
  endsInWord,
  endsSentence,
  endsWithPageNumber,
  firstWord,
  startsWithBullet,
  startsWithEnumerator,
} from './wording.js';

/** How a line follows the one above it: in the same sentence, on a line of its own, or in another paragraph. */
export type Break = 'none' | 'line' | 'paragraph';

// all lengths are parts of the font's size
const INDENT = 0.8;
/** Of lines set one below the other, the edges are off by less. */
const EVEN = 0.4;
const SIZE_CHANGE = 0.08;
const CODE_SIZE_CHANGE = 0.25;
/** A gap this much larger than those between the lines of a paragraph ends it. */
const PARAGRAPH_GAP = 1.25;
/** The same in mid-sentence. */
const SENTENCE_GAP = 1.6;
/** Distance of lines where there are too few to tell. */
const USUAL_LEADING = 1.25;
const FEWEST_GAPS = 3;
/** The right edge of the text is looked for in so many lines around. */
const NEIGHBOURS = 6;
const SPACE = 0.4;
/** Lines that end so close to the edge are full. */
const FULL = 3;
const FEWEST_FULL = 3;
/** Most columns are at least as wide, and hardly any is narrower than the other. */
const USUAL_WIDTH = 20;
const NARROW = 12;
/** Lines further apart are of one paragraph only when the first of them is full. */
const LOOSE = 1.8;
/** Fonts that differ less than this may be in the same text. */
const SIMILAR = 1.3;
/** Part of a line that is not filled. */
const MUCH = 0.3;

/** The lines of a region, and how they follow one another. */
export class LineFlow {
  private readonly leadings: ReadonlyMap<number, number>;

  constructor(private readonly lines: readonly Line[]) {
    this.leadings = leadingsOf(lines);
  }

  /**
   * How the line at `at` follows the one above it.
   * @param from where the paragraph or list item begins that the line above belongs to
   */
  breakBefore(at: number, from: number): Break {
    const first = this.lines[from];
    const line = this.lines[at];
    const above = this.lines[at - 1];
    if (first === undefined || line === undefined || above === undefined || this.isApart(above, line))
      return 'paragraph';
    const hasEnded = this.hasRoomFor(at - 1, line);
    if (startsWithBullet(line.text)) return 'paragraph';
    if (hasEnded && line.baseline - above.baseline > LOOSE * line.size) return 'paragraph';
    const mayBegin = hasEnded || endsSentence(above.text);
    if (startsWithEnumerator(line.text) && (mayBegin || startsWithEnumerator(first.text))) return 'paragraph';
    if (line.isBold !== above.isBold && mayBegin) return 'paragraph';
    if (line.isDivided || above.isDivided) return 'line';
    if (isCentred(above, line)) return hasEnded ? 'line' : 'none';
    if (startsWithBullet(first.text) || startsWithEnumerator(first.text))
      return this.breakInItem(line, first, hasEnded);
    return this.breakByIndent(at, first, hasEnded);
  }

  private isApart(above: Line, line: Line): boolean {
    const isSentence = /\p{L}$/u.test(above.text) && /^\p{Ll}/u.test(line.text);
    // fonts for code are set smaller to look as large as the text around
    const isCode = isSentence && above.isMonospaced !== line.isMonospaced;
    const change = (isCode ? CODE_SIZE_CHANGE : SIZE_CHANGE) * Math.max(above.size, line.size);
    if (Math.abs(above.size - line.size) > change) return true;
    const leading = this.leadings.get(sizeClass(line)) ?? USUAL_LEADING * line.size;
    // lines are also pushed apart by what is raised or lowered on them
    return line.baseline - above.baseline > (isSentence ? SENTENCE_GAP : PARAGRAPH_GAP) * leading;
  }

  private breakInItem(line: Line, first: Line, hasEnded: boolean): Break {
    if (!hasEnded) return 'none';
    return line.left > first.left + EVEN * line.size ? 'line' : 'paragraph';
  }

  private breakByIndent(at: number, first: Line, hasEnded: boolean): Break {
    const line = this.lines[at];
    const above = this.lines[at - 1];
    if (line === undefined || above === undefined) return 'paragraph';
    const startsSentence = endsSentence(above.text) && !/^\p{Ll}/u.test(line.text);
    const indent = (line.left - above.left) / line.size;
    if (indent > INDENT) {
      if (hasEnded || startsSentence) return 'paragraph';
      return above === first && this.staysIndented(at) ? 'none' : 'line';
    }
    if (indent < -INDENT) {
      // back from the indented first line, or at the next paragraph of which the first line hangs
      if (above === first) return hasEnded ? 'paragraph' : 'none';
      return line.left < first.left + EVEN * line.size ? 'paragraph' : 'none';
    }
    if (!hasEnded) return 'none';
    return startsSentence ? 'paragraph' : 'line';
  }

  /** True when the next line is indented as far as this one: the paragraph's first line hangs. */
  private staysIndented(at: number): boolean {
    const line = this.lines[at];
    const next = this.lines[at + 1];
    if (line === undefined || next === undefined || this.isApart(line, next)) return true;
    return Math.abs(next.left - line.left) < EVEN * line.size;
  }

  /** True when the first word of the next line would have fitted on this one, which thus ends on purpose. */
  private hasRoomFor(at: number, next: Line): boolean {
    const line = this.lines[at];
    if (line === undefined) return false;
    if (endsWithPageNumber(line.text)) return true;
    if (endsInWord(line.text, next.text)) return false;
    const edge = this.edgeAround(at, line);
    const room = edge - line.right;
    // the edge may be that of a heading or of a line that sticks out: in mid-sentence, it takes more to end a line
    if (!endsSentence(line.text) && /^\p{Ll}/u.test(next.text)) return room > MUCH * (edge - line.left);
    const word = ((next.right - next.left) * firstWord(next.text).length) / Math.max(1, next.text.length);
    return room > word + SPACE * line.size;
  }

  /** How far right the text around a line goes. */
  private edgeAround(at: number, line: Line): number {
    const rights: number[] = [];
    for (let near = Math.max(0, at - NEIGHBOURS); near <= at + NEIGHBOURS; near++) {
      const other = this.lines[near];
      if (other === undefined) break;
      if (!other.isDivided && other.size < SIMILAR * line.size) rights.push(other.right);
    }
    const edge = Math.max(line.right, ...rights);
    const full = rights.filter((right) => edge - right < FULL * line.size);
    // short lines alone do not show how wide the text is
    const isKnown = full.length >= FEWEST_FULL && edge - line.left > NARROW * line.size;
    return isKnown ? edge : Math.max(edge, line.left + USUAL_WIDTH * line.size);
  }
}

/** Centred one below the other, and not just equally long. */
function isCentred(above: Line, line: Line): boolean {
  const offset = (above.left + above.right - line.left - line.right) / 2;
  return Math.abs(offset) < EVEN * line.size && Math.abs(above.left - line.left) > INDENT * line.size;
}

function sizeClass({ size }: Line): number {
  return Math.round(size * 2);
}

/** The distances of the lines within paragraphs, by size. */
function leadingsOf(lines: readonly Line[]): Map<number, number> {
  const gaps = new Map<number, number[]>();
  lines.forEach((line, at) => {
    const above = lines[at - 1];
    if (above === undefined || sizeClass(above) !== sizeClass(line) || line.isDivided || above.isDivided)
      return;
    const known = gaps.get(sizeClass(line));
    if (known === undefined) gaps.set(sizeClass(line), [line.baseline - above.baseline]);
    else known.push(line.baseline - above.baseline);
  });
  const leadings = new Map<number, number>();
  for (const [size, known] of gaps) {
    // of paragraphs with a gap between them, fewer lines are first than are not
    const leading = known.sort((one, other) => one - other)[Math.floor(known.length / 4)];
    if (leading !== undefined && known.length >= FEWEST_GAPS) leadings.set(size, leading);
  }
  return leadings;
}
