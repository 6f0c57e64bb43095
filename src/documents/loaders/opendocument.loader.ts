import { normaliseText } from '../normalize.js';
import { DocumentLoader, titleFrom, UnreadableDocumentError } from './loader.js';
import type { DocumentInput, LoadedDocument } from './loader.js';
import { child, find, type XmlElement } from './office/xml.js';
import { BlockReader } from './opendocument/block-reader.js';
import { readProperties } from './opendocument/metadata.js';
import { openDocumentType, openParts, type OpenDocumentParts } from './opendocument/package.js';
import { PageCounter } from './opendocument/page-counter.js';
import { readSlides } from './opendocument/slides.js';
import { TextBlocks } from './opendocument/text-blocks.js';
import { joinPages } from './paged-text.js';

type Content = Pick<LoadedDocument, 'text' | 'title' | 'pages'>;

const OPEN_DOCUMENT = 'application/vnd.oasis.opendocument';

/** OpenDocument texts and presentations, as packages and as flat files. Spreadsheets are read elsewhere. */
export class OpenDocumentLoader extends DocumentLoader {
  override readonly name = 'opendocument';
  override readonly mediaTypes = [
    `${OPEN_DOCUMENT}.text`,
    `${OPEN_DOCUMENT}.text-template`,
    `${OPEN_DOCUMENT}.text-flat-xml`,
    `${OPEN_DOCUMENT}.presentation`,
    `${OPEN_DOCUMENT}.presentation-template`,
    `${OPEN_DOCUMENT}.presentation-flat-xml`,
  ];
  override readonly extensions = ['odt', 'ott', 'fodt', 'odp', 'otp', 'fodp'];
  override readonly isBinary = true;

  override recognises(bytes: Uint8Array): boolean {
    return this.mediaTypes.includes(openDocumentType(bytes) ?? '');
  }

  override async load({ bytes }: DocumentInput): Promise<LoadedDocument> {
    const parts = openParts(bytes);
    const { title, metadata } = readProperties(parts.meta);
    const content = readContent(parts);
    return { ...content, title: title ?? titleFrom(content.title), metadata };
  }
}

function readContent(parts: OpenDocumentParts): Content {
  const body = child(parts.content, 'body');
  const text = child(body, 'text');
  if (text !== undefined) return readText(parts, text);
  const presentation = child(body, 'presentation');
  if (presentation === undefined) throw new UnreadableDocumentError('It is no text and no presentation.');
  const slides = readSlides(parts, presentation);
  return { ...joinPages(slides), title: slides.find(({ title }) => title !== undefined)?.title };
}

function readText(parts: OpenDocumentParts, text: XmlElement): Content {
  const pages = new PageCounter();
  const blocks = new TextBlocks(pages);
  new BlockReader(parts, pages).read(text, blocks);
  // not all programs note where pages end; those noted are right when they are as many as the document says it has
  const declared = Number(find(parts.meta, 'document-statistic')?.attributes['page-count']);
  const title = blocks.firstHeading;
  return declared > 1 && declared === pages.page
    ? { ...blocks.paged, title }
    : { text: normaliseText(blocks.markdown), title };
}
