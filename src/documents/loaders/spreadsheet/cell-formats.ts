/** Formats numbers as a spreadsheet shows them. */
interface Formatter {
  format(code: string | number, value: number | string, options: FormatOptions): string;
  /** The codes of the built-in formats, by id. */
  get_table(): Record<number, string>;
}

interface FormatOptions {
  date1904: boolean;
  /** The codes by id. */
  table: Record<number, string>;
}

const GENERAL = 'General';
/** Spreadsheets take no longer code; one is read again for every number. */
const LONGEST_CODE = 255;
/** Texts that are remembered of each format, as the same dates and shares come again and again. */
const MOST_REMEMBERED = 10_000;
/** Built-in formats that each country shows in its own order of day, month and year: shown in the one order all know. */
const LOCAL_DATES: Record<number, string> = { 14: 'yyyy-mm-dd', 22: 'yyyy-mm-dd hh:mm' };
/** The same where files spell them out. */
const LOCAL_DATE_CODES: Record<string, string> = {
  'm/d/yy': 'yyyy-mm-dd',
  'mm-dd-yy': 'yyyy-mm-dd',
  'm/d/yy h:mm': 'yyyy-mm-dd hh:mm',
};
/** The time behind a date that programs write as a date with a time. */
const MIDNIGHT = /(?<=\d)[ T](?:0?0:00(?::00)?(?:\.0+)?|12:00(?::00)? AM)$/;
/** What stands for errors in binary files. */
const ERRORS = new Map([
  [0x00, '#NULL!'],
  [0x07, '#DIV/0!'],
  [0x0f, '#VALUE!'],
  [0x17, '#REF!'],
  [0x1d, '#NAME?'],
  [0x24, '#NUM!'],
  [0x2a, '#N/A'],
]);

/** How a workbook shows the values of its cells. */
export class CellFormats {
  /** True when days count from 1904, as in workbooks of old Macintoshes. */
  date1904 = false;
  readonly #codes: Record<number, string>;
  /** Format ids by style. */
  readonly #styles: number[] = [];
  readonly #remembered = new Map<number, Map<number, string>>();

  private constructor(private readonly formatter: Formatter) {
    this.#codes = { ...formatter.get_table(), ...LOCAL_DATES };
  }

  /** Formats for a workbook. The library is large, and only loaded when there is one to read. */
  static async load(): Promise<CellFormats> {
    const { SSF } = await import('@e965/xlsx');
    return new CellFormats(SSF as Formatter);
  }

  /** Tells the code of a format. */
  addFormat(id: number, code: string): void {
    this.#codes[id] = LOCAL_DATE_CODES[code.toLowerCase()] ?? (code.length > LONGEST_CODE ? GENERAL : code);
  }

  /** Adds a cell style, of which only the format of its numbers matters. Styles are known by their order. */
  addStyle(format: number): void {
    this.#styles.push(format);
  }

  /** A number as a cell of this style shows it. */
  number(value: number, style: number): string {
    if (!Number.isFinite(value)) return '#NUM!';
    const format = this.#styles[style] ?? 0;
    if (format === 0 && Number.isSafeInteger(value)) return String(value);
    const remembered = this.#remembered.get(format) ?? new Map<number, string>();
    this.#remembered.set(format, remembered);
    const known = remembered.get(value);
    if (known !== undefined) return known;
    const formatted = this.#format(value, format);
    // a whole day at no time of the day
    const text = Number.isInteger(value) ? formatted.replace(MIDNIGHT, '') : formatted;
    if (remembered.size === MOST_REMEMBERED) remembered.clear();
    remembered.set(value, text);
    return text;
  }

  #format(value: number, format: number): string {
    const options = { date1904: this.date1904, table: this.#codes };
    try {
      return this.formatter.format(this.#codes[format] ?? format, value, options);
    } catch {
      // the code is none
      return this.formatter.format(GENERAL, value, options);
    }
  }
}

/** A truth value as spreadsheets show it. */
export function booleanText(value: boolean): string {
  return value ? 'TRUE' : 'FALSE';
}

/** An error as spreadsheets show it, by its number in binary files. */
export function errorText(code: number): string {
  return ERRORS.get(code) ?? '#ERROR!';
}
