// Real: two processes of the built service on one PostgreSQL server, HTTP, prices, budgets and the ledger. The providers
// are a stand-in on a loopback port that speaks their wire protocols.
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Problem } from '../src/common/errors/problem.js';
import { toDecimal, toTrillionths } from '../src/costs/money.js';
import { type ApiClient, createStorage, onServer, poll, type Storage } from './support/app.js';
import { collectStream } from './support/api-client.js';
import { answer, type Behaviour, FakeProvider, interrupted, status } from './support/fake-providers/index.js';
import { type ServiceProcess, spawnService } from './support/service-process.js';
import { parseSse } from './support/sse.js';

const CLAUDE = 'anthropic/claude-sonnet-5';
const GPT = 'openai/gpt-4o-mini';
/** Dollars per million tokens. */
const PRICES = {
  [CLAUDE]: { input_mtok: 3, output_mtok: 15, cache_read_mtok: 0.3, cache_write_mtok: 3.75 },
  [GPT]: { input_mtok: 0.15, output_mtok: 0.6, cache_read_mtok: 0.075, cache_write_mtok: 0.15 },
};
const DOCUMENT = { title: 'Key rotation', text: 'API keys are rotated every 90 days.' };
const ASKS = 500;
const AT_ONCE = 100;
/** Dollars: about a third of what all asks would come to. */
const BUDGET = '0.16';
const MAX_TOKENS = 100;
/** Every so many asks, the caller leaves in the middle of the answer. */
const LEAVER_EVERY = 10;

/** A repeatable source of numbers from 0 to 1 (the linear congruential generator of Numerical Recipes). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

const words = (count: number): string => Array.from({ length: count }, () => 'word').join(' ');

type Exchange = FakeProvider['lastRequest'];

const questionOf = (exchange: Exchange): string => JSON.stringify(exchange.body);

/** What the provider charges for one request, in trillionths of a dollar. */
function chargeOf({ path, billed }: Exchange): bigint {
  const price = PRICES[path === '/v1/messages' ? CLAUDE : GPT];
  // a millionth of a dollar is a million trillionths, so a price per million tokens is as many trillionths per token
  const each = (tokens: number, perMillion: number) => BigInt(tokens) * BigInt(Math.round(perMillion * 1e6));
  return (
    each(billed.inputTokens, price.input_mtok) +
    each(billed.outputTokens, price.output_mtok) +
    each(billed.cacheReadTokens, price.cache_read_mtok) +
    each(billed.cacheWriteTokens, price.cache_write_mtok)
  );
}

/** What the database holds, amounts in trillionths of a dollar. */
interface Books {
  ledger: bigint;
  spent: bigint;
  /** Reservations that have not expired, and how many rows there are, expired ones included. */
  held: bigint;
  reservations: number;
}

const BOOKS = `
  SELECT (SELECT coalesce(sum(cost_usd), 0)::text FROM llm_calls) AS ledger,
         (SELECT coalesce(sum(spent_usd), 0)::text FROM budgets) AS spent,
         (SELECT coalesce(sum(amount_usd), 0)::text FROM budget_reservations
          WHERE expires_at > clock_timestamp()) AS held,
         (SELECT count(*)::int FROM budget_reservations) AS reservations`;

/** Reads the shared database past the service; while it watches, it looks at the budget all the time. */
class BudgetWatch implements AsyncDisposable {
  /** Times that it looked, and the most that was spent and reserved together, in trillionths of a dollar. */
  samples = 0;
  peak = 0n;
  private readonly pool: pg.Pool;
  private isWatching = true;
  private watching: Promise<void> | undefined;

  constructor(connectionString: string) {
    this.pool = new pg.Pool({ connectionString, max: 4 });
  }

  async sql<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row & Record<string, unknown>>(text, values)).rows;
  }

  async books(): Promise<Books> {
    // one statement, so that all of it is of one moment
    const [row] = await this.sql<{ ledger: string; spent: string; held: string; reservations: number }>(
      BOOKS,
    );
    const { ledger, spent, held, reservations } = row!;
    return {
      ledger: toTrillionths(ledger),
      spent: toTrillionths(spent),
      held: toTrillionths(held),
      reservations,
    };
  }

  /** Waits until no reservation is left. */
  async settled(): Promise<void> {
    await poll('all is settled', async () => (await this.books()).reservations === 0);
  }

  begin(): void {
    this.watching = this.watch();
  }

  /** Looks no more. @throws the database's error, if it had one while it watched */
  async end(): Promise<void> {
    this.isWatching = false;
    await this.watching;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isWatching = false;
    await this.watching?.catch(() => undefined);
    await this.pool.end();
  }

  private async watch(): Promise<void> {
    while (this.isWatching) {
      const { spent, held } = await this.books();
      this.samples++;
      if (spent + held > this.peak) this.peak = spent + held;
      await wait(5);
    }
  }
}

let provider: FakeProvider;
let storage: Storage;
beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(async () => {
  storage = await createStorage();
});
afterEach(async () => {
  provider.reset();
  await storage.remove();
});
afterAll(() => provider.stop());

function replica(budget: string): ServiceProcess {
  return spawnService({
    ...storage.env,
    LLM_MODELS: `${CLAUDE},${GPT}`,
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    MODEL_PRICES: JSON.stringify(PRICES),
    LLM_MAX_CONCURRENCY: '200',
    // the provider fails on purpose
    LLM_BREAKER_FAILURES: '0',
    BUDGET_DAILY_USD: budget,
    LOG_LEVEL: 'warn',
  });
}

/** How one ask ended for its caller. `refused`: it did not fit although nothing else was under way. */
type End = 'answered' | 'failed' | 'left' | 'refused';

/** What the provider did with a request; `slow`: an answer that its caller leaves. */
type Play = 'answer' | 'slow' | 'cut' | 'garbage' | 'overloaded';

/** The asks of the first test, their callers, and what the provider does with them. */
class Rush {
  readonly ends: Record<End, number> = { answered: 0, failed: 0, left: 0, refused: 0 };
  /** The names of tries that were answered with 402, and how many tries there were. */
  readonly refusedTries: string[] = [];
  tries = 0;
  /** What the provider was told to do with each request. */
  readonly played = new Map<Exchange, Play>();
  private readonly random = randomFrom(20_250_101);

  constructor(
    private readonly clients: readonly ApiClient[],
    private readonly watch: BudgetWatch,
  ) {}

  /** Makes all asks, so many at once. */
  async run(): Promise<void> {
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < ASKS) {
        const end = await this.ask(next++);
        this.ends[end]++;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  /** Asks, and again while it is refused and others are under way, whose end may leave room. */
  async ask(index: number): Promise<End> {
    for (let number = 1; ; number++) {
      const before = await this.watch.books();
      const end = await this.try(index, `ask ${index} try ${number}`);
      if (end !== 'refused') return end;
      const after = await this.watch.books();
      if (before.reservations + after.reservations === 0 && before.spent === after.spent) return end;
      await wait(50 + 150 * Math.random());
    }
  }

  /** For `FakeProvider.default`. */
  readonly script = (exchange: Exchange): Behaviour => {
    const [kind, behaviour] = this.pick(exchange);
    this.played.set(exchange, kind);
    return behaviour;
  };

  private pick(exchange: Exchange): [Play, Behaviour] {
    const { random } = this;
    const index = Number(/ask (\d+)/.exec(questionOf(exchange))?.[1]);
    const usage = {
      inputTokens: 50 + Math.floor(random() * 500),
      cacheReadTokens: Math.floor(random() * 100),
      cacheWriteTokens: Math.floor(random() * 100),
    };
    const text = words(1 + Math.floor(random() * 90));
    if (isLeaver(index)) return ['slow', answer(words(90), { delayMs: 20, usage })];
    const luck = random();
    if (luck < 0.1) return ['overloaded', status(529, { 'retry-after-ms': '1' })];
    if (luck < 0.14) return ['garbage', interrupted(text, 'garbage', 0, { usage })];
    if (luck < 0.2) return ['cut', interrupted(text, 'cut', 1, { usage })];
    return ['answer', answer(text, { delayMs: 2, usage })];
  }

  private async try(index: number, name: string): Promise<End> {
    this.tries++;
    const client = this.clients[index % this.clients.length]!;
    const body = {
      question: `How often are API keys rotated, ${name}?`,
      max_tokens: MAX_TOKENS,
      // half of each replica's
      model: index % 4 < 2 ? CLAUDE : GPT,
    };
    const isStream = isLeaver(index) || index % 3 === 0;
    const leaver = new AbortController();
    const response = await client.fetch(isStream ? '/ask/stream' : '/ask', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: leaver.signal,
    });
    if (isLeaver(index) && response.ok) {
      await readTokens(response, 3);
      leaver.abort();
      return 'left';
    }
    if (!response.ok || !isStream) {
      const { code } = (await response.json()) as Partial<Problem>;
      if (response.status === 402) this.refusedTries.push(name);
      else expect([200, 502, 503], code).toContain(response.status);
      return response.ok ? 'answered' : response.status === 402 ? 'refused' : 'failed';
    }
    const { done } = await collectStream(response);
    return done === undefined ? 'failed' : 'answered';
  }
}

const isLeaver = (index: number): boolean => index % LEAVER_EVERY === 0;

/** Reads so many tokens of a stream. */
async function readTokens(response: Response, count: number): Promise<void> {
  let seen = 0;
  for await (const item of parseSse(response.body!))
    if (item.type === 'event' && item.event === 'token' && ++seen === count) return;
  throw new Error(`the stream ended after ${seen} tokens`);
}

/** The most that a refused call may have cost, in trillionths of a dollar. */
function worstCaseOf({ detail }: Problem): bigint {
  const [, amount] = /may cost up to \$(\d+\.\d+),/.exec(detail) ?? [];
  return toTrillionths(amount!);
}

describe.runIf(onServer)('a budget that begins', () => {
  it('counts the calls that are just being written', async () => {
    await using app = replica('1');
    await app.ready();
    const connect = async () => {
      const client = new pg.Client({ connectionString: storage.env['DATABASE_URL']! });
      await client.connect();
      return client;
    };
    const [writer, reserver] = [await connect(), await connect()];
    try {
      const key = randomUUID();
      const call = {
        id: randomUUID(),
        requestId: 'r',
        keyId: key,
        isRequest: true,
        operation: 'answer',
        model: 'm',
        attempt: 1,
        outcome: 'ok',
        inputTokens: 1,
        outputTokens: 1,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
        embeddingTokens: 0,
        estimated: false,
        costUsd: '1',
        latencyMs: 1,
      };
      const limits = JSON.stringify([
        { scope: key, period: 'day', limit_usd: '5' },
        { scope: key, period: 'month', limit_usd: '5' },
      ]);
      await writer.query('BEGIN');
      await writer.query('SELECT * FROM record_calls($1::jsonb, $2::uuid[])', [JSON.stringify([call]), []]);
      const reserved = reserver.query(
        "SELECT reserve_budget($1, 1, NULL, interval '30 s', $2::jsonb) AS verdict",
        [randomUUID(), limits],
      );
      // it waits for the writer, or the budget would begin without that call
      const waits = await poll('the reservation waits', async () => {
        const { rows } = await writer.query<{ n: number }>(
          "SELECT count(*)::int AS n FROM pg_locks WHERE relation = 'llm_calls'::regclass AND NOT granted",
        );
        return rows[0]!.n > 0 ? true : undefined;
      });
      expect(waits).toBe(true);
      await writer.query('COMMIT');
      const { rows } = await reserved;
      const { budgets } = (rows as { verdict: { budgets: { spentUsd: string }[] } }[])[0]!.verdict;
      expect(budgets.map(({ spentUsd }) => Number(spentUsd))).toEqual([1, 1]);
      // and those that are written afterwards, once each
      await writer.query('SELECT * FROM record_calls($1::jsonb, $2::uuid[])', [
        JSON.stringify([{ ...call, id: randomUUID() }, call]),
        [],
      ]);
      const spent = await writer.query<{ spent_usd: string }>(
        'SELECT spent_usd FROM budgets WHERE scope = $1',
        [key],
      );
      expect(spent.rows.map(({ spent_usd }) => Number(spent_usd))).toEqual([2, 2]);
    } finally {
      await Promise.all([writer.end(), reserver.end()]);
    }
  });
});

describe.runIf(onServer)('a budget that replicas share', () => {
  it('is spent to less than one worst case, never passed, and equals the ledger to the last digit', async ({
    annotate,
  }) => {
    await using first = replica(BUDGET);
    await using second = replica(BUDGET);
    const clients = await Promise.all([first.ready(), second.ready()]);
    await clients[0].addDocument(DOCUMENT);
    await using watch = new BudgetWatch(storage.env['DATABASE_URL']!);
    const rush = new Rush(clients, watch);
    provider.default(rush.script);

    watch.begin();
    const started = performance.now();
    await rush.run();
    const seconds = (performance.now() - started) / 1000;
    await provider.settled(10_000);
    await watch.settled();
    const { problem, more } = await askUntilRefused(clients);
    await watch.end();

    const books = await watch.books();
    const limit = toTrillionths(BUDGET);
    const worst = worstCaseOf(problem);
    const left = limit - books.spent;
    await annotate(
      `spent ${toDecimal(books.spent)}, limit ${BUDGET}, left ${toDecimal(left)}, worst case ${toDecimal(worst)}; ` +
        `${JSON.stringify(rush.ends)}, ${more} more one by one; ${rush.tries} tries, ${rush.refusedTries.length} refused, ` +
        `${provider.requests.length} sent; ${watch.samples} samples, peak ${toDecimal(watch.peak)}; ${seconds.toFixed(1)} s`,
    );
    expect(books).toMatchObject({ spent: books.ledger, held: 0n, reservations: 0 });
    expect(left).toBeGreaterThanOrEqual(0n);
    expect(left).toBeLessThan(worst);
    expect(watch.peak).toBeLessThanOrEqual(limit);
    expect(watch.samples).toBeGreaterThan(100);
    expect(rush.ends.refused).toBeGreaterThan(ASKS / 4);
    expect(rush.ends.answered).toBeGreaterThan(ASKS / 10);
    await expectBillsFor(rush, watch);
    expectNothingSent(rush);
  }, 120_000);

  it('stays whole when one replica is killed in the middle of streams', async ({ annotate }) => {
    const budget = '0.75';
    await using doomed = replica(budget);
    await using survivor = replica(budget);
    const [dying, living] = await Promise.all([doomed.ready(), survivor.ready()]);
    await living.addDocument(DOCUMENT);
    await using watch = new BudgetWatch(storage.env['DATABASE_URL']!);
    watch.begin();
    const leaver = new AbortController();
    const { own, kept, lost } = await fillBudget(dying, living, watch, leaver.signal);

    doomed.kill('SIGKILL');
    expect(await doomed.exit()).toBe('SIGKILL');
    const broken = await Promise.allSettled(lost.map((response) => response.text()));
    expect(broken.map((one) => one.status)).toEqual(['rejected', 'rejected', 'rejected']);
    await provider.until(({ requests }) => requests.filter(({ aborted }) => aborted).length === 3);
    const { orphans, lateMs, small, refused } = await expectFreedInTime(living, watch, own);
    await expectRenewed(own, watch);

    leaver.abort();
    await kept.text().catch(() => undefined);
    await watch.settled();
    await watch.end();
    const books = await watch.books();
    await annotate(
      `held by the dead ${orphans.map(({ amount }) => amount).join(' + ')}; free ${lateMs} ms after the last lease; meanwhile ` +
        `${small} small asks answered, ${refused} large ones refused; spent ${toDecimal(books.spent)} of ${budget}; ` +
        `${watch.samples} samples, peak ${toDecimal(watch.peak)}`,
    );
    expect(books).toMatchObject({ spent: books.ledger, held: 0n });
    expect(watch.peak).toBeLessThanOrEqual(toTrillionths(budget));
    // all but the three calls of the dead
    const [{ count }] = (await watch.sql(ANSWERS)) as [{ count: number }];
    expect(count).toBe(provider.requests.length - 3);
    const told = [...survivor.log.matchAll(/(\d+) budget reservations expired/g)];
    expect(told.reduce((sum, [, expired]) => sum + Number(expired), 0)).toBe(3);
  }, 120_000);
});

/** What is left may still be enough for some: they go one by one, until one is refused with nothing else under way. */
async function askUntilRefused(clients: readonly ApiClient[]): Promise<{ problem: Problem; more: number }> {
  const body = { question: `How often are API keys rotated, ask ${ASKS + 1} try 1?`, max_tokens: MAX_TOKENS };
  for (let more = 0; ; more++) {
    const { status: code, body: said } = await clients[more % clients.length]!.post('/ask', body);
    if (code === 402) return { problem: said as Problem, more };
  }
}

/** $0.48 of output: fits beside the survivor's own stream, and not beside a single one of the other's too. */
const LARGE = { question: 'How often are API keys rotated?', max_tokens: 32_000 };
const SMALL = { ...LARGE, max_tokens: 10 };
/** $0.15 of output and the prompt: one of the survivor's and three of the other's fit into the budget. */
const LONG = { question: 'How often are API keys rotated, at length?', max_tokens: 10_000 };

/** Begins one stream on the replica that shall live and three on the one that shall die. */
async function fillBudget(dying: ApiClient, living: ApiClient, watch: BudgetWatch, signal: AbortSignal) {
  provider.default((exchange) =>
    questionOf(exchange).includes('at length')
      ? answer(words(300), { delayMs: 400, usage: { inputTokens: 300 } })
      : answer('Every 90 days.', { usage: { inputTokens: 300 } }),
  );
  const kept = await living.openStream(LONG, { signal });
  const [own] = await watch.sql<Lease>(LEASES);
  const lost = await Promise.all([1, 2, 3].map(() => dying.openStream(LONG)));
  await provider.until(
    ({ requests }) => requests.length === 4 && requests.every(({ billed }) => billed.outputTokens > 2),
    20_000,
  );
  expect((await living.post('/ask', LARGE)).status).toBe(402);
  return { own: own!, kept, lost };
}

/** Expects that what the dead held stays counted until its leases are over, and is free then; the living go on. */
async function expectFreedInTime(living: ApiClient, watch: BudgetWatch, own: Lease) {
  const orphans = (await watch.sql<Lease>(LEASES)).filter(({ id }) => id !== own.id);
  expect(orphans).toHaveLength(3);
  const ends = orphans.map(({ expires_at }) => expires_at.getTime());
  expect(Math.max(...ends) - Date.now()).toBeLessThanOrEqual(30_000);
  expect(Math.min(...ends) - Date.now()).toBeGreaterThan(10_000);
  let small = 0;
  let refused = 0;
  const look = async (): Promise<number | undefined> => {
    await living.ask(SMALL);
    small++;
    const { status: code } = await living.post('/ask', LARGE);
    const [{ now, orphaned }] = (await watch.sql(ORPHANED, [orphans.map(({ id }) => id)])) as [Orphaned];
    if (code === 200) return now.getTime();
    expect(code).toBe(402);
    refused++;
    if (now.getTime() < Math.min(...ends)) expect(orphaned).toBe(3);
    await wait(300);
    return undefined;
  };
  const lateMs = (await poll('what the dead one held is free', look, 60_000)) - Math.max(...ends);
  expect(lateMs).toBeGreaterThanOrEqual(0);
  expect(lateMs).toBeLessThan(5_000);
  return { orphans, lateMs, small, refused };
}

/** Expects that a lease whose process lives has outlasted its first half minute. */
async function expectRenewed(own: Lease, watch: BudgetWatch): Promise<void> {
  const leases = await watch.sql<Lease>(LEASES);
  expect(leases.map(({ id, amount }) => [id, amount])).toEqual([[own.id, own.amount]]);
  expect(leases[0]!.expires_at.getTime()).toBeGreaterThan(own.expires_at.getTime());
  expect(leases[0]!.expires_at.getTime()).toBeGreaterThan(Date.now());
}

interface Lease {
  id: string;
  amount: string;
  expires_at: Date;
}

interface Orphaned {
  now: Date;
  orphaned: number;
}

const LEASES = 'SELECT id::text, amount_usd::text AS amount, expires_at FROM budget_reservations';
const ORPHANED = `
  SELECT clock_timestamp() AS now, (SELECT count(*)::int FROM budget_reservations
    WHERE id = ANY ($1::uuid[]) AND expires_at > clock_timestamp()) AS orphaned`;
const ANSWERS = `SELECT count(*)::int AS count FROM llm_calls WHERE operation = 'answer'`;

/** Expects a ledger entry for every request that the provider had, and of every whole answer the provider's own price. */
async function expectBillsFor({ played }: Rush, watch: BudgetWatch): Promise<void> {
  const rows = await watch.sql<{ kind: string; calls: number; cost: string }>(
    `SELECT outcome || CASE WHEN cost_usd > 0 THEN ', billed' ELSE ', free' END AS kind, count(*)::int AS calls,
            sum(cost_usd)::text AS cost
     FROM llm_calls WHERE operation = 'answer' GROUP BY 1`,
  );
  const exchanges = (...kinds: string[]): Exchange[] =>
    [...played].filter(([, did]) => kinds.includes(did)).map(([exchange]) => exchange);
  const calls = (kind: RegExp): number =>
    rows.reduce((sum, row) => sum + (kind.test(row.kind) ? row.calls : 0), 0);
  const whole = exchanges('answer');
  expect(whole.every(({ aborted }) => !aborted)).toBe(true);
  expect(exchanges('slow').every(({ aborted }) => aborted)).toBe(true);
  expect(calls(/^ok, billed/)).toBe(whole.length);
  expect(calls(/^aborted, billed/)).toBe(exchanges('slow').length);
  // a cut connection may take the text with it that came last
  expect(calls(/^cut, billed/)).toBeLessThanOrEqual(exchanges('cut').length);
  expect(calls(/^(cut|failed), /)).toBe(exchanges('cut', 'garbage', 'overloaded').length);
  // accepted, so the prompt was billed
  expect(calls(/^(cut|failed), billed/)).toBeGreaterThanOrEqual(exchanges('garbage').length);
  expect(calls(/./)).toBe(played.size);
  const { cost } = rows.find(({ kind }) => kind === 'ok, billed')!;
  expect(toTrillionths(cost)).toBe(whole.reduce((sum, exchange) => sum + chargeOf(exchange), 0n));
}

/** Expects that the provider has seen nothing of what was refused, except attempts whose bill left no room for another. */
function expectNothingSent({ refusedTries, played }: Rush): void {
  const sent = new Map<string, Exchange[]>();
  for (const exchange of played.keys()) {
    const name = /ask \d+ try \d+/.exec(questionOf(exchange))![0];
    sent.set(name, [...(sent.get(name) ?? []), exchange]);
  }
  for (const name of refusedTries) {
    const exchanges = sent.get(name) ?? [];
    if (exchanges.length === 0) continue;
    expect(exchanges.some(({ billed }) => billed.inputTokens > 0)).toBe(true);
    const kinds = exchanges.map((exchange) => played.get(exchange));
    expect(kinds.filter((kind) => kind === 'answer' || kind === 'slow')).toEqual([]);
  }
}
