import { CsvDocumentLoader } from './csv.loader.js';
import { DocxDocumentLoader } from './docx.loader.js';
import { EmailDocumentLoader } from './email.loader.js';
import { EpubDocumentLoader } from './epub.loader.js';
import { HtmlDocumentLoader } from './html.loader.js';
import { JsonDocumentLoader } from './json.loader.js';
import type { DocumentInput, DocumentLoader } from './loader.js';
import { MarkdownDocumentLoader } from './markdown.loader.js';
import { OpenDocumentLoader } from './opendocument.loader.js';
import { PdfDocumentLoader } from './pdf.loader.js';
import { PptxDocumentLoader } from './pptx.loader.js';
import { DocumentLoaderRegistry } from './registry.js';
import { RtfDocumentLoader } from './rtf.loader.js';
import { SpreadsheetDocumentLoader } from './spreadsheet.loader.js';
import { TextDocumentLoader } from './text.loader.js';

export {
  DocumentLoader,
  UnreadableDocumentError,
  type DocumentInput,
  type LoadedDocument,
} from './loader.js';

/** Every format that can be read. A new one is a line here, above plain text, which recognises any text as its own. */
export const documentLoaders = new DocumentLoaderRegistry([
  new PdfDocumentLoader(),
  new DocxDocumentLoader(),
  new PptxDocumentLoader(),
  new SpreadsheetDocumentLoader(),
  new OpenDocumentLoader(),
  new RtfDocumentLoader(),
  new EpubDocumentLoader(),
  new MarkdownDocumentLoader(),
  new HtmlDocumentLoader(),
  new CsvDocumentLoader(),
  new JsonDocumentLoader(),
  // attachments may be of any format
  new EmailDocumentLoader(async (input) => findLoader(input)?.load(input)),
  new TextDocumentLoader(),
]);

/** The loader for a document, or undefined when its format is not supported. */
export function findLoader(input: DocumentInput): DocumentLoader | undefined {
  return documentLoaders.find(input);
}
