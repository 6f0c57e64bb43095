import { isUtf8 } from 'node:buffer';
import { crc32, inflateRawSync } from 'node:zlib';
import { UnreadableDocumentError } from '../loader.js';
import { type ZipEntry, zipEntries } from './zip-directory.js';

/** Bytes that an archive may hold unpacked, and parts. What documents are made of needs far less. */
const MOST_UNPACKED = 512 * 1024 * 1024;
const MOST_ENTRIES = 20_000;
/** Bytes unpacked at a time. */
const SMALLEST_CHUNK = 1024;
const LARGEST_CHUNK = 1024 * 1024;
/** The part `mimetype` holds a media type and nothing else. */
const LONGEST_MIMETYPE = 100;

/** A document that is a ZIP archive: Office and OpenDocument files, EPUB. Parts are unpacked when they are read. */
export class ZipArchive {
  private readonly entries = new Map<string, ZipEntry>();
  private unpacked = 0;

  /** @throws {UnreadableDocumentError} when it is damaged */
  constructor(private readonly bytes: Uint8Array) {
    let count = 0;
    for (const entry of zipEntries(bytes)) {
      if (++count > MOST_ENTRIES)
        throw new UnreadableDocumentError(`It is an archive of more than ${MOST_ENTRIES} files.`);
      this.entries.set(decodeName(entry.name), entry);
    }
  }

  /** Names of the parts, in the archive's order. */
  get names(): string[] {
    return [...this.entries.keys()];
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** Bytes that a part has unpacked, as the archive's directory declares it. */
  sizeOf(name: string): number | undefined {
    return this.entries.get(name)?.size;
  }

  /**
   * The bytes of a part, or undefined when there is none of that name. No more are unpacked than the archive's
   * directory declares, and no more in all than a document needs.
   * @throws {UnreadableDocumentError} when it is damaged, protected by a password, or too large unpacked
   */
  read(name: string): Uint8Array | undefined {
    const entry = this.entries.get(name);
    if (entry === undefined) return undefined;
    if (entry.isEncrypted) throw new UnreadableDocumentError('It is protected by a password.');
    this.unpacked += entry.size;
    if (this.unpacked > MOST_UNPACKED)
      throw new UnreadableDocumentError(
        `Unpacked, it is larger than ${MOST_UNPACKED / 1024 / 1024} MB, the most that is read.`,
      );
    const content = unpack(entry, entry.packed(this.bytes));
    if (content.length !== entry.size || crc32(content) !== entry.checksum) throw damaged();
    return content;
  }
}

function unpack({ method, size }: ZipEntry, packed: Uint8Array): Uint8Array {
  if (method === 0) return packed;
  if (method !== 8)
    throw new UnreadableDocumentError(
      'It is an archive of an unusual kind of compression, which is not read.',
    );
  try {
    // whatever the data would unpack to, it stops where the directory says it ends
    return inflateRawSync(packed, {
      maxOutputLength: Math.max(size, 1),
      chunkSize: Math.min(Math.max(size, SMALLEST_CHUNK), LARGEST_CHUNK),
    });
  } catch {
    throw damaged();
  }
}

/** Names are UTF-8, or else of an encoding that is not told; the separator is `/`, but some programs write `\`. */
function decodeName(name: Uint8Array): string {
  return Buffer.from(name)
    .toString(isUtf8(name) ? 'utf8' : 'latin1')
    .replaceAll('\\', '/');
}

const SIGNATURE = [0x50, 0x4b, 0x03, 0x04];

/** The archive, or undefined where the bytes are none. */
function archiveOf(bytes: Uint8Array): ZipArchive | undefined {
  if (SIGNATURE.some((byte, index) => bytes[index] !== byte)) return undefined;
  try {
    return new ZipArchive(bytes);
  } catch {
    return undefined;
  }
}

/** True when the bytes are an archive with a part of this name, or one that matches. Never throws. */
export function isZipWith(bytes: Uint8Array, name: string | RegExp): boolean {
  const archive = archiveOf(bytes);
  if (archive === undefined) return false;
  return typeof name === 'string' ? archive.has(name) : archive.names.some((one) => name.test(one));
}

/** The content of the part `mimetype`, by which OpenDocument files and EPUB tell what they are. Never throws. */
export function zipMimetype(bytes: Uint8Array): string | undefined {
  const archive = archiveOf(bytes);
  if ((archive?.sizeOf('mimetype') ?? Infinity) > LONGEST_MIMETYPE) return undefined;
  try {
    const part = archive?.read('mimetype');
    return part && Buffer.from(part).toString('latin1').trim();
  } catch {
    return undefined;
  }
}

function damaged(): UnreadableDocumentError {
  return new UnreadableDocumentError('It is a damaged archive.');
}
