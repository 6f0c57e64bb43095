import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digest, newSecret, prefixOf } from './secret.js';

const SECRET = /^fn_([A-Za-z0-9_-]{12})_([A-Za-z0-9_-]{43})$/;
const base64url = (length: number) =>
  fc.string({
    unit: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-'),
    minLength: length,
    maxLength: length,
  });

describe('a new secret', () => {
  it('is found by its prefix, and known by its hash', () => {
    for (let index = 0; index < 200; index++) {
      const { text, prefix, hash } = newSecret();
      expect(text).toMatch(SECRET);
      expect(prefixOf(text)).toBe(prefix);
      expect(hash.equals(digest(text))).toBe(true);
      expect(Buffer.from(text.slice(-43), 'base64url')).toHaveLength(32);
    }
  });

  it('is like no other, in no part', () => {
    const secrets = Array.from({ length: 500 }, newSecret);
    const distinct = (part: (secret: ReturnType<typeof newSecret>) => string) =>
      new Set(secrets.map(part)).size;
    expect(distinct(({ prefix }) => prefix)).toBe(500);
    expect(distinct(({ text }) => text.slice(-43))).toBe(500);
    expect(distinct(({ hash }) => hash.toString('hex'))).toBe(500);
  });
});

describe('prefixOf', () => {
  it('finds the prefix of whatever has the form, also where it holds the characters that separate its parts', () => {
    fc.assert(
      fc.property(base64url(12), base64url(43), (prefix, rest) => {
        expect(prefixOf(`fn_${prefix}_${rest}`)).toBe(prefix);
      }),
    );
  });

  it('finds none in a secret with something added, left out or exchanged for what no secret holds', () => {
    const wrong = fc.tuple(base64url(12), base64url(43)).chain(([prefix, rest]) => {
      const text = `fn_${prefix}_${rest}`;
      const place = fc.nat(text.length - 1);
      return fc.oneof(
        place.map((at) => text.slice(0, at) + text.slice(at + 1)),
        fc
          .tuple(place, fc.string({ minLength: 1 }))
          .map(([at, more]) => text.slice(0, at) + more + text.slice(at)),
        fc
          .tuple(place, fc.constantFrom('\n', ' ', '.', '+', '/', '=', '\0', 'ä', '\u2028'))
          .map(([at, other]) => text.slice(0, at) + other + text.slice(at + 1)),
        fc.constantFrom(`${text}\n`, ` ${text}`, `Bearer ${text}`, text.replace('fn_', 'FN_')),
      );
    });
    fc.assert(
      fc.property(wrong, (text) => {
        expect(prefixOf(text)).toBeUndefined();
      }),
    );
  });

  it('takes any text, of any length', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        expect(prefixOf(text)).toBe(SECRET.exec(text)?.[1]);
      }),
    );
    expect(prefixOf(`fn_${'A'.repeat(1_000_000)}`)).toBeUndefined();
  });
});

describe('digest', () => {
  it('is of one length, and differs where the texts do', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(digest(one)).toHaveLength(32);
        expect(digest(one).equals(digest(other))).toBe(one === other);
      }),
    );
  });
});
