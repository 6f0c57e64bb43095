import { normaliseText } from '../../normalize.js';
import { titleFrom } from '../loader.js';
import { OfficePackage } from './package.js';
import { elements, textOf } from './xml.js';
import type { ZipArchive } from './zip.js';

const LONGEST_VALUE = 2000;
/** The names of properties worth keeping, with the name each is kept under. */
const TEXTS = new Map([
  ['creator', 'author'],
  ['subject', 'subject'],
  ['keywords', 'keywords'],
  ['description', 'description'],
  ['language', 'language'],
]);
const TIMES = new Set(['created', 'modified']);
/** What programs write where nobody has written anything. */
const MEANINGLESS_VALUE =
  /^(?:python-docx|python-pptx|openpyxl|apache poi|docx4j|un-?named|unknown|user|generated (?:by|using) [\w-]+)$/i;
/** When the templates were made that libraries begin new documents from. */
const MEANINGLESS_TIMES = new Set([
  '2013-12-23T23:15:00.000Z',
  '2013-01-27T09:14:16.000Z',
  '2013-01-27T09:15:58.000Z',
]);
const MEANINGLESS_TITLE =
  /^(?:(?:word |new )?(?:document|presentation|workbook|spreadsheet|book|template|slide|title)s?\s?\d*|(?:microsoft |ms )?(?:word|excel) \w+|untitled.{0,20}|no title|ohne titel|unbenannt.{0,12}|sans titre|sin título|senza titolo|sem título|без названия|无标题|無題)$/i;
/** "PowerPoint Presentation" in all languages. */
const NAMES_PROGRAM = /^(?=.*powerpoint)\S+(?:\s+\S+){0,3}$/i;
/** How a print to a file names it. */
const PRINTED = /^microsoft (?:word|powerpoint|excel) - /i;

/** What an Office document says about itself. */
export interface CoreProperties {
  /** Undefined when there is none that says anything. */
  title: string | undefined;
  /** Author, subject, keywords, description, language, created and modified, as far as they are there. */
  metadata: Record<string, string>;
}

/** The core properties of an Office document; none when they are missing or damaged. */
export function coreProperties(document: ZipArchive | OfficePackage): CoreProperties {
  const parts = document instanceof OfficePackage ? document : new OfficePackage(document);
  const root = parts.optionalXml(parts.relatedTo('', 'core-properties')[0] ?? 'docProps/core.xml');
  const metadata = new Map<string, string>();
  let title: string | undefined;
  for (const property of elements(root)) {
    const value = textOf(property).slice(0, LONGEST_VALUE).trim();
    const name = TEXTS.get(property.name);
    const time = TIMES.has(property.name) ? isoTime(value) : undefined;
    if (property.name === 'title') title ??= meaningfulTitle(value);
    else if (time !== undefined) metadata.set(property.name, time);
    else if (name !== undefined && value !== '' && !MEANINGLESS_VALUE.test(value))
      metadata.set(name, normaliseText(value));
  }
  return { title, metadata: Object.fromEntries(metadata) };
}

/** A title that somebody gave a document, or undefined for one that a program gave it. */
export function meaningfulTitle(text: string | undefined): string | undefined {
  const title = titleFrom(text)?.replace(PRINTED, '');
  if (title === undefined || !/[\p{L}\p{N}]/u.test(title)) return undefined;
  return MEANINGLESS_TITLE.test(title) || NAMES_PROGRAM.test(title) ? undefined : title;
}

function isoTime(value: string): string | undefined {
  if (!/^\d{4}-\d{2}/.test(value)) return undefined;
  const time = new Date(value);
  if (Number.isNaN(time.getTime()) || MEANINGLESS_TIMES.has(time.toISOString())) return undefined;
  return time.toISOString();
}
