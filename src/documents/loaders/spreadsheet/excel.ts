import { coreProperties } from '../office/core-properties.js';
import { OfficePackage } from '../office/package.js';
import type { ZipArchive } from '../office/zip.js';
import { UnreadableDocumentError } from '../loader.js';
import { CellFormats } from './cell-formats.js';
import { SheetBuilder, type Workbook, WorkbookLimits } from './workbook.js';
import { xlsbParts } from './xlsb.js';
import { xlsxParts } from './xlsx.js';

/** Excel workbooks since 2007: XLSX, XLSM and XLSB. */
export async function readExcel(archive: ZipArchive): Promise<Workbook> {
  const document = new OfficePackage(archive);
  const main = document.mainPart ?? archive.names.find((name) => /^xl\/workbook\.(?:xml|bin)$/i.test(name));
  if (main === undefined) throw new UnreadableDocumentError('It is no workbook.');
  const parts = main.toLowerCase().endsWith('.bin') ? xlsbParts : xlsxParts;
  const formats = await CellFormats.load();
  const references = parts.readWorkbook(readPart(archive, main), formats);
  const [strings] = document.relatedTo(main, 'sharedStrings');
  const texts = strings === undefined ? [] : parts.readStrings(readPart(archive, strings));
  const [styles] = document.relatedTo(main, 'styles');
  if (styles !== undefined) parts.readStyles(readPart(archive, styles), formats);

  const worksheets = new Set(document.relatedTo(main, 'worksheet'));
  const limits = new WorkbookLimits();
  const sheets: Workbook['sheets'] = [];
  for (const { name, id, isVeryHidden } of references) {
    const target = document.target(main, id);
    // others are charts and old macros
    if (isVeryHidden || target === undefined || !worksheets.has(target)) continue;
    const sheet = new SheetBuilder(name, limits);
    parts.readSheet(readPart(archive, target), sheet, texts, formats);
    sheets.push(sheet.build());
  }
  return { sheets, ...coreProperties(document) };
}

function readPart(archive: ZipArchive, name: string): Uint8Array {
  const part = archive.read(name) ?? archive.read(nameInAnyCase(archive, name));
  if (part === undefined) throw new UnreadableDocumentError(`It lacks its part "${name}".`);
  return part;
}

function nameInAnyCase(archive: ZipArchive, name: string): string {
  return archive.names.find((other) => other.toLowerCase() === name.toLowerCase()) ?? name;
}
