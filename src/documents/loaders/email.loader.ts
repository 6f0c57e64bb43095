import { AsyncLocalStorage } from 'node:async_hooks';
import type { Attachment } from 'postal-mime';
import { normaliseText } from '../normalize.js';
import { asciiHead, looksLikeText } from './decode.js';
import { messageMetadata, messageText, parseMessage, usefulAttachments } from './email/message.js';
import { lowerHeadings } from './headings.js';
import {
  DocumentLoader,
  titleFrom,
  UnreadableDocumentError,
  type DocumentInput,
  type LoadedDocument,
} from './loader.js';

/** How deeply messages may be attached to one another. */
const DEEPEST = 3;
/** Attachments that are read, those of attached messages included, and characters of text from them. */
const MOST_ATTACHMENTS = 50;
const MOST_CHARACTERS = 50_000_000;
/** Headers by which a message is told from other texts that begin with "Name: value". */
const MAIL_HEADERS = new Set([
  'from',
  'to',
  'subject',
  'date',
  'message-id',
  'received',
  'return-path',
  'delivered-to',
  'mime-version',
]);
const LEAST_MAIL_HEADERS = 3;

/** What may still be read of a message and of those attached to it. */
interface Allowance {
  attachments: number;
  characters: number;
}

/** E-mail messages, with what is attached to them. */
export class EmailDocumentLoader extends DocumentLoader {
  override readonly name = 'email';
  override readonly mediaTypes = ['message/rfc822'];
  override readonly extensions = ['eml'];

  /** How deep the message that is being read is inside others, which are read by way of `loadAttachment`. */
  readonly #nesting = new AsyncLocalStorage<{ depth: number; allowance: Allowance }>();

  /** @param loadAttachment reads a document of any format; undefined when the format is not supported */
  constructor(
    private readonly loadAttachment: (input: DocumentInput) => Promise<LoadedDocument | undefined>,
  ) {
    super();
  }

  override recognises(bytes: Uint8Array): boolean {
    if (!looksLikeText(bytes)) return false;
    const [header = '', rest] = asciiHead(bytes).split(/\r?\n\r?\n/, 2);
    // the last line of a header that goes on may have been cut
    const lines = header.split(/\r?\n/).slice(0, rest === undefined ? -1 : undefined);
    const names = lines
      .filter((line) => !/^[ \t]/.test(line))
      .map((line) => /^([!-9;-~]{1,76}):/.exec(line)?.[1]?.toLowerCase());
    if (names.includes(undefined)) return false;
    const found = new Set(names.filter((name) => name !== undefined && MAIL_HEADERS.has(name)));
    return found.size >= LEAST_MAIL_HEADERS;
  }

  override async load({ bytes }: DocumentInput): Promise<LoadedDocument> {
    const { depth, allowance } = this.#nesting.getStore() ?? {
      depth: 0,
      allowance: { attachments: MOST_ATTACHMENTS, characters: MOST_CHARACTERS },
    };
    if (depth > DEEPEST)
      throw new UnreadableDocumentError(
        `It is attached to a message that is attached to others, ${DEEPEST} deep.`,
      );
    if (bytes.length === 0) return { text: '' };
    if (!looksLikeText(bytes)) throw new UnreadableDocumentError('The document is binary data, not text.');
    const message = await parseMessage(bytes);
    const attachments = usefulAttachments(message);
    const names = attachments
      .map(({ filename }) => titleFrom(filename ?? ''))
      .filter((name) => name !== undefined);
    const sections = [messageText(message, names)];
    for (const attachment of attachments) {
      const nesting = { depth: depth + 1, allowance };
      sections.push(await this.#nesting.run(nesting, () => this.#attachmentText(attachment, allowance)));
    }
    return {
      text: normaliseText(sections.filter((section) => section !== '').join('\n\n')),
      title: titleFrom(message.subject),
      metadata: messageMetadata(message),
    };
  }

  /** A section with the text of an attachment, or why there is none; empty when there is nothing to say. */
  async #attachmentText({ content, filename, mimeType }: Attachment, allowance: Allowance): Promise<string> {
    if (allowance.attachments === 0 || allowance.characters <= 0) return '';
    allowance.attachments--;
    const bytes = typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content);
    const heading = (name: string | undefined) => `## Attachment: ${titleFrom(name) ?? mimeType}\n\n`;
    try {
      const loaded = await this.loadAttachment({
        bytes,
        fileName: filename ?? undefined,
        mediaType: mimeType,
      });
      if (loaded === undefined || loaded.text === '') return '';
      allowance.characters -= loaded.text.length;
      // an attached message has no other name than its subject, with which its text begins
      const title = filename === null ? loaded.title : undefined;
      const start = `# ${title}\n\n`;
      const text = loaded.text.startsWith(start) ? loaded.text.slice(start.length) : loaded.text;
      return heading(filename ?? title) + lowerHeadings(text, 2);
    } catch (error) {
      if (!(error instanceof UnreadableDocumentError)) throw error;
      return `${heading(filename ?? undefined)}This attachment could not be read: ${error.message}`;
    }
  }
}
