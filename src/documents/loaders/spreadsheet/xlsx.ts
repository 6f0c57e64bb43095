import { booleanText, type CellFormats } from './cell-formats.js';
import type { ExcelParts, SheetReference } from './excel-parts.js';
import type { Merge, SheetBuilder } from './workbook.js';
import { readXml, type XmlReader } from './xml-stream.js';

/** The parts of an XLSX file. */
export const xlsxParts: ExcelParts = {
  readWorkbook(bytes, formats) {
    const sheets: SheetReference[] = [];
    readXml(bytes, {
      open(name, attributes) {
        if (name === 'workbookPr') formats.date1904 = isTrue(attributes['date1904']);
        if (name !== 'sheet') return;
        const id = Object.keys(attributes).find((key) => key.endsWith(':id'));
        sheets.push({
          name: attributes['name'] ?? '',
          id: attributes[id ?? ''] ?? '',
          isVeryHidden: attributes['state'] === 'veryHidden',
        });
      },
    });
    return sheets;
  },

  readStrings(bytes) {
    const reader = new StringsReader();
    readXml(bytes, reader);
    return reader.strings;
  },

  readStyles(bytes, formats) {
    let group = '';
    readXml(bytes, {
      open(name, attributes) {
        if (name === 'numFmts' || name === 'cellXfs') group = name;
        else if (name === 'numFmt' && group === 'numFmts')
          formats.addFormat(Number(attributes['numFmtId']), attributes['formatCode'] ?? '');
        else if (name === 'xf' && group === 'cellXfs') formats.addStyle(Number(attributes['numFmtId'] ?? 0));
      },
      close(name) {
        if (name === group) group = '';
      },
    });
  },

  readSheet(bytes, sheet, strings, formats) {
    readXml(bytes, new SheetReader(sheet, strings, formats));
  },
};

/** Texts with runs of different looks, without the pronunciation that East Asian ones may carry. */
class RichText {
  #text = '';
  #isOpen = false;
  #isPronunciation = false;

  open(name: string): void {
    if (name === 't') this.#isOpen = !this.#isPronunciation;
    else if (name === 'rPh') this.#isPronunciation = true;
  }

  close(name: string): void {
    if (name === 't') this.#isOpen = false;
    else if (name === 'rPh') this.#isPronunciation = false;
  }

  text(text: string): void {
    if (this.#isOpen) this.#text += text;
  }

  /** The text since it was last taken. */
  take(): string {
    const text = unescape(this.#text);
    this.#text = '';
    return text;
  }
}

class StringsReader implements XmlReader {
  readonly strings: string[] = [];
  readonly #text = new RichText();

  open(name: string): void {
    this.#text.open(name);
  }

  text(text: string): void {
    this.#text.text(text);
  }

  close(name: string): void {
    this.#text.close(name);
    if (name === 'si') this.strings.push(this.#text.take());
  }
}

class SheetReader implements XmlReader {
  readonly #inline = new RichText();
  #isInData = false;
  #row = -1;
  #column = -1;
  #kind = 'n';
  #style = 0;
  #value = '';
  #isInValue = false;

  constructor(
    private readonly sheet: SheetBuilder,
    private readonly strings: readonly string[],
    private readonly formats: CellFormats,
  ) {}

  open(name: string, attributes: Record<string, string>): void {
    if (name === 'sheetData') this.#isInData = true;
    else if (name === 'mergeCell') this.#merge(attributes['ref'] ?? '');
    else if (!this.#isInData) return;
    else if (name === 'row') this.#openRow(attributes['r']);
    else if (name === 'c') this.#openCell(attributes);
    else if (name === 'v') this.#isInValue = true;
    else this.#inline.open(name);
  }

  text(text: string): void {
    if (this.#isInValue) this.#value += text;
    else if (this.#isInData) this.#inline.text(text);
  }

  close(name: string): void {
    if (name === 'sheetData') this.#isInData = false;
    else if (!this.#isInData) return;
    else if (name === 'c') this.sheet.cell(this.#row, this.#column, this.#text());
    else if (name === 'v') this.#isInValue = false;
    else this.#inline.close(name);
  }

  #openRow(number: string | undefined): void {
    this.#row = number === undefined ? this.#row + 1 : (indexOf(number) ?? this.#row + 1);
    this.#column = -1;
  }

  #openCell(attributes: Record<string, string>): void {
    this.#column = columnOf(attributes['r'] ?? '') ?? this.#column + 1;
    this.#kind = attributes['t'] ?? 'n';
    this.#style = Number(attributes['s'] ?? 0);
    this.#value = '';
    this.#inline.take();
  }

  #text(): string {
    const value = this.#value;
    switch (this.#kind) {
      case 's':
        return this.strings[Number(value)] ?? '';
      case 'inlineStr':
        return this.#inline.take();
      case 'str':
        return unescape(value);
      case 'b':
        return value === '' ? '' : booleanText(isTrue(value));
      case 'd':
        return value.replace(/T00:00(?::00(?:\.0+)?)?Z?$/, '').replace('T', ' ');
      case 'n': {
        const number = Number.parseFloat(value);
        return Number.isFinite(number) ? this.formats.number(number, this.#style) : value;
      }
      default:
        return value;
    }
  }

  #merge(reference: string): void {
    const merge = mergeOf(reference);
    if (merge !== undefined) this.sheet.merge(merge);
  }
}

/** A range such as `A1:C2`. */
function mergeOf(reference: string): Merge | undefined {
  const [first = '', last = ''] = reference.split(':');
  const [top, left] = [indexOf(first.replace(/^[A-Z]+/, '')), columnOf(first)];
  const [bottom, right] = [indexOf(last.replace(/^[A-Z]+/, '')), columnOf(last)];
  if (top === undefined || left === undefined || bottom === undefined || right === undefined)
    return undefined;
  return { top, left, bottom, right };
}

/** The column that a reference such as `AB12` begins with, from 0. */
function columnOf(reference: string): number | undefined {
  let column = 0;
  for (let at = 0; at < reference.length; at++) {
    const letter = reference.charCodeAt(at) - 64;
    if (letter < 1 || letter > 26) break;
    column = column * 26 + letter;
    // no spreadsheet is as wide
    if (column > 1_000_000) return undefined;
  }
  return column === 0 ? undefined : column - 1;
}

/** The row's index for its number, which counts from 1. */
function indexOf(number: string): number | undefined {
  const index = Number(number) - 1;
  return Number.isSafeInteger(index) && index >= 0 ? index : undefined;
}

function isTrue(value: string | undefined): boolean {
  return value === '1' || value === 'true';
}

/** Characters that XML cannot hold are written by their number. */
function unescape(text: string): string {
  if (!text.includes('_x')) return text;
  return text.replace(/_x([\dA-F]{4})_/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
