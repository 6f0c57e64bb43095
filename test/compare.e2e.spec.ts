// Real: HTTP, database, search, the providers' SDKs, prices, budgets and the ledger. The providers are a stand-in that
// speaks their wire protocols.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AnswerDto } from '../src/ask/dto/answer.dto.js';
import { Tabs } from '../src/costs/index.js';
import { expectProblem, type LedgerRow, poll, startApp, type TestApp } from './support/app.js';
import {
  answer,
  type Behaviour,
  FakeProvider,
  hangBeforeHeaders,
  interrupted,
  status,
} from './support/fake-providers/index.js';

const CLAUDE = 'anthropic/claude-sonnet-5';
const GPT = 'openai/gpt-4o-mini';
const MINI = 'openai/mini';
/** Dollars per million tokens. */
const PRICES = {
  [CLAUDE]: { input_mtok: 3, output_mtok: 15 },
  [GPT]: { input_mtok: 0.15, output_mtok: 0.6 },
  [MINI]: { input_mtok: 0.02, output_mtok: 0.08 },
};
const TEXT = 'API keys are rotated every 90 days. The old key works for another 24 hours.';
const QUESTION = 'How often are API keys rotated?';
const COMPARED = { question: QUESTION, models: [CLAUDE, GPT, MINI] };

let provider: FakeProvider;
beforeAll(async () => {
  provider = await FakeProvider.start();
});
afterEach(() => provider.reset());
afterAll(() => provider.stop());

async function start(env: Record<string, string> = {}): Promise<TestApp> {
  const app = await startApp({
    LLM_MODELS: `${CLAUDE},${GPT},${MINI}`,
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    MODEL_PRICES: JSON.stringify(PRICES),
    LLM_MAX_RETRIES: '0',
    LLM_BREAKER_FAILURES: '0',
    ...env,
  });
  await app.addDocument({ title: 'Key rotation', text: TEXT });
  return app;
}

/** What each model does. */
function play(behaviours: Record<string, Behaviour>): void {
  provider.default(({ path, body }) => {
    const id = `${path === '/v1/messages' ? 'anthropic' : 'openai'}/${String(body['model'])}`;
    return behaviours[id] ?? answer(`From ${id}.`);
  });
}

const CLAIM = { text: 'API keys are rotated every 90 days.', cites: [{ source: 0 }] };
const OTHER_CLAIM = {
  text: 'The old key works for another 24 hours.',
  cites: [{ source: 0, startBlock: 1 }],
};
/** The last one is the first to answer. */
const THREE_ANSWERS = {
  [CLAUDE]: answer([CLAIM], { headersDelayMs: 60, usage: { inputTokens: 700, outputTokens: 11 } }),
  [GPT]: answer([OTHER_CLAIM], { headersDelayMs: 30, usage: { inputTokens: 600, outputTokens: 12 } }),
  [MINI]: answer([CLAIM, { text: ' That is all.' }], { usage: { inputTokens: 500, outputTokens: 13 } }),
};
const COSTS = { [CLAUDE]: 0.002265, [GPT]: 0.0000972, [MINI]: 0.00001104 };
const ALL_COSTS = 0.00237324;

describe('POST /ask with models', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start();
  });
  afterAll(() => app.stop());

  /** The calls for answers among some rows of the ledger, by model. */
  const answers = (rows: LedgerRow[]): LedgerRow[] =>
    rows.filter(({ operation }) => operation === 'answer').sort((a, b) => a.model.localeCompare(b.model));
  const callsOf = async (id: string): Promise<LedgerRow[]> =>
    answers((await app.ledger()).filter(({ request_id }) => request_id === id));
  const newCalls = async (before: number): Promise<LedgerRow[]> =>
    answers((await app.ledger()).slice(before));

  it('gives the first one’s answer, and the others’ in their order, each with its own citations, usage and cost', async () => {
    play(THREE_ANSWERS);
    const reply = await app.ask(COMPARED);
    expect(reply).toMatchObject({
      model: CLAUDE,
      answer: CLAIM.text,
      finish_reason: 'stop',
      attempts: 1,
      cached: false,
      citations: [{ quote: CLAIM.text, source: 0 }],
      evaluation: null,
      // of all three together
      usage: { input_tokens: 1800, output_tokens: 36 },
      tokens_used: 1836,
      cost_usd: ALL_COSTS,
    });
    expect(reply.alternatives).toMatchObject([
      {
        model: GPT,
        answer: OTHER_CLAIM.text,
        finish_reason: 'stop',
        citations: [{ quote: OTHER_CLAIM.text, source: 0 }],
        tokens_used: 612,
        usage: { input_tokens: 600, output_tokens: 12 },
        cost_usd: COSTS[GPT],
        attempts: 1,
        error: null,
      },
      {
        model: MINI,
        finish_reason: 'stop',
        citations: [{ quote: CLAIM.text, source: 0 }],
        tokens_used: 513,
        usage: { input_tokens: 500, output_tokens: 13 },
        cost_usd: COSTS[MINI],
        attempts: 1,
        error: null,
      },
    ]);
    expect(reply.alternatives![1]!.answer).toMatch(/^API keys are rotated every 90 days\..*That is all\.$/);
    for (const { answer: text, citations } of [reply, ...reply.alternatives!])
      for (const { start: from, end, quote, source_start, source_end } of citations) {
        expect(TEXT.slice(source_start, source_end)).toBe(quote);
        expect(text.slice(from, end).trim()).not.toBe('');
      }
    expect(reply.alternatives!.every(({ latency_ms }) => latency_ms > 0)).toBe(true);

    const rows = await callsOf(reply.id);
    expect(rows.map((row) => [row.model, row.attempt, row.outcome, Number(row.cost_usd)])).toEqual([
      [CLAUDE, 1, 'ok', COSTS[CLAUDE]],
      [GPT, 1, 'ok', COSTS[GPT]],
      [MINI, 1, 'ok', COSTS[MINI]],
    ]);
    expect((await app.ledger()).filter((row) => row.request_id === reply.id && row.is_request)).toHaveLength(
      1,
    );
  });

  it('asks them in the order that was given, not in that of LLM_MODELS', async () => {
    play(THREE_ANSWERS);
    const reply = await app.ask({ ...COMPARED, models: [MINI, CLAUDE] });
    expect(reply.model).toBe(MINI);
    expect(reply.alternatives!.map(({ model }) => model)).toEqual([CLAUDE]);
    expect(provider.requests).toHaveLength(2);
  });

  it('streams the same: sources, tokens, alternatives, done', async () => {
    play(THREE_ANSWERS);
    const stream = await app.askStream(COMPARED);
    const whole = await app.ask(COMPARED);
    const kinds = stream.events.map(({ event }) => event).filter((kind) => kind !== 'token');
    expect(kinds).toEqual(['sources', 'citation', 'alternative', 'alternative', 'done']);
    expect(stream.events.at(-1)!.event).toBe('done');
    expect(stream.text).toBe(whole.answer);
    expect(stream.citations).toEqual(whole.citations);
    const latency_ms = expect.any(Number);
    expect(stream.alternatives).toEqual(
      whole.alternatives!.map((alternative) => ({ ...alternative, latency_ms })),
    );
    expect(stream.done).toMatchObject({
      model: CLAUDE,
      usage: whole.usage,
      cost_usd: ALL_COSTS,
      attempts: 1,
      tokens_used: 1836,
    });
    expect(stream.done).not.toHaveProperty('alternatives');
  });

  it('streams the first one’s answer while the others still hang, and stops them all when the client leaves', async () => {
    const before = (await app.ledger()).length;
    const slow = answer('word '.repeat(2_000), { delayMs: 10, usage: { inputTokens: 40 } });
    play({ [CLAUDE]: slow, [GPT]: slow, [MINI]: hangBeforeHeaders() });
    const controller = new AbortController();
    const response = await app.openStream(COMPARED, { signal: controller.signal });
    const reader = response.body!.getReader();
    let seen = '';
    while ((seen.match(/event: token/g) ?? []).length < 3) {
      const { value, done } = await reader.read();
      expect(done, seen).toBe(false);
      seen += Buffer.from(value).toString();
    }
    // all three are under way at once: none has ended
    await provider.until(
      ({ requests }) =>
        requests.length === 3 &&
        requests.filter(({ billed }) => billed.outputTokens >= 3).length === 2 &&
        requests.every(({ endedAt }) => endedAt === undefined),
      5_000,
    );
    controller.abort();
    await provider.until(({ requests }) => requests.every(({ aborted }) => aborted));
    const rows = await poll('the ledger has them', async () => {
      const calls = await newCalls(before);
      return calls.length === 3 ? calls : undefined;
    });
    expect(rows.every(({ outcome }) => outcome === 'aborted')).toBe(true);
    expect(rows.map(({ model }) => model)).toEqual([CLAUDE, GPT, MINI]);
    for (const row of rows) {
      const isBilled = row.model !== MINI;
      expect(row.output_tokens > 0).toBe(isBilled);
      expect(Number(row.cost_usd) > 0).toBe(isBilled);
    }
  });

  it('stops them all when the client leaves /ask', async () => {
    const before = (await app.ledger()).length;
    play({ [CLAUDE]: hangBeforeHeaders(), [GPT]: hangBeforeHeaders(), [MINI]: hangBeforeHeaders() });
    const controller = new AbortController();
    const asked = app.post('/ask', COMPARED, { signal: controller.signal });
    await provider.until(({ requests }) => requests.length === 3);
    controller.abort();
    await expect(asked).rejects.toThrow();
    await provider.until(({ requests }) => requests.every(({ aborted }) => aborted));
    const rows = await poll('the ledger has them', async () => {
      const calls = await newCalls(before);
      return calls.length === 3 ? calls : undefined;
    });
    expect(rows.map(({ outcome }) => outcome)).toEqual(['aborted', 'aborted', 'aborted']);
  });

  it('tells of an alternative that fails in its place, as far as it came, and falls back to no other model', async () => {
    play({
      ...THREE_ANSWERS,
      [GPT]: status(529),
      [MINI]: interrupted('One two three four', 'cut', 2, { usage: { inputTokens: 500 } }),
    });
    const reply = await app.post<AnswerDto>('/ask', COMPARED);
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ model: CLAUDE, answer: CLAIM.text, attempts: 1 });
    const request_id = reply.headers.get('x-request-id');
    const [refused, cut] = reply.body.alternatives!;
    expect(refused).toMatchObject({
      model: GPT,
      answer: '',
      citations: [],
      finish_reason: null,
      tokens_used: 0,
      cost_usd: 0,
      attempts: 1,
      error: { status: 503, code: 'PROVIDER_UNAVAILABLE', request_id },
    });
    expect(cut).toMatchObject({
      model: MINI,
      finish_reason: null,
      attempts: 1,
      error: { status: 503, request_id },
    });
    expect('One two').toContain(cut!.answer.trim());
    expect(cut!.answer).not.toBe('');
    expect(cut!.cost_usd).toBeGreaterThan(0);
    expect(JSON.stringify(reply.body)).not.toMatch(/secret/);
    expect(reply.body.cost_usd).toBeCloseTo(COSTS[CLAUDE] + cut!.cost_usd!, 12);
    expect(provider.requests).toHaveLength(3);
    const rows = await callsOf(reply.body.id);
    expect(rows.map(({ model, outcome }) => [model, outcome])).toEqual([
      [CLAUDE, 'ok'],
      [GPT, 'failed'],
      [MINI, 'cut'],
    ]);
  });

  it('lets the next take the place of a first one that fails', async () => {
    play({ ...THREE_ANSWERS, [CLAUDE]: status(401) });
    const reply = await app.ask(COMPARED);
    expect(reply).toMatchObject({ model: GPT, answer: OTHER_CLAIM.text, attempts: 1 });
    expect(reply.alternatives).toMatchObject([
      { model: CLAUDE, answer: '', finish_reason: null, error: { status: 502, code: 'PROVIDER_ERROR' } },
      { model: MINI, finish_reason: 'stop', error: null },
    ]);
    expect(reply.cost_usd).toBeCloseTo(COSTS[GPT] + COSTS[MINI], 12);

    const stream = await app.askStream(COMPARED);
    expect(stream.text).toBe(OTHER_CLAIM.text);
    expect(stream.alternatives.map(({ model }) => model)).toEqual([CLAUDE, MINI]);
    expect(stream.done).toMatchObject({ model: GPT });
  });

  it('is final when the first one breaks off in its answer, and stops the others', async () => {
    play({
      [CLAUDE]: interrupted('One two three', 'cut', 2),
      [GPT]: hangBeforeHeaders(),
      [MINI]: hangBeforeHeaders(),
    });
    const stream = await app.askStream(COMPARED);
    expect(stream.events.at(-1)!.event).toBe('error');
    expect(stream.error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(stream.alternatives).toEqual([]);
    await provider.settled();
    expect(provider.requests).toHaveLength(3);
  });

  it('fails with the last one’s error when all fail, with every call in the ledger', async () => {
    const before = (await app.ledger()).length;
    play({ [CLAUDE]: status(401), [GPT]: status(500), [MINI]: status(529, { 'retry-after': '7' }) });
    const reply = await app.post('/ask', COMPARED);
    expectProblem(reply, 503, 'PROVIDER_UNAVAILABLE');
    expect(reply.headers.get('retry-after')).toBe('7');
    expect((await newCalls(before)).map(({ model, error }) => [model, error])).toEqual([
      [CLAUDE, 'authentication'],
      [GPT, 'server_error'],
      [MINI, 'overloaded'],
    ]);
    const stream = await app.askStream(COMPARED);
    expect(stream.events.map(({ event }) => event)).toEqual(['sources', 'error']);
    expect(stream.error).toMatchObject({ status: 503, code: 'PROVIDER_UNAVAILABLE' });
  });

  it('asks nobody when nothing was found', async () => {
    const reply = await app.ask({ ...COMPARED, question: 'Wie hoch ist der Everest?' });
    expect(reply).toMatchObject({ finish_reason: 'no_context', attempts: 0 });
    expect(reply.alternatives ?? []).toEqual([]);
    expect(provider.requests).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['one model', { models: [CLAUDE] }, 'models'],
    ['no model', { models: [] }, 'models'],
    ['six models', { models: ['a', 'b', 'c', 'd', 'e', 'f'] }, 'models'],
    ['a model twice', { models: [CLAUDE, GPT, CLAUDE] }, 'models'],
    ['a model that is not configured', { models: [CLAUDE, 'x/y'] }, 'models'],
    ['model and models', { model: CLAUDE, models: [CLAUDE, GPT] }, 'models'],
    ['something else than names', { models: [CLAUDE, 1] }, 'models'],
    ['something else than a list', { models: CLAUDE }, 'models'],
  ])('refuses %s, and asks nothing', async (_, fields, field) => {
    for (const path of ['/ask', '/ask/stream']) {
      const problem = expectProblem(
        await app.post(path, { question: QUESTION, ...fields }),
        400,
        'INVALID_REQUEST',
      );
      expect(problem.errors!.map((error) => error.field)).toEqual([field]);
    }
    expect(provider.requests).toEqual([]);
  });
});

describe('POST /ask with models and a budget', () => {
  /** 32,000 tokens of Claude's are $0.48, of the others' about two cents: one fits, two do not. */
  const LIMIT = '0.49';
  const max_tokens = 32_000;
  let app: TestApp;
  beforeAll(async () => {
    app = await start({ BUDGET_DAILY_USD: LIMIT, LLM_MAX_RETRIES: '1' });
  });
  afterAll(() => app.stop());

  const held = async () => (await app.costs()).budgets[0]!.reserved_usd;

  it('reserves the worst case of all together before anything is sent', async () => {
    for (const path of ['/ask', '/ask/stream']) {
      const reply = await app.post(path, { question: QUESTION, models: [CLAUDE, GPT], max_tokens });
      expectProblem(reply, 402, 'BUDGET_EXCEEDED');
    }
    expect(provider.requests).toEqual([]);
    expect(await held()).toBe(0);

    // each of the two by itself would have fitted
    play({ [CLAUDE]: hangBeforeHeaders(), [GPT]: hangBeforeHeaders() });
    for (const model of [CLAUDE, GPT]) {
      const controller = new AbortController();
      const asked = app
        .post('/ask', { question: QUESTION, model, max_tokens }, { signal: controller.signal })
        .catch(() => undefined);
      await provider.until(({ requests }) => requests.length === (model === CLAUDE ? 1 : 2));
      controller.abort();
      await asked;
      await expect.poll(held).toBe(0);
    }
  });

  it('holds it for as long as one of them runs, and settles to what all have cost', async () => {
    play({ ...THREE_ANSWERS, [GPT]: hangBeforeHeaders() });
    const controller = new AbortController();
    const asked = app
      .post('/ask', { ...COMPARED, max_tokens: 1_000 }, { signal: controller.signal })
      .catch(() => undefined);
    await provider.until(
      ({ requests }) => requests.filter(({ endedAt }) => endedAt !== undefined).length === 2,
    );
    // 1,000 tokens of each, and the prompts
    expect(await held()).toBeGreaterThan(0.015 + 0.0006 + 0.00008);
    controller.abort();
    await asked;
    await expect.poll(held).toBe(0);
    const before = (await app.costs()).budgets[0]!.spent_usd;
    play(THREE_ANSWERS);
    const reply = await app.ask({ ...COMPARED, max_tokens: 1_000 });
    expect(reply.cost_usd).toBe(ALL_COSTS);
    const { spent_usd, reserved_usd } = (await app.costs()).budgets[0]!;
    expect(spent_usd - before).toBeCloseTo(ALL_COSTS, 11);
    expect(reserved_usd).toBe(0);
  });

  it('needs no more for a retry of one than that costs, beside what the others have cost', async () => {
    const { limit_usd, spent_usd } = (await app.costs()).budgets[0]!;
    // both worst cases fit, with less left than what the first one is going to cost
    const fitting = Math.floor(((limit_usd - spent_usd - 0.0045) * 1e6) / 15.6);
    const added = vi.fn<(model: string) => void>();
    const tabs = app.app.get(Tabs);
    const openTab = tabs.openTab.bind(tabs);
    const spy = vi.spyOn(tabs, 'openTab').mockImplementation((...args) => {
      const tab = openTab(...args);
      const add = tab.add.bind(tab);
      tab.add = (call) => {
        added(call.model);
        return add(call);
      };
      return tab;
    });
    const toClaude = () => provider.requests.filter(({ path }) => path === '/v1/messages');
    provider.default(({ path }) => {
      if (path === '/v1/messages') return toClaude().length === 1 ? hangBeforeHeaders() : answer('Yes.');
      return answer('Yes.', { usage: { inputTokens: 1_000, outputTokens: 10_000 } });
    });
    try {
      const asked = app.ask({ question: QUESTION, models: [GPT, CLAUDE], max_tokens: fitting });
      await vi.waitFor(() => expect(added).toHaveBeenCalledWith(GPT), 5_000);
      toClaude()[0]!.destroy();
      expect((await asked).alternatives).toMatchObject([{ model: CLAUDE, error: null, attempts: 2 }]);
    } finally {
      spy.mockRestore();
    }
  });
});
