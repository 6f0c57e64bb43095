import { normaliseText } from '../../normalize.js';
import { decodeText } from '../decode.js';
import { findParts } from '../html/content.js';
import {
  attribute,
  descendants,
  type HtmlElement,
  isBlock,
  isElement,
  parseHtml,
} from '../html/html-tree.js';
import { renderHtml } from '../html/render.js';
import { declaredCharset } from '../html.loader.js';
import type { ContentsEntry } from './contents.js';
import { withEndTags } from './xhtml.js';

const HEADING = /^h[1-6]$/;
const IMAGE_NAME = /^[^\s]+\.(?:png|jpe?g|gif|svg|webp|bmp)$/i;
/** Elements of which a block with nothing but a title consists at most. */
const MOST_NODES_IN_TITLE = 50;

/**
 * The text of a chapter. One without any heading gets those that it has in the table of contents, so that its passages
 * can be told from others.
 * @throws {UnreadableDocumentError} when it is no text
 */
export function chapterText(bytes: Uint8Array, entries: readonly ContentsEntry[]): string {
  const { body } = findParts(parseHtml(withEndTags(decodeText(bytes, declaredCharset(bytes)))));
  if (body === undefined) return '';
  const hasHeadings = dropNoise(body);
  if (!hasHeadings) markHeadings(body, entries);
  // the headers, footers and asides of a book are its titles and notes, and not what surrounds a page
  body.attrs = [{ name: 'role', value: 'main' }, ...body.attrs];
  const text = normaliseText(renderHtml([body]));
  const [first] = entries;
  if (hasHeadings || first === undefined || text === '') return text;
  return withHeading(text, first);
}

/** Drops numbers of pages in the printed book, which may stand inside a word, and names of files that stand for images. */
function dropNoise(body: HtmlElement): boolean {
  let hasHeadings = false;
  for (const node of descendants(body)) {
    if (!isElement(node)) continue;
    if (isPageBreak(node)) node.childNodes = [];
    if (node.tagName === 'img')
      node.attrs = node.attrs.filter(({ name, value }) => name !== 'alt' || !IMAGE_NAME.test(value));
    hasHeadings ||= HEADING.test(node.tagName);
  }
  return hasHeadings;
}

function isPageBreak(element: HtmlElement): boolean {
  return (
    attribute(element, 'role') === 'doc-pagebreak' ||
    (attribute(element, 'epub:type') ?? '').split(/\s+/).includes('pagebreak')
  );
}

/** Makes headings of the blocks that the table of contents leads to, where they hold the title and nothing else. */
function markHeadings(body: HtmlElement, entries: readonly ContentsEntry[]): void {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  byId.delete('');
  if (byId.size === 0) return;
  const texts = new Map<HtmlElement, string>();
  for (const node of descendants(body)) {
    if (!isElement(node)) continue;
    const entry = byId.get(attribute(node, 'id') ?? '');
    const block = entry && blockAround(node);
    if (entry === undefined || block === undefined) continue;
    const text = texts.get(block) ?? shortText(block);
    texts.set(block, text);
    if (isSameTitle(text, entry.title)) block.tagName = `h${Math.min(entry.level, 6)}`;
  }
}

function blockAround(element: HtmlElement): HtmlElement | undefined {
  for (
    let node: HtmlElement['parentNode'] = element;
    node !== null && 'tagName' in node;
    node = node.parentNode
  )
    if (isBlock(node)) return node.tagName === 'body' ? undefined : node;
  return undefined;
}

/** The text of an element that holds little; of any other, nothing. */
function shortText(element: HtmlElement): string {
  const parts: string[] = [];
  let nodes = 0;
  for (const node of descendants(element)) {
    if (++nodes > MOST_NODES_IN_TITLE) return '';
    if (node.nodeName === '#text' && 'value' in node) parts.push(node.value);
  }
  return parts.join('');
}

function withHeading(text: string, { title, level }: ContentsEntry): string {
  if (/^#{1,6} /.test(text)) return text;
  const lineEnd = text.indexOf('\n');
  const firstLine = lineEnd < 0 ? text : text.slice(0, lineEnd);
  const rest = isSameTitle(firstLine, title) ? text.slice(firstLine.length) : text;
  return normaliseText(`${'#'.repeat(Math.min(level, 6))} ${title}\n\n${rest.trimStart()}`);
}

function isSameTitle(text: string, title: string): boolean {
  if (text.length > 4 * title.length + 20) return false;
  const plain = (words: string) => words.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
  return plain(text) === plain(title);
}
