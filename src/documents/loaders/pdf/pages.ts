import type { PDFDocumentProxy } from 'unpdf/pdfjs';
import { UnreadableDocumentError } from '../loader.js';
import { FontStyles } from './fonts.js';
import { type Typography, TypographyCounter } from './headings.js';
import { type DirectedRuns, readRuns } from './runs.js';
import { type Segment, toSegments } from './segments.js';

/** The text of a page, as compact as it can be for all pages to be in memory. */
export interface PageText {
  number: number;
  /** As its text is read. */
  height: number;
  segments: Segment[];
  /** What is written in other directions than most of the text. */
  turned: Segment[][];
}

/** Segments in a document: ten thousand pages full of tables have fewer. */
const MOST_SEGMENTS = 1_000_000;
/** After so many pages, pdf.js forgets the fonts and other things that pages share. */
const PAGES_PER_CLEANUP = 200;

/**
 * Reads the text of all pages. Pages that are damaged are left out.
 * @throws {UnreadableDocumentError} when all are damaged, or when there is too much text
 */
export async function readPages(
  pdf: PDFDocumentProxy,
): Promise<{ pages: PageText[]; typography: Typography }> {
  const fonts = new FontStyles();
  const counter = new TypographyCounter();
  const pages: PageText[] = [];
  let count = 0;
  for (let number = 1; number <= pdf.numPages; number++) {
    const page = await readPage(pdf, number, fonts);
    if (page === undefined) continue;
    pages.push(page);
    page.segments.forEach((segment) => counter.add(segment));
    count += page.segments.length + page.turned.reduce((sum, { length }) => sum + length, 0);
    if (count > MOST_SEGMENTS) throw new UnreadableDocumentError('It holds too much text.');
    // refused while a page is in use, as one that is damaged may stay
    if (number % PAGES_PER_CLEANUP === 0) await pdf.cleanup().catch(() => undefined);
  }
  if (pages.length === 0) throw new UnreadableDocumentError('Its pages are damaged.');
  return { pages, typography: counter.result() };
}

async function readPage(
  pdf: PDFDocumentProxy,
  number: number,
  fonts: FontStyles,
): Promise<PageText | undefined> {
  const directions = await directionsOf(pdf, number, fonts);
  if (directions === undefined) return undefined;
  const [segments = [], ...turned] = directions.map(({ runs }) => toSegments(runs, (font) => fonts.of(font)));
  return { number, height: directions[0]?.height ?? 0, segments, turned };
}

/** The runs of a page, of which the fonts are learned; undefined when it is damaged. */
async function directionsOf(
  pdf: PDFDocumentProxy,
  number: number,
  fonts: FontStyles,
): Promise<DirectedRuns[] | undefined> {
  try {
    const page = await pdf.getPage(number);
    const { directions, families } = await readRuns(page);
    await fonts.learn(page, families);
    page.cleanup();
    return directions;
  } catch (error) {
    if (error instanceof UnreadableDocumentError) throw error;
    return undefined;
  }
}
