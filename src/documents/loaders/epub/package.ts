import { posix } from 'node:path';
import { UnreadableDocumentError } from '../loader.js';
import { elements, find, findAll, parseXml, type XmlElement } from '../office/xml.js';
import type { ZipArchive } from '../office/zip.js';

/** What a book consists of. */
export interface EpubPackage {
  metadata: XmlElement | undefined;
  /** The parts that hold its text, in reading order; what is not part of it comes last. */
  chapters: string[];
  /** The part that holds the table of contents. */
  contents: { path: string; format: 'ncx' | 'html' } | undefined;
}

/** A file that the package lists. */
interface Item {
  path: string;
  mediaType: string;
  isNavigation: boolean;
}

const CONTAINER = 'META-INF/container.xml';
const PACKAGE_TYPE = 'application/oebps-package+xml';
const NCX_TYPE = 'application/x-dtbncx+xml';
const CHAPTER_TYPES = new Set([
  'application/xhtml+xml',
  'text/html',
  'text/x-oeb1-document',
  'application/x-dtbook+xml',
]);

/**
 * Reads which parts of an archive make up the book.
 * @throws {UnreadableDocumentError} when the archive does not say, or is damaged
 */
export function readPackage(archive: ZipArchive): EpubPackage {
  const path = packagePath(archive);
  const bytes = path === undefined ? undefined : archive.read(path);
  if (path === undefined || bytes === undefined)
    throw new UnreadableDocumentError('It does not say which files the book consists of.');
  const root = parseXml(bytes);
  const items = listedItems(archive, path, root);
  const spine = find(root, 'spine');
  return {
    metadata: find(root, 'metadata'),
    chapters: readingOrder(spine, items, navigationPaths(archive, path, root, items)),
    contents: contentsOf(spine, items),
  };
}

/**
 * The part of the archive that a reference means, or undefined where there is none, in the archive at least.
 * @param from the part that holds the reference
 * @param reference percent-encoded, relative to that part
 */
export function partAt(archive: ZipArchive, from: string, reference: string): string | undefined {
  const target = reference.trim().replace(/[?#].*$/s, '');
  if (target === '' || /^[a-z][\w+.-]*:/i.test(target)) return undefined;
  return [percentDecoded(target), target]
    .map((path) =>
      posix.normalize(path.startsWith('/') ? path.slice(1) : posix.join(posix.dirname(from), path)),
    )
    .find((path) => archive.has(path));
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function packagePath(archive: ZipArchive): string | undefined {
  const container = archive.read(CONTAINER);
  const files = container === undefined ? [] : findAll(parseXml(container), 'rootfile');
  return (
    files
      .filter(({ attributes }) => (attributes['media-type'] ?? PACKAGE_TYPE) === PACKAGE_TYPE)
      .map(({ attributes }) => partAt(archive, '', attributes['full-path'] ?? ''))
      .find((path) => path !== undefined) ?? archive.names.find((name) => name.endsWith('.opf'))
  );
}

function listedItems(archive: ZipArchive, from: string, root: XmlElement): Map<string, Item> {
  const items = new Map<string, Item>();
  for (const { attributes } of elements(find(root, 'manifest'), 'item')) {
    const path = partAt(archive, from, attributes['href'] ?? '');
    if (path === undefined || attributes['id'] === undefined) continue;
    items.set(attributes['id'], {
      path,
      mediaType: (attributes['media-type'] ?? '').toLowerCase(),
      isNavigation: (attributes['properties'] ?? '').split(/\s+/).includes('nav'),
    });
  }
  return items;
}

/** Pages that only lead to other pages: the table of contents that reading systems show, and the one on a page. */
function navigationPaths(
  archive: ZipArchive,
  from: string,
  root: XmlElement,
  items: ReadonlyMap<string, Item>,
): Set<string> {
  const paths = new Set([...items.values()].filter((item) => item.isNavigation).map(({ path }) => path));
  for (const { attributes } of elements(find(root, 'guide'), 'reference')) {
    const path = attributes['type'] === 'toc' ? partAt(archive, from, attributes['href'] ?? '') : undefined;
    if (path !== undefined) paths.add(path);
  }
  return paths;
}

function readingOrder(
  spine: XmlElement | undefined,
  items: ReadonlyMap<string, Item>,
  navigation: ReadonlySet<string>,
): string[] {
  const main = new Set<string>();
  const aside = new Set<string>();
  for (const { attributes } of elements(spine, 'itemref')) {
    const item = items.get(attributes['idref'] ?? '');
    if (item === undefined || navigation.has(item.path) || !isChapter(item)) continue;
    (attributes['linear'] === 'no' ? aside : main).add(item.path);
  }
  return [...new Set([...main, ...aside])];
}

function isChapter({ mediaType, path }: Item): boolean {
  return CHAPTER_TYPES.has(mediaType) || /\.x?html?$/i.test(path);
}

function contentsOf(
  spine: XmlElement | undefined,
  items: ReadonlyMap<string, Item>,
): EpubPackage['contents'] {
  const all = [...items.values()];
  const page = all.find(({ isNavigation }) => isNavigation);
  if (page !== undefined) return { path: page.path, format: 'html' };
  const ncx =
    items.get(spine?.attributes['toc'] ?? '') ?? all.find(({ mediaType }) => mediaType === NCX_TYPE);
  return ncx && { path: ncx.path, format: 'ncx' };
}
