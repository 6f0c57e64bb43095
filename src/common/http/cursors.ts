import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { invalidField } from '../errors/app-error.js';

/** Cursors as lists give them. */
export const CURSOR = /^[A-Za-z0-9_-]{1,64}$/;
export const CURSOR_MESSAGE = 'cursor takes the next_cursor of a list';

/** One block: what is in it tells whether a cursor is one of ours. */
const CIPHER = 'aes-128-ecb';
const BLOCK_BYTES = 16;
const MARK = Buffer.from('footnote');

/**
 * Places in lists, for callers: the sequence number of a row, enciphered, since the gaps between those that a caller sees
 * would tell it how many there are that it does not.
 */
export class Cursors {
  private readonly key: Buffer;

  /** @param secret of the service, the same on all replicas; undefined: everybody sees everything anyway */
  constructor(secret: string | undefined) {
    this.key = createHash('sha256')
      .update(`cursor:${secret ?? ''}`)
      .digest()
      .subarray(0, BLOCK_BYTES);
  }

  /** @throws AppError INVALID_REQUEST for a cursor that is none of ours */
  decode(cursor: string): string {
    const bytes = Buffer.from(cursor, 'base64url');
    if (bytes.length === BLOCK_BYTES) {
      const decipher = createDecipheriv(CIPHER, this.key, null).setAutoPadding(false);
      const block = Buffer.concat([decipher.update(bytes), decipher.final()]);
      if (block.subarray(0, MARK.length).equals(MARK)) return String(block.readBigUInt64BE(MARK.length));
    }
    throw invalidField('cursor', CURSOR_MESSAGE);
  }

  /** A page of rows that were read with one more than it takes, and the cursor of the next one. */
  page<T extends { seq: string }>(rows: readonly T[], limit: number): { page: T[]; next: string | null } {
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return { page, next: last === undefined ? null : this.encode(last.seq) };
  }

  private encode(seq: string): string {
    const block = Buffer.alloc(BLOCK_BYTES);
    MARK.copy(block);
    block.writeBigUInt64BE(BigInt(seq), MARK.length);
    const cipher = createCipheriv(CIPHER, this.key, null).setAutoPadding(false);
    return Buffer.concat([cipher.update(block), cipher.final()]).toString('base64url');
  }
}
