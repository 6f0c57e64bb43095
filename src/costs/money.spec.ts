import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sumCosts, toDecimal, toTrillionths } from './money.js';

/** More than the ledger's numeric(20, 12) can hold. */
const amount = fc.bigInt({ min: 0n, max: 10n ** 24n });

/** The decimal of an amount, written without division. */
function written(trillionths: bigint): string {
  const digits = String(trillionths).padStart(13, '0');
  return `${digits.slice(0, -12)}.${digits.slice(-12)}`;
}

describe('toTrillionths and toDecimal', () => {
  it.each([
    ['0', 0n],
    ['25', 25_000_000_000_000n],
    ['20.5', 20_500_000_000_000n],
    ['0.003825000000', 3_825_000_000n],
    ['0.000000000001', 1n],
    ['99999999.999999999999', 99_999_999_999_999_999_999n],
  ])('read %s exactly', (decimal, trillionths) => {
    expect(toTrillionths(decimal)).toBe(trillionths);
  });

  it('cut off what is finer than a trillionth', () => {
    expect(toTrillionths('0.0000000000019')).toBe(1n);
  });

  it('write all twelve decimals', () => {
    expect(toDecimal(0n)).toBe('0.000000000000');
    expect(toDecimal(3_825_000_000n)).toBe('0.003825000000');
    expect(toDecimal(25_000_000_000_001n)).toBe('25.000000000001');
  });

  it('undo each other, for every amount and every decimal', () => {
    fc.assert(
      fc.property(amount, (trillionths) => {
        expect(toDecimal(trillionths)).toBe(written(trillionths));
        expect(toTrillionths(toDecimal(trillionths))).toBe(trillionths);
      }),
    );
    const decimal = fc
      .tuple(fc.bigInt({ min: 0n, max: 10n ** 9n }), fc.nat({ max: 999_999 }), fc.nat({ max: 999_999 }))
      .map(
        ([whole, high, low]) => `${whole}.${String(high).padStart(6, '0')}${String(low).padStart(6, '0')}`,
      );
    fc.assert(
      fc.property(decimal, (text) => {
        expect(toDecimal(toTrillionths(text))).toBe(text);
      }),
    );
  });

  it('read the same of a decimal whether or not it ends in zeros', () => {
    fc.assert(
      fc.property(amount, (trillionths) => {
        const short = written(trillionths).replace(/\.?0+$/, '');
        if (short.includes('.')) expect(toTrillionths(short)).toBe(trillionths);
      }),
    );
  });
});

describe('sumCosts', () => {
  it('is the exact sum, rounded once at the very end', () => {
    fc.assert(
      fc.property(fc.array(amount, { maxLength: 50 }), (amounts) => {
        const sum = amounts.reduce((total, one) => total + one, 0n);
        expect(sumCosts(amounts.map(written))).toBe(Number(written(sum)));
      }),
    );
  });

  it('does not depend on the order', () => {
    const costs = fc.array(amount.map(written), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(costs, (list) => {
        expect(sumCosts(list.toReversed())).toBe(sumCosts(list));
      }),
    );
  });

  it('is not known as soon as one part is not, wherever that is', () => {
    fc.assert(
      fc.property(fc.array(amount.map(written), { maxLength: 10 }), fc.nat(10), (costs, place) => {
        expect(sumCosts([...costs.slice(0, place), null, ...costs.slice(place)])).toBeNull();
      }),
    );
  });
});
