import { normaliseText } from '../normalize.js';
import { asciiHead, charsetOf, decodeText, looksLikeText } from './decode.js';
import { findParts, type HtmlParts, isHidden } from './html/content.js';
import { attribute, inlineText, parseHtml } from './html/html-tree.js';
import { renderHtml } from './html/render.js';
import { DocumentLoader, titleFrom, type DocumentInput, type LoadedDocument } from './loader.js';

/** How much of the page `<main>` or the articles must hold to stand for it, as a share of its text. */
const MAIN_SHARE = 0.2;
const ARTICLES_SHARE = 0.5;
/** `<meta name=…>` worth keeping, with the name each is kept under. */
const META_NAMES = new Map([
  ['description', 'description'],
  ['author', 'author'],
  ['keywords', 'keywords'],
  ['article:published_time', 'published'],
  ['article:modified_time', 'modified'],
]);
const HTML_START =
  /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->)[\s\S])*-->\s*)*<(?:!doctype\s+html|html|head|body)\b/i;

/** Web pages: their content as Markdown-like text, without navigation, scripts and what is hidden. */
export class HtmlDocumentLoader extends DocumentLoader {
  override readonly name = 'html';
  override readonly mediaTypes = ['text/html', 'application/xhtml+xml'];
  override readonly extensions = ['html', 'htm', 'xhtml'];

  override recognises(bytes: Uint8Array): boolean {
    return looksLikeText(bytes) && HTML_START.test(asciiHead(bytes));
  }

  override async load({ bytes, mediaType }: DocumentInput): Promise<LoadedDocument> {
    const html = decodeText(bytes, charsetOf(mediaType) ?? declaredCharset(bytes));
    const parts = findParts(parseHtml(html));
    return {
      text: normaliseText(contentOf(parts)),
      title:
        titleFrom(parts.title && inlineText(parts.title)) ??
        titleFrom(parts.heading && inlineText(parts.heading, isHidden)),
      metadata: metadataOf(parts),
    };
  }
}

/** The text of HTML markup as this loader reads it. */
export function htmlText(markup: string): string {
  return normaliseText(contentOf(findParts(parseHtml(markup))));
}

/** The charset that the markup declares, in a `<meta>` or an XML declaration. */
export function declaredCharset(bytes: Uint8Array): string | undefined {
  const head = asciiHead(bytes);
  const label =
    /<meta\b[^>]{0,500}?\bcharset\s*=\s*["']?\s*([\w.:+-]+)/i.exec(head)?.[1] ??
    /^\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([\w.:+-]+)/i.exec(head)?.[1];
  // markup that could be read this far is not UTF-16, whatever it says
  return label !== undefined && /^utf-?16/i.test(label) ? 'utf-8' : label;
}

function contentOf({ body, mains, articles }: HtmlParts): string {
  if (body === undefined) return '';
  const page = renderHtml([body]);
  if (page === '') return renderHtml([body], true);
  const main = renderHtml(mains.slice(0, 1));
  if (main.length > page.length * MAIN_SHARE) return main;
  const all = renderHtml(articles);
  return all.length > page.length * ARTICLES_SHARE ? all : page;
}

function metadataOf({ metas, language }: HtmlParts): Record<string, unknown> {
  const metadata = new Map<string, string>();
  if (language !== undefined && language !== '') metadata.set('language', language);
  for (const meta of metas) {
    const name = META_NAMES.get((attribute(meta, 'name') ?? attribute(meta, 'property') ?? '').toLowerCase());
    const value = normaliseText((attribute(meta, 'content') ?? '').slice(0, 2000));
    if (name !== undefined && value !== '' && !metadata.has(name)) metadata.set(name, value);
  }
  return Object.fromEntries(metadata);
}
