import PostalMime, { type Email, type PostalMimeOptions } from 'postal-mime';
import { normaliseText } from '../../normalize.js';
import { htmlText } from '../html.loader.js';

/** A message that was taken apart, with the text of its body as Markdown. */
export interface ParsedMessage extends Email {
  body: string;
}

type Chunk = Uint8Array | ArrayBuffer | string;

/** The parts of the parser that are used beside its interface. If a new version changes them, the tests fail. */
interface ParserInternals extends PostalMime {
  /** The texts of the body; each of them may be there in both formats. */
  readonly textMap: ReadonlyMap<unknown, Partial<Record<'plain' | 'html', { value: string }[]>>>;
  /** The part to which the next lines belong. */
  readonly currentNode: { readonly contentDecoder: { chunks: Chunk[] } | null };
  processLine(line: Uint8Array, isFinal: boolean): Promise<void>;
  /** Makes the text of the body, when all its parts are known. */
  renderTextContent(): void;
}

const Parser = PostalMime as unknown as new (options: PostalMimeOptions) => ParserInternals;

/** Chunks that are put together at a time. */
const CHUNKS = 4096;

/**
 * The parser, for large messages too: by itself, it keeps every line as an object of its own until the end, and it
 * turns all texts into both formats, which takes quadratic time for some HTML.
 */
class MessageParser extends Parser {
  body = '';
  readonly #joined = new WeakMap<object, number>();

  override processLine(line: Uint8Array, isFinal: boolean): Promise<void> {
    const decoder = this.currentNode.contentDecoder;
    if (decoder !== null && decoder.chunks.length >= CHUNKS) this.#joinChunks(decoder);
    return super.processLine(line, isFinal);
  }

  override renderTextContent(): void {
    const texts = [...this.textMap.values()].map(({ plain = [], html = [] }) => {
      const text = normaliseText(plain.map(({ value }) => value).join('\n\n'));
      return text === '' ? html.map(({ value }) => htmlText(value)).join('\n\n') : text;
    });
    this.body = normaliseText(texts.filter((text) => text !== '').join('\n\n'));
  }

  #joinChunks(decoder: { chunks: Chunk[] }): void {
    const joined = this.#joined.get(decoder) ?? 0;
    if (decoder.chunks.length - joined < CHUNKS) return;
    const buffers = decoder.chunks.splice(joined).map(bufferOf);
    decoder.chunks.push(Buffer.concat(buffers));
    this.#joined.set(decoder, joined + 1);
  }
}

function bufferOf(chunk: Chunk): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  return chunk instanceof ArrayBuffer ? new Uint8Array(chunk) : chunk;
}

/** @throws {Error} when the message is nested too deeply, or its headers are too long */
export async function takeApart(bytes: Uint8Array): Promise<ParsedMessage> {
  const parser = new MessageParser({ forceRfc822Attachments: true });
  const message = await parser.parse(bytes);
  return { ...message, body: parser.body };
}
