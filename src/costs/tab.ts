import { randomUUID } from 'node:crypto';
import { AppError } from '../common/index.js';
import type { BudgetLimit, Payer } from './budget.js';
import type { Budgets, Reservation } from './budgets.js';
import { budgetMetrics } from './budget-metrics.js';
import type { Ledger, LedgerEntry } from './ledger.js';
import { toTrillionths } from './money.js';
import { isFree, type PricedUsage, type PriceList, type WorstCase } from './pricing.js';

/** What is known of a call when it is over. Counts that are absent are 0. */
export type FinishedCall = Pick<
  LedgerEntry,
  'operation' | 'model' | 'attempt' | 'outcome' | 'estimated' | 'latencyMs'
> &
  Partial<TokenCounts & Pick<LedgerEntry, 'firstTokenMs' | 'error'> & { searchUnits: number }>;

/** A finished call with its counts made whole and its price. */
export type BilledCall = TokenCounts & Pick<LedgerEntry, 'costUsd'>;

interface Services {
  ledger: Ledger;
  budgets: Budgets;
  prices: PriceList;
  /** Called once the tab is settled, or could not be. */
  onSettled: () => void;
}

/**
 * What one request may spend and has spent: what is reserved for its calls, and their ledger entries, until both are
 * settled in one transaction. Every tab that is opened must be settled, whatever happens.
 */
export class Tab {
  private readonly entries: LedgerEntry[] = [];
  private readonly reservation: Reservation = { id: randomUUID() };
  /** Trillionths of a dollar: reserved, the worst cases of what is under way, and the cost of what is over. */
  private reserved = 0n;
  private held = 0n;
  private used = 0n;
  /** The same of the tokens that the payer may use a minute. */
  private readonly tokens = { reserved: 0, held: 0, used: 0 };
  private readonly limits: readonly BudgetLimit[];
  private covering: Promise<void> = Promise.resolve();
  /** Whether the database may hold a reservation for this tab. */
  private isReserved = false;
  private settling: Promise<void> | undefined;

  /**
   * @param isRequest whether its first call counts as a request of its own
   * @param payer in whose budgets and out of whose tokens a minute the calls are, beside the service's budgets
   */
  constructor(
    readonly requestId: string,
    private readonly isRequest: boolean,
    private readonly payer: Payer,
    private readonly services: Services,
  ) {
    this.limits = services.budgets.limitsOf(payer);
  }

  /**
   * Reserves the most that some calls may cost and use, all together or none, beside what is held already.
   * @param worstCases made only when there is a limit: counting takes time
   * @returns for each of them what gives its hold up, once its calls are over; none without a limit
   * @throws AppError BUDGET_EXCEEDED or RATE_LIMITED when they do not fit, CONFLICT for a budget without a price
   */
  async hold(worstCases: () => readonly WorstCase[]): Promise<(() => void)[]> {
    if (!this.hasBudget && this.payer.allowance === undefined) return [];
    const giveUps = worstCases().map((worst) => this.holdWorst(worst));
    try {
      await this.cover();
    } catch (error) {
      for (const giveUp of giveUps) giveUp();
      throw error;
    }
    return giveUps;
  }

  /**
   * Before a call is made again: what the failed one cost has used up a part of the reservation.
   * @throws AppError BUDGET_EXCEEDED when the next one no longer fits
   */
  cover(): Promise<void> {
    // one after the other: each sets the whole amount
    const covered = this.covering.then(() => this.reserveNeeded());
    this.covering = covered.catch(() => undefined);
    return covered;
  }

  /** Adds a finished call. */
  add({ searchUnits = 0, ...call }: FinishedCall): BilledCall {
    const counts = wholeCounts(call);
    const costUsd = this.services.prices.cost(call.model, {
      ...pricedUsage(counts),
      searchUnits: whole(searchUnits),
    });
    if (costUsd !== null) this.used += toTrillionths(costUsd);
    if (!isFree(call.model)) this.tokens.used += COUNTS.reduce((sum, name) => sum + counts[name], 0);
    this.entries.push({
      firstTokenMs: null,
      error: null,
      ...call,
      ...counts,
      costUsd,
      id: randomUUID(),
      requestId: this.requestId,
      keyId: this.payer.id,
      isRequest: this.isRequest && this.entries.length === 0,
    });
    return { ...counts, costUsd };
  }

  /** Writes the calls to the ledger and ends the reservation; the second time, nothing. No call may be added after it. */
  settle(): Promise<void> {
    return (this.settling ??= this.settleOnce().finally(this.services.onSettled));
  }

  private get hasBudget(): boolean {
    return this.limits.length > 0;
  }

  private holdWorst(worst: WorstCase): () => void {
    const amount = this.hasBudget ? this.worstCost(worst) : 0n;
    const tokens = worst.models.every(isFree) ? 0 : worst.inputTokens + worst.outputTokens;
    this.held += amount;
    this.tokens.held += tokens;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      this.held -= amount;
      this.tokens.held -= tokens;
      isHeld = false;
    };
  }

  /** @throws AppError CONFLICT for a model whose price is not known, which no budget can hold */
  private worstCost(worst: WorstCase): bigint {
    const { budgets, prices } = this.services;
    try {
      return prices.worstCost(worst);
    } catch (error) {
      if (error instanceof RangeError) budgets.checkPrices(worst.models);
      throw error;
    }
  }

  private async reserveNeeded(): Promise<void> {
    await this.reserveTokens();
    const needed = this.used + this.held;
    if (needed <= this.reserved || !this.hasBudget) return;
    try {
      await this.services.budgets.reserve(this.reservation, needed, this.limits);
      this.reserved = needed;
      this.isReserved = true;
    } catch (error) {
      // whose answer was lost may have been made
      if (!(error instanceof AppError)) this.isReserved = true;
      throw error;
    }
  }

  private async reserveTokens(): Promise<void> {
    const { tokens } = this;
    const needed = tokens.used + tokens.held;
    if (needed <= tokens.reserved || this.payer.allowance === undefined) return;
    await this.payer.allowance.hold(this.reservation.id, needed);
    tokens.reserved = needed;
  }

  private async settleOnce(): Promise<void> {
    // a reservation that is just being made must not outlive its end
    await this.covering;
    await Promise.all([this.settleTokens(), this.settleMoney()]);
  }

  private async settleTokens(): Promise<void> {
    const { reserved, used } = this.tokens;
    if (reserved > 0) await this.payer.allowance?.settle(this.reservation.id, used);
  }

  private async settleMoney(): Promise<void> {
    const { budgets, ledger } = this.services;
    const { isReserved } = this;
    if (!isReserved && this.entries.length === 0) return;
    if (isReserved && this.used > this.reserved) budgetMetrics.overruns.inc();
    const { admittedAt, id } = this.reservation;
    const entries = this.entries.map((entry) => ({ ...entry, createdAt: admittedAt }));
    try {
      budgets.charged(await ledger.record(entries, isReserved ? id : undefined));
    } finally {
      budgets.letGo(this.reservation);
    }
  }
}

const COUNTS = [
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'embeddingTokens',
] as const;
type TokenCounts = Pick<LedgerEntry, (typeof COUNTS)[number]>;
const LARGEST_COUNT = 2 ** 31 - 1;

function whole(count = 0): number {
  return Number.isFinite(count) ? Math.min(Math.max(Math.round(count), 0), LARGEST_COUNT) : 0;
}

/** Counts as the ledger can hold them: a server that sends nonsense must not keep other calls from being written. */
function wholeCounts(call: Partial<TokenCounts>): TokenCounts {
  const [inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, embeddingTokens] = COUNTS.map((name) =>
    whole(call[name]),
  ) as [number, number, number, number, number];
  return { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, embeddingTokens };
}

/** Embedding tokens are priced as a model's input. */
function pricedUsage(counts: TokenCounts): PricedUsage {
  return { ...counts, inputTokens: counts.inputTokens + counts.embeddingTokens };
}
