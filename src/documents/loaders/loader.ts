import { normaliseText } from '../normalize.js';

/** A document as it was uploaded. */
export interface DocumentInput {
  bytes: Uint8Array;
  fileName?: string;
  /** As declared by the sender, parameters such as `charset` included. */
  mediaType?: string;
}

/** The part of the text that stood on a page, for formats that have pages. */
interface PageSpan {
  /** First code unit of the page in the text. */
  start: number;
  /** One past its last code unit. */
  end: number;
  /** Page number, from 1. */
  page: number;
}

/** What a loader makes of a document. */
export interface LoadedDocument {
  /**
   * Normalised text (`normaliseText`). Its structure is written as Markdown, which is what the chunker reads: `#`
   * headings, `- ` items, pipe tables, fenced code, blank lines between paragraphs.
   */
  text: string;
  /** One line, never empty. */
  title?: string;
  /** What the document says about itself, such as author or language. JSON values only. */
  metadata?: Record<string, unknown>;
  /** In order, not overlapping. */
  pages?: PageSpan[];
}

/**
 * Reads one document format. A new format is a file beside this one and a line in `index.ts`.
 */
export abstract class DocumentLoader {
  /** Unique among the loaders. */
  abstract readonly name: string;
  /** Lower case, without parameters. */
  abstract readonly mediaTypes: readonly string[];
  /** Lower case, without the dot. */
  abstract readonly extensions: readonly string[];
  /** True for a format that is no text. Whether a file is of it, its content alone decides. */
  readonly isBinary: boolean = false;
  /** True for a format that takes next to nothing to read, whatever stands in it. */
  readonly isLight: boolean = false;

  /** True when the content itself shows this format. Looks at little, and never throws. */
  abstract recognises(bytes: Uint8Array): boolean;

  /** @throws {UnreadableDocumentError} when the content is not what it claims to be, or is damaged */
  abstract load(input: DocumentInput): Promise<LoadedDocument>;
}

/** The content cannot be read as the format it was sent as. The message is fit for the sender. */
export class UnreadableDocumentError extends Error {
  override readonly name = 'UnreadableDocumentError';
}

/** The longest title kept, in characters. */
const LONGEST_TITLE = 300;

/** A title on one line, or undefined if nothing is left of it. */
export function titleFrom(text: string | undefined): string | undefined {
  const title = normaliseText((text ?? '').slice(0, 4 * LONGEST_TITLE)).replace(/\s+/g, ' ');
  return title === '' ? undefined : title.slice(0, LONGEST_TITLE).toWellFormed().trimEnd();
}
