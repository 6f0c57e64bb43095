import { normaliseText } from '../normalize.js';
import { asciiHead } from './decode.js';
import { DocumentLoader, titleFrom, UnreadableDocumentError } from './loader.js';
import type { DocumentInput, LoadedDocument } from './loader.js';
import { RtfReader } from './rtf/reader.js';

const SIGNATURE = String.raw`{\rtf`;

/** Rich text as word processors exchange it. It knows no pages but those that somebody began by hand. */
export class RtfDocumentLoader extends DocumentLoader {
  override readonly name = 'rtf';
  override readonly mediaTypes = ['application/rtf', 'text/rtf', 'application/x-rtf'];
  override readonly extensions = ['rtf'];
  override readonly isBinary = true;

  override recognises(bytes: Uint8Array): boolean {
    return asciiHead(bytes, SIGNATURE.length) === SIGNATURE;
  }

  override async load({ bytes }: DocumentInput): Promise<LoadedDocument> {
    if (!this.recognises(bytes)) throw new UnreadableDocumentError('It is no rich text.');
    const reader = new RtfReader(bytes);
    const blocks = reader.read();
    const { title, metadata } = reader.info;
    return { text: normaliseText(blocks.markdown), title: title ?? titleFrom(blocks.firstHeading), metadata };
  }
}
