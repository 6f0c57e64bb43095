import type { Line } from './lines.js';
import { extentOf } from './segments.js';

/** Lines that are so many times further apart than most have an empty one between them. */
const EMPTY_LINE_GAP = 1.6;
const DEEPEST_INDENT = 60;

/** Lines in a font of which all letters are equally wide, each where it stands on the page. */
export function codeText(lines: readonly Line[]): string {
  const margin = extentOf(lines).left;
  const widths = lines
    .flatMap(({ segments }) => segments)
    .map(({ left, right, text }) => (right - left) / text.length);
  const letter = median(widths);
  const gap =
    EMPTY_LINE_GAP * median(lines.slice(1).map(({ baseline }, at) => baseline - (lines[at]?.baseline ?? 0)));
  const written: string[] = [];
  let above: Line | undefined;
  for (const line of lines) {
    if (above !== undefined && line.baseline - above.baseline > gap) written.push('');
    written.push(codeLine(line, margin, letter));
    above = line;
  }
  return written.join('\n');
}

function codeLine({ segments }: Line, margin: number, letter: number): string {
  let text = '';
  for (const cell of segments) {
    const column = Math.round((cell.left - margin) / letter);
    const gap = Math.min(column - text.length, DEEPEST_INDENT);
    text += ' '.repeat(Math.max(gap, text === '' ? 0 : 1)) + cell.text;
  }
  return text;
}

function median(values: number[]): number {
  return values.sort((one, other) => one - other)[values.length >> 1] ?? 1;
}
