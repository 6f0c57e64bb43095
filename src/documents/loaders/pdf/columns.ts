import { extentOf, type Segment, toRows } from './segments.js';

/** Positions that are told apart across a region. */
const BINS = 400;
/** The space between columns is at least this part of the font's size wide. */
const NARROWEST_GUTTER = 0.7;
/** Gutters have at least this part of the segments beside them that any place has. */
const BALANCED = 0.6;
const FEWEST_LINES = 3;
/** A column is at least this part of its region wide. */
const NARROWEST_COLUMN = 0.12;
/** A line fills its column when it takes up this much of it. */
const FILLED = 0.7;
/** Columns of prose are filled by this share of their lines, those of tables by fewer. */
const PROSE = 0.55;
/** The same for a part of a page of which the whole is in columns. */
const PROSE_PART = 0.25;
/** Lines of text have at least so many characters. */
const LONG = 20;
/** Baselines that are closer than this part of the font's size are level. */
const LEVEL = 0.1;
/** Columns within columns within columns. */
const DEEPEST = 4;

type Row = Segment[];

/** Space from top to bottom between two columns. */
interface Gutter {
  left: number;
  right: number;
}

/** Bins between the edges of segments. */
interface Stretch extends Gutter {
  /** Segments on the side that has fewer. */
  beside: number;
  /** Segments from one side to the other. */
  across: number;
}

/** Rows one below the other that are all divided by a gutter, or all not. */
interface Band {
  rows: Row[];
  isDivided: boolean;
}

/**
 * Takes a page apart where it is set in columns.
 * @returns regions in the order in which they are read; within a region, text is read row by row
 */
export function toRegions(segments: readonly Segment[], depth = 0): Segment[][] {
  const gutter = depth < DEEPEST ? findGutter(segments) : undefined;
  if (gutter === undefined) return [[...segments]];
  const bands = bandsOf(toRows(segments), gutter);
  const divided = bands.filter((band) => band.isDivided);
  const isInColumns = areColumns(
    divided.flatMap(({ rows }) => rows),
    gutter,
    PROSE,
  );
  const regions: Segment[][] = [];
  let plain: Segment[] = [];
  for (const { rows, isDivided } of bands) {
    if (isDivided && areColumns(rows, gutter, isInColumns ? PROSE_PART : PROSE)) {
      regions.push(plain);
      plain = [];
      for (const side of sidesOf(rows, gutter))
        for (const region of toRegions(side, depth + 1)) regions.push(region);
    } else for (const segment of rows.flat()) plain.push(segment);
  }
  regions.push(plain);
  return regions.filter((region) => region.length > 0);
}

/** The gutter that the fewest segments lie across, among those that many lie on either side of. */
function findGutter(segments: readonly Segment[]): Gutter | undefined {
  if (segments.length < 2 * FEWEST_LINES) return undefined;
  const { left, right } = extentOf(segments);
  const scale = BINS / (right - left);
  if (!Number.isFinite(scale)) return undefined;
  const stretches = stretchesOf(segments, left, scale);
  const most = stretches.reduce((sum, { beside }) => Math.max(sum, beside), 0);
  let best: Stretch | undefined;
  for (const stretch of stretches) {
    if (stretch.beside < BALANCED * most || stretch.beside <= stretch.across / 4) continue;
    const gain = (best?.across ?? Infinity) - stretch.across;
    if (gain > 0 || (gain === 0 && widthOf([stretch]) > widthOf([best ?? stretch]))) best = stretch;
  }
  if (best === undefined) return undefined;
  const gutter = { left: left + best.left / scale, right: left + best.right / scale };
  return widthOf([gutter]) >= NARROWEST_GUTTER * medianSize(segments) - 1 / scale ? gutter : undefined;
}

/** The region from left to right, cut into bins wherever a segment begins or ends. */
function stretchesOf(segments: readonly Segment[], left: number, scale: number): Stretch[] {
  const begun = Array.from({ length: BINS + 1 }, () => 0);
  const ended = Array.from({ length: BINS + 1 }, () => 0);
  for (const segment of segments) {
    const first = Math.round((segment.left - left) * scale);
    const last = Math.max(first, Math.round((segment.right - left) * scale));
    begun[first] = (begun[first] ?? 0) + 1;
    ended[last] = (ended[last] ?? 0) + 1;
  }
  const stretches: Stretch[] = [];
  let before = 0;
  let after = segments.length;
  for (let bin = 0; bin < BINS; bin++) {
    const hasEdge = begun[bin] !== 0 || ended[bin] !== 0;
    after -= begun[bin] ?? 0;
    before += ended[bin] ?? 0;
    const across = segments.length - before - after;
    const open = stretches.at(-1);
    if (open !== undefined && !hasEdge) open.right = bin + 1;
    else stretches.push({ left: bin, right: bin + 1, beside: Math.min(before, after), across });
  }
  return stretches;
}

function bandsOf(rows: readonly Row[], gutter: Gutter): Band[] {
  const bands: Band[] = [];
  const middle = (gutter.left + gutter.right) / 2;
  for (const row of rows) {
    const isDivided = !row.some(({ left, right }) => left < middle && right > middle);
    const band = bands.at(-1);
    if (band?.isDivided === isDivided) band.rows.push(row);
    else bands.push({ rows: [row], isDivided });
  }
  return bands;
}

/** What is left of the gutter, and what is right of it. */
function sidesOf(rows: readonly Row[], gutter: Gutter): [Segment[], Segment[]] {
  const all = rows.flat();
  const middle = (gutter.left + gutter.right) / 2;
  return [all.filter(({ left }) => left < middle), all.filter(({ left }) => left >= middle)];
}

/**
 * True when what is left and right of the gutter is to be read one after the other, not row by row as in a table.
 * @param share the part of the lines that run from edge to edge
 */
function areColumns(rows: readonly Row[], gutter: Gutter, share: number): boolean {
  const width = widthOf(rows.flat());
  const columns = sidesOf(rows, gutter).map((side) => ({ lines: toRows(side), width: widthOf(side) }));
  if (columns.some((column) => column.lines.length < FEWEST_LINES || column.width < NARROWEST_COLUMN * width))
    return false;
  // programs are written in one column, with what belongs together on one line
  if (rows.flat().filter(({ isMonospaced }) => isMonospaced).length > rows.flat().length / 2) return false;
  if (columns.every((column) => lengthOf(column.lines) >= LONG * column.lines.length) && !areAligned(columns))
    return true;
  return columns.every(({ lines, width }) => {
    const filled = lines.filter(
      (line) => line.reduce((sum, { left, right }) => sum + right - left, 0) > FILLED * width,
    );
    return filled.length >= share * lines.length;
  });
}

/** True when most lines of the shorter column are level with a line of the other, as they are in a table. */
function areAligned(columns: readonly { lines: readonly Row[] }[]): boolean {
  const [shorter = [], longer = []] = columns
    .map(({ lines }) => lines.map((line) => line[0]))
    .sort((one, other) => one.length - other.length);
  let at = 0;
  let aligned = 0;
  for (const line of shorter) {
    if (line === undefined) continue;
    const reach = LEVEL * line.size;
    while (at < longer.length && (longer[at]?.baseline ?? 0) < line.baseline - reach) at++;
    if (Math.abs((longer[at]?.baseline ?? Infinity) - line.baseline) <= reach) aligned++;
  }
  return aligned > shorter.length / 2;
}

function lengthOf(rows: readonly Row[]): number {
  return rows.flat().reduce((sum, { text }) => sum + text.length, 0);
}

function widthOf(segments: readonly Gutter[]): number {
  const { left, right } = extentOf(segments);
  return right - left;
}

function medianSize(segments: readonly Segment[]): number {
  return segments.map(({ size }) => size).sort((one, other) => one - other)[segments.length >> 1] ?? 0;
}
