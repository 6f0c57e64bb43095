import * as fc from 'fast-check';
import { countTokens as reference } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { countTokens } from './tokens.js';

const prose = fc
  .array(fc.lorem({ maxCount: 30, mode: 'sentences' }), { maxLength: 60 })
  .map((parts) => parts.join(' '));

describe('countTokens', () => {
  it.each([
    ['', 0],
    ['hello world', 2],
    ['<|endoftext|>', 7],
  ])('%j', (text, tokens) => {
    expect(countTokens(text)).toBe(tokens);
  });

  it('is exact for prose of any length', () => {
    fc.assert(
      fc.property(prose, (text) => {
        expect(countTokens(text)).toBe(reference(text));
      }),
      { numRuns: 50 },
    );
  });

  it('is exact for any short text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(countTokens(text)).toBe(reference(text, { disallowedSpecial: new Set() }));
      }),
      { numRuns: 500 },
    );
  });

  it('counts long runs in parts, within a few percent', () => {
    const text = 'abcdefghij'.repeat(100);
    expect(Math.abs(countTokens(text) / reference(text) - 1)).toBeLessThan(0.1);
  });

  it.each([
    ['letters', 'a'.repeat(1_000_000)],
    ['line breaks', '\n'.repeat(1_000_000)],
    ['spaces', ' '.repeat(1_000_000)],
    ['signs', '!?#$'.repeat(250_000)],
    ['emoji', '👨‍👩‍👧‍👦'.repeat(100_000)],
    ['combining marks', '\u0301'.repeat(1_000_000)],
  ])('takes linear time on a run of %s', (_, text) => {
    const start = performance.now();
    countTokens(text);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
