import { asciiHead, looksLikeText } from './decode.js';
import {
  DocumentLoader,
  type DocumentInput,
  type LoadedDocument,
  titleFrom,
  UnreadableDocumentError,
} from './loader.js';
import { joinPages } from './paged-text.js';
import { readInfo } from './pdf/info.js';
import { layOut } from './pdf/layout.js';
import { withPdf } from './pdf/open.js';
import { readPages } from './pdf/pages.js';

const MOST_PAGES = 10_000;
/** Something else may precede the file, up to here, as programs allow. */
const HEADER_WITHIN = 1024;

/** PDF: its text page by page, with the structure that its looks give it. */
export class PdfDocumentLoader extends DocumentLoader {
  override readonly name = 'pdf';
  override readonly mediaTypes = ['application/pdf', 'application/x-pdf'];
  override readonly extensions = ['pdf'];
  override readonly isBinary = true;

  override recognises(bytes: Uint8Array): boolean {
    const at = asciiHead(bytes, HEADER_WITHIN).indexOf('%PDF-');
    // a text about PDF is none
    return at === 0 || (at > 0 && !looksLikeText(bytes));
  }

  override async load({ bytes }: DocumentInput): Promise<LoadedDocument> {
    return withPdf(bytes, async (pdf) => {
      if (pdf.numPages < 1) throw new UnreadableDocumentError('It has no pages.');
      if (pdf.numPages > MOST_PAGES)
        throw new UnreadableDocumentError(`It has more than ${MOST_PAGES} pages, the most that are read.`);
      const { pages, typography } = await readPages(pdf);
      const { heading, pages: texts } = layOut(pages, typography);
      const { text, pages: spans } = joinPages(texts);
      if (text === '')
        throw new UnreadableDocumentError('It holds images of pages, but no text; it needs OCR first.');
      const { title, metadata } = await readInfo(pdf);
      return { text, title: titleFrom(title) ?? titleFrom(heading), metadata, pages: spans };
    });
  }
}
