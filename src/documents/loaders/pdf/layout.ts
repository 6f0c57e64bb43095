import { type Block, type DocumentTraits, toBlocks } from './blocks.js';
import { toRegions } from './columns.js';
import { findFurniture } from './furniture.js';
import { headingLevels, isHeading, largestHeading, type Typography } from './headings.js';
import { toLines } from './lines.js';
import type { PageText } from './pages.js';
import { renderBlocks } from './render.js';
import { isMostlyRightToLeft, type Segment } from './segments.js';
import { Vocabulary } from './vocabulary.js';
import { endsSentence, RunningText } from './wording.js';

/** Points by which the sizes of fonts differ at most in one paragraph. */
const SAME_SIZE = 0.5;
/** A paragraph longer than a few columns is none. */
const LONGEST_PART = 20_000;

/** A document's text, page by page, as Markdown. */
export interface LaidOut {
  pages: { page: number; text: string }[];
  /** The largest heading of the first page. */
  heading: string | undefined;
}

/** Puts the text of pages in the order in which it is read, with its structure. Empties the pages. */
export function layOut(pages: readonly PageText[], typography: Typography): LaidOut {
  const furniture = findFurniture(pages);
  const vocabulary = new Vocabulary();
  for (const { segments } of pages) for (const segment of segments) vocabulary.add(segment);
  const traits = { vocabulary, hasCode: typography.isMonospacedRare };
  const laidOut = pages.map((page) => ({ page: page.number, blocks: blocksOf(page, furniture, traits) }));
  const headings = laidOut.map(({ blocks }) =>
    blocks.filter((block) => block.kind === 'text').filter((block) => isHeading(block, typography)),
  );
  const levels = headingLevels(headings.flat());
  return {
    pages: laidOut.map(({ page, blocks }) => ({ page, text: renderBlocks(blocks, levels) })),
    heading: largestHeading(headings[0] ?? [])?.text,
  };
}

function blocksOf(page: PageText, furniture: ReadonlySet<Segment>, traits: DocumentTraits): Block[] {
  const directions = [page.segments.filter((segment) => !furniture.has(segment)), ...page.turned];
  // not needed any more, while the blocks of all pages gather
  page.segments = [];
  page.turned = [];
  const blocks: Block[] = [];
  for (const segments of directions) {
    const seen = isMostlyRightToLeft(segments) ? segments.map(mirrored) : segments;
    for (const region of toRegions(seen)) {
      const [first, ...others] = toBlocks(toLines(region), traits);
      if (first === undefined) continue;
      if (!joinParts(blocks.at(-1), first, traits)) blocks.push(first);
      for (const block of others) blocks.push(block);
    }
  }
  return blocks;
}

/** Joins a paragraph to the one before when both are parts of one that goes on in the next column. */
function joinParts(before: Block | undefined, block: Block, { vocabulary }: DocumentTraits): boolean {
  if (before?.kind !== 'text' || block.kind !== 'text' || block.isItem) return false;
  if (
    before.lineCount < 2 ||
    before.text.length > LONGEST_PART ||
    Math.abs(before.size - block.size) > SAME_SIZE
  )
    return false;
  if (endsSentence(before.text) || !/^\p{Ll}/u.test(block.text)) return false;
  const text = new RunningText(before.text, vocabulary);
  text.append(block.text);
  before.text = text.toString();
  before.lineCount += block.lineCount;
  return true;
}

/** Text that runs to the left is laid out like any other when it is seen in a mirror. */
function mirrored(segment: Segment): Segment {
  return { ...segment, left: -segment.right, right: -segment.left };
}
