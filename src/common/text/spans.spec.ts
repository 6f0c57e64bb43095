import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codePointBoundary, isSpace, trimSpan } from './spans.js';

describe('isSpace', () => {
  it('agrees with \\s for every code unit', () => {
    const units = Array.from({ length: 0x10000 }, (_, code) => code);
    expect(units.filter(isSpace)).toEqual(units.filter((code) => /\s/.test(String.fromCharCode(code))));
  });
});

describe('trimSpan', () => {
  it('trims as String.trim does', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(' ', '\n', '\u3000', '\ufeff', 'a', 'é') }), (text) => {
        const span = trimSpan(text, 0, text.length);
        expect(span === undefined ? '' : text.slice(span.start, span.end)).toBe(text.trim());
      }),
    );
  });
});

describe('codePointBoundary', () => {
  it('steps back only inside a surrogate pair', () => {
    expect([0, 1, 2, 3, 4].map((index) => codePointBoundary('a😀b', index))).toEqual([0, 1, 1, 3, 4]);
  });
});
