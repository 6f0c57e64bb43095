import { UnreadableDocumentError } from '../loader.js';
import { asciiHead } from '../decode.js';
import { child, findAll, parseXml, type XmlElement } from '../office/xml.js';
import { ZipArchive, zipMimetype } from '../office/zip.js';

/** The parts of an OpenDocument file that say what is in it. */
export interface OpenDocumentParts {
  content: XmlElement;
  styles: XmlElement | undefined;
  meta: XmlElement | undefined;
  /** The root of the part inside a folder, such as an embedded formula or chart. */
  embedded(folder: string): XmlElement | undefined;
}

/** The kind of a flat file, which is one XML document, from its root element. */
const FLAT_KIND = /<office:document\s[^>]{0,10000}?\boffice:mimetype\s*=\s*["']([^"']{1,100})["']/;

/** The media type by which a file says what it is, whether it is a package or flat. Never throws. */
export function openDocumentType(bytes: Uint8Array): string | undefined {
  const head = asciiHead(bytes, 16_384);
  return /^(?:\xef\xbb\xbf)?\s*</.test(head) ? FLAT_KIND.exec(head)?.[1] : zipMimetype(bytes);
}

/**
 * The parts of a package or of a flat file.
 * @throws {UnreadableDocumentError} when it is none, damaged, or protected by a password
 */
export function openParts(bytes: Uint8Array): OpenDocumentParts {
  if (bytes[0] !== 0x50) return flatParts(parseXml(bytes));
  const archive = new ZipArchive(bytes);
  if (isEncrypted(archive)) throw new UnreadableDocumentError('It is protected by a password.');
  const content = archive.read('content.xml');
  if (content === undefined) throw new UnreadableDocumentError('Its content is missing.');
  return {
    content: parseXml(content),
    styles: optionalPart(archive, 'styles.xml'),
    meta: child(optionalPart(archive, 'meta.xml'), 'meta'),
    embedded: (folder) => optionalPart(archive, `${folder}/content.xml`),
  };
}

function flatParts(root: XmlElement): OpenDocumentParts {
  return { content: root, styles: undefined, meta: child(root, 'meta'), embedded: () => undefined };
}

/** A part without which the content can still be read. */
function optionalPart(archive: ZipArchive, name: string): XmlElement | undefined {
  try {
    const part = archive.read(name);
    return part && parseXml(part);
  } catch (error) {
    if (error instanceof UnreadableDocumentError) return undefined;
    throw error;
  }
}

/** True when the content itself is encrypted; macros may be, in a document that anybody can read. */
function isEncrypted(archive: ZipArchive): boolean {
  return findAll(optionalPart(archive, 'META-INF/manifest.xml'), 'file-entry').some(
    (entry) =>
      child(entry, 'encryption-data') !== undefined &&
      /^(?:content\.xml|encrypted-package)$/.test(entry.attributes['full-path'] ?? ''),
  );
}
