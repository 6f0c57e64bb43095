import { tableText } from '../table-text.js';
import type { Block, TextBlock } from './blocks.js';
import { startsWithEnumerator } from './wording.js';

/** Lines that Markdown would take for headings, tables, fences or underlines. */
const MARKUP = /^(?=#{1,6}\s|\||`{3}|~{3}|={3,}$|-{3,}$)/gm;
/** Lines that are only drawn. */
const RULE = /^[\s\-–—_=.*~+|]{3,}$/;

/** The kind of list that a block is an item of. */
type ListKind = 'bullets' | 'numbers' | undefined;

/**
 * Blocks as Markdown.
 * @param levels those of the blocks that are headings, with their levels
 */
export function renderBlocks(blocks: readonly Block[], levels: ReadonlyMap<TextBlock, number>): string {
  let text = '';
  let above: ListKind;
  for (const block of blocks) {
    const written = renderBlock(block, levels);
    if (written === '') continue;
    const kind = block.kind === 'text' && !levels.has(block) ? listKind(block) : undefined;
    text += `${kind !== undefined && kind === above ? '\n' : '\n\n'}${written}`;
    above = kind;
  }
  return text;
}

function listKind({ isItem, text }: TextBlock): ListKind {
  if (isItem) return 'bullets';
  return startsWithEnumerator(text) ? 'numbers' : undefined;
}

function renderBlock(block: Block, levels: ReadonlyMap<TextBlock, number>): string {
  if (block.kind === 'table') return tableText(block.rows, block.hasHeader);
  if (block.kind === 'code') return `${fenceFor(block.text)}\n${block.text}\n${fenceFor(block.text)}`;
  const level = levels.get(block);
  if (level !== undefined) return `${'#'.repeat(level)} ${block.text.replace(/\s+/g, ' ')}`;
  if (block.text === '' || RULE.test(block.text)) return '';
  const text = block.text.replace(MARKUP, '\\');
  return block.isItem ? `- ${text.replaceAll('\n', '\n  ')}` : text;
}

/** Longer than any fence in the code. */
function fenceFor(code: string): string {
  const longest = (code.match(/`{3,}/g) ?? []).reduce((most, { length }) => Math.max(most, length), 2);
  return '`'.repeat(longest + 1);
}
