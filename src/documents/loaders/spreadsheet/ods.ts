import { UnreadableDocumentError } from '../loader.js';
import { readProperties } from '../opendocument/metadata.js';
import { child, parseXml } from '../office/xml.js';
import { type ZipArchive, zipMimetype } from '../office/zip.js';
import { SheetBuilder, type Workbook, WorkbookLimits } from './workbook.js';
import { attribute, readXml, type XmlReader } from './xml-stream.js';

/** True for an OpenDocument spreadsheet or a template of one. Never throws. */
export function isOds(bytes: Uint8Array): boolean {
  return /^application\/vnd\.oasis\.opendocument\.spreadsheet(?:-template)?$/.test(zipMimetype(bytes) ?? '');
}

/** OpenDocument spreadsheets (ODS). Their cells hold their values as they are shown. */
export function readOds(archive: ZipArchive): Workbook {
  if (isEncrypted(archive)) throw new UnreadableDocumentError('It is protected by a password.');
  const content = archive.read('content.xml');
  if (content === undefined) throw new UnreadableDocumentError('Its content is missing.');
  const reader = new OdsReader();
  readXml(content, reader);
  return { sheets: reader.sheets.map((sheet) => sheet.build()), ...propertiesOf(archive) };
}

/** A cell while it is read. */
interface OpenCell {
  column: number;
  /** How many columns it fills. */
  times: number;
  text: string;
  /** How deep its element lies. */
  depth: number;
}

class OdsReader implements XmlReader {
  readonly sheets: SheetBuilder[] = [];
  readonly #limits = new WorkbookLimits();
  #depth = 0;
  /** How deep the elements lie of which all is open at the moment; 0 where none is. */
  #table = 0;
  #row = 0;
  #paragraph = 0;
  #skipped = 0;
  #cell: OpenCell | undefined;

  #rowIndex = 0;
  /** How many rows the open one stands for. */
  #rowTimes = 1;
  #column = 0;
  #cells: OpenCell[] = [];

  open(name: string, attributes: Record<string, string>): void {
    this.#depth++;
    if (this.#skipped > 0) return;
    if (name === 'annotation' || name === 'ruby-text') this.#skipped = this.#depth;
    else if (this.#cell !== undefined) this.#openInCell(name);
    else if (name === 'table' && this.#table === 0) this.#openTable(attributes);
    else if (name === 'table-row' && this.#table > 0) this.#openRow(attributes);
    else if (name === 'table-cell' && this.#row > 0) this.#openCell(attributes);
    else if (name === 'covered-table-cell' && this.#row > 0)
      this.#column += countOf(attributes, 'columns-repeated');
  }

  text(text: string): void {
    if (this.#paragraph > 0 && this.#skipped === 0 && this.#cell !== undefined) this.#cell.text += text;
  }

  close(): void {
    const depth = this.#depth--;
    if (depth === this.#skipped) this.#skipped = 0;
    else if (depth === this.#paragraph) this.#paragraph = 0;
    else if (depth === this.#cell?.depth) this.#cell = undefined;
    else if (depth === this.#row) this.#closeRow();
    else if (depth === this.#table) this.#table = 0;
  }

  #openTable(attributes: Record<string, string>): void {
    this.#table = this.#depth;
    this.#rowIndex = 0;
    this.sheets.push(new SheetBuilder(attribute(attributes, 'name') ?? '', this.#limits));
  }

  #openRow(attributes: Record<string, string>): void {
    this.#row = this.#depth;
    this.#rowTimes = countOf(attributes, 'rows-repeated');
    this.#column = 0;
    this.#cells = [];
  }

  #openCell(attributes: Record<string, string>): void {
    const [column, times] = [this.#column, countOf(attributes, 'columns-repeated')];
    this.#cell = { column, times, text: '', depth: this.#depth };
    this.#cells.push(this.#cell);
    this.#column += times;
    const [rows, columns] = [countOf(attributes, 'rows-spanned'), countOf(attributes, 'columns-spanned')];
    const top = this.#rowIndex;
    this.sheets.at(-1)?.merge({ top, left: column, bottom: top + rows - 1, right: column + columns - 1 });
  }

  /** Shapes that lie in a cell have texts too, but deeper. */
  #openInCell(name: string): void {
    const cell = this.#cell;
    if (cell === undefined) return;
    if (name === 'p' && this.#depth === cell.depth + 1) {
      this.#paragraph = this.#depth;
      cell.text += ' ';
    } else if (this.#paragraph > 0 && /^(?:s|tab|line-break)$/.test(name)) cell.text += ' ';
  }

  #closeRow(): void {
    this.#row = 0;
    const sheet = this.sheets.at(-1);
    const cells = this.#cells.filter((cell) => cell.text.trim() !== '');
    const last = this.#rowIndex + this.#rowTimes;
    for (let row = this.#rowIndex; cells.length > 0 && row < last; row++)
      for (const { column, times, text } of cells)
        for (let at = 0; at < times; at++) sheet?.cell(row, column + at, text);
    this.#rowIndex = last;
  }
}

/** How many rows or columns an element stands for; 1 where it does not say. */
function countOf(attributes: Record<string, string>, what: string): number {
  const count = Number(attribute(attributes, `number-${what}`) ?? 1);
  return Number.isSafeInteger(count) && count > 0 ? count : 1;
}

/** True when the content itself is encrypted; macros may be, in a document that anybody can read. */
function isEncrypted(archive: ZipArchive): boolean {
  const manifest = archive.read('META-INF/manifest.xml');
  if (manifest === undefined) return false;
  let path: string | undefined;
  let found = false;
  readXml(manifest, {
    open(name, attributes) {
      if (name === 'file-entry') path = attribute(attributes, 'full-path');
      else if (name === 'encryption-data') found ||= path === 'content.xml' || path === 'encrypted-package';
    },
  });
  return found;
}

function propertiesOf(archive: ZipArchive): Pick<Workbook, 'title' | 'metadata'> {
  try {
    const meta = archive.read('meta.xml');
    return meta === undefined ? {} : readProperties(child(parseXml(meta), 'meta'));
  } catch (error) {
    // the cells are worth reading without it
    if (error instanceof UnreadableDocumentError) return {};
    throw error;
  }
}
