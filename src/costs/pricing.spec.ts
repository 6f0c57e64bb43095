import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sumCosts } from './money.js';
import { costOf } from './pricing.js';

const tokens = (inputTokens: number, outputTokens = 0, cacheReadTokens = 0, cacheWriteTokens = 0) => ({
  inputTokens,
  outputTokens,
  cacheReadTokens,
  cacheWriteTokens,
});

describe('costOf', () => {
  it('multiplies tokens by the public prices', () => {
    // Claude Sonnet 5: 2, 10, 0.20 and 2.50 dollars a million
    expect(costOf('anthropic/claude-sonnet-5', tokens(1000, 100, 500, 200))).toBe('0.003600000000');
    expect(costOf('openai/text-embedding-3-small', tokens(1000))).toBe('0.000020000000');
  });

  it('costs nothing for what runs in this process', () => {
    expect(costOf('extractive', tokens(1000, 1000))).toBe('0.000000000000');
  });

  it('does not know what it does not know', () => {
    expect(costOf('openai/some-local-model', tokens(1000, 1000))).toBeNull();
  });

  it('takes own prices first', () => {
    const prices = { 'openai/some-local-model': { input_mtok: 0.5, output_mtok: 1.5, cache_read_mtok: 0.1 } };
    expect(costOf('openai/some-local-model', tokens(1000, 100, 10, 10), prices)).toBe('0.000656000000');
  });

  it('is exact: the cost in trillionths is the sum of tokens times price', () => {
    const count = fc.integer({ min: 0, max: 1_000_000 });
    const price = fc.integer({ min: 0, max: 100_000_000 });
    fc.assert(
      fc.property(count, count, price, price, (input, output, inputPrice, outputPrice) => {
        // prices in millionths of a dollar a million tokens, as fine as price lists get
        const prices = { 'x/y': { input_mtok: inputPrice / 1e6, output_mtok: outputPrice / 1e6 } };
        const exact = BigInt(input) * BigInt(inputPrice) + BigInt(output) * BigInt(outputPrice);
        expect(BigInt((costOf('x/y', tokens(input, output), prices) ?? '').replace('.', ''))).toBe(exact);
      }),
    );
  });
});

describe('sumCosts', () => {
  it('adds decimals without binary rounding', () => {
    expect(sumCosts(Array.from({ length: 10 }, () => '0.100000000000'))).toBe(1);
    expect(sumCosts(['0.000000000001', '0.000000000002'])).toBe(3e-12);
  });

  it('is not known when a part is not', () => {
    expect(sumCosts(['1.000000000000', null])).toBeNull();
    expect(sumCosts([])).toBe(0);
  });
});
