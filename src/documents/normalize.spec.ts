import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseText } from './normalize.js';

const PIECES = [
  ...'a \t\r\n\0\u0085\ufeff\u00ad\u00a0\u2028\f\u001b\u0301\u0344\u0958\u1100\u1161'.split(''),
  'e\u0301',
  '\r\n',
  '\ud83d',
  '\ude00',
  '😀',
];
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({
    unit: fc.constantFrom(...PIECES),
    maxLength: 60,
  }),
);

describe('normaliseText', () => {
  it.each([
    ['line breaks', 'a\r\nb\rc\u2028d', 'a\nb\nc\nd'],
    ['composition', 'Cafe\u0301', 'Caf\u00e9'],
    ['byte order mark, NUL and controls', '\ufeffa\0b\u0007c\td', 'abc\td'],
    ['soft hyphens', 'inter\u00adnational', 'international'],
    ['lone surrogates', 'a\ud83db', 'a\ufffdb'],
    ['astral characters', 'a😀b', 'a😀b'],
    ['spaces at line ends', 'a  \n b\t\nc \u00a0', 'a\n b\nc'],
    ['blank lines', 'a\n\n\n\n \n\nb', 'a\n\n\nb'],
    ['two blank lines', 'a\n\n\nb', 'a\n\n\nb'],
    ['the ends', '\n\n  a\n\n', 'a'],
    ['nothing', ' \r\n\0 ', ''],
  ])('%s', (_, text, expected) => {
    expect(normaliseText(text)).toBe(expected);
  });

  it('is idempotent', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const once = normaliseText(text);
        expect(normaliseText(once)).toBe(once);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives what PostgreSQL text takes and offsets can rely on', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const result = normaliseText(text);
        expect(result.isWellFormed()).toBe(true);
        expect(result).toBe(result.normalize('NFC'));
        // oxlint-disable-next-line no-control-regex
        expect(result).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufeff]|\s\n\n\n\n|[^\S\n]\n/);
        expect(result.trim()).toBe(result);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['spaces inside a line', `a${' '.repeat(1_000_000)}b`],
    ['combining marks', `a${'\u0301\u0323'.repeat(500_000)}`],
    ['blank lines', 'a\n \n'.repeat(300_000)],
  ])('takes linear time on %s', (_, text) => {
    const start = performance.now();
    normaliseText(text);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
