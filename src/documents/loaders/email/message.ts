import { isUtf8 } from 'node:buffer';
import type { Attachment, Email } from 'postal-mime';
import { asciiHead, decodeText } from '../decode.js';
import { lowerHeadings } from '../headings.js';
import { titleFrom, UnreadableDocumentError } from '../loader.js';
import { addressLine } from './addresses.js';
import type { ParsedMessage } from './message-parser.js';

/** Every part takes far more memory than its few bytes, and each begins with a line of this kind. */
const MOST_BOUNDARY_LINES = 50_000;
const LONGEST_HEADER = 64 * 1024;
const LONGEST_DATE = 100;
const LONGEST_LIST = 2000;
/** Signatures and keys, which say nothing to a reader. */
const NOT_FOR_READERS = /^application\/(?:pgp-\w+|(?:x-)?pkcs7-signature)$/;

/**
 * Takes a message apart.
 * @throws {UnreadableDocumentError} when it is encrypted, or no message
 */
export async function parseMessage(bytes: Uint8Array): Promise<ParsedMessage> {
  if (countBoundaryLines(bytes) > MOST_BOUNDARY_LINES)
    throw new UnreadableDocumentError('It is a message of too many parts.');
  const { takeApart } = await import('./message-parser.js');
  const message = await takeApart(withKnownCharset(bytes)).catch((error: unknown) => {
    throw error instanceof UnreadableDocumentError
      ? error
      : new UnreadableDocumentError('It is a damaged message.', { cause: error });
  });
  if (isEncrypted(message)) throw new UnreadableDocumentError('It is an encrypted message.');
  if (message.headers.every(({ value }) => value === ''))
    throw new UnreadableDocumentError('It is no e-mail message.');
  return message;
}

/** The attachments that are of use for a reader: no signatures, and no images that only decorate the text. */
export function usefulAttachments({ attachments }: Email): Attachment[] {
  return attachments.filter(
    ({ mimeType, related }) =>
      !NOT_FOR_READERS.test(mimeType) && !(related === true && mimeType.startsWith('image/')),
  );
}

/** The subject of a message and what stands below it, without attachments but with their names. */
export function messageText(message: ParsedMessage, attachmentNames: readonly string[]): string {
  const subject = titleFrom(message.subject);
  const head = [
    ['From', addressLine([message.from])],
    ['To', addressLine(message.to)],
    ['Cc', addressLine(message.cc)],
    ['Date', dateLine(message)],
    ['Attachments', attachmentNames.join(', ').slice(0, LONGEST_LIST)],
  ].filter(([, value]) => value !== '');
  const parts = [
    subject === undefined ? '' : `# ${subject}`,
    head.map(([name, value]) => `${name}: ${value}`).join('\n'),
    lowerHeadings(message.body, 1),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** What the headers of a message say about it. */
export function messageMetadata(message: Email): Record<string, string> {
  const from = addressLine([message.from]);
  const created = new Date(message.date ?? '');
  const found = {
    author: from,
    created: Number.isNaN(created.getTime()) ? '' : created.toISOString(),
    from,
    to: addressLine(message.to),
    cc: addressLine(message.cc),
    subject: titleFrom(message.subject) ?? '',
    message_id: titleFrom(message.messageId) ?? '',
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== ''));
}

/** The date as the sender's clock had it. */
function dateLine({ headers, date }: Email): string {
  const written = headers.find(({ key }) => key === 'date')?.value ?? date ?? '';
  return written.slice(0, LONGEST_DATE).replace(/\s*\([^)]*\)$/, '');
}

/** A message of a single text that does not say how it is encoded, in UTF-8, for which it would be taken. */
function withKnownCharset(bytes: Uint8Array): Uint8Array {
  if (isUtf8(bytes)) return bytes;
  const [header = ''] = asciiHead(bytes, LONGEST_HEADER).split(/\r?\n\r?\n/, 1);
  if (/\bmultipart\/|\bcharset\s*=\s*(?!"?utf-?8\b)/i.test(header)) return bytes;
  return Buffer.from(decodeText(bytes));
}

function isEncrypted({ headers }: Email): boolean {
  const type = headers.find(({ key }) => key === 'content-type')?.value ?? '';
  return (
    /^\s*multipart\/encrypted\b/i.test(type) ||
    /^\s*application\/(?:x-)?pkcs7-mime\b(?!.*\bsmime-type\s*=\s*"?signed-data)/is.test(type)
  );
}

function countBoundaryLines(bytes: Uint8Array): number {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let found = 0;
  for (let at = message.indexOf('\n--'); at >= 0; at = message.indexOf('\n--', at + 3)) found++;
  return found;
}
