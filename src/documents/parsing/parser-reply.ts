import type { ParsedDocument } from './parse-document.js';

/** What the parser process answers to a document. */
export type ParserReply = (
  | { document: ParsedDocument }
  /** For the sender of the document. */
  | { unreadable: string }
  /** A fault of ours, for the log. */
  | { failure: string }
) & {
  /** The process has grown too large to read another. */
  isWornOut: boolean;
};
