import { normaliseText } from '../normalize.js';
import { charsetOf, decodeText, looksLikeText } from './decode.js';
import { DocumentLoader, type DocumentInput, type LoadedDocument } from './loader.js';

/** Plain text in any encoding that `TextDecoder` knows. */
export class TextDocumentLoader extends DocumentLoader {
  override readonly name = 'text';
  override readonly isLight = true;
  override readonly mediaTypes = ['text/plain'];
  override readonly extensions = ['txt', 'text', 'log'];

  override recognises(bytes: Uint8Array): boolean {
    return looksLikeText(bytes);
  }

  override async load({ bytes, mediaType }: DocumentInput): Promise<LoadedDocument> {
    return { text: normaliseText(decodeText(bytes, charsetOf(mediaType))) };
  }
}
