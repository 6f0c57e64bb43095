import { scanBlocks } from '../chunking/blocks.js';
import { normaliseText } from '../normalize.js';
import { charsetOf, decodeText } from './decode.js';
import { splitFrontMatter } from './front-matter.js';
import { DocumentLoader, titleFrom, type DocumentInput, type LoadedDocument } from './loader.js';

/** Markdown, kept as it is written. Its front matter becomes metadata. */
export class MarkdownDocumentLoader extends DocumentLoader {
  override readonly name = 'markdown';
  override readonly isLight = true;
  override readonly mediaTypes = ['text/markdown', 'text/x-markdown'];
  override readonly extensions = ['md', 'markdown', 'mdown', 'mkd'];

  /** Markdown has no mark of its own: undeclared, it is read as text, which the chunker treats alike. */
  override recognises(): boolean {
    return false;
  }

  override async load({ bytes, mediaType }: DocumentInput): Promise<LoadedDocument> {
    const { values, body } = splitFrontMatter(normaliseText(decodeText(bytes, charsetOf(mediaType))));
    const text = normaliseText(body);
    const declared = values.get('title');
    const title = titleFrom(typeof declared === 'string' ? declared : firstHeading(text));
    values.delete('title');
    return { text, title, metadata: Object.fromEntries(values) };
  }
}

function firstHeading(text: string): string | undefined {
  for (const block of scanBlocks(text)) if (block.kind === 'heading' && block.level === 1) return block.title;
  return undefined;
}
