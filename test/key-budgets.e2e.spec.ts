// Real: HTTP, database, prices, budgets, the ledger, ingestion and the response cache. The providers are a stand-in that
// speaks their wire protocols.
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerDto } from '../src/ask/dto/answer.dto.js';
import type { CostSummary } from '../src/costs/cost-summary.dto.js';
import { Budgets } from '../src/costs/budgets.js';
import { toTrillionths } from '../src/costs/money.js';
import type { AcceptedDocumentsDto } from '../src/documents/dto/document.dto.js';
import { type ApiClient, expectProblem, poll, startApp, type TestApp } from './support/app.js';
import { answer, type Behaviour, FakeProvider, hangBeforeHeaders } from './support/fake-providers/index.js';
import { ADMIN_KEY, makeKey, type TestKey, withSecret } from './support/keys.js';

const CLAUDE = 'anthropic/claude-sonnet-5';
const EMBEDDING = 'openai/text-embedding-3-small';
/** Dollars per million tokens. */
const PRICES = {
  [CLAUDE]: { input_mtok: 3, output_mtok: 15 },
  [EMBEDDING]: { input_mtok: 0.02, output_mtok: 0 },
};
const DOCUMENT = { title: 'Key rotation', text: 'API keys are rotated every 90 days.' };
const QUESTION = 'How often are API keys rotated?';
const USAGE = { inputTokens: 300, outputTokens: 60 };
const ANSWER = answer('Every 90 days.', { usage: USAGE });
/** What {@link ANSWER} costs, in trillionths of a dollar. */
const COST = 1_800_000_000n;
const SMALL = { question: QUESTION, max_tokens: 60 };
/** $0.48 of output. */
const LARGE = { question: QUESTION, max_tokens: 32_000 };

let provider: FakeProvider;
beforeAll(async () => {
  provider = await FakeProvider.start();
});
afterEach(() => provider.reset());
afterAll(() => provider.stop());

async function start(env: Record<string, string> = {}): Promise<{ app: TestApp; admin: ApiClient }> {
  const app = await startApp({
    ADMIN_API_KEY: ADMIN_KEY,
    RATE_LIMIT_CONCURRENCY: '0',
    RATE_LIMIT_TPM: '0',
    LLM_MODELS: CLAUDE,
    LLM_BREAKER_FAILURES: '0',
    LLM_MAX_RETRIES: '0',
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    MODEL_PRICES: JSON.stringify(PRICES),
    ...env,
  });
  const admin = withSecret(app, ADMIN_KEY);
  return { app, admin };
}

interface Bill {
  key_id: string | null;
  operation: string;
  cost_usd: string;
  outcome: string;
}
/** The ledger of some operations, by key. */
function bills(app: TestApp, ...operations: string[]): Promise<Bill[]> {
  return app.sql<Bill>(
    `SELECT key_id, operation, coalesce(cost_usd, 0)::text AS cost_usd, outcome FROM llm_calls
     WHERE cardinality($1::text[]) = 0 OR operation = ANY ($1) ORDER BY created_at, id`,
    [operations],
  );
}

/** What a key has spent by the ledger, in trillionths of a dollar. */
async function spentBy(app: TestApp, keyId: string): Promise<bigint> {
  const own = (await bills(app)).filter(({ key_id }) => key_id === keyId);
  return own.reduce((sum, { cost_usd }) => sum + toTrillionths(cost_usd), 0n);
}

const budgetsOf = async (admin: ApiClient, scope: string) =>
  (await admin.costs()).budgets.filter((budget) => budget.scope === scope);

const held = (app: TestApp) =>
  app.sql<{ id: string; scope: string; period: string; amount: string }>(
    'SELECT id::text, scope, period, amount_usd::text AS amount FROM budget_reservations ORDER BY scope, period',
  );

async function nothingHeld(app: TestApp): Promise<void> {
  await poll('all is settled', async () => (await held(app)).length === 0);
}

describe('two keys with budgets of their own', () => {
  let app: TestApp;
  let admin: ApiClient;
  beforeAll(async () => {
    ({ app, admin } = await start());
    await admin.addDocument(DOCUMENT);
  });
  afterAll(() => app.stop());

  it('are each held to theirs, to the last digit, at the same time', async () => {
    provider.default(answer('Every 90 days.', { usage: USAGE, delayMs: 2 }));
    const keys = [
      { ...(await makeKey(admin, { daily_usd: 0.03 })), limit: '0.03', period: 'daily' },
      { ...(await makeKey(admin, { monthly_usd: 0.05, daily_usd: 1 })), limit: '0.05', period: 'monthly' },
    ];
    const over = new AbortController();
    let samples = 0;
    const watching = (async () => {
      while (!over.signal.aborted) {
        const books = await app.sql<{ scope: string; limit: string; taken: string }>(
          `SELECT k.id AS scope, coalesce(least(k.monthly_usd, k.daily_usd), k.monthly_usd, k.daily_usd)::text AS limit,
                  (max(b.spent_usd) + coalesce((SELECT sum(amount_usd) FROM budget_reservations r
                   WHERE r.scope = k.id::text AND r.period = min(b.period) AND r.expires_at > clock_timestamp()), 0))::text AS taken
           FROM api_keys k JOIN budgets b ON b.scope = k.id::text GROUP BY k.id`,
        );
        for (const { limit, taken } of books)
          expect(toTrillionths(taken)).toBeLessThanOrEqual(toTrillionths(limit));
        samples += books.length;
        await wait(1);
      }
    })();

    const served = await Promise.all(
      keys.map(async ({ client }) => {
        for (let sum = 0; ;) {
          const replies = await Promise.all(Array.from({ length: 10 }, () => client.post('/ask', SMALL)));
          const answered = replies.filter(({ status }) => status === 200).length;
          expect(replies.every(({ status }) => status === 200 || status === 402)).toBe(true);
          sum += answered;
          if (answered === 0) return sum;
        }
      }),
    );
    over.abort();
    await watching;
    await nothingHeld(app);

    expect(samples).toBeGreaterThan(20);
    for (const [index, { id, limit, period, client }] of keys.entries()) {
      const spent = await spentBy(app, id);
      expect(spent).toBe(COST * BigInt(served[index]!));
      for (const { spent_usd, reserved_usd } of await budgetsOf(admin, id)) {
        expect(toTrillionths(spent_usd.toFixed(12))).toBe(spent);
        expect(reserved_usd).toBe(0);
      }
      const problem = expectProblem(await client.post('/ask', SMALL), 402, 'BUDGET_EXCEEDED');
      expect(problem.detail).toContain(`the key's ${period} budget`);
      const worst = toTrillionths(/up to \$([\d.]+)/.exec(problem.detail)![1]!);
      expect(toTrillionths(limit) - spent).toBeLessThan(worst);
      expectProblem(await client.post('/ask/stream', SMALL), 402, 'BUDGET_EXCEEDED');
    }
    // nobody else is
    await admin.ask(SMALL);
    await (await makeKey(admin)).client.ask(SMALL);
  });

  it('count what a key had spent when its budget is set in the middle of a period, and not what others had', async () => {
    provider.default(ANSWER);
    const [one, other] = [await makeKey(admin), await makeKey(admin)];
    await one.client.ask(SMALL);
    await one.client.ask(SMALL);
    await other.client.ask(SMALL);
    expect(await budgetsOf(admin, one.id)).toEqual([]);
    await admin.patch(`/keys/${one.id}`, { daily_usd: 0.0037, monthly_usd: 5 });
    expect(await budgetsOf(admin, one.id)).toMatchObject([
      { period: 'day', limit_usd: 0.0037, spent_usd: 0.0036, reserved_usd: 0 },
      { period: 'month', limit_usd: 5, spent_usd: 0.0036, reserved_usd: 0 },
    ]);
    expectProblem(await one.client.post('/ask', SMALL), 402, 'BUDGET_EXCEEDED');
    await other.client.ask(SMALL);
    // goes on counting while there is none, and all of it counts when there is one again
    await admin.patch(`/keys/${one.id}`, { daily_usd: null });
    await one.client.ask(SMALL);
    await admin.patch(`/keys/${one.id}`, { daily_usd: 1 });
    expect(await budgetsOf(admin, one.id)).toMatchObject([
      { period: 'day', limit_usd: 1, spent_usd: 0.0054 },
      { period: 'month', limit_usd: 5, spent_usd: 0.0054 },
    ]);
    await one.client.ask(SMALL);
    expect((await budgetsOf(admin, one.id)).map(({ spent_usd }) => spent_usd)).toEqual([0.0072, 0.0072]);
  });

  it('begin without adding up the ledger for budgets that have begun', async () => {
    provider.default(ANSWER);
    const key = await makeKey(admin, { monthly_usd: 5 });
    await key.client.ask(SMALL);
    const [made] = await app.sql<{ text: string }>(
      "SELECT pg_get_functiondef('spent_in_period(text, text, date)'::regprocedure) AS text",
    );
    await app.sql(
      `CREATE OR REPLACE FUNCTION spent_in_period(scope text, period text, starts_on date) RETURNS numeric
       LANGUAGE plpgsql AS $$ BEGIN ASSERT period = 'day', 'a month was added up'; RETURN 0; END $$`,
    );
    try {
      await admin.patch(`/keys/${key.id}`, { daily_usd: 5 });
      await key.client.ask(SMALL);
    } finally {
      await app.sql(made!.text);
    }
  });

  it('of nothing refuse whatever may cost something, and nothing else', async () => {
    provider.default(ANSWER);
    const { client } = await makeKey(admin, { daily_usd: 0 });
    const before = provider.requests.length;
    expectProblem(await client.post('/ask', SMALL), 402, 'BUDGET_EXCEEDED');
    expect((await client.post('/search', { queries: [QUESTION] })).status).toBe(200);
    expect(provider.requests).toHaveLength(before);
  });

  it('stay with the key when it is rotated', async () => {
    provider.default(ANSWER);
    const key = await makeKey(admin, { daily_usd: 0.0019 });
    await admin.patch(`/keys/${key.id}`, { daily_usd: 1 });
    await key.client.ask(SMALL);
    await admin.patch(`/keys/${key.id}`, { daily_usd: 0.0019 });
    const { body } = await admin.post<TestKey>(`/keys/${key.id}/rotate`, {});
    expectProblem(await withSecret(app, body.secret).post('/ask', SMALL), 402, 'BUDGET_EXCEEDED');
  });

  it('bound what a key has begun, also when it is revoked, and are listed no longer', async () => {
    const { id } = await makeKey(admin, { daily_usd: 0.01, monthly_usd: 0.02 });
    const budgets = app.app.get(Budgets, { strict: false });
    const limits = { id, dailyUsd: '0.010000000000', monthlyUsd: '0.020000000000' };
    expect(await budgets.payer(id)).toEqual(limits);
    await admin.delete(`/keys/${id}`);
    expect(await budgets.payer(id)).toEqual(limits);
    expect(await budgetsOf(admin, id)).toEqual([]);
  });
});

describe('the budgets of the service and of a key', () => {
  let app: TestApp;
  let admin: ApiClient;
  beforeAll(async () => {
    ({ app, admin } = await start({ BUDGET_DAILY_USD: '0.9' }));
    await admin.addDocument(DOCUMENT);
  });
  afterAll(() => app.stop());

  /** Begins an ask that the provider never answers; the returned function gives it up. */
  async function hang(client: ApiClient): Promise<() => Promise<void>> {
    const before = provider.requests.length;
    provider.next(hangBeforeHeaders());
    const controller = new AbortController();
    const asked = client.post('/ask', LARGE, { signal: controller.signal }).catch(() => undefined);
    await provider.until(({ requests }) => requests.length === before + 1, 10_000);
    return async () => {
      controller.abort();
      await asked;
      await nothingHeld(app);
    };
  }

  it('hold the same, under one reservation, and are charged the same', async () => {
    const key = await makeKey(admin, { daily_usd: 0.6, monthly_usd: 0.7 });
    const giveUp = await hang(key.client);
    const rows = await held(app);
    expect(rows.map(({ scope, period }) => [scope, period])).toEqual([
      [key.id, 'day'],
      [key.id, 'month'],
      ['service', 'day'],
    ]);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(1);
    expect(new Set(rows.map(({ amount }) => amount)).size).toBe(1);
    const all = (await admin.costs()).budgets.map(({ reserved_usd }) => reserved_usd);
    expect(new Set(all).size).toBe(1);
    expect(all[0]).toBeGreaterThan(0.48);
    await giveUp();
    provider.next(ANSWER);
    await key.client.ask(SMALL);
    for (const { spent_usd, reserved_usd } of (await admin.costs()).budgets)
      expect({ spent_usd, reserved_usd }).toEqual({ spent_usd: 0.0018, reserved_usd: 0 });
  });

  it("hold nothing where the key's has room and the service's has none", async () => {
    const key = await makeKey(admin, { daily_usd: 5, monthly_usd: 5 });
    const giveUp = await hang(admin);
    const problem = expectProblem(await key.client.post('/ask', LARGE), 402, 'BUDGET_EXCEEDED');
    expect(problem.detail).toContain("the service's daily budget");
    expect((await held(app)).map(({ scope }) => scope)).toEqual(['service']);
    for (const { reserved_usd, spent_usd } of await budgetsOf(admin, key.id))
      expect({ reserved_usd, spent_usd }).toEqual({ reserved_usd: 0, spent_usd: 0 });
    await giveUp();
  });

  it("hold nothing where the service's has room and the key's has none", async () => {
    const key = await makeKey(admin, { daily_usd: 0.1, monthly_usd: 5 });
    const problem = expectProblem(await key.client.post('/ask', LARGE), 402, 'BUDGET_EXCEEDED');
    expect(problem.detail).toContain("the key's daily budget");
    expect(problem.detail).not.toContain(key.id);
    expect(await held(app)).toEqual([]);
  });

  it('never pass either limit together, whatever the keys', async () => {
    provider.default(answer('Every 90 days.', { usage: { inputTokens: 1_000, outputTokens: 3_000 } }));
    const keys = [
      await makeKey(admin, { daily_usd: 0.3 }),
      await makeKey(admin, { daily_usd: 5 }),
      await makeKey(admin),
    ];
    const ask = { question: QUESTION, max_tokens: 3_000 };
    for (let answered = 1; answered > 0;) {
      const replies = await Promise.all(
        Array.from({ length: 12 }, (_, index) => keys[index % 3]!.client.post('/ask', ask)),
      );
      answered = replies.filter(({ status }) => status === 200).length;
      expect(replies.every(({ status }) => status === 200 || status === 402)).toBe(true);
    }
    const all = await bills(app);
    const total = all.reduce((sum, { cost_usd }) => sum + toTrillionths(cost_usd), 0n);
    expect(total).toBeLessThanOrEqual(toTrillionths('0.9'));
    expect(total).toBeGreaterThan(toTrillionths('0.8'));
    expect(await spentBy(app, keys[0]!.id)).toBeLessThanOrEqual(toTrillionths('0.3'));
    const [service] = await budgetsOf(admin, 'service');
    expect(toTrillionths(service!.spent_usd.toFixed(12))).toBe(total);
  });
});

describe('GET /metrics', () => {
  const SUMMED = ['cost_usd', 'requests', 'calls', 'unpriced_calls'] as const;

  /** Expects that the parts are the whole, and returns who they are of. */
  function expectSum(summary: CostSummary): string[] {
    const sum = (field: (typeof SUMMED)[number]) => summary.by_key.reduce((all, one) => all + one[field], 0);
    expect(sum('cost_usd')).toBeCloseTo(summary.total_cost_usd, 11);
    expect(sum('requests')).toBe(summary.total_requests);
    expect(sum('calls')).toBe(summary.by_model.reduce((all, one) => all + one.calls, 0));
    expect(sum('unpriced_calls')).toBe(summary.unpriced_calls);
    for (const [name, count] of Object.entries(summary.total_tokens))
      expect(
        summary.by_key.reduce((all, { tokens }) => all + tokens[name as keyof typeof tokens], 0),
        name,
      ).toBe(count);
    return summary.by_key.map(({ key_id }) => key_id);
  }

  it('tells by_key what each has cost, names ids, and adds up to the total', async () => {
    provider.default(ANSWER);
    const { app, admin } = await start();
    try {
      await admin.addDocument(DOCUMENT);
      const keys = [await makeKey(admin), await makeKey(admin, { scopes: ['search', 'metrics'] })];
      await admin.ask(SMALL);
      await keys[0]!.client.ask(SMALL);
      await keys[0]!.client.ask(SMALL);
      await keys[1]!.client.search(QUESTION);
      const summary = await keys[1]!.client.costs();
      // no price is asked for the built-in embedding, and nobody else has called anything
      expect(expectSum(summary).sort()).toEqual(['admin', ...keys.map(({ id }) => id)].sort());
      const own = summary.by_key.find(({ key_id }) => key_id === keys[0]!.id);
      expect(own).toMatchObject({ cost_usd: 0.0036, requests: 2 });
      expect(summary.by_key.find(({ key_id }) => key_id === keys[1]!.id)).toMatchObject({
        cost_usd: 0,
        requests: 1,
      });
      expect(summary.by_key.find(({ key_id }) => key_id === 'admin')).toMatchObject({
        cost_usd: 0.0018,
        requests: 1,
      });
      expect(JSON.stringify(summary)).not.toMatch(/fn_/);
      // a revoked key stays in the bill
      await admin.delete(`/keys/${keys[0]!.id}`);
      expect(expectSum(await admin.costs())).toContain(keys[0]!.id);
    } finally {
      await app.stop();
    }
  });

  it('names who calls without a key where authentication is off', async () => {
    provider.default(ANSWER);
    const open = (await start({ ADMIN_API_KEY: '' })).app;
    try {
      await open.addDocument(DOCUMENT);
      const key = await makeKey(open, { daily_usd: 0.0019 });
      await open.ask(SMALL);
      await open.with({ authorization: 'Bearer anything' }).ask(SMALL);
      expectProblem(await key.client.post('/ask', SMALL), 402, 'BUDGET_EXCEEDED');
      await open.patch(`/keys/${key.id}`, { daily_usd: 1 });
      await key.client.ask(SMALL);
      const summary = await open.costs();
      expectSum(summary);
      expect(summary.by_key.find(({ key_id }) => key_id === 'anonymous')).toMatchObject({ cost_usd: 0.0036 });
      expect(summary.by_key.find(({ key_id }) => key_id === key.id)).toMatchObject({ cost_usd: 0.0018 });
    } finally {
      await open.stop();
    }
  });
});

describe('documents that are embedded for money', () => {
  let app: TestApp;
  let admin: ApiClient;
  beforeAll(async () => {
    ({ app, admin } = await start({ EMBEDDING_MODEL: EMBEDDING, LLM_MODELS: 'extractive' }));
  });
  afterAll(() => app.stop());
  const ingesting = (settings: object) => makeKey(admin, { scopes: ['ingest', 'search'], ...settings });
  const embedded = async () =>
    (await bills(app, 'document_embedding')).map(({ key_id, cost_usd }) => [key_id, Number(cost_usd) > 0]);

  it('are billed to the key that sent them, and those of others to others', async () => {
    const key = await ingesting({ monthly_usd: 1 });
    await key.client.addDocument(DOCUMENT);
    await admin.addDocument({ title: 'Other', text: 'Something else altogether.' });
    expect(await embedded()).toEqual([
      [key.id, true],
      ['admin', true],
    ]);
    const [budget] = await budgetsOf(admin, key.id);
    expect(toTrillionths(budget!.spent_usd.toFixed(12))).toBe(await spentBy(app, key.id));
    await key.client.search(QUESTION);
    const queries = await bills(app, 'query_embedding');
    expect(queries.map(({ key_id }) => key_id)).toEqual([key.id]);
  });

  it("are refused by that key's budget, and not by another's", async () => {
    const before = await embedded();
    const requests = provider.requests.length;
    const key = await ingesting({ daily_usd: 0 });
    const reply = await key.client.post<AcceptedDocumentsDto>('/documents', {
      title: 'Refused',
      text: 'Nobody pays for this.',
    });
    expect(reply.status).toBe(202);
    const { id } = reply.body.documents[0]!;
    const error = await poll('the document is refused', async () => (await key.client.document(id)).error);
    expect(error).toMatch(/the key's daily budget/);
    expect(provider.requests).toHaveLength(requests);
    expect(await embedded()).toEqual(before);
    expect(await held(app)).toEqual([]);
    // whoever sends it again pays
    const other = await ingesting({ daily_usd: 1 });
    await other.client.addDocument({ title: 'Refused', text: 'Nobody pays for this.' });
    expect(await embedded()).toEqual([...before, [other.id, true]]);
  });
});

describe('what is judged, kept and shared', () => {
  let app: TestApp;
  let admin: ApiClient;
  beforeAll(async () => {
    ({ app, admin } = await start({ RESPONSE_CACHE_TTL_S: '600' }));
    await admin.addDocument(DOCUMENT);
  });
  afterAll(() => app.stop());

  let asked = 0;
  /** Something that nobody has asked before. */
  const newAsk = () => ({
    question: `How often are API keys rotated? Ticket ${++asked}.`,
    cache: true,
    max_tokens: 60,
  });
  const isJudging = ({ body }: { body: Record<string, unknown> }) =>
    JSON.stringify(body).includes('You judge an answer');
  const JUDGEMENT = '{"faithfulness": 1, "relevance": 1, "reasons": "It says so."}';
  const slow = (): Behaviour => answer('word '.repeat(60), { delayMs: 20, usage: USAGE });

  const since = async (start: number) => (await bills(app)).slice(start);
  const count = async () => (await bills(app)).length;

  it('the judge is billed to who asked, and refused by its budget', async () => {
    provider.default((exchange) =>
      isJudging(exchange) ? answer(JUDGEMENT, { usage: { inputTokens: 400, outputTokens: 30 } }) : ANSWER,
    );
    const key = await makeKey(admin, { daily_usd: 1 });
    const start = await count();
    const { evaluation } = await key.client.ask({ ...SMALL, evaluate: true });
    expect(evaluation).toMatchObject({ faithfulness: 1 });
    const paid = (await since(start)).filter(({ cost_usd }) => Number(cost_usd) > 0);
    expect(paid.map(({ key_id, operation }) => [key_id, operation])).toEqual([
      [key.id, 'answer'],
      [key.id, 'judge'],
    ]);
    // enough for the answer, and not for the 600 tokens of the judge
    const poor = await makeKey(admin, { daily_usd: 0.007 });
    const refused = await poor.client.ask({ ...SMALL, evaluate: true });
    expect(refused.evaluation).toMatchObject({ error: expect.stringMatching(/the key's daily budget/) });
    await nothingHeld(app);
  });

  it('an answer that was kept costs who gets it again nothing', async () => {
    provider.default(ANSWER);
    const [one, other] = [await makeKey(admin), await makeKey(admin, { daily_usd: 0 })];
    const [ask, start] = [newAsk(), await count()];
    await one.client.ask(ask);
    expect(await other.client.ask(ask)).toMatchObject({ cached: true, cost_usd: 0 });
    const paid = (await since(start)).filter(({ cost_usd }) => Number(cost_usd) > 0);
    expect(paid.map(({ key_id }) => key_id)).toEqual([one.id]);
  });

  it('an answer that is shared is billed to who asked first, also when it leaves', async () => {
    provider.default(slow);
    const [first, second] = [await makeKey(admin, { daily_usd: 1 }), await makeKey(admin, { daily_usd: 1 })];
    const [ask, start] = [newAsk(), await count()];
    const leaver = new AbortController();
    const leading = first.client.post('/ask', ask, { signal: leaver.signal }).catch(() => undefined);
    await provider.until(({ requests }) => requests.length === 1, 10_000);
    const following = await second.client.openStream(ask);
    const reader = following.body!.getReader();
    let seen = '';
    while (!seen.includes('event: token')) seen += Buffer.from((await reader.read()).value).toString();
    leaver.abort();
    await leading;
    for (let part = await reader.read(); !part.done; part = await reader.read())
      seen += Buffer.from(part.value).toString();
    expect(seen).toContain('event: done');
    expect(seen).toContain('"cached":true');
    await nothingHeld(app);
    expect(provider.requests).toHaveLength(1);
    const paid = (await since(start)).filter(({ cost_usd }) => Number(cost_usd) > 0);
    expect(paid.map(({ key_id, outcome }) => [key_id, outcome])).toEqual([[first.id, 'ok']]);
    expect(await spentBy(app, second.id)).toBe(0n);
    expect((await budgetsOf(admin, first.id))[0]!.spent_usd).toBe(0.0018);
  });

  it("nobody is refused for what is left of another's budget, when both ask at once", async () => {
    provider.default(ANSWER);
    const [poor, rich] = [await makeKey(admin, { daily_usd: 0 }), await makeKey(admin, { daily_usd: 1 })];
    for (let round = 0; round < 20; round++) {
      const ask = newAsk();
      const replies = await Promise.all(
        [poor, rich, poor, rich, rich, poor].map(async ({ id, client }) => ({
          isRich: id === rich.id,
          ...(await client.post<AnswerDto>('/ask', ask)),
        })),
      );
      for (const { isRich, status, body } of replies)
        if (isRich) expect(status, JSON.stringify(body)).toBe(200);
        // or it is given what the other has paid for
        else expect([200, 402]).toContain(status);
    }
    expect(await spentBy(app, poor.id)).toBe(0n);
    expect(await spentBy(app, rich.id)).toBe(20n * COST);
  });
});
