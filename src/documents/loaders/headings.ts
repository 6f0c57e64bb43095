import { scanBlocks } from '../chunking/blocks.js';

const DEEPEST = 6;

/** A text in which every heading is so many levels lower, for a place below the headings of another text. */
export function lowerHeadings(text: string, levels: number): string {
  const parts: string[] = [];
  let end = 0;
  for (const block of scanBlocks(text)) {
    if (block.kind !== 'heading') continue;
    const mark = '#'.repeat(Math.min(block.level + levels, DEEPEST));
    const [line = ''] = text.slice(block.start, block.end).split('\n', 1);
    // one that is underlined becomes one with a mark
    parts.push(text.slice(end, block.start), `${mark} ${line.replace(/^#+[ \t]+/, '').trim()}`);
    end = block.end;
  }
  return parts.join('') + text.slice(end);
}
