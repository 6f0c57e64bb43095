import { createHash, randomBytes } from 'node:crypto';

const PREFIX_BYTES = 9;
const SECRET_BYTES = 32;
const FORM = /^fn_([\w-]{12})_[\w-]{43}$/;

/** A key's secret: what its caller sends, what finds it, and what is kept of it. */
export interface Secret {
  /** `fn_<prefix>_<256 random bits>`, base64url. */
  text: string;
  prefix: string;
  hash: Buffer;
}

export function newSecret(): Secret {
  const prefix = randomBytes(PREFIX_BYTES).toString('base64url');
  const text = `fn_${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { text, prefix, hash: digest(text) };
}

/** The prefix of what has the form of a secret. */
export function prefixOf(text: string): string | undefined {
  return FORM.exec(text)?.[1];
}

/** SHA-256: what is hashed is random enough that a slow hash would add nothing but its time to every request. */
export function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
