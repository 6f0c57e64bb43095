import { normaliseText } from '../normalize.js';
import { asciiHead, charsetOf, decodeText, looksLikeText } from './decode.js';
import { jsonText } from './json/json-text.js';
import {
  DocumentLoader,
  type DocumentInput,
  type LoadedDocument,
  titleFrom,
  UnreadableDocumentError,
} from './loader.js';

/** Up to this size, an undeclared text that begins like JSON is tried. */
const LARGEST_SNIFFED = 1024 * 1024;

/** JSON, and JSON Lines: lists become a record each, objects an outline. */
export class JsonDocumentLoader extends DocumentLoader {
  override readonly name = 'json';
  override readonly mediaTypes = [
    'application/json',
    'application/x-ndjson',
    'application/ndjson',
    'application/jsonl',
    'application/x-jsonlines',
  ];
  override readonly extensions = ['json', 'jsonl', 'ndjson'];

  override recognises(bytes: Uint8Array): boolean {
    if (bytes.length > LARGEST_SNIFFED || !/^\s*[[{]/.test(asciiHead(bytes)) || !looksLikeText(bytes))
      return false;
    try {
      JSON.parse(decodeText(bytes));
      return true;
    } catch {
      return false;
    }
  }

  override async load({ bytes, mediaType }: DocumentInput): Promise<LoadedDocument> {
    const value = parse(decodeText(bytes, charsetOf(mediaType)).replace(/^\ufeff/, ''));
    return { text: normaliseText(jsonText(value)), title: titleOf(value) };
  }
}

/** @throws {UnreadableDocumentError} saying where it stops being JSON */
function parse(text: string): unknown {
  if (text.trim() === '') return [];
  try {
    return JSON.parse(text);
  } catch (error) {
    const lines = text.split('\n');
    // several values, one a line
    if (isJson(lines.find((line) => line.trim() !== '') ?? '')) return lines.flatMap(parseLine);
    throw new UnreadableDocumentError(`It is not valid JSON${positionOf(error, text)}.`);
  }
}

function parseLine(line: string, index: number): unknown[] {
  if (line.trim() === '') return [];
  try {
    return [JSON.parse(line)];
  } catch {
    throw new UnreadableDocumentError(`Its line ${index + 1} is not valid JSON.`);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function positionOf(error: unknown, text: string): string {
  const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
  if (position === undefined) return '';
  return `: the error is in line ${text.slice(0, Number(position)).split('\n').length}`;
}

function titleOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const key of ['title', 'name']) {
    const title = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
    if (typeof title === 'string') return titleFrom(title);
  }
  return undefined;
}
