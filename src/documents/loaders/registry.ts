import type { DocumentInput, DocumentLoader } from './loader.js';

/** Media types that say no more than "some bytes" or "some text"; the file name or the content knows better. */
const PLAIN = 'text/plain';
const VAGUE = /^(?:|application\/octet-stream|binary\/octet-stream|text\/.+)$/;

/** The loaders that are there, found by what is known of a document. */
export class DocumentLoaderRegistry {
  readonly #byMediaType = new Map<string, DocumentLoader>();
  readonly #byExtension = new Map<string, DocumentLoader>();

  /**
   * @param loaders in the order in which they are asked whether they recognise a content
   * @throws {Error} when two loaders claim the same name, media type or extension
   */
  constructor(readonly loaders: readonly DocumentLoader[]) {
    const names = new Map<string, DocumentLoader>();
    for (const loader of loaders) {
      claim(names, 'name', loader.name, loader);
      for (const mediaType of loader.mediaTypes) claim(this.#byMediaType, 'media type', mediaType, loader);
      for (const extension of loader.extensions) claim(this.#byExtension, 'extension', extension, loader);
    }
  }

  /** Every media type that can be read, sorted. */
  get mediaTypes(): string[] {
    return [...this.#byMediaType.keys()].sort();
  }

  /** Every file name extension that can be read, without the dot, sorted. */
  get extensions(): string[] {
    return [...this.#byExtension.keys()].sort();
  }

  /**
   * The loader for a document. Whether it is a binary format, and which, its content decides, whatever its name; among
   * the text formats the declared media type does, else the extension, else the content. Undefined when the format is
   * not supported.
   */
  find({ mediaType, fileName, bytes }: DocumentInput): DocumentLoader | undefined {
    const recognised = this.loaders.find((loader) => loader.isBinary && loader.recognises(bytes));
    if (recognised !== undefined) return recognised;
    const declared = (mediaType ?? '').replace(/;.*/s, '').trim().toLowerCase();
    const extension = /\.([^./\\]+)$/.exec(fileName ?? '')?.[1]?.toLowerCase() ?? '';
    const byType = this.#byMediaType.get(declared);
    const byExtension = this.#byExtension.get(extension);
    // everything that is text may be declared as plain text, so the extension knows better
    const named = declared === PLAIN ? [byExtension, byType] : [byType, byExtension];
    const text = named.find((loader) => loader?.isBinary === false);
    if (text !== undefined) return text;
    // a sign-in page that was saved as a PDF is a page
    if (named.every((loader) => loader === undefined) && !VAGUE.test(declared)) return undefined;
    return this.loaders.find((loader) => !loader.isBinary && loader.recognises(bytes));
  }
}

function claim(claims: Map<string, DocumentLoader>, what: string, key: string, loader: DocumentLoader): void {
  const other = claims.get(key);
  if (other !== undefined) {
    throw new Error(
      `Two document loaders, "${other.name}" and "${loader.name}", claim the ${what} "${key}".`,
    );
  }
  if (key !== key.toLowerCase())
    throw new Error(`The ${what} "${key}" of "${loader.name}" is not lower case.`);
  claims.set(key, loader);
}
