import type { CellFormats } from './cell-formats.js';
import type { SheetBuilder } from './workbook.js';

/** A sheet as the workbook's main part lists it. */
export interface SheetReference {
  name: string;
  /** Under which the main part mentions the sheet's own part. */
  id: string;
  /** True for a sheet that only a program can bring to light, and that keeps what no reader is to see. */
  isVeryHidden: boolean;
}

/** How the parts of a workbook are read: as XML (XLSX), or as binary records of the same content (XLSB). */
export interface ExcelParts {
  /** The sheets in order. Whether days count from 1904 goes to the formats. */
  readWorkbook(bytes: Uint8Array, formats: CellFormats): SheetReference[];
  /** The texts that cells refer to by number. */
  readStrings(bytes: Uint8Array): string[];
  readStyles(bytes: Uint8Array, formats: CellFormats): void;
  readSheet(bytes: Uint8Array, sheet: SheetBuilder, strings: readonly string[], formats: CellFormats): void;
}
