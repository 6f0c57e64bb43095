import { normaliseText } from '../../normalize.js';
import { UnreadableDocumentError } from '../loader.js';
import { meaningfulTitle } from '../office/core-properties.js';
import type { OleFile } from '../office/ole.js';
import { ByteReader } from './byte-reader.js';
import { codePageDecoder } from './code-pages.js';
import type { Workbook } from './workbook.js';

const LONGEST_VALUE = 2000;
const MOST_PROPERTIES = 100;
/** Numbers of the properties. */
const CODE_PAGE = 1;
const TITLE = 2;
const TEXTS = new Map([
  [3, 'subject'],
  [4, 'author'],
  [5, 'keywords'],
  [6, 'description'],
]);
const TIMES = new Map([
  [12, 'created'],
  [13, 'modified'],
]);
/** Kinds of values. */
const TEXT = 30;
const WIDE_TEXT = 31;
const SMALL_INTEGER = 2;
const TIME = 64;
/** The code page of texts whose characters have two bytes. */
const UTF_16 = 1200;
/** Times count in tenths of a microsecond from 1601. */
const TICKS_PER_MILLISECOND = 10_000n;
const MILLISECONDS_FROM_1601_TO_1970 = 11_644_473_600_000n;

/** What an older Office file says about itself; nothing when that part is missing or damaged. */
export function summaryProperties(file: OleFile): Pick<Workbook, 'title' | 'metadata'> {
  try {
    const stream = file.read('\u0005SummaryInformation');
    return stream === undefined ? {} : readProperties(stream);
  } catch (error) {
    if (error instanceof UnreadableDocumentError) return {};
    throw error;
  }
}

function readProperties(stream: Uint8Array): Pick<Workbook, 'title' | 'metadata'> {
  const header = new ByteReader(stream);
  header.skip(44);
  const section = stream.subarray(header.uint32());
  const offsets = readOffsets(section);
  const read = (id: number, kind: number): ByteReader | undefined => {
    const offset = offsets.get(id);
    if (offset === undefined) return undefined;
    const value = new ByteReader(section.subarray(offset));
    return value.uint32() === kind ? value : undefined;
  };
  const codePage = read(CODE_PAGE, SMALL_INTEGER)?.uint16() ?? 1252;
  const text = (id: number): string =>
    textOf(read(id, TEXT), codePage) || textOf(read(id, WIDE_TEXT), UTF_16, 2);
  const metadata = new Map<string, string>();
  for (const [id, name] of TEXTS) {
    const value = normaliseText(text(id));
    if (value !== '') metadata.set(name, value);
  }
  for (const [id, name] of TIMES) {
    const time = timeOf(read(id, TIME));
    if (time !== undefined) metadata.set(name, time);
  }
  return { title: meaningfulTitle(text(TITLE)), metadata: Object.fromEntries(metadata) };
}

/** Where the value of each property begins. */
function readOffsets(section: Uint8Array): Map<number, number> {
  const reader = new ByteReader(section);
  reader.skip(4);
  const offsets = new Map<number, number>();
  for (let left = Math.min(reader.uint32(), MOST_PROPERTIES); left > 0; left--)
    offsets.set(reader.uint32(), reader.uint32());
  return offsets;
}

/** The text behind its length in characters, up to the character that ends it. */
function textOf(value: ByteReader | undefined, codePage: number, bytesPerCharacter = 1): string {
  if (value === undefined) return '';
  const length = Math.min(value.uint32() * bytesPerCharacter, value.left, LONGEST_VALUE);
  return codePageDecoder(codePage).decode(value.bytes(length)).replace(/\0.*$/s, '');
}

function timeOf(value: ByteReader | undefined): string | undefined {
  if (value === undefined) return undefined;
  const ticks = BigInt(value.uint32()) + (BigInt(value.uint32()) << 32n);
  const time = new Date(Number(ticks / TICKS_PER_MILLISECOND - MILLISECONDS_FROM_1601_TO_1970));
  // durations and missing times are kept as times long past
  return time.getFullYear() < 1980 || Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
