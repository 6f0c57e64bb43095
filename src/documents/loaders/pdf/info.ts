import type { PDFDocumentProxy } from 'unpdf/pdfjs';
import { normaliseText } from '../../normalize.js';

/** What a PDF says about itself. */
export interface PdfInfo {
  title?: string;
  metadata: Record<string, string>;
}

const NAMES = new Map([
  ['Author', 'author'],
  ['Subject', 'subject'],
  ['Keywords', 'keywords'],
  ['Language', 'language'],
]);
const DATES = new Map([
  ['CreationDate', 'created'],
  ['ModDate', 'modified'],
]);
const LONGEST_VALUE = 2000;
/** Titles that programs make up. */
const MADE_UP =
  /^(?:(?:untitled|unnamed|unknown|document|title|no title|no name|slide|(?:powerpoint )?presentation|print|scan)[\s\d#-]*|microsoft (?:word|excel|powerpoint) - .*|about:blank|(?:https?|file):\S*)$/i;
const FILE_NAME =
  /\.(?:docx?|dotx?|xlsx?|pptx?|od[tsp]|rtf|txt|pdf|tex|dvi|e?ps|html?|md|indd|qxd|pub|fm|wpd|pages|key|ai|cdr|dwg|tiff?|jpe?g|png)$/i;
const DATE = /^(?:D:)?(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:Z|([+-])(\d{2})'?(\d{2})?'?)?/;

/** The parts of the document information worth keeping; none when it is damaged. */
export async function readInfo(pdf: PDFDocumentProxy): Promise<PdfInfo> {
  const { info } = await pdf.getMetadata().catch(() => ({ info: {} }));
  return infoFrom(info as Record<string, unknown>);
}

function infoFrom(info: Record<string, unknown>): PdfInfo {
  const metadata: Record<string, string> = {};
  for (const [key, name] of NAMES) {
    const value = textOf(info[key]);
    if (value !== '') metadata[name] = value;
  }
  for (const [key, name] of DATES) {
    const value = isoDate(textOf(info[key]));
    if (value !== undefined) metadata[name] = value;
  }
  const title = textOf(info['Title']);
  const isMeaningful = /\p{L}/u.test(title) && !MADE_UP.test(title) && !FILE_NAME.test(title);
  return { title: isMeaningful ? title : undefined, metadata };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? normaliseText(value.slice(0, LONGEST_VALUE)) : '';
}

/** `D:20240131123000+01'00'` as ISO 8601; undefined when it is no date. */
function isoDate(value: string): string | undefined {
  const match = DATE.exec(value);
  if (match === null) return undefined;
  const [, year = '', month = '01', day = '01', hours = '00', minutes = '00', seconds = '00'] = match;
  const [sign, zoneHours = '00', zoneMinutes = '00'] = match.slice(7);
  const zone = sign === undefined ? 'Z' : `${sign}${zoneHours}:${zoneMinutes}`;
  const date = new Date(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}${zone}`);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
