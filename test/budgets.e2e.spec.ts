// Real: HTTP, database, prices, budgets and the ledger. The provider is a stand-in that speaks its wire protocols.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createStorage, expectProblem, startApp, type Storage, type TestApp } from './support/app.js';
import {
  answer,
  FakeProvider,
  hangBeforeHeaders,
  interrupted,
  status,
} from './support/fake-providers/index.js';

const CLAUDE = 'anthropic/claude-sonnet-5';
const EMBEDDING = 'openai/text-embedding-3-small';
const PRICES = {
  [CLAUDE]: { input_mtok: 3, output_mtok: 15, cache_read_mtok: 0.3, cache_write_mtok: 3.75 },
  'openai/gpt-4o-mini': { input_mtok: 0.15, output_mtok: 0.6 },
  [EMBEDDING]: { input_mtok: 0.02, output_mtok: 0 },
};
const DOCUMENT = { title: 'Key rotation', text: 'API keys are rotated every 90 days.' };
const QUESTION = 'How often are API keys rotated?';

let provider: FakeProvider;
beforeAll(async () => {
  provider = await FakeProvider.start();
});
afterEach(() => provider.reset());
afterAll(() => provider.stop());

function environment(budget: Record<string, string>): Record<string, string> {
  return {
    LLM_MODELS: CLAUDE,
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    MODEL_PRICES: JSON.stringify(PRICES),
    LLM_BREAKER_FAILURES: '0',
    ...budget,
  };
}

/** What the database holds of the budgets, exactly. */
async function books(app: TestApp) {
  const [sums] = await app.sql<{ ledger: string; day: string | null; month: string | null; held: number }>(
    `SELECT (SELECT coalesce(sum(cost_usd), 0)::text FROM llm_calls) AS ledger,
            (SELECT spent_usd::text FROM budgets WHERE period = 'day') AS day,
            (SELECT spent_usd::text FROM budgets WHERE period = 'month') AS month,
            (SELECT count(*)::int FROM budget_reservations) AS held`,
  );
  return sums!;
}

describe('a daily and a monthly budget', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(environment({ BUDGET_DAILY_USD: '1', BUDGET_MONTHLY_USD: '20.5' }));
    await app.addDocument(DOCUMENT);
  });
  afterAll(() => app.stop());

  it('reserves while a call is under way, and settles to what it cost', async () => {
    provider.next(
      answer('word '.repeat(200), { delayMs: 5, usage: { inputTokens: 1000, outputTokens: 200 } }),
    );
    const asked = app.ask({ question: QUESTION, max_tokens: 1000 });
    await provider.until(() => provider.requests.length === 1);
    const during = await app.costs();
    expect(during.budgets.map(({ scope, period, limit_usd }) => [scope, period, limit_usd])).toEqual([
      ['service', 'day', 1],
      ['service', 'month', 20.5],
    ]);
    for (const { reserved_usd, spent_usd } of during.budgets) {
      // at least 1,000 tokens of output
      expect(reserved_usd).toBeGreaterThan(0.015);
      expect(reserved_usd).toBeLessThan(0.1);
      expect(spent_usd).toBe(0);
    }
    const { cost_usd } = await asked;
    expect(cost_usd).toBe(0.006);
    const after = await app.costs();
    for (const budget of after.budgets) expect(budget).toMatchObject({ spent_usd: 0.006, reserved_usd: 0 });
    expect(await books(app)).toEqual({
      ledger: '0.006000000000',
      day: '0.006000000000',
      month: '0.006000000000',
      held: 0,
    });
  });

  it('resets at the end of the UTC day and month', async () => {
    const now = new Date();
    const [day, month] = (await app.costs()).budgets;
    const tomorrow = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1);
    expect(Date.parse(day!.resets_at)).toBe(tomorrow);
    expect(Date.parse(month!.resets_at)).toBe(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
  });

  it('refuses with 402 before anything is sent, in every dialect', async () => {
    const before = await books(app);
    // 32,000 tokens × $15 = $0.48: two of them do not fit into a dollar
    provider.default(hangBeforeHeaders());
    const controller = new AbortController();
    const held = app
      .post('/ask', { question: QUESTION, max_tokens: 32_000 }, { signal: controller.signal })
      .catch(() => undefined);
    const second = app
      .post('/ask', { question: QUESTION, max_tokens: 32_000 }, { signal: controller.signal })
      .catch(() => undefined);
    await provider.until(() => provider.requests.length === 2);
    const problem = expectProblem(
      await app.post('/ask', { question: QUESTION, max_tokens: 32_000 }),
      402,
      'BUDGET_EXCEEDED',
    );
    expect(problem.detail).toMatch(/may cost up to \$0\.48\d+.*daily budget.*A new period begins at \d{4}-/);
    const stream = await app.post('/ask/stream', { question: QUESTION, max_tokens: 32_000 });
    expectProblem(stream, 402, 'BUDGET_EXCEEDED');
    // a small one fits beside them
    expect(provider.requests).toHaveLength(2);
    provider.next(answer('Yes.', { usage: { inputTokens: 10, outputTokens: 1 } }));
    await app.ask({ question: QUESTION, max_tokens: 10 });
    controller.abort();
    await Promise.all([held, second]);
    await provider.settled();
    await expect.poll(async () => (await books(app)).held).toBe(0);
    const after = await books(app);
    expect(after.day).toBe(after.ledger);
    expect(Number(after.ledger) - Number(before.ledger)).toBeCloseTo(0.000045, 12);
  });

  it('covers what failed attempts have cost before another is made', async () => {
    const before = Number((await books(app)).ledger);
    const usage = { inputTokens: 500, outputTokens: 1 };
    provider.next(
      interrupted('One two.', 'garbage', 0, { usage }),
      status(529, { 'retry-after-ms': '1' }),
      answer('Yes.', { usage: { inputTokens: 500, outputTokens: 2 } }),
    );
    const reply = await app.ask({ question: QUESTION, max_tokens: 20 });
    expect(reply.attempts).toBe(3);
    const spent = await books(app);
    // the first attempt was accepted, and so its prompt was billed
    expect(Number(spent.ledger) - before).toBeCloseTo((2 * 500 * 3 + 15 + 2 * 15) / 1e6, 12);
    expect(spent).toMatchObject({ day: spent.ledger, month: spent.ledger, held: 0 });
  });

  it('shows in Prometheus, and counts refusals', async () => {
    const { body } = await app.get<string>('/metrics', { accept: 'text/plain' });
    expect(body).toMatch(/footnote_budget_limit_usd\{scope="service",period="day"\} 1\n/);
    expect(body).toMatch(/footnote_budget_spent_usd\{scope="service",period="month"\} 0\.0\d+\n/);
    expect(body).toMatch(/footnote_budget_reserved_usd\{scope="service",period="day"\} 0\n/);
    expect(body).toMatch(/footnote_budget_refusals_total\{scope="service",period="day"\} [2-9]\n/);
  });
});

describe('a small budget', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(environment({ BUDGET_DAILY_USD: '0.10', LOG_LEVEL: 'silent' }));
    await app.addDocument(DOCUMENT);
  });
  afterAll(() => app.stop());

  it('counts one warning when 80 % are spent, and holds to the last digit under load', async () => {
    provider.default(answer('Yes it is.', { usage: { inputTokens: 300, outputTokens: 60 } }));
    const ask = () => app.post<{ cost_usd: number }>('/ask', { question: QUESTION, max_tokens: 60 });
    const warnings = async (): Promise<number> => {
      const { body } = await app.get<string>('/metrics', { accept: 'text/plain' });
      return Number(
        /footnote_budget_warnings_total\{scope="service",period="day"\} (\d+)/.exec(body)?.[1] ?? 0,
      );
    };
    const earlier = await warnings();
    let served = 0;
    for (;;) {
      const replies = await Promise.all(Array.from({ length: 12 }, ask));
      expect(replies.every((reply) => [200, 402].includes(reply.status))).toBe(true);
      const answered = replies.filter((reply) => reply.status === 200).length;
      served += answered;
      if (answered === 0) break;
    }
    const spent = await books(app);
    expect(spent.held).toBe(0);
    expect(spent.day).toBe(spent.ledger);
    expect(spent.day).toBe((served * 0.0018).toFixed(12));
    expect(Number(spent.day)).toBeLessThanOrEqual(0.1);
    const { body } = await ask();
    const worst = Number(/up to \$([\d.]+)/.exec((body as unknown as { detail: string }).detail)?.[1]);
    expect(0.1 - Number(spent.day)).toBeLessThan(worst);
    expect(provider.requests.filter(({ path }) => path === '/v1/messages')).toHaveLength(served);
    expect(await warnings()).toBe(earlier + 1);
  });
});

describe('embeddings that cost', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(
      environment({ EMBEDDING_MODEL: EMBEDDING, BUDGET_MONTHLY_USD: '0.01', LLM_MODELS: 'extractive' }),
    );
  });
  afterAll(() => app.stop());

  it('count in the budget, each call of its own in the ledger, also the failed ones', async () => {
    await app.addDocument(DOCUMENT);
    provider.next(status(500, { 'retry-after-ms': '1' }), answer(''));
    await app.ask(QUESTION);
    const rows = (await app.ledger()).filter(({ operation }) => operation === 'query_embedding');
    expect(rows.map(({ attempt, outcome, error }) => [attempt, outcome, error])).toEqual([
      [1, 'failed', 'server_error'],
      [2, 'ok', null],
    ]);
    expect(rows.map(({ is_request }) => is_request)).toEqual([true, false]);
    const spent = await books(app);
    expect(Number(spent.month)).toBeGreaterThan(0);
    expect(spent).toMatchObject({ month: spent.ledger, held: 0 });
  });

  it('are refused when they do not fit', async () => {
    const [budget] = (await app.costs()).budgets;
    expect(budget!.spent_usd).toBeLessThan(0.01);
    const requests = provider.requests.length;
    // $0.02 a million tokens: half a million of them do not fit into a cent
    const queries = Array.from({ length: 20 }, (_, index) => `${index} `.repeat(1300).slice(0, 4000));
    for (let spent = 0; spent < 40; spent++) {
      const reply = await app.post('/search', { queries });
      if (reply.status === 200) continue;
      expectProblem(reply, 402, 'BUDGET_EXCEEDED');
      expect(provider.requests.length).toBeGreaterThan(requests);
      expect(Number((await books(app)).month)).toBeLessThanOrEqual(0.01);
      return;
    }
    expect.unreachable('the budget never refused');
  });
});

describe('a budget that begins in the middle of a period', () => {
  let storage: Storage;
  beforeAll(async () => {
    storage = await createStorage();
  });
  afterAll(() => storage.remove());

  it('begins with what was spent before', async () => {
    const usage = { inputTokens: 1000, outputTokens: 10 };
    provider.default(answer('Yes.', { usage }));
    const free = await startApp(environment({}), storage);
    await free.addDocument(DOCUMENT);
    await free.ask(QUESTION);
    expect((await free.costs()).budgets).toEqual([]);
    await free.stop();
    const limited = await startApp(environment({ BUDGET_DAILY_USD: '0.02' }), storage);
    expect((await limited.costs()).budgets[0]).toMatchObject({ spent_usd: 0.00315, reserved_usd: 0 });
    await limited.ask({ question: QUESTION, max_tokens: 10 });
    expect((await limited.costs()).budgets[0]).toMatchObject({ spent_usd: 0.0063, reserved_usd: 0 });
    await limited.stop();
  });

  it('goes on counting while it is switched off', async () => {
    provider.default(answer('Yes.', { usage: { inputTokens: 1000, outputTokens: 10 } }));
    const free = await startApp(environment({}), storage);
    await free.ask({ question: QUESTION, max_tokens: 10 });
    await free.stop();
    const limited = await startApp(environment({ BUDGET_DAILY_USD: '0.02' }), storage);
    expect((await limited.costs()).budgets[0]).toMatchObject({ spent_usd: 0.00945, reserved_usd: 0 });
    await limited.stop();
  });

  it('is freed of reservations that nobody renews', async () => {
    const app = await startApp(environment({ BUDGET_DAILY_USD: '0.5' }), storage);
    // as a process leaves them that was killed half a minute ago
    await app.sql(
      `INSERT INTO budget_reservations (id, scope, period, starts_on, amount_usd, expires_at)
       SELECT gen_random_uuid(), scope, period, starts_on, 0.49, now() + interval '1 hour' FROM budgets`,
    );
    const ask = { question: QUESTION, max_tokens: 100 };
    expectProblem(await app.post('/ask', ask), 402, 'BUDGET_EXCEEDED');
    await app.sql(`UPDATE budget_reservations SET expires_at = now() - interval '1 second'`);
    await app.ask(ask);
    expect((await books(app)).held).toBe(0);
    await app.stop();
  });
});

it('does not start with a budget and a model whose price is not known', async () => {
  const models = { LLM_MODELS: `${CLAUDE},openai/of-unknown-price` };
  const env = { ...environment({ BUDGET_DAILY_USD: '1' }), ...models };
  await expect(startApp(env)).rejects.toThrow(
    /price of openai\/of-unknown-price is not known: set it with MODEL_PRICES/,
  );
});
