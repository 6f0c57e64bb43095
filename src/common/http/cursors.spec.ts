import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors/app-error.js';
import { CURSOR, Cursors } from './cursors.js';

describe('Cursors', () => {
  it('are read back by every replica, and tell nothing of the number', () => {
    const one = new Cursors('a secret');
    const other = new Cursors('a secret');
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), (seq) => {
        const { page, next } = one.page([{ seq: String(seq) }, { seq: '0' }], 1);
        expect(page).toEqual([{ seq: String(seq) }]);
        expect(next).toMatch(CURSOR);
        expect(other.decode(next!)).toBe(String(seq));
        expect(Buffer.from(next!, 'base64url').includes(MARKED)).toBe(false);
      }),
    );
    expect(one.page([{ seq: '7' }], 1).next).toBeNull();
    expect(one.page([], 1)).toEqual({ page: [], next: null });
  });

  it('are refused where they are none, or another service’s', () => {
    const cursors = new Cursors('a secret');
    const foreign = new Cursors(undefined).page([{ seq: '7' }, { seq: '6' }], 1).next!;
    for (const cursor of [foreign, '', 'c2Vx', 'A'.repeat(22), 'A'.repeat(64)])
      expect(() => cursors.decode(cursor)).toThrow(AppError);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => cursors.decode(text)).toThrow(AppError);
      }),
    );
  });
});

const MARKED = Buffer.from('footnote');
