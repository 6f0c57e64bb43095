import type { Allowance } from '../common/index.js';

/** One budget of one period. */
export interface BudgetRef {
  /** `service`, or whose it is. */
  scope: string;
  period: 'day' | 'month';
  /** First UTC day of the period, `YYYY-MM-DD`. */
  startsOn: string;
}

/** How much may be spent in each period of a scope. */
export interface BudgetLimit extends Pick<BudgetRef, 'scope' | 'period'> {
  /** US dollars as a decimal. */
  limitUsd: string;
}

/** On whose account calls are made. */
export interface Payer {
  /** A key's id, `admin`, `anonymous` or `jwt:<subject>`; null: the service itself. */
  readonly id: string | null;
  /** Budgets of its own, decimals of US dollars. */
  readonly dailyUsd: string | undefined;
  readonly monthlyUsd: string | undefined;
  /** Where its tokens are held before they are used; absent: it may use as many as it likes. */
  readonly allowance?: Allowance;
}

/** What a write to the ledger has added to a budget, and what it comes to; decimals of US dollars. */
export interface BudgetCharge extends BudgetRef {
  addedUsd: string;
  spentUsd: string;
}

/** When a period is over and the next one begins. */
export function endOfPeriod({ period, startsOn }: Pick<BudgetRef, 'period' | 'startsOn'>): Date {
  const end = new Date(`${startsOn}T00:00:00Z`);
  if (period === 'day') end.setUTCDate(end.getUTCDate() + 1);
  else end.setUTCMonth(end.getUTCMonth() + 1);
  return end;
}
