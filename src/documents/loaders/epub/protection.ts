import { UnreadableDocumentError } from '../loader.js';
import { find, findAll, parseXml } from '../office/xml.js';
import type { ZipArchive } from '../office/zip.js';
import { partAt } from './package.js';

const ENCRYPTION = 'META-INF/encryption.xml';
/** Ways to scramble fonts, which protect no text. */
const FONT_SCRAMBLING = new Set(['http://www.idpf.org/2008/embedding', 'http://ns.adobe.com/pdf/enc#RC']);

/** @throws {UnreadableDocumentError} when one of these parts is encrypted */
export function refuseProtected(archive: ZipArchive, parts: readonly string[]): void {
  const bytes = archive.read(ENCRYPTION);
  if (bytes === undefined) return;
  const needed = new Set(parts);
  for (const data of findAll(parseXml(bytes), 'EncryptedData')) {
    if (FONT_SCRAMBLING.has(find(data, 'EncryptionMethod')?.attributes['Algorithm'] ?? '')) continue;
    for (const { attributes } of findAll(data, 'CipherReference')) {
      const path = partAt(archive, '', attributes['URI'] ?? '');
      if (path !== undefined && needed.has(path))
        throw new UnreadableDocumentError('It is protected by DRM.');
    }
  }
}
