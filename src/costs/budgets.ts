import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AppError, isUuid } from '../common/index.js';
import { AppConfig, ConfigError } from '../config/index.js';
import { Database } from '../database/index.js';
import { type BudgetCharge, type BudgetLimit, type BudgetRef, endOfPeriod, type Payer } from './budget.js';
import { budgetMetrics } from './budget-metrics.js';
import { toDecimal, toTrillionths } from './money.js';
import { PriceList } from './pricing.js';

/** What is held in the budgets for the calls of a request. */
export interface Reservation {
  readonly id: string;
  /** ISO 8601, by the database's clock; absent until something is held. */
  admittedAt?: string;
}

/** A budget as it stands, in decimals of US dollars. */
export interface BudgetState extends BudgetRef {
  limitUsd: string;
  spentUsd: string;
  reservedUsd: string;
}

interface Verdict {
  admittedAt: string;
  fits: boolean;
  expired: number;
  /** Without the reservation that was asked for. */
  budgets: (BudgetState & { fits: boolean })[];
}

const SERVICE = 'service';
const MOST_SEEN = 10_000;
/** A reservation that was not renewed for this long is void: its process is dead, or cut off from the database. */
const LEASE_SECONDS = 30;
const RENEWAL_MS = 8_000;
/** Share of a budget, in hundredths, that is worth a warning. */
const WARNING_PERCENT = 80n;

const RESERVE = `SELECT reserve_budget($1, $2, $3, make_interval(secs => ${LEASE_SECONDS}), $4::jsonb) AS verdict`;
const RENEW = `
  UPDATE budget_reservations SET expires_at = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
  WHERE (id, scope, period) IN (
    -- one that is locked is being settled
    SELECT id, scope, period FROM budget_reservations
    -- what has expired may have been given to others
    WHERE id = ANY ($1::uuid[]) AND expires_at > clock_timestamp() FOR UPDATE SKIP LOCKED
  )`;
const STATE = `
  SELECT l.scope, l.period, to_char(p.starts_on, 'YYYY-MM-DD') AS "startsOn", l."limitUsd"::text AS "limitUsd",
         coalesce(b.spent_usd, spent_in_period(l.scope, l.period, p.starts_on))::text AS "spentUsd",
         coalesce((SELECT sum(r.amount_usd) FROM budget_reservations r
                   WHERE r.scope = l.scope AND r.period = l.period AND r.starts_on = p.starts_on
                     AND r.expires_at > clock_timestamp()), 0)::text AS "reservedUsd"
  FROM jsonb_to_recordset($1::jsonb) AS l (scope text, period text, "limitUsd" numeric)
  CROSS JOIN LATERAL (SELECT date_trunc(l.period, clock_timestamp() AT TIME ZONE 'UTC')::date AS starts_on) p
  LEFT JOIN budgets b ON b.scope = l.scope AND b.period = l.period AND b.starts_on = p.starts_on
  ORDER BY l.scope, l.period`;

/**
 * Hard budgets: before anything is sent, the most that it may cost is reserved; what was spent and what is reserved
 * never pass the limit together, on any number of replicas that reach the database. Periods are UTC calendar days and
 * months.
 */
@Injectable()
export class Budgets implements OnApplicationShutdown {
  private readonly logger = new Logger('Budgets');
  private readonly limits: readonly BudgetLimit[];
  /** Reads the budgets of a key, or of all keys. */
  private readKeys: (id?: string) => Promise<BudgetLimit[]> = () => Promise.resolve([]);
  /** Those that were reserved in, by scope and period: where a charge is compared with its limit. */
  private readonly seen = new Map<string, BudgetLimit>();
  /** Models in use, which a budget needs the prices of. */
  private readonly models: readonly string[];
  /** Reservations of this process that are not settled. */
  private readonly held = new Set<string>();
  private renewal: NodeJS.Timeout | undefined;

  /** @throws ConfigError when there is a budget and a model whose price is not known, which no budget can hold */
  constructor(
    config: AppConfig,
    private readonly prices: PriceList,
    private readonly database: Database,
  ) {
    const { dailyUsd, monthlyUsd } = config.budgets;
    this.limits = limitsOf(SERVICE, dailyUsd, monthlyUsd);
    this.models = pricedModels(config);
    const unknown = this.limits.length === 0 ? [] : unpriced(this.models, prices);
    if (unknown.length > 0)
      throw new ConfigError(
        'The configuration cannot be used:\n  BUDGET_DAILY_USD or BUDGET_MONTHLY_USD is set, but the price of ' +
          `${unknown.join(', ')} is not known: set it with MODEL_PRICES (0 where a model costs nothing)`,
      );
  }

  /** Keys may have budgets too: those of one, or of all of them. */
  alsoOf(readKeys: (id?: string) => Promise<BudgetLimit[]>): void {
    this.readKeys = readKeys;
  }

  /** What bounds the calls of a payer: its own budgets and the service's. */
  limitsOf({ id, dailyUsd, monthlyUsd }: Payer): BudgetLimit[] {
    return [...limitsOf(id, dailyUsd, monthlyUsd), ...this.limits];
  }

  /** Who pays for what a key has begun, and others go on with. Null: the service itself. */
  async payer(id: string | null): Promise<Payer> {
    // keys have such ids; nobody else has a budget
    const own = id === null || !isUuid(id) ? [] : await this.readKeys(id);
    const limit = (period: BudgetLimit['period']) => own.find((other) => other.period === period)?.limitUsd;
    return { id, dailyUsd: limit('day'), monthlyUsd: limit('month') };
  }

  /** False for a model that no budget can hold: there is one, and the model's price is not known. */
  canHold(model: string): boolean {
    return this.limits.length === 0 || unpriced([model], this.prices).length === 0;
  }

  /** Before a key gets a budget. @throws AppError CONFLICT while the price of a model in use is not known */
  checkPrices(models: readonly string[] = this.models): void {
    const unknown = unpriced(models, this.prices);
    if (unknown.length > 0)
      throw new AppError(
        'CONFLICT',
        `A budget takes the prices of all models in use, but that of ${unknown.join(', ')} is not known: ` +
          'set it with MODEL_PRICES (0 where a model costs nothing).',
      );
  }

  /**
   * Makes the reservation hold an amount, in place of what it held.
   * @param amount trillionths of a dollar
   * @param limits all of them have room for it, or none is reserved in
   * @throws AppError BUDGET_EXCEEDED when it does not fit; the reservation is then as it was
   */
  async reserve(reservation: Reservation, amount: bigint, limits: readonly BudgetLimit[]): Promise<void> {
    for (const limit of limits) this.remember(limit);
    const asked = limits.map(({ scope, period, limitUsd }) => ({ scope, period, limit_usd: limitUsd }));
    const values = [reservation.id, toDecimal(amount), reservation.admittedAt ?? null, JSON.stringify(asked)];
    const [row] = await this.database.query<{ verdict: Verdict }>(RESERVE, values);
    if (row === undefined) throw new Error('a reservation has no verdict');
    const { verdict } = row;
    if (verdict.expired > 0) this.tellExpired(verdict.expired);
    if (!verdict.fits) throw this.refusal(verdict, amount);
    reservation.admittedAt = verdict.admittedAt;
    this.held.add(reservation.id);
    this.renewal ??= setInterval(() => void this.renew(), RENEWAL_MS).unref();
  }

  /** The reservation is settled, or given up: it is no longer renewed. */
  letGo(reservation: Reservation): void {
    this.held.delete(reservation.id);
    if (this.held.size > 0) return;
    clearInterval(this.renewal);
    this.renewal = undefined;
  }

  /** Tells of budgets that a charge has brought to 80 %: each charge is one addition, so exactly one passes it. */
  charged(charges: readonly BudgetCharge[]): void {
    for (const { scope, period, addedUsd, spentUsd } of charges) {
      const limit = this.seen.get(`${scope} ${period}`);
      if (limit === undefined) continue;
      const threshold = (toTrillionths(limit.limitUsd) * WARNING_PERCENT) / 100n;
      const spent = toTrillionths(spentUsd);
      if (spent < threshold || spent - toTrillionths(addedUsd) >= threshold) continue;
      budgetMetrics.warnings.inc({ scope, period });
      this.logger.warn(
        { scope, period, spent_usd: spentUsd, limit_usd: limit.limitUsd },
        `${WARNING_PERCENT} % of the budget of this ${period} are spent`,
      );
    }
  }

  /** All budgets in their current periods; also brings the gauges up to date. */
  async state(): Promise<BudgetState[]> {
    const limits = [...this.limits, ...(await this.readKeys())];
    if (limits.length === 0) {
      resetGauges();
      return [];
    }
    const states = await this.database.query<BudgetState & Record<string, unknown>>(STATE, [
      JSON.stringify(limits),
    ]);
    resetGauges();
    for (const { scope, period, limitUsd, spentUsd, reservedUsd } of states) {
      budgetMetrics.limit.set({ scope, period }, Number(limitUsd));
      budgetMetrics.spent.set({ scope, period }, Number(spentUsd));
      budgetMetrics.reserved.set({ scope, period }, Number(reservedUsd));
    }
    return states;
  }

  /** Not before: what is under way when the service is told to stop is settled first. */
  onApplicationShutdown(): void {
    clearInterval(this.renewal);
  }

  private remember(limit: BudgetLimit): void {
    if (this.seen.size >= MOST_SEEN) this.seen.clear();
    this.seen.set(`${limit.scope} ${limit.period}`, limit);
  }

  private async renew(): Promise<void> {
    try {
      await this.database.query(RENEW, [[...this.held]]);
    } catch (error) {
      this.logger.warn({ err: error }, 'Budget reservations could not be renewed');
    }
  }

  private tellExpired(count: number): void {
    budgetMetrics.expired.inc(count);
    this.logger.warn(
      `${count} budget reservations expired: a process ended without settling them, and what its calls had cost by then is not in the ledger`,
    );
  }

  private refusal(verdict: Verdict, amount: bigint): AppError {
    for (const { scope, period, fits } of verdict.budgets)
      if (!fits) budgetMetrics.refusals.inc({ scope, period });
    const [tightest] = verdict.budgets.filter(({ fits }) => !fits);
    const owner = tightest?.scope === SERVICE ? "the service's" : "the key's";
    const what =
      tightest === undefined
        ? 'a budget'
        : `${owner} ${tightest.period === 'day' ? 'daily' : 'monthly'} budget`;
    const until =
      tightest === undefined ? '' : ` A new period begins at ${endOfPeriod(tightest).toISOString()}.`;
    return new AppError(
      'BUDGET_EXCEEDED',
      `The call may cost up to $${Number(toDecimal(amount))}, which does not fit into what is left of ${what}. ` +
        `It was not made.${until}`,
    );
  }
}

/** What calls of the service may be billed for. */
function pricedModels({ llm, embeddingModel, reranking: { model } }: AppConfig): string[] {
  // `llm` ranks with one of those that answer
  const isOther = model !== undefined && !/^llm(\/|$)/.test(model);
  return [...llm.models, embeddingModel, ...(isOther ? [model] : [])];
}

/** Those whose price is not known. */
function unpriced(models: readonly string[], prices: PriceList): string[] {
  const some = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 };
  return models.filter((model) => prices.cost(model, some) === null);
}

function limitsOf(
  scope: string | null,
  dailyUsd: string | undefined,
  monthlyUsd: string | undefined,
): BudgetLimit[] {
  if (scope === null) return [];
  return [
    ...(dailyUsd === undefined ? [] : [{ scope, period: 'day' as const, limitUsd: dailyUsd }]),
    ...(monthlyUsd === undefined ? [] : [{ scope, period: 'month' as const, limitUsd: monthlyUsd }]),
  ];
}

/** The budgets of keys that are gone are told of no more. */
function resetGauges(): void {
  for (const gauge of [budgetMetrics.limit, budgetMetrics.spent, budgetMetrics.reserved]) gauge.reset();
}
