import { detectEncoding } from './detect-encoding.js';
import { UnreadableDocumentError } from './loader.js';
import { decodeUtf32, detectUtf16 } from './unicode.js';

/** How the first bytes of common binary formats look in Latin-1. */
const SIGNATURES = [
  '%PDF-', // PDF
  '{\\rtf', // rich text
  'PK\x03\x04', // ZIP: Office and OpenDocument files, EPUB
  '\xd0\xcf\x11\xe0', // older Office files
  '\x1f\x8b', // gzip
  'BZh',
  'Rar!',
  '7z\xbc\xaf',
  '\x89PNG',
  'GIF8',
  '\xff\xd8\xff', // JPEG
  'II*\0', // TIFF
  'MM\0*',
  'RIFF', // WebP, WAV, AVI
  'OggS',
  'ID3', // MP3
  '\x7fELF',
  'MZ\x90', // Windows programs
  'SQLite format 3',
];
const SNIFFED_BYTES = 4096;

interface Encoding {
  label: string;
  /** Bytes of the byte order mark. */
  skip: number;
}

/**
 * Text from bytes. The byte order mark decides; then the declared charset; then strict UTF-8; and for what is not UTF-8
 * at all, the encoding in which it reads best.
 * @param declared a charset label; one that is unknown counts as none
 * @throws {UnreadableDocumentError} when the bytes are a binary format
 */
export function decodeText(bytes: Uint8Array, declared?: string): string {
  if (hasBinarySignature(bytes)) throw notText();
  const mark = byteOrderMark(bytes);
  const encoding = mark ?? known(declared);
  const text = encoding === undefined ? decodeUndeclared(bytes) : decodeAs(bytes, encoding);
  if (text.includes('\0') || tooManyControls(text)) throw notText();
  return text;
}

/** True when the bytes can be shown as text: no binary signature in their first part, nor a NUL but as UTF-16 has them. */
export function looksLikeText(bytes: Uint8Array): boolean {
  if (hasBinarySignature(bytes)) return false;
  if (byteOrderMark(bytes) !== undefined) return true;
  const head = bytes.subarray(0, SNIFFED_BYTES);
  return (!head.includes(0) && !tooManyControls(latin1(head))) || detectUtf16(head) !== undefined;
}

/** The first bytes as Latin-1, for looking at marks that are ASCII in every encoding. */
export function asciiHead(bytes: Uint8Array, length = SNIFFED_BYTES): string {
  return latin1(bytes.subarray(0, length));
}

/** The `charset` parameter of a media type. */
export function charsetOf(mediaType: string | undefined): string | undefined {
  return /;\s*charset\s*=\s*"?([\w.:+-]+)/i.exec(mediaType ?? '')?.[1];
}

function decodeAs(bytes: Uint8Array, { label, skip }: Encoding): string {
  // "utf-8" is declared by habit, also for texts that are not
  if (label === 'utf-8' && skip === 0) return decodeUndeclared(bytes);
  const text = decodeLabelled(bytes.subarray(skip), label);
  if (isMostlyReplaced(text)) throw new UnreadableDocumentError(`The document is not valid ${label} text.`);
  return text;
}

function decodeLabelled(bytes: Uint8Array, label: string): string {
  if (label === 'utf-32le' || label === 'utf-32be') return decodeUtf32(bytes, label === 'utf-32le');
  return new TextDecoder(label).decode(bytes);
}

function decodeUndeclared(bytes: Uint8Array): string {
  const utf16 = detectUtf16(bytes.subarray(0, SNIFFED_BYTES));
  if (utf16 !== undefined) return new TextDecoder(utf16).decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // a few damaged bytes in a UTF-8 text must not turn all its other letters into mojibake
    const text = new TextDecoder('utf-8').decode(bytes);
    const damaged = count(text, /\ufffd/g);
    const intact = count(text, /[\u0080-\ufffc]/g);
    return intact > 10 * damaged ? text : new TextDecoder(detectEncoding(bytes)).decode(bytes);
  }
}

function byteOrderMark(bytes: Uint8Array): Encoding | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return { label: 'utf-8', skip: 3 };
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return { label: 'utf-32be', skip: 4 };
  if (a === 0xff && b === 0xfe && c === 0 && d === 0) return { label: 'utf-32le', skip: 4 };
  if (a === 0xff && b === 0xfe) return { label: 'utf-16le', skip: 2 };
  if (a === 0xfe && b === 0xff) return { label: 'utf-16be', skip: 2 };
  return undefined;
}

function known(label: string | undefined): Encoding | undefined {
  if (label === undefined) return undefined;
  try {
    return { label: new TextDecoder(label).encoding, skip: 0 };
  } catch {
    return undefined;
  }
}

function hasBinarySignature(bytes: Uint8Array): boolean {
  const head = asciiHead(bytes, 16);
  return SIGNATURES.some((signature) => head.startsWith(signature));
}

/** Text holds line breaks and tabs, sometimes a form feed or a colour escape; binary data holds all the others. */
function tooManyControls(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return count(text, /[\u0001-\u0008\u000e-\u001a\u001c-\u001f]/g) * 50 > text.length;
}

function isMostlyReplaced(text: string): boolean {
  return count(text, /\ufffd/g) * 10 > text.length;
}

function count(text: string, pattern: RegExp): number {
  let found = 0;
  pattern.lastIndex = 0;
  while (pattern.test(text)) found++;
  return found;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function notText(): UnreadableDocumentError {
  return new UnreadableDocumentError('The document is binary data, not text.');
}
