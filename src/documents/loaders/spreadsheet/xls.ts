import { UnreadableDocumentError } from '../loader.js';
import type { OleFile } from '../office/ole.js';
import { type BiffRecord, biffRecords, BiffTextReader } from './biff-records.js';
import { ByteReader } from './byte-reader.js';
import { booleanText, CellFormats, errorText } from './cell-formats.js';
import { codePageDecoder } from './code-pages.js';
import { summaryProperties } from './summary-properties.js';
import { SheetBuilder, type Workbook, WorkbookLimits } from './workbook.js';

/** Numbers of the records that matter. */
const FORMULA = 0x06;
const END = 0x0a;
const DATE_1904 = 0x22;
const FILE_PASS = 0x2f;
const CODE_PAGE = 0x42;
const SHEET = 0x85;
const PACKED_NUMBERS = 0xbd;
const RICH_LABEL = 0xd6;
const STYLE = 0xe0;
const MERGES = 0xe5;
const SHARED_TEXTS = 0xfc;
const SHARED_LABEL = 0xfd;
const NUMBER = 0x203;
const LABEL = 0x204;
const BOOLEAN_OR_ERROR = 0x205;
const FORMULA_TEXT = 0x207;
const PACKED_NUMBER = 0x27e;
const FORMAT = 0x41e;
const BEGIN = 0x809;

/** Version of Excel 97 and later; that of Excel 5 and 95 is below. */
const EXCEL_97 = 0x600;
const EXCEL_5 = 0x500;
const VERY_HIDDEN = 2;
const WORKSHEET = 0;

/** Excel workbooks of the years 1993 to 2007 (XLS). */
export async function readXls(file: OleFile): Promise<Workbook> {
  const stream = file.read('Workbook') ?? file.read('Book');
  if (stream === undefined) throw new UnreadableDocumentError('It is no workbook.');
  const reader = new XlsReader(await CellFormats.load());
  reader.read(stream);
  return { sheets: reader.sheets.map((sheet) => sheet.build()), ...summaryProperties(file) };
}

class XlsReader {
  readonly sheets: SheetBuilder[] = [];
  readonly #limits = new WorkbookLimits();
  /** By where their records begin. */
  readonly #sheetsByOffset = new Map<number, SheetBuilder>();
  #strings: string[] = [];
  /** Before Excel 97, texts are in the code page of the machine. */
  #isUnicode = true;
  #decoder = codePageDecoder(1252);
  /** The cell whose formula makes a text, which follows. */
  #textCell: { row: number; column: number } | undefined;

  constructor(private readonly formats: CellFormats) {}

  read(stream: Uint8Array): void {
    let place: SheetBuilder | 'globals' | undefined;
    // charts lie inside of sheets
    let depth = 0;
    for (const record of biffRecords(stream)) {
      const { kind, offset } = record;
      if (kind === BEGIN) {
        this.#begin(record);
        const sheet = this.#sheetsByOffset.get(offset);
        depth = sheet === undefined ? depth + 1 : 1;
        if (depth === 1) place = offset === 0 ? 'globals' : sheet;
      } else if (kind === END) depth--;
      else if (depth !== 1) continue;
      else if (place === 'globals') this.#readGlobal(record);
      else if (place !== undefined) this.#readCell(record, place);
    }
  }

  #begin({ data, offset }: BiffRecord): void {
    const version = data.uint16();
    if (version < EXCEL_5)
      throw new UnreadableDocumentError('It is of a version of Excel before 5.0, which is not read.');
    if (offset === 0) this.#isUnicode = version >= EXCEL_97;
  }

  #readGlobal(record: BiffRecord): void {
    const { kind, data } = record;
    switch (kind) {
      case FILE_PASS:
        throw new UnreadableDocumentError('It is protected by a password.');
      case CODE_PAGE:
        this.#decoder = codePageDecoder(data.uint16());
        break;
      case DATE_1904:
        this.formats.date1904 = data.uint16() === 1;
        break;
      case SHEET:
        this.#addSheet(data);
        break;
      case FORMAT: {
        const id = data.uint16();
        this.formats.addFormat(id, this.#isUnicode ? textOf(record) : this.#bytesText(data, data.uint8()));
        break;
      }
      case STYLE:
        data.skip(2);
        this.formats.addStyle(data.uint16());
        break;
      case SHARED_TEXTS:
        this.#strings = sharedTexts(record);
        break;
      default:
    }
  }

  #addSheet(data: ByteReader): void {
    const offset = data.uint32();
    const visibility = data.uint8() & 3;
    const kind = data.uint8();
    const length = data.uint8();
    const name = this.#isUnicode ? shortText(data, length) : this.#bytesText(data, length);
    if (kind !== WORKSHEET || visibility === VERY_HIDDEN) return;
    const sheet = new SheetBuilder(name, this.#limits);
    this.sheets.push(sheet);
    this.#sheetsByOffset.set(offset, sheet);
  }

  #readCell(record: BiffRecord, sheet: SheetBuilder): void {
    const { kind, data } = record;
    switch (kind) {
      case FORMULA_TEXT:
        if (this.#textCell !== undefined)
          sheet.cell(this.#textCell.row, this.#textCell.column, this.#text(record));
        this.#textCell = undefined;
        break;
      case MERGES:
        readMerges(data, sheet);
        break;
      case PACKED_NUMBERS:
        this.#readPackedNumbers(data, sheet);
        break;
      case FORMULA:
      case NUMBER:
      case LABEL:
      case RICH_LABEL:
      case BOOLEAN_OR_ERROR:
      case PACKED_NUMBER:
      case SHARED_LABEL: {
        const [row, column, style] = [data.uint16(), data.uint16(), data.uint16()];
        this.#textCell = { row, column };
        sheet.cell(row, column, this.#cellText(record, style));
        break;
      }
      default:
    }
  }

  #cellText(record: BiffRecord, style: number): string {
    const { kind, data } = record;
    switch (kind) {
      case NUMBER:
        return this.formats.number(data.float64(), style);
      case PACKED_NUMBER:
        return this.formats.number(data.packedNumber(), style);
      case SHARED_LABEL:
        return this.#strings[data.uint32()] ?? '';
      case LABEL:
      case RICH_LABEL:
        return this.#text(record);
      case BOOLEAN_OR_ERROR: {
        const value = data.uint8();
        return data.uint8() === 1 ? errorText(value) : booleanText(value === 1);
      }
      default:
        return this.#formulaText(data, style);
    }
  }

  /** What a formula makes: a number, or else what its first byte says, marked by two bytes no number ends with. */
  #formulaText(data: ByteReader, style: number): string {
    const result = data.bytes(8);
    if (result[6] !== 0xff || result[7] !== 0xff)
      return this.formats.number(new ByteReader(result).float64(), style);
    const [kind, , value = 0] = result;
    if (kind === 1) return booleanText(value === 1);
    return kind === 2 ? errorText(value) : '';
  }

  #readPackedNumbers(data: ByteReader, sheet: SheetBuilder): void {
    const [row, first] = [data.uint16(), data.uint16()];
    for (let column = first; data.left >= 6; column++) {
      const style = data.uint16();
      sheet.cell(row, column, this.formats.number(data.packedNumber(), style));
    }
  }

  #text(record: BiffRecord): string {
    return this.#isUnicode ? textOf(record) : this.#bytesText(record.data, record.data.uint16());
  }

  #bytesText(data: ByteReader, length: number): string {
    return this.#decoder.decode(data.bytes(length));
  }
}

/** The texts that cells refer to by number. */
function sharedTexts(record: BiffRecord): string[] {
  record.data.skip(8);
  const reader = new BiffTextReader(record);
  const texts: string[] = [];
  while (reader.hasMore) texts.push(reader.text());
  return texts;
}

function textOf(record: BiffRecord): string {
  return new BiffTextReader(record).text();
}

function shortText(data: ByteReader, length: number): string {
  return data.uint8() === 0 ? data.latin1(length) : data.utf16(length);
}

function readMerges(data: ByteReader, sheet: SheetBuilder): void {
  data.skip(2);
  while (data.left >= 8) {
    const [top, bottom, left, right] = [data.uint16(), data.uint16(), data.uint16(), data.uint16()];
    sheet.merge({ top, left, bottom, right });
  }
}
