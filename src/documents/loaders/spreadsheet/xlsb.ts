import { UnreadableDocumentError } from '../loader.js';
import { ByteReader } from './byte-reader.js';
import { booleanText, type CellFormats, errorText } from './cell-formats.js';
import type { ExcelParts, SheetReference } from './excel-parts.js';
import type { SheetBuilder } from './workbook.js';

/** Numbers of the records that matter. */
const ROW = 0;
const CELL_BLANK = 1;
const CELL_PACKED_NUMBER = 2;
const CELL_ERROR = 3;
const CELL_BOOLEAN = 4;
const CELL_NUMBER = 5;
const CELL_TEXT = 6;
const CELL_SHARED_TEXT = 7;
const FORMULA_TEXT = 8;
const FORMULA_NUMBER = 9;
const FORMULA_BOOLEAN = 10;
const FORMULA_ERROR = 11;
/** From here on the first seven kinds come again, without their column, which is the next. */
const SHORT_BLANK = 12;
const SHORT_SHARED_TEXT = 18;
const SHARED_TEXT = 19;
const FORMAT = 44;
const STYLE = 47;
const CELL_RICH_TEXT = 62;
const WORKBOOK_PROPERTIES = 153;
const SHEET = 156;
const MERGE = 176;
const STYLES_BEGIN = 617;
const STYLES_END = 618;

const VERY_HIDDEN = 2;

/** The parts of an XLSB file: those of an XLSX file with binary records in place of elements. */
export const xlsbParts: ExcelParts = {
  readWorkbook(bytes, formats) {
    const sheets: SheetReference[] = [];
    for (const { kind, data } of records(bytes)) {
      if (kind === WORKBOOK_PROPERTIES) formats.date1904 = (data.uint32() & 1) === 1;
      if (kind !== SHEET) continue;
      const isVeryHidden = data.uint32() === VERY_HIDDEN;
      data.skip(4);
      const id = textOf(data);
      sheets.push({ name: textOf(data), id, isVeryHidden });
    }
    return sheets;
  },

  readStrings(bytes) {
    const strings: string[] = [];
    for (const { kind, data } of records(bytes)) if (kind === SHARED_TEXT) strings.push(richTextOf(data));
    return strings;
  },

  readStyles(bytes, formats) {
    let isInStyles = false;
    for (const { kind, data } of records(bytes)) {
      if (kind === FORMAT) formats.addFormat(data.uint16(), textOf(data));
      else if (kind === STYLES_BEGIN || kind === STYLES_END) isInStyles = kind === STYLES_BEGIN;
      else if (kind === STYLE && isInStyles) {
        data.skip(2);
        formats.addStyle(data.uint16());
      }
    }
  },

  readSheet(bytes, sheet, strings, formats) {
    let [row, column] = [0, -1];
    for (const { kind, data } of records(bytes)) {
      if (kind === ROW) [row, column] = [data.uint32(), -1];
      else if (kind === MERGE) readMerge(data, sheet);
      else if ((kind >= CELL_BLANK && kind <= SHORT_SHARED_TEXT) || kind === CELL_RICH_TEXT) {
        const isShort = kind >= SHORT_BLANK && kind <= SHORT_SHARED_TEXT;
        column = isShort ? column + 1 : data.uint32();
        const style = data.uint32() & 0xff_ffff;
        const longKind = isShort ? kind - SHORT_BLANK + CELL_BLANK : kind;
        sheet.cell(row, column, cellText(longKind, data, style, strings, formats));
      }
    }
  },
};

function cellText(
  kind: number,
  data: ByteReader,
  style: number,
  strings: readonly string[],
  formats: CellFormats,
): string {
  switch (kind) {
    case CELL_PACKED_NUMBER:
      return formats.number(data.packedNumber(), style);
    case CELL_NUMBER:
    case FORMULA_NUMBER:
      return formats.number(data.float64(), style);
    case CELL_BOOLEAN:
    case FORMULA_BOOLEAN:
      return booleanText(data.uint8() !== 0);
    case CELL_ERROR:
    case FORMULA_ERROR:
      return errorText(data.uint8());
    case CELL_TEXT:
    case FORMULA_TEXT:
      return textOf(data);
    case CELL_SHARED_TEXT:
      return strings[data.uint32()] ?? '';
    case CELL_RICH_TEXT:
      return richTextOf(data);
    default:
      return '';
  }
}

function readMerge(data: ByteReader, sheet: SheetBuilder): void {
  const [top, bottom, left, right] = [data.uint32(), data.uint32(), data.uint32(), data.uint32()];
  sheet.merge({ top, left, bottom, right });
}

/** The records of a part: each has its number and its length, in up to two and four bytes of seven bits, and data. */
function* records(bytes: Uint8Array): Generator<{ kind: number; data: ByteReader }> {
  const reader = new ByteReader(bytes);
  while (reader.left > 0) {
    const kind = reader.sevenBits(2);
    const length = reader.sevenBits(4);
    if (length > reader.left) throw new UnreadableDocumentError('Its records are damaged.');
    yield { kind, data: reader.part(length) };
  }
}

function textOf(data: ByteReader): string {
  return data.utf16(data.uint32());
}

/** Text with runs of different looks, which stand behind it. */
function richTextOf(data: ByteReader): string {
  data.skip(1);
  return textOf(data);
}
