import { codeText } from './code.js';
import { LineFlow } from './line-flow.js';
import type { Line } from './lines.js';
import { findTables } from './tables.js';
import type { Vocabulary } from './vocabulary.js';
import { itemText, RunningText } from './wording.js';

/** Lines that belong together. */
export type Block =
  TextBlock | { kind: 'code'; text: string } | { kind: 'table'; rows: string[][]; hasHeader: boolean };

/** A paragraph, heading or list item. */
export interface TextBlock {
  kind: 'text';
  text: string;
  isItem: boolean;
  lineCount: number;
  size: number;
  isBold: boolean;
}

const FEWEST_CODE_LINES = 2;

/** What is to know of a document to make out its blocks. */
export interface DocumentTraits {
  /** Lines in which all letters are equally wide are code. */
  hasCode: boolean;
  vocabulary: Vocabulary;
}

/**
 * Makes out paragraphs, list items, tables and code.
 * @param lines the lines of a region, from top to bottom
 */
export function toBlocks(lines: readonly Line[], traits: DocumentTraits): Block[] {
  const blocks: Block[][] = [];
  let at = 0;
  for (const { from, to, rows, hasHeader } of findTables(lines)) {
    blocks.push(textBlocks(lines.slice(at, from), traits), [{ kind: 'table', rows, hasHeader }]);
    at = to;
  }
  blocks.push(textBlocks(lines.slice(at), traits));
  return blocks.flat();
}

/** Text and code, in turns. */
function textBlocks(lines: readonly Line[], traits: DocumentTraits): Block[] {
  if (!traits.hasCode) return paragraphs(lines, traits);
  const blocks: Block[][] = [];
  let begin = 0;
  for (let at = 0; at < lines.length; at++) {
    let end = at;
    while (lines[end]?.isMonospaced === true) end++;
    if (end - at >= FEWEST_CODE_LINES) {
      const text = codeText(lines.slice(at, end));
      blocks.push(paragraphs(lines.slice(begin, at), traits), [{ kind: 'code', text }]);
      begin = end;
    }
    at = end;
  }
  blocks.push(paragraphs(lines.slice(begin), traits));
  return blocks.flat();
}

function paragraphs(lines: readonly Line[], { vocabulary }: DocumentTraits): TextBlock[] {
  const flow = new LineFlow(lines);
  const blocks: TextBlock[] = [];
  for (let at = 0; at < lines.length;) {
    const first = at;
    const text = new RunningText(lines[at]?.text ?? '', vocabulary);
    for (at++; at < lines.length; at++) {
      const gap = flow.breakBefore(at, first);
      if (gap === 'paragraph') break;
      const line = lines[at]?.text ?? '';
      if (gap === 'line') text.appendLine(line);
      else text.append(line);
    }
    blocks.push(blockOf(lines.slice(first, at), text.toString()));
  }
  return blocks;
}

function blockOf(lines: readonly Line[], text: string): TextBlock {
  const item = itemText(text);
  const main = lines.reduce((longest, line) => (line.text.length > longest.text.length ? line : longest));
  return {
    kind: 'text',
    text: item ?? text,
    isItem: item !== undefined,
    lineCount: lines.length,
    size: main.size,
    isBold: lines.every(({ isBold }) => isBold),
  };
}
