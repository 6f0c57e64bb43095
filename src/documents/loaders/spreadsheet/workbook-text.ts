import { UnreadableDocumentError } from '../loader.js';
import { sheetText } from './sheet-text.js';
import type { Sheet } from './workbook.js';

const LONGEST_NAME = 200;
const LONGEST_TEXT = 100_000_000;

/**
 * Sheets as Markdown: a section for each that holds anything.
 * @throws {UnreadableDocumentError} when that is too much text
 */
export function workbookText(sheets: readonly Sheet[]): string {
  const parts: string[] = [];
  let length = 0;
  for (const sheet of sheets) {
    const blocks = sheetText(sheet);
    if (blocks.length === 0) continue;
    if (sheet.name !== '') parts.push(`## ${sheet.name.slice(0, LONGEST_NAME)}`);
    for (const block of blocks) {
      parts.push(block);
      length += block.length;
      if (length > LONGEST_TEXT)
        throw new UnreadableDocumentError(
          `It becomes more than ${LONGEST_TEXT.toLocaleString('en')} characters of text, the most that is read.`,
        );
    }
  }
  return parts.join('\n\n');
}
