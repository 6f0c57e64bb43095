import { UnreadableDocumentError } from '../loader.js';

/** Reads little-endian values one after the other. Reading beyond the end means that the file is damaged. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  skip(length: number): void {
    this.#take(length);
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  uint16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  float64(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  /** A number in four bytes: an integer or the first half of a longer one, which may be in hundredths. */
  packedNumber(): number {
    const start = this.#take(4);
    const packed = this.#bytes.readInt32LE(start);
    let value = packed >> 2;
    if ((packed & 2) === 0) {
      const long = Buffer.alloc(8);
      long.writeInt32LE(packed & ~3, 4);
      value = long.readDoubleLE();
    }
    return (packed & 1) === 1 ? value / 100 : value;
  }

  /** A number in as many bytes as it needs, of which each holds seven bits and says whether another follows. */
  sevenBits(mostBytes: number): number {
    let value = 0;
    for (let at = 0; at < mostBytes; at++) {
      const byte = this.uint8();
      value |= (byte & 0x7f) << (7 * at);
      if ((byte & 0x80) === 0) break;
    }
    return value;
  }

  /** Text of so many characters of two bytes. */
  utf16(length: number): string {
    const start = this.#take(2 * length);
    return this.#bytes.toString('utf16le', start, this.#at);
  }

  /** Text of so many characters of one byte, which are the first of Unicode. */
  latin1(length: number): string {
    const start = this.#take(length);
    return this.#bytes.toString('latin1', start, this.#at);
  }

  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, this.#at);
  }

  /** Some of the bytes, to be read on their own. */
  part(length: number): ByteReader {
    return new ByteReader(this.bytes(length));
  }

  #take(length: number): number {
    const start = this.#at;
    if (length > this.left) throw new UnreadableDocumentError('It is a damaged spreadsheet.');
    this.#at += length;
    return start;
  }
}
