import { chunkText } from '../chunking/chunker.js';
import {
  type DocumentInput,
  findLoader,
  type LoadedDocument,
  UnreadableDocumentError,
} from '../loaders/index.js';

/** Where a passage of a document is. */
export interface Passage {
  /** Position among the passages of its document, from 0. */
  ordinal: number;
  /** First code unit in the document's text. */
  start: number;
  /** One past the last code unit. */
  end: number;
  /** The headings that all of it stands under, outermost first. */
  headingPath: string[];
  /** The page on which it begins, for formats that have pages. */
  page: number | null;
}

/** A document as it was read, cut into passages. */
export interface ParsedDocument {
  /** Normalised; what all offsets index. */
  text: string;
  title: string | undefined;
  metadata: Record<string, unknown>;
  /** At least one. */
  passages: Passage[];
}

/** Characters of text that a document may have: a small, well packed file can hold any number. */
const MOST_TEXT = 50_000_000;

/**
 * Reads a document and cuts it into passages.
 * @throws {UnreadableDocumentError} when it is not what it claims to be, is damaged, or holds no text or too much
 */
export async function parseDocument(input: DocumentInput): Promise<ParsedDocument> {
  const loader = findLoader(input);
  if (loader === undefined) throw new UnreadableDocumentError('Its format is not supported.');
  const { text, title, metadata = {}, pages } = await loader.load(input);
  if (text.length > MOST_TEXT)
    throw new UnreadableDocumentError(`It holds more than ${MOST_TEXT / 1e6} million characters of text.`);
  const passages = chunkText(text).map(({ ordinal, start, end, headingPath }) => ({
    ordinal,
    start,
    end,
    headingPath,
    page: null as number | null,
  }));
  if (passages.length === 0) throw new UnreadableDocumentError('There is no text in it.');
  if (pages !== undefined) numberPages(passages, pages);
  return { text, title, metadata, passages };
}

/** Passages and pages both come in order. */
function numberPages(passages: readonly Passage[], pages: NonNullable<LoadedDocument['pages']>): void {
  let at = 0;
  for (const passage of passages) {
    while (at < pages.length - 1 && passage.start >= (pages[at]?.end ?? 0)) at++;
    passage.page = pages[at]?.page ?? null;
  }
}
