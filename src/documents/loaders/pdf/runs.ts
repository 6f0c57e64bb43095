import type { PDFPageProxy } from 'unpdf/pdfjs';
import { UnreadableDocumentError } from '../loader.js';

/** A piece of text in one font on one line. Lengths are in points, `baseline` grows downwards. */
export interface Run {
  text: string;
  left: number;
  right: number;
  baseline: number;
  /** Height of the font. */
  size: number;
  /** The name by which the page knows the font. */
  font: string;
  isRightToLeft: boolean;
  /** White space was written before it. */
  isSpaced: boolean;
}

/** The runs of a page that are written in one direction, turned so that all are read from left to right. */
export interface DirectedRuns {
  runs: Run[];
  /** Of the page, turned likewise. */
  height: number;
}

/** What a page shows of text. */
export interface PageRuns {
  /** The direction in which most of the text is written first. */
  directions: DirectedRuns[];
  /** The fonts used, each with the family that stands in for it, such as `monospace`. */
  families: Map<string, string>;
}

/** Runs on a page. A page of a book has a few hundred, a map several thousand. */
const MOST_RUNS = 500_000;
/** Text is upright or turned when it is at most so many degrees off; otherwise it is slanted. */
const SKEW = 10;
const SLANTED = 4;

/** A page as it is looked at. */
interface Frame {
  width: number;
  height: number;
  /** From the coordinates in which its text is written. */
  toPage: number[];
}

interface TextItem {
  str: string;
  dir: string;
  width: number;
  height: number;
  transform: number[];
  fontName: string;
}

interface TextChunk {
  items: TextItem[];
  styles: Record<string, { fontFamily: string; vertical?: boolean }>;
}

/**
 * Reads the text of a page.
 * @throws {UnreadableDocumentError} when it has more runs than any page can show
 */
export async function readRuns(page: PDFPageProxy): Promise<PageRuns> {
  const { width, height, transform } = page.getViewport({ scale: 1 });
  const frame: Frame = { width, height, toPage: transform };
  const directions = [height, width, height, width, height].map((each) => ({
    runs: [] as Run[],
    height: each,
  }));
  const families = new Map<string, string>();
  const verticalFonts = new Set<string>();
  let count = 0;
  let isSpaced = false;
  // Piece by piece, so that what pdf.js makes of a page is never in memory as a whole. Ligatures stay one character
  // each: of those in scripts from right to left, pdf.js would turn round the letters.
  const chunks = page.streamTextContent({ disableNormalization: true }) as AsyncIterable<TextChunk>;
  for await (const { items, styles } of chunks) {
    for (const [font, style] of Object.entries(styles)) {
      families.set(font, style.fontFamily);
      if (style.vertical === true) verticalFonts.add(font);
    }
    for (const item of items) {
      const placed =
        item.str.trim() === '' ? undefined : place(item, frame, verticalFonts.has(item.fontName));
      if (placed === undefined) {
        isSpaced ||= item.str !== '';
        continue;
      }
      if (++count > MOST_RUNS)
        throw new UnreadableDocumentError(`Page ${page.pageNumber} holds too much text.`);
      directions[placed.direction]?.runs.push({ ...placed.run, isSpaced });
      isSpaced = false;
    }
  }
  return { directions: mostTextFirst(directions), families };
}

/** Where an item stands, in coordinates in which its text runs to the right; undefined when nowhere on the page. */
function place(
  { str, dir, width, height, transform, fontName }: TextItem,
  frame: Frame,
  isVertical: boolean,
): { run: Omit<Run, 'isSpaced'>; direction: number } | undefined {
  const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = multiply(frame.toPage, transform);
  const size = isVertical ? Math.hypot(a, b) : Math.hypot(c, d);
  const length = isVertical ? height : width;
  if (![a, b, e, f, size, length].every(Number.isFinite) || size <= 0) return undefined;
  // vertical writing runs downwards, its lines follow one another to the left: text turned clockwise
  const degrees = isVertical ? 90 : (Math.atan2(b, a) * 180) / Math.PI;
  const quarters = Math.round(degrees / 90);
  const isSlanted = Math.abs(degrees - quarters * 90) > SKEW;
  const [left, baseline] = turn(e, f, isSlanted ? 0 : quarters, frame);
  return {
    run: {
      text: str,
      left,
      right: left + length,
      baseline,
      size,
      font: fontName,
      isRightToLeft: dir === 'rtl',
    },
    direction: isSlanted ? SLANTED : (quarters + 4) % 4,
  };
}

function multiply(outer: readonly number[], inner: readonly number[]): number[] {
  const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = outer;
  const [g = 1, h = 0, i = 0, j = 1, k = 0, l = 0] = inner;
  return [a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * l + e, b * k + d * l + f];
}

/** A point after the page is turned back by so many quarters. */
function turn(x: number, y: number, quarters: number, { width, height }: Frame): [number, number] {
  switch ((quarters + 4) % 4) {
    case 1:
      return [y, width - x];
    case 2:
      return [width - x, height - y];
    case 3:
      return [height - y, x];
    default:
      return [x, y];
  }
}

function mostTextFirst(directions: readonly DirectedRuns[]): DirectedRuns[] {
  const weigh = ({ runs }: DirectedRuns): number => runs.reduce((sum, { text }) => sum + text.length, 0);
  return directions
    .filter(({ runs }) => runs.length > 0)
    .map((each) => ({ each, weight: weigh(each) }))
    .sort((one, other) => other.weight - one.weight)
    .map(({ each }) => each);
}
