// Real: HTTP, database, search, the providers' SDKs, the cache (in Redis where TEST_REDIS_URL names one), prices and the
// ledger. The providers are a stand-in that speaks their wire protocols.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AnswerDto } from '../src/ask/dto/answer.dto.js';
import {
  collectStream,
  createStorage,
  expectProblem,
  type LedgerRow,
  onServer,
  poll,
  startApp,
  type Storage,
  type TestApp,
} from './support/app.js';
import {
  answer,
  type AnswerPart,
  FakeProvider,
  hangBeforeHeaders,
  interrupted,
} from './support/fake-providers/index.js';

const { TEST_REDIS_URL } = process.env;
const CLAUDE = 'anthropic/claude-sonnet-5';
const GPT = 'openai/gpt-4o-mini';
/** Dollars per million tokens. */
const PRICES = {
  [CLAUDE]: { input_mtok: 3, output_mtok: 15 },
  [GPT]: { input_mtok: 0.15, output_mtok: 0.6 },
};
const TEXT = 'API keys are rotated every 90 days. The old key works for another 24 hours.';
const PARTS: AnswerPart[] = [
  { text: 'API keys are rotated every 90 days.', cites: [{ source: 0 }] },
  { text: ' The old one works for 24 hours more.', cites: [{ source: 0, startBlock: 1 }] },
];
const ANSWER = answer(PARTS, { usage: { inputTokens: 700, outputTokens: 12 } });
const COST = 0.00228;
/** Long enough for others to come while it is written. */
const SLOW = answer('word '.repeat(2_000), { delayMs: 10, usage: { inputTokens: 700 } });
const FREE_USAGE = { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 };

let provider: FakeProvider;
beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => void provider.default(ANSWER));
afterEach(() => provider.reset());
afterAll(() => provider.stop());

const ENV = {
  LLM_MODELS: `${CLAUDE},${GPT}`,
  ANTHROPIC_API_KEY: 'k',
  OPENAI_API_KEY: 'k',
  MODEL_PRICES: JSON.stringify(PRICES),
  LLM_MAX_RETRIES: '0',
  LLM_BREAKER_FAILURES: '0',
  RESPONSE_CACHE_TTL_S: '60',
  ...(TEST_REDIS_URL === undefined ? {} : { REDIS_URL: TEST_REDIS_URL }),
};
const start = (env: Record<string, string> = {}, storage?: Storage): Promise<TestApp> =>
  startApp(
    {
      ...ENV,
      ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
      OPENAI_BASE_URL: provider.openaiBaseUrl,
      ...env,
    },
    storage,
  );

/** Something that nobody has asked before: passages have the same ids in every new database, and Redis outlives a run. */
const unheard = (question: string): string => `${question} Ticket ${randomUUID().slice(0, 8)}.`;
const newAsk = () => ({ question: unheard('How often are API keys rotated?'), cache: true });

/** How many asks have shared an answer that was just being made. */
async function shared(app: TestApp): Promise<number> {
  const { body } = await app.get<string>('/metrics', { accept: 'text/plain' });
  return Number(/footnote_response_cache_lookups_total\{result="shared"\} (\d+)/.exec(body)?.[1] ?? 0);
}

/** Opens a stream and reads it until it has an event; the returned function goes away. */
async function beginReading(app: TestApp, ask: object, event = 'token'): Promise<() => Promise<void>> {
  const controller = new AbortController();
  const response = await app.openStream({ ...ask }, { signal: controller.signal });
  const reader = response.body!.getReader();
  let seen = '';
  while (!seen.includes(`event: ${event}`)) {
    const { value, done } = await reader.read();
    expect(done, seen).toBe(false);
    seen += Buffer.from(value).toString();
  }
  return async () => {
    controller.abort();
    await expect(reader.read()).rejects.toThrow();
  };
}

describe('cache: true', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start();
    await app.addDocument({ title: 'Key rotation', text: TEXT, external_id: 'keys' });
  });
  afterAll(() => app.stop());

  let before = 0;
  beforeEach(async () => {
    before = (await app.ledger()).length;
  });
  const answerRows = async (): Promise<LedgerRow[]> =>
    (await app.ledger()).slice(before).filter(({ operation }) => operation === 'answer');

  it('gives an answer again that was given before, for nothing, with its citations verified anew', async () => {
    const ask = newAsk();
    const first = await app.ask(ask);
    expect(first).toMatchObject({ cached: false, attempts: 1, cost_usd: COST, tokens_used: 712 });
    expect(first.citations).toHaveLength(2);
    const again = await app.ask(ask);
    expect(again).toMatchObject({
      cached: true,
      attempts: 0,
      cost_usd: 0,
      tokens_used: 0,
      usage: FREE_USAGE,
      model: CLAUDE,
      finish_reason: 'stop',
    });
    const { answer: text, sources, citations, prompt_version } = first;
    expect(again).toMatchObject({ answer: text, sources, citations, prompt_version });
    for (const { source_start, source_end, quote, source } of again.citations) {
      expect(TEXT.slice(source_start, source_end)).toBe(quote);
      expect(again.sources[source]!.cited).toBe(true);
    }
    expect(again.id).not.toBe(first.id);
    expect(provider.requests).toHaveLength(1);
    expect(await answerRows()).toMatchObject([{ request_id: first.id, is_request: false, outcome: 'ok' }]);
    // both were asks
    expect((await app.ledger()).slice(before).filter(({ is_request }) => is_request)).toHaveLength(2);
  });

  it('streams the same, and gives a stream’s answer as JSON', async () => {
    const ask = newAsk();
    const first = await app.askStream(ask);
    expect(first.done).toMatchObject({ cached: false, attempts: 1, cost_usd: COST });
    const again = await app.askStream(ask);
    expect(again.text).toBe(first.text);
    expect(again.citations).toEqual(first.citations);
    expect(again.citations).toHaveLength(2);
    expect(again.sources).toEqual(first.sources);
    expect(again.done).toMatchObject({ cached: true, attempts: 0, cost_usd: 0, model: CLAUDE });
    const kinds = again.events.map(({ event }) => event);
    expect([kinds[0], kinds.at(-1)]).toEqual(['sources', 'done']);
    expect(await app.ask(ask)).toMatchObject({
      cached: true,
      answer: first.text,
      citations: first.citations,
    });
    expect(provider.requests).toHaveLength(1);
  });

  it.each<[string, Record<string, unknown>]>([
    ['question', { question: unheard('And how often are API keys rotated?') }],
    ['max_tokens', { max_tokens: 99 }],
    ['temperature', { temperature: 0.5 }],
    ['model', { model: GPT }],
    ['history', { history: [{ role: 'user', content: 'Hello' }] }],
  ])('makes a new answer for another %s', async (_, change) => {
    const ask = newAsk();
    await app.ask(ask);
    expect(await app.ask(ask)).toMatchObject({ cached: true });
    expect(await app.ask({ ...ask, ...change })).toMatchObject({ cached: false, attempts: 1 });
    expect(await answerRows()).toHaveLength(2);
    expect(await app.ask({ ...ask, ...change })).toMatchObject({ cached: true });
    expect(await answerRows()).toHaveLength(2);
  });

  it('makes a new answer when the document has changed, also to the same words', async () => {
    const ask = newAsk();
    const document = { title: 'Key rotation', external_id: 'keys' };
    await app.ask(ask);
    await app.addDocument({ ...document, text: TEXT.replace('90', '30') });
    const fresh = await app.ask(ask);
    expect(fresh).toMatchObject({ cached: false });
    expect(fresh.citations[0]!.quote).toBe('API keys are rotated every 30 days.');
    expect(provider.requests).toHaveLength(2);
    await app.addDocument({ ...document, text: TEXT });
    // the same words as at first, in other passages
    const back = await app.ask(ask);
    expect(back).toMatchObject({
      cached: false,
      citations: [{ quote: 'API keys are rotated every 90 days.' }, {}],
    });
    expect(provider.requests).toHaveLength(3);
  });

  it('is off where it is not asked for: such an ask neither takes an answer nor keeps one', async () => {
    const { question } = newAsk();
    for (const cache of [false, undefined]) {
      expect(await app.ask({ question, cache })).toMatchObject({ cached: false, cost_usd: COST });
      expect(await app.ask({ question, cache })).toMatchObject({ cached: false, cost_usd: COST });
    }
    expect(await app.ask({ question, cache: true })).toMatchObject({ cached: false });
    expect(await app.ask({ question })).toMatchObject({ cached: false });
    expect(await app.ask({ question, cache: true })).toMatchObject({ cached: true });
    expect(provider.requests).toHaveLength(6);
  });

  it.each([
    ['max_tokens', 'length'],
    ['refusal', 'content_filter'],
  ])('keeps no answer that ended with %s', async (finishReason, reason) => {
    provider.default(answer('Cut', { finishReason }));
    const ask = newAsk();
    expect(await app.ask(ask)).toMatchObject({ finish_reason: reason, cached: false });
    expect(await app.ask(ask)).toMatchObject({ finish_reason: reason, cached: false });
    expect(provider.requests).toHaveLength(2);
  });

  it('keeps no answer that broke off', async () => {
    const ask = newAsk();
    provider.next(interrupted('One two three', 'cut', 2));
    expect((await app.askStream(ask)).error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(await app.ask(ask)).toMatchObject({ cached: false, answer: expect.stringContaining('90 days') });
  });

  it('asks once for ten who ask the same at once, and bills one of them', async () => {
    provider.default(answer(PARTS, { headersDelayMs: 200, usage: { inputTokens: 700, outputTokens: 12 } }));
    const ask = newAsk();
    const [replies, streams] = await Promise.all([
      Promise.all(Array.from({ length: 5 }, () => app.ask(ask))),
      Promise.all(Array.from({ length: 5 }, () => app.askStream(ask))),
    ]);
    expect(provider.requests).toHaveLength(1);
    const said = [
      ...replies.map((reply) => ({ ...reply, text: reply.answer })),
      ...streams.map(({ done, text }) => ({ ...done!, text })),
    ];
    expect(new Set(said.map(({ text }) => text)).size).toBe(1);
    expect(new Set(said.map(({ citations }) => JSON.stringify(citations))).size).toBe(1);
    expect(said[0]!.citations).toHaveLength(2);
    const paying = said.filter(({ cached }) => !cached);
    expect(paying).toMatchObject([{ cost_usd: COST, attempts: 1, tokens_used: 712 }]);
    for (const { cached, cost_usd, attempts } of said)
      if (cached) expect([cost_usd, attempts]).toEqual([0, 0]);
    expect(await answerRows()).toMatchObject([{ request_id: paying[0]!.id, outcome: 'ok' }]);
    // and each of the ten counts as an ask
    expect((await app.ledger()).slice(before).filter(({ is_request }) => is_request)).toHaveLength(10);
  });

  it('goes on for the others when the first one leaves', async () => {
    provider.default(answer('word '.repeat(200).trimEnd(), { delayMs: 10, usage: { inputTokens: 700 } }));
    const ask = newAsk();
    const leave = await beginReading(app, ask);
    const second = await app.openStream(ask);
    await leave();
    const { text, done, error } = await collectStream(second);
    expect(error).toBeUndefined();
    expect(text.split(' ')).toHaveLength(200);
    expect(done).toMatchObject({ cached: true, cost_usd: 0, attempts: 0 });
    expect(provider.requests).toMatchObject([{ aborted: false }]);
    // the first one's, who began it
    const [row, ...others] = await answerRows();
    expect(others).toEqual([]);
    expect(row).toMatchObject({ outcome: 'ok', output_tokens: 200 });
    expect(row!.request_id).not.toBe(done!.id);
    expect(await app.ask(ask)).toMatchObject({ cached: true });
  });

  it('stops when all have left, bills what was used, and keeps nothing', async () => {
    provider.default(SLOW);
    const ask = newAsk();
    const leaveFirst = await beginReading(app, ask);
    const leaveSecond = await beginReading(app, ask);
    expect(provider.requests).toHaveLength(1);
    await leaveFirst();
    await provider.until(({ requests }) => requests[0]!.billed.outputTokens >= 10, 5_000);
    expect(provider.requests[0]!.aborted).toBe(false);
    await leaveSecond();
    await provider.until(({ requests }) => requests[0]!.aborted);
    const row = await poll('the ledger has it', async () => (await answerRows())[0]);
    expect(row).toMatchObject({ outcome: 'aborted', is_request: false });
    expect(row.output_tokens).toBeGreaterThan(0);
    expect(Number(row.cost_usd)).toBeGreaterThan(0);
    provider.default(ANSWER);
    expect(await app.ask(ask)).toMatchObject({ cached: false, attempts: 1 });
    expect(await answerRows()).toHaveLength(2);
  });

  it('stops also a call that has not begun to answer when all have left', async () => {
    provider.default(hangBeforeHeaders());
    const ask = newAsk();
    const leave = [await beginReading(app, ask, 'sources'), await beginReading(app, ask, 'sources')];
    await provider.until(({ requests }) => requests.length === 1);
    for (const one of leave) await one();
    await provider.until(({ requests }) => requests[0]!.aborted);
    expect(await poll('the ledger has it', async () => (await answerRows())[0])).toMatchObject({
      outcome: 'aborted',
    });
    expect(provider.requests).toHaveLength(1);
  });

  it('fails for all who share a call that fails, and keeps nothing', async () => {
    const ask = newAsk();
    // all models hang until all have come
    provider.default(hangBeforeHeaders());
    const sharedBefore = await shared(app);
    const asked = Array.from({ length: 4 }, () => app.post<AnswerDto>('/ask', { ...ask, model: GPT }));
    const streamed = app.askStream({ ...ask, model: GPT });
    await poll('four share what the fifth has begun', async () => (await shared(app)) === sharedBefore + 4);
    await provider.until(({ requests }) => requests.length === 1);
    // and its fallback too
    provider.next(interrupted('x', 'error', 0));
    provider.requests[0]!.destroy();
    for (const reply of await Promise.all(asked)) expectProblem(reply, 503, 'PROVIDER_UNAVAILABLE');
    expect((await streamed).error).toMatchObject({ status: 503, code: 'PROVIDER_UNAVAILABLE' });
    expect(provider.requests).toHaveLength(2);
    expect((await answerRows()).map(({ model, outcome }) => [model, outcome])).toEqual([
      [GPT, 'failed'],
      [CLAUDE, 'failed'],
    ]);
    provider.default(ANSWER);
    expect(await app.ask({ ...ask, model: GPT })).toMatchObject({ cached: false, attempts: 1 });
  });

  it('gives nobody an answer that was made from passages of another collection', async () => {
    const document = { title: 'Key rotation', text: TEXT };
    const { id: one } = await app.addDocument({ ...document, collection: 'one' });
    const { id: other } = await app.addDocument({ ...document, collection: 'other' });
    const ask = newAsk();
    const first = await app.ask({ ...ask, collections: ['one'] });
    expect(first.sources.map(({ document_id }) => document_id)).toEqual([one]);
    // the prompt is the same to the letter
    const second = await app.ask({ ...ask, collections: ['other'] });
    expect(second.sources.map(({ document_id }) => document_id)).toEqual([other]);
    expect(second).toMatchObject({ cached: false, attempts: 1 });
    expect(provider.requests).toHaveLength(2);
    const [mine, theirs] = provider.requests.map(({ body }) => JSON.stringify(body));
    expect(mine).toBe(theirs);
    expect(await app.ask({ ...ask, collections: ['other'] })).toMatchObject({
      cached: true,
      sources: second.sources,
    });
    // nor while it is being made
    provider.default(answer(PARTS, { headersDelayMs: 100 }));
    const at_once = newAsk();
    const both = await Promise.all(
      ['one', 'other'].map((collection) => app.ask({ ...at_once, collections: [collection] })),
    );
    expect(both.map(({ cached }) => cached)).toEqual([false, false]);
    expect(provider.requests).toHaveLength(4);
  });

  it('does not touch comparisons', async () => {
    const ask = { ...newAsk(), models: [CLAUDE, GPT] };
    for (let times = 0; times < 2; times++)
      expect(await app.ask(ask)).toMatchObject({ cached: false, attempts: 1 });
    expect(provider.requests).toHaveLength(4);
  });

  it('keeps nothing where nothing was found', async () => {
    for (let times = 0; times < 2; times++)
      expect(await app.ask({ question: 'Wie hoch ist der Everest?', cache: true })).toMatchObject({
        finish_reason: 'no_context',
        cached: false,
      });
  });

  it('takes nothing but true and false', async () => {
    expectProblem(await app.post('/ask', { ...newAsk(), cache: 'yes' }), 400, 'INVALID_REQUEST');
  });
});

describe('cache: true without RESPONSE_CACHE_TTL_S', () => {
  it('changes nothing', async () => {
    const app = await start({ RESPONSE_CACHE_TTL_S: '0' });
    try {
      await app.addDocument({ title: 'Key rotation', text: TEXT });
      const ask = newAsk();
      for (let times = 0; times < 2; times++)
        expect(await app.ask(ask)).toMatchObject({ cached: false, attempts: 1, cost_usd: COST });
      provider.default(answer(PARTS, { headersDelayMs: 100 }));
      const replies = await Promise.all([app.ask(ask), app.ask(ask)]);
      expect(replies.map(({ cached }) => cached)).toEqual([false, false]);
      expect(provider.requests).toHaveLength(4);
    } finally {
      await app.stop();
    }
  });
});

// two processes share a database only where that is a server's
describe.skipIf(TEST_REDIS_URL === undefined || !onServer)('two replicas with one Redis', () => {
  let storage: Storage;
  let apps: [TestApp, TestApp];
  beforeAll(async () => {
    storage = await createStorage();
    apps = [await start({}, storage), await start({}, storage)];
    await apps[0].addDocument({ title: 'Key rotation', text: TEXT });
  });
  afterAll(async () => {
    for (const app of apps) await app.stop();
    await storage.remove();
  });

  it('one gives what the other has kept', async () => {
    const ask = newAsk();
    const first = await apps[0].ask(ask);
    expect(first).toMatchObject({ cached: false, cost_usd: COST });
    const again = await apps[1].ask(ask);
    const { answer: text, citations, sources } = first;
    expect(again).toMatchObject({ cached: true, cost_usd: 0, attempts: 0, answer: text, citations, sources });
    expect(await apps[1].askStream(ask)).toMatchObject({ text, done: { cached: true } });
    expect(provider.requests).toHaveLength(1);
  });
});
