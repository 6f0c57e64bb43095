import { unzipSync, type UnzipFileInfo } from 'fflate';
import { UnreadableDocumentError } from '../loader.js';

/** Bytes that an archive may hold unpacked, and parts. What documents are made of needs far less. */
const MOST_UNPACKED = 512 * 1024 * 1024;
const MOST_ENTRIES = 20_000;

/** A document that is a ZIP archive: Office and OpenDocument files, EPUB. Parts are unpacked when they are read. */
export class ZipArchive {
  private readonly entries = new Map<string, number>();
  private unpacked = 0;

  /** @throws {UnreadableDocumentError} when it is damaged */
  constructor(private readonly bytes: Uint8Array) {
    this.unzip(({ name, originalSize }) => {
      if (this.entries.size === MOST_ENTRIES)
        throw new UnreadableDocumentError(`It is an archive of more than ${MOST_ENTRIES} files.`);
      this.entries.set(name, originalSize);
      return false;
    });
  }

  /** Names of the parts, in the archive's order. */
  get names(): string[] {
    return [...this.entries.keys()];
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /**
   * The bytes of a part, or undefined when there is none of that name. No more are unpacked than the archive's
   * directory declares, and no more in all than a document needs.
   * @throws {UnreadableDocumentError} when it is damaged, or too large unpacked
   */
  read(name: string): Uint8Array | undefined {
    const size = this.entries.get(name);
    if (size === undefined) return undefined;
    this.unpacked += size;
    if (this.unpacked > MOST_UNPACKED)
      throw new UnreadableDocumentError(
        `Unpacked, it is larger than ${MOST_UNPACKED / 1024 / 1024} MB, the most that is read.`,
      );
    return this.unzip((entry) => entry.name === name)[name];
  }

  private unzip(filter: (entry: UnzipFileInfo) => boolean): Record<string, Uint8Array> {
    try {
      return unzipSync(this.bytes, { filter });
    } catch (error) {
      if (error instanceof UnreadableDocumentError) throw error;
      throw new UnreadableDocumentError('It is a damaged archive.');
    }
  }
}

const SIGNATURE = [0x50, 0x4b, 0x03, 0x04];

/** The archive, or undefined where the bytes are none. */
function directoryOf(bytes: Uint8Array): ZipArchive | undefined {
  if (SIGNATURE.some((byte, index) => bytes[index] !== byte)) return undefined;
  try {
    return new ZipArchive(bytes);
  } catch {
    return undefined;
  }
}

/** True when the bytes are an archive with a part of this name. Never throws. */
export function isZipWith(bytes: Uint8Array, name: string): boolean {
  return directoryOf(bytes)?.has(name) ?? false;
}

/** The content of the part `mimetype`, by which OpenDocument files and EPUB tell what they are. Never throws. */
export function zipMimetype(bytes: Uint8Array): string | undefined {
  const archive = directoryOf(bytes);
  try {
    const part = archive?.read('mimetype');
    return part && Buffer.from(part.subarray(0, 100)).toString('latin1').trim();
  } catch {
    return undefined;
  }
}
