import { normaliseText } from '../normalize.js';
import { charsetOf, decodeText } from './decode.js';
import { DocumentLoader, type DocumentInput, type LoadedDocument } from './loader.js';
import { readCsv } from './spreadsheet/csv-values.js';
import { sheetText } from './spreadsheet/sheet-text.js';
import { type Sheet, SheetBuilder, WorkbookLimits } from './spreadsheet/workbook.js';

/**
 * Those that are rarer in texts and numbers first: of two that cut a text equally well, the first is taken, as a comma
 * may also be a decimal mark.
 */
const DELIMITERS = ['\t', ';', '|', ','];
/** For a single column: a character that no text has, as texts with it are refused as binary. */
const NO_DELIMITER = '\0';
/** What is looked at to find the delimiter. */
const SAMPLE_LENGTH = 64 * 1024;
/** The share of rows, in tenths, that must have the same number of values. */
const LEAST_UNIFORMITY = 5;
/** A first line by which Excel is told the delimiter. */
const SEPARATOR_LINE = /^sep=(.)\n/i;

/** Tables as plain text, with values between commas, semicolons, tabs or bars. */
export class CsvDocumentLoader extends DocumentLoader {
  override readonly name = 'csv';
  override readonly mediaTypes = ['text/csv', 'application/csv', 'text/tab-separated-values'];
  override readonly extensions = ['csv', 'tsv', 'tab'];

  /** Any text may be such a table of one column: undeclared, it is read as text. */
  override recognises(): boolean {
    return false;
  }

  override async load({ bytes, mediaType }: DocumentInput): Promise<LoadedDocument> {
    const sheet = readTable(decodeText(bytes, charsetOf(mediaType)).replace(/\r\r\n|\r\n?/g, '\n'));
    return { text: normaliseText(sheetText(sheet).join('\n\n')) };
  }
}

function readTable(text: string): Sheet {
  const declared = SEPARATOR_LINE.exec(text);
  const body = declared === null ? text : text.slice(declared[0].length);
  const table = new SheetBuilder('', new WorkbookLimits());
  readCsv(body, declared?.[1] ?? findDelimiter(body), (row, column, value) => table.cell(row, column, value));
  return table.build();
}

/** The delimiter that cuts the most of the first rows into the same number of values. */
function findDelimiter(text: string): string {
  const sample = text.length <= SAMPLE_LENGTH ? text : wholeLines(text.slice(0, SAMPLE_LENGTH));
  let best = NO_DELIMITER;
  let most = LEAST_UNIFORMITY - 1;
  for (const delimiter of DELIMITERS) {
    const tenths = uniformity(sample, delimiter);
    if (tenths > most) [best, most] = [delimiter, tenths];
  }
  return best;
}

function wholeLines(sample: string): string {
  const end = sample.lastIndexOf('\n');
  return end < 0 ? sample : sample.slice(0, end);
}

/** How many tenths of the rows have the commonest number of values; 0 if that is one. */
function uniformity(sample: string, delimiter: string): number {
  const widths: number[] = [];
  readCsv(sample, delimiter, (row, column, value) => {
    if (value.trim() !== '' || column > 0) widths[row] = column + 1;
  });
  const counts = new Map<number, number>();
  let rows = 0;
  // empty lines leave holes
  widths.forEach((width) => {
    counts.set(width, (counts.get(width) ?? 0) + 1);
    rows++;
  });
  const [width, count] = [...counts].reduce((best, other) => (other[1] > best[1] ? other : best), [1, 0]);
  return width === 1 ? 0 : Math.round((count / rows) * 10);
}
