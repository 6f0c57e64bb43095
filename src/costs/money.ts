/** Decimals of an amount of money: a trillionth of a dollar, finer than any price of one token. */
export const MONEY_DECIMALS = 12;
const SCALE = 10n ** BigInt(MONEY_DECIMALS);

/** A decimal amount of US dollars, such as `25` or `0.003825000000`, in trillionths. Further decimals are cut off. */
export function toTrillionths(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole) * SCALE + BigInt(fraction.slice(0, MONEY_DECIMALS).padEnd(MONEY_DECIMALS, '0'));
}

/** The exact decimal of an amount in trillionths, as `numeric` takes it. The amount is not negative. */
export function toDecimal(trillionths: bigint): string {
  const fraction = String(trillionths % SCALE).padStart(MONEY_DECIMALS, '0');
  return `${trillionths / SCALE}.${fraction}`;
}

/** The number nearest to the exact sum of decimals; `null` when one of them is not known. */
export function sumCosts(costs: readonly (string | null)[]): number | null {
  const sum = sumDecimals(costs);
  return sum === null ? null : Number(sum);
}

/** The exact sum of decimals; `null` when one of them is not known. */
export function sumDecimals(costs: readonly (string | null)[]): string | null {
  let sum = 0n;
  for (const cost of costs) {
    if (cost === null) return null;
    sum += toTrillionths(cost);
  }
  return toDecimal(sum);
}
