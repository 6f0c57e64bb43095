import { decodeText } from '../decode.js';
import {
  attribute,
  descendants,
  type HtmlElement,
  inlineText,
  isElement,
  parseHtml,
} from '../html/html-tree.js';
import { titleFrom, UnreadableDocumentError } from '../loader.js';
import { elements, find, parseXml, textOf, type XmlElement } from '../office/xml.js';
import type { ZipArchive } from '../office/zip.js';
import { type EpubPackage, partAt } from './package.js';
import { withEndTags } from './xhtml.js';

/** A line of the table of contents. */
export interface ContentsEntry {
  title: string;
  /** From 1. */
  level: number;
  /** The element where it begins, if that is not the beginning of its part. */
  id: string;
}

interface Link {
  title: string | undefined;
  level: number;
  reference: string;
}

const MOST_LINKS = 10_000;

/**
 * The table of contents: for every part, the lines that lead to it. One that cannot be read is no reason to refuse the
 * book.
 */
export function tableOfContents(
  archive: ZipArchive,
  contents: EpubPackage['contents'],
): Map<string, ContentsEntry[]> {
  const entries = new Map<string, ContentsEntry[]>();
  for (const { title, level, reference } of linksOf(archive, contents)) {
    const path = contents && partAt(archive, contents.path, reference);
    if (path === undefined || title === undefined) continue;
    const entry = { title, level, id: /#(.*)$/s.exec(reference)?.[1] ?? '' };
    const others = entries.get(path);
    if (others === undefined) entries.set(path, [entry]);
    else others.push(entry);
  }
  return entries;
}

function linksOf(archive: ZipArchive, contents: EpubPackage['contents']): Link[] {
  try {
    const bytes = contents && archive.read(contents.path);
    if (bytes === undefined) return [];
    return contents?.format === 'ncx' ? ncxLinks(bytes) : pageLinks(bytes);
  } catch (error) {
    if (error instanceof UnreadableDocumentError) return [];
    throw error;
  }
}

function ncxLinks(bytes: Uint8Array): Link[] {
  const links: Link[] = [];
  const collect = (parent: XmlElement | undefined, level: number): void => {
    for (const point of elements(parent, 'navPoint')) {
      if (links.length === MOST_LINKS) return;
      const [label] = elements(point, 'navLabel');
      const [content] = elements(point, 'content');
      links.push({ title: titleFrom(textOf(label)), level, reference: content?.attributes['src'] ?? '' });
      collect(point, level + 1);
    }
  };
  collect(find(parseXml(bytes), 'navMap'), 1);
  return links;
}

function pageLinks(bytes: Uint8Array): Link[] {
  const links: Link[] = [];
  let list: HtmlElement | undefined;
  for (const node of descendants(parseHtml(withEndTags(decodeText(bytes))))) {
    if (links.length === MOST_LINKS) break;
    if (!isElement(node)) continue;
    if (node.tagName === 'nav') list = attribute(node, 'epub:type') === 'toc' ? node : undefined;
    if (node.tagName !== 'a' || list === undefined) continue;
    const level = levelOf(node, list);
    if (level > 0)
      links.push({ title: titleFrom(inlineText(node)), level, reference: attribute(node, 'href') ?? '' });
  }
  return links;
}

/** How many lists the link is in. */
function levelOf(link: HtmlElement, nav: HtmlElement): number {
  let level = 0;
  for (let node = link.parentNode; node !== null && node !== nav;) {
    if (!('parentNode' in node)) return 0;
    if (node.nodeName === 'ol') level++;
    node = node.parentNode;
  }
  return level;
}
