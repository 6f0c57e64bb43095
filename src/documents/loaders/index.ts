import { HtmlDocumentLoader } from './html.loader.js';
import type { DocumentInput, DocumentLoader } from './loader.js';
import { MarkdownDocumentLoader } from './markdown.loader.js';
import { DocumentLoaderRegistry } from './registry.js';
import { TextDocumentLoader } from './text.loader.js';

export {
  DocumentLoader,
  UnreadableDocumentError,
  type DocumentInput,
  type LoadedDocument,
} from './loader.js';

/** Every format that can be read. A new one is a line here, above plain text, which recognises any text as its own. */
export const documentLoaders = new DocumentLoaderRegistry([
  new MarkdownDocumentLoader(),
  new HtmlDocumentLoader(),
  new TextDocumentLoader(),
]);

/** The loader for a document, or undefined when its format is not supported. */
export function findLoader(input: DocumentInput): DocumentLoader | undefined {
  return documentLoaders.find(input);
}
