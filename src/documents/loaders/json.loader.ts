import { normaliseText } from '../normalize.js';
import { charsetOf, decodeText, looksLikeText } from './decode.js';
import { parseJson } from './json/parse.js';
import { renderJson, titleOf } from './json/render.js';
import { DocumentLoader, type DocumentInput, type LoadedDocument } from './loader.js';

/** Longer contents without a name are not looked into. */
const MOST_SNIFFED = 64 * 1024;

/** JSON and JSON Lines: records as paragraphs, objects as an outline. */
export class JsonDocumentLoader extends DocumentLoader {
  override readonly name = 'json';
  override readonly mediaTypes = [
    'application/json',
    'application/x-ndjson',
    'application/jsonl',
    'application/json-lines',
    'text/json',
  ];
  override readonly extensions = ['json', 'jsonl', 'ndjson'];

  override recognises(bytes: Uint8Array): boolean {
    if (bytes.length > MOST_SNIFFED || !looksLikeText(bytes)) return false;
    try {
      const text = decodeText(bytes);
      if (!/^\s*[[{]/.test(text)) return false;
      parseJson(text);
      return true;
    } catch {
      return false;
    }
  }

  override async load({ bytes, mediaType }: DocumentInput): Promise<LoadedDocument> {
    const value = parseJson(decodeText(bytes, charsetOf(mediaType)));
    return { text: normaliseText(renderJson(value)), title: titleOf(value) };
  }
}
