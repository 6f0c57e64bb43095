import { type Segment, toRows } from './segments.js';

/** A page, as far as it matters for what is repeated on all of them. */
interface FurnishedPage {
  number: number;
  height: number;
  /** What is written in the direction of most of its text. */
  segments: readonly Segment[];
}

/** A row at the top or bottom of a page. */
interface EdgeRow {
  page: number;
  text: string;
  baseline: number;
  segments: readonly Segment[];
  /** The row further out, if any. */
  outer: EdgeRow | undefined;
}

/** Rows from either edge of a page that may be repeated, and how much of its height they are in at most. */
const DEPTH = 3;
const MARGIN = 0.15;
const FEWEST_PAGES = 3;
/** Rows whose baselines are at most so many points apart stand at the same place. */
const SAME_PLACE = 4;
/** Left and right pages may differ: text is repeated when it is on this share of the pages from its first to its last. */
const REPEATED = 0.4;
/** A place is for headers or footers when this share of all pages has text there. */
const USUAL_PLACE = 0.5;
/** A row of more cells is the head of a table. */
const MOST_CELLS = 3;
const PAGE_NUMBER =
  /^[^\p{L}\p{N}]*(?:(?:page|pg?|seite|página|pagina|strona|стр|第)[^\p{L}\p{N}]*)?(\d{1,5})(?:\s*(?:\/|of|de|von|di|sur|из)\s*\d{1,5})?(?:\s*[页頁])?[^\p{L}\p{N}]*$/iu;

/** Headers, footers and page numbers: what is repeated at the same place from page to page. */
export function findFurniture(pages: readonly FurnishedPage[]): Set<Segment> {
  const edges = pages.map(edgesOf);
  const found = new Set<Segment>();
  for (const rows of [edges.flatMap(({ top }) => top), edges.flatMap(({ bottom }) => bottom)]) {
    for (const row of repeatedRows(rows, pages.length))
      for (const segment of row.segments) found.add(segment);
  }
  return found;
}

function edgesOf({ number, height, segments }: FurnishedPage): { top: EdgeRow[]; bottom: EdgeRow[] } {
  const margin = MARGIN * height;
  const rows = toRows(segments.filter(({ baseline }) => baseline < margin || baseline > height - margin));
  const isTop = (row: Segment[]): boolean => (row[0]?.baseline ?? 0) < margin;
  return {
    top: edgeRows(number, rows.filter(isTop)),
    bottom: edgeRows(number, rows.filter((row) => !isTop(row)).reverse()),
  };
}

function edgeRows(page: number, rows: readonly Segment[][]): EdgeRow[] {
  const edge: EdgeRow[] = [];
  for (const segments of rows.slice(0, DEPTH)) {
    const text = segments.map((segment) => segment.text).join(' ');
    edge.push({ page, text, baseline: segments[0]?.baseline ?? 0, segments, outer: edge.at(-1) });
  }
  return edge;
}

/** The rows at one edge of the pages that are headers, footers or page numbers. */
function repeatedRows(rows: readonly EdgeRow[], pageCount: number): EdgeRow[] {
  const places = Map.groupBy(rows, ({ baseline }) => Math.round(baseline / SAME_PLACE));
  const isUsual = ({ baseline }: EdgeRow): boolean => {
    const place = Math.round(baseline / SAME_PLACE);
    const near = [place - 1, place, place + 1].map((each) => places.get(each)?.length ?? 0);
    return near.reduce((sum, count) => sum + count) >= USUAL_PLACE * pageCount;
  };
  const repeated = [...Map.groupBy(rows, keyOf).values()]
    .flatMap(samePlaces)
    .filter((group) => isRepeated(group) && group.some(isUsual))
    .flat();
  const shift = numberShift(rows);
  const numbered = rows.filter((row) => {
    if (isOwnNumber(row)) return true;
    if (shift === undefined || row.outer !== undefined || !shiftsOf(row).includes(shift)) return false;
    return PAGE_NUMBER.test(row.text) || isUsual(row);
  });
  const found = new Set([...repeated, ...numbered]);
  // what is further in than text of this page alone is such text too
  return [...found].filter((row) => {
    for (let { outer } = row; outer !== undefined; { outer } = outer) if (!found.has(outer)) return false;
    return true;
  });
}

/** The text without what changes from page to page: numbers, in digits or Roman. */
function keyOf({ text }: EdgeRow): string {
  return text
    .toLowerCase()
    .replace(/\d+|\b[ivxlc]+\b/g, '#')
    .replace(/\s+/g, '');
}

/** Rows of the same text, by where they stand. */
function samePlaces(rows: readonly EdgeRow[]): EdgeRow[][] {
  const groups: EdgeRow[][] = [];
  let before = -Infinity;
  for (const row of rows.toSorted((one, other) => one.baseline - other.baseline)) {
    if (row.baseline - before > SAME_PLACE) groups.push([]);
    groups.at(-1)?.push(row);
    before = row.baseline;
  }
  return groups;
}

function isRepeated(rows: readonly EdgeRow[]): boolean {
  if (rows.length < FEWEST_PAGES || rows.some(({ segments }) => segments.length > MOST_CELLS)) return false;
  const numbers = rows.map(({ page }) => page).sort((one, other) => one - other);
  const span = (numbers.at(-1) ?? 0) - (numbers[0] ?? 0) + 1;
  return rows.length >= REPEATED * span;
}

/** By how much the numbers printed on the pages differ from the pages' own; undefined when they have none. */
function numberShift(rows: readonly EdgeRow[]): number | undefined {
  const outermost = rows.filter(({ outer }) => outer === undefined);
  const shifts = Map.groupBy(outermost.flatMap(shiftsOf), (shift) => shift);
  const [[shift, uses] = []] = [...shifts].sort(([, one], [, other]) => other.length - one.length);
  const count = uses?.length ?? 0;
  return count >= FEWEST_PAGES && count >= USUAL_PLACE * outermost.length ? shift : undefined;
}

/** The differences of the numbers at either end of a row to its page's. */
function shiftsOf({ text, page }: EdgeRow): number[] {
  const numbers = [/^\d{1,5}(?!\S)/.exec(text), /(?<!\S)\d{1,5}$/.exec(text)];
  return [...new Set(numbers.flatMap((match) => (match === null ? [] : [Number(match[0]) - page])))];
}

/** True for a page's own number, on however few pages. There may be a cover, or none, before the first page. */
function isOwnNumber({ text, page }: EdgeRow): boolean {
  return Math.abs(Number(PAGE_NUMBER.exec(text)?.[1]) - page) <= 1;
}
