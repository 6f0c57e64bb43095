import { normaliseText } from '../normalize.js';
import {
  DocumentLoader,
  type DocumentInput,
  type LoadedDocument,
  UnreadableDocumentError,
} from './loader.js';
import { isEncryptedOffice, isOleWith, OleFile } from './office/ole.js';
import { ZipArchive } from './office/zip.js';
import { readExcel } from './spreadsheet/excel.js';
import { isOds, readOds } from './spreadsheet/ods.js';
import { workbookText } from './spreadsheet/workbook-text.js';
import type { Workbook } from './spreadsheet/workbook.js';
import { readXls } from './spreadsheet/xls.js';

const WORKBOOK_PART = /(?:^|\/)workbook[^/]*\.(?:xml|bin)$/i;

/** Spreadsheets of Excel, old and new, and of LibreOffice: each sheet a section with its tables. */
export class SpreadsheetDocumentLoader extends DocumentLoader {
  override readonly name = 'spreadsheet';
  override readonly mediaTypes = [
    'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    'application/vnd.openxmlformats-officedocument.spreadsheetml.template',
    'application/vnd.ms-excel',
    'application/vnd.ms-excel.sheet.macroenabled.12',
    'application/vnd.ms-excel.template.macroenabled.12',
    'application/vnd.ms-excel.sheet.binary.macroenabled.12',
    'application/vnd.oasis.opendocument.spreadsheet',
    'application/vnd.oasis.opendocument.spreadsheet-template',
  ];
  override readonly extensions = ['xlsx', 'xlsm', 'xltx', 'xltm', 'xlsb', 'xls', 'xlt', 'ods', 'ots'];
  override readonly isBinary = true;

  /** Also recognises password-protected files of all kinds that Office writes, which cannot be told apart. */
  override recognises(bytes: Uint8Array): boolean {
    return isExcel(bytes) || isOds(bytes) || isOleWith(bytes, 'Workbook', 'Book') || isEncryptedOffice(bytes);
  }

  override async load({ bytes }: DocumentInput): Promise<LoadedDocument> {
    const { sheets, title, metadata } = await readWorkbook(bytes);
    return { text: normaliseText(workbookText(sheets)), title, metadata };
  }
}

async function readWorkbook(bytes: Uint8Array): Promise<Workbook> {
  if (isEncryptedOffice(bytes)) throw new UnreadableDocumentError('It is protected by a password.');
  if (isOleWith(bytes, 'Workbook', 'Book')) return readXls(new OleFile(bytes));
  const archive = new ZipArchive(bytes);
  return isOds(bytes) ? readOds(archive) : readExcel(archive);
}

function isExcel(bytes: Uint8Array): boolean {
  // the signature of an archive
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) return false;
  try {
    return new ZipArchive(bytes).names.some((name) => WORKBOOK_PART.test(name));
  } catch {
    return false;
  }
}
