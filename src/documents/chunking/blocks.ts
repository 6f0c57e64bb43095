import { type Span, trimSpan } from '../../common/text/index.js';

/** A heading with its level (1 to 6) and its text without markup. */
export interface HeadingBlock extends Span {
  kind: 'heading';
  level: number;
  title: string;
}

/** A paragraph or list, a fenced code block, or a pipe table. */
interface BodyBlock extends Span {
  kind: 'text' | 'code' | 'table';
}

export type Block = HeadingBlock | BodyBlock;

/** A longer line that begins with `#` is text: a heading path stands in every chunk below it. */
const LONGEST_HEADING = 300;
const ATX = /^ {0,3}(#{1,6})[ \t]/;
const SETEXT = /^ {0,3}(?:={3,}|-{3,})$/;
const TABLE_ROW = /^[ \t]*\|/;
const NOT_SETEXT_TEXT = /^[ \t]*(?:[-*+>|] |\d{1,9}[.)] |\|)/;
const FENCE = /^[ \t]*(`{3,}|~{3,})([^\n]*)$/gm;
/** Fences longer than this count as this long; so at most a few searches for a closing fence go to the end. */
const LONGEST_FENCE = 10;

/**
 * The blocks of a Markdown or plain text, in order, trimmed; all between them is white space. Follows CommonMark for
 * ATX and setext headings and fenced code, but takes a fence that is never closed for text, so that a stray one does
 * not swallow the document. Takes linear time.
 */
export function* scanBlocks(text: string): Generator<Block> {
  const fences = fencedSpans(text);
  let fence = fences.next().value;
  let open: (BodyBlock & { lines: number }) | undefined;
  for (let start = 0; start < text.length;) {
    if (fence !== undefined && start >= fence.start) {
      if (open !== undefined) yield bodyOf(open);
      open = undefined;
      yield { kind: 'code', ...(trimSpan(text, fence.start, fence.end) ?? fence) };
      start = fence.end + 1;
      fence = fences.next().value;
      continue;
    }
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const line = trimSpan(text, start, end);
    const heading = line && headingAt(text, start, end, open);
    if (heading !== undefined) {
      if (open !== undefined && open.start !== heading.start) yield bodyOf(open);
      open = undefined;
      yield heading;
    } else if (line === undefined) {
      if (open !== undefined) yield bodyOf(open);
      open = undefined;
    } else {
      const kind = TABLE_ROW.test(text.slice(line.start, line.start + 1)) ? 'table' : 'text';
      if (open?.kind === kind) {
        open.end = line.end;
        open.lines++;
      } else {
        if (open !== undefined) yield bodyOf(open);
        open = { kind, ...line, lines: 1 };
      }
    }
    start = end + 1;
  }
  if (open !== undefined) yield bodyOf(open);
}

function bodyOf({ kind, start, end }: BodyBlock): BodyBlock {
  return { kind, start, end };
}

/** The heading that a line is, or, if it is the underline of the line before, that both are. */
function headingAt(
  text: string,
  start: number,
  end: number,
  open: { start: number; end: number; lines: number } | undefined,
): HeadingBlock | undefined {
  if (end - start > LONGEST_HEADING) return undefined;
  const line = text.slice(start, end).trimEnd();
  const marks = ATX.exec(line)?.[1];
  if (marks !== undefined) {
    const title = plainTitle(withoutClosingMarks(line.trimStart().slice(marks.length)));
    const from = start + line.length - line.trimStart().length;
    return title === '' ? undefined : headingBlock(marks.length, title, from, start + line.length);
  }
  if (open?.lines !== 1 || open.end - open.start > LONGEST_HEADING || !SETEXT.test(line)) return undefined;
  const above = text.slice(open.start, open.end);
  if (NOT_SETEXT_TEXT.test(above)) return undefined;
  return headingBlock(line.includes('=') ? 1 : 2, plainTitle(above), open.start, start + line.length);
}

function headingBlock(level: number, title: string, start: number, end: number): HeadingBlock {
  return { kind: 'heading', level, title, start, end };
}

function withoutClosingMarks(title: string): string {
  return title.replace(/(?<=[ \t])#+$/, '');
}

/** A heading's text without the commonest inline markup; the line is short, so the expressions are cheap. */
function plainTitle(title: string): string {
  return title
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\*\*|__|`/g, '')
    .replace(/\s*\{#[\w-]+\}\s*$/, '')
    .replace(/\s+/g, ' ')
    .trim();
}

interface FenceLine extends Span {
  mark: string;
  length: number;
  info: string;
}

/** Code blocks with both their fences. */
function* fencedSpans(text: string): Generator<Span, undefined> {
  const lines: FenceLine[] = [];
  for (const { index, 0: line, 1: marks = '', 2: info = '' } of text.matchAll(FENCE)) {
    const length = Math.min(marks.length, LONGEST_FENCE);
    lines.push({ start: index, end: index + line.length, mark: marks.charAt(0), length, info: info.trim() });
  }
  // of each kind of fence, the shortest that is known to have no closing fence any more
  const unclosed = new Map<string, number>();
  for (let at = 0; at < lines.length; at++) {
    const opening = lines[at];
    if (opening === undefined || (opening.mark === '`' && opening.info.includes('`'))) continue;
    if (opening.length >= (unclosed.get(opening.mark) ?? Infinity)) continue;
    let closing = at + 1;
    while (closing < lines.length && !closes(lines[closing], opening)) closing++;
    const last = lines[closing];
    if (last === undefined) unclosed.set(opening.mark, opening.length);
    else {
      yield { start: opening.start, end: last.end };
      at = closing;
    }
  }
  return undefined;
}

function closes(line: FenceLine | undefined, opening: FenceLine): boolean {
  return line?.mark === opening.mark && line.length >= opening.length && line.info === '';
}
