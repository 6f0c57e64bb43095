import { scanBlocks } from '../chunking/blocks.js';
import { chapterText } from './epub/chapter.js';
import { tableOfContents } from './epub/contents.js';
import { bookMetadata, bookTitle } from './epub/metadata.js';
import { readPackage } from './epub/package.js';
import { refuseProtected } from './epub/protection.js';
import {
  DocumentLoader,
  titleFrom,
  UnreadableDocumentError,
  type DocumentInput,
  type LoadedDocument,
} from './loader.js';
import { isZipWith, ZipArchive, zipMimetype } from './office/zip.js';

const MEDIA_TYPE = 'application/epub+zip';

/** Electronic books: their chapters in reading order. */
export class EpubDocumentLoader extends DocumentLoader {
  override readonly name = 'epub';
  override readonly mediaTypes = [MEDIA_TYPE];
  override readonly extensions = ['epub'];
  override readonly isBinary = true;

  override recognises(bytes: Uint8Array): boolean {
    const mimetype = zipMimetype(bytes);
    // some programs forget the mark, but not the file that leads to the book
    return mimetype === undefined ? isZipWith(bytes, 'META-INF/container.xml') : mimetype === MEDIA_TYPE;
  }

  override async load({ bytes }: DocumentInput): Promise<LoadedDocument> {
    const archive = new ZipArchive(bytes);
    const { metadata, chapters, contents } = readPackage(archive);
    if (chapters.length === 0) throw new UnreadableDocumentError('It is a book without any text.');
    refuseProtected(archive, chapters);
    const entries = tableOfContents(archive, contents);
    const texts = chapters.map((path) =>
      chapterText(archive.read(path) ?? new Uint8Array(), entries.get(path) ?? []),
    );
    const text = texts.filter((chapter) => chapter !== '').join('\n\n');
    return {
      text,
      title: titleFrom(bookTitle(metadata)) ?? titleFrom(firstHeading(text)),
      metadata: bookMetadata(metadata),
    };
  }
}

function firstHeading(text: string): string | undefined {
  for (const block of scanBlocks(text)) if (block.kind === 'heading') return block.title;
  return undefined;
}
