import type { BlockWriter } from '../block-writer.js';
import { equationText } from '../math.js';
import { child, elements, textOf, type XmlElement } from '../xml.js';
import { inheritedMark, ListCounter, ownMark } from './list-marks.js';

const DEEPEST_LEVEL = 8;
/** How PowerPoint keeps a break inside a line of text. */
const ESCAPED_BREAK = /_x000[BD]_|\v/g;

/** The paragraphs of a text, without the empty ones; `\n` for breaks. */
export function paragraphsOf(body: XmlElement | undefined): string[] {
  return elements(body, 'p')
    .map(paragraphText)
    .filter((text) => text.trim() !== '');
}

/**
 * Writes a text: its lists as lists, all else as paragraphs.
 * @param listStyles of the layout and master, the nearest first
 */
export function writeText(
  body: XmlElement,
  listStyles: readonly (XmlElement | undefined)[],
  writer: BlockWriter,
): void {
  const styles = [child(body, 'lstStyle'), ...listStyles];
  const counter = new ListCounter();
  for (const paragraph of elements(body, 'p')) {
    const text = paragraphText(paragraph);
    if (text.trim() === '') continue;
    const properties = child(paragraph, 'pPr');
    const level = levelOf(properties);
    const mark = ownMark(properties) ?? inheritedMark(styles, level);
    const label = counter.next(level, mark);
    if (mark.kind === 'none') writer.paragraph(text);
    else writer.item(level, label, text);
  }
}

function levelOf(properties: XmlElement | undefined): number {
  const level = Number(properties?.attributes['lvl'] ?? 0);
  return Number.isSafeInteger(level) ? Math.min(Math.max(level, 0), DEEPEST_LEVEL) : 0;
}

function paragraphText(paragraph: XmlElement): string {
  return elements(paragraph).map(pieceText).join('').replace(ESCAPED_BREAK, '\n');
}

function pieceText(piece: XmlElement): string {
  switch (piece.name) {
    case 'r':
      return textOf(child(piece, 't'));
    case 'br':
      return '\n';
    case 'fld':
      return piece.attributes['type'] === 'slidenum' ? '' : textOf(child(piece, 't'));
    case 'oMath':
      return ` $${equationText(piece)}$ `;
    case 'AlternateContent':
      return (
        elements(piece)
          .map(paragraphText)
          .find((text) => text.trim() !== '') ?? ''
      );
    case 'm':
    case 'oMathPara':
      return paragraphText(piece);
    default:
      return '';
  }
}
