// Real: HTTP, database, search, the providers' SDKs, prices, budgets and the ledger. The providers are a stand-in that
// speaks their wire protocols, embeds, and plays all language models.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BatchResponseDto } from '../src/ask/dto/batch.dto.js';
import { expectProblem, type LedgerRow, poll, startApp, type TestApp } from './support/app.js';
import {
  answer,
  type Behaviour,
  FakeProvider,
  garbageSse,
  hangBeforeHeaders,
  interrupted,
  status,
} from './support/fake-providers/index.js';

const CLAUDE = 'anthropic/claude-sonnet-5';
const GPT = 'openai/gpt-4o-mini';
const EMBEDDING = 'openai/text-embedding-3-small';
/** Dollars per million tokens. */
const PRICES = {
  [CLAUDE]: { input_mtok: 3, output_mtok: 15 },
  [GPT]: { input_mtok: 0.15, output_mtok: 0.6 },
  [EMBEDDING]: { input_mtok: 0.02, output_mtok: 0 },
};
const DOCUMENTS = [
  {
    title: 'Key rotation',
    text: 'API keys are rotated every 90 days. The security team signs off each rotation.',
  },
  { title: 'Travel', text: 'Trains are booked with the travel agency, flights only above 600 kilometres.' },
];
const HISTORY = [
  { role: 'user', content: 'How often are API keys rotated?' },
  { role: 'assistant', content: 'Every 90 days.' },
];
const QUESTION = 'And who does it?';
const STANDALONE = 'Who signs off the rotation of API keys?';
const REPHRASINGS = ['Which group approves replacing a credential?', 'Who is responsible for new secrets?'];
const ASK = { question: QUESTION, history: HISTORY };
/** Finds something whatever is searched. */
const ASK_ANYTHING = { ...ASK, min_similarity: 0 };
const MULTI = { question: STANDALONE, multi_query: 2 };
const ANSWER = answer('The security team does.', { usage: { inputTokens: 700, outputTokens: 12 } });
const ANSWER_COST = 0.00228;
const REWRITING_USAGE = { inputTokens: 200, outputTokens: 20 };
const REWRITING_COST = 0.0009;
const condensed = (question = STANDALONE) => answer(JSON.stringify({ question }), { usage: REWRITING_USAGE });
const rephrased = (rephrasings = REPHRASINGS) =>
  answer(JSON.stringify({ rephrasings }), { usage: REWRITING_USAGE });

let provider: FakeProvider;
/** What the provider does with calls that condense, and with calls that rephrase. */
let condensing: Behaviour;
let rephrasing: Behaviour;
type Body = Record<string, unknown>;
const says =
  (text: string) =>
  ({ body }: { body: Body }) =>
    JSON.stringify(body).includes(text);
const isCondensing = says('You rewrite the question');
const isRephrasing = says('You put a question into other words');
const isAnswering = says('You answer questions');
const condensings = () => provider.requests.filter(isCondensing);
const rephrasings = () => provider.requests.filter(isRephrasing);
const answers = () => provider.requests.filter(isAnswering);
/** What was embedded for the searches. */
const searched = () =>
  provider.requests.filter(({ path }) => path.endsWith('/embeddings')).map(({ body }) => body['input']);

beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => {
  condensing = condensed();
  rephrasing = rephrased();
  provider.default((exchange) => {
    if (isCondensing(exchange)) return condensing;
    return isRephrasing(exchange) ? rephrasing : ANSWER;
  });
});
afterEach(() => provider.reset());
afterAll(() => provider.stop());

async function start(env: Record<string, string> = {}): Promise<TestApp> {
  const app = await startApp({
    LLM_MODELS: CLAUDE,
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    EMBEDDING_MODEL: EMBEDDING,
    MODEL_PRICES: JSON.stringify(PRICES),
    LLM_MAX_RETRIES: '0',
    LLM_BREAKER_FAILURES: '0',
    ...env,
  });
  for (const document of DOCUMENTS) await app.addDocument(document);
  provider.requests.length = 0;
  return app;
}

const told = (rows: readonly LedgerRow[]) =>
  rows.map(({ operation, outcome, attempt, is_request }) => [operation, outcome, attempt, is_request]);

describe('a question that goes on with a conversation', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start();
  });
  afterAll(() => app.stop());

  const rowsOf = async (id: string): Promise<LedgerRow[]> =>
    (await app.ledger()).filter(({ request_id }) => request_id === id);

  it('is searched as one that can be understood by itself, and answered as it was asked', async () => {
    const before = await app.costs();
    const reply = await app.ask({ ...ASK, min_similarity: 0.2 });
    expect(searched()).toEqual([[STANDALONE]]);
    expect(reply.standalone_question).toBe(STANDALONE);
    expect(reply.sources[0]).toMatchObject({ title: 'Key rotation' });
    expect(reply).toMatchObject({
      answer: 'The security team does.',
      prompt_version: 'answer.v1',
      attempts: 1,
    });
    const sent = JSON.stringify(answers()[0]!.body);
    expect(sent).toContain(QUESTION);
    expect(sent).toContain('Every 90 days.');
    expect(sent).not.toContain(STANDALONE);
    const asked = JSON.stringify(condensings()[0]!.body);
    for (const { content } of HISTORY) expect(asked).toContain(content);
    expect(asked).toContain(QUESTION);
    expect(condensings()[0]!.body['max_tokens']).toBeLessThanOrEqual(500);
    // without it, nothing is found
    const alone = await app.ask({ question: QUESTION, min_similarity: 0.2 });
    expect(alone).toMatchObject({ finish_reason: 'no_context', standalone_question: null });
    const after = await app.costs();
    expect(after.total_requests - before.total_requests).toBe(2);
    expect(after.by_operation.find(({ operation }) => operation === 'condense')).toMatchObject({ calls: 1 });
  });

  it('costs a call of its own in the ledger, which is part of what the answer cost', async () => {
    const reply = await app.ask(ASK);
    const rows = await rowsOf(reply.id);
    expect(told(rows)).toEqual([
      ['condense', 'ok', 1, true],
      ['query_embedding', 'ok', 1, false],
      ['answer', 'ok', 1, false],
    ]);
    expect(rows[0]).toMatchObject({ model: CLAUDE, input_tokens: 200, output_tokens: 20, estimated: false });
    expect(Number(rows[0]!.cost_usd)).toBe(REWRITING_COST);
    expect(reply.usage).toMatchObject({ input_tokens: 900, output_tokens: 32 });
    expect(reply.cost_usd).toBeCloseTo(
      rows.reduce((sum, { cost_usd }) => sum + Number(cost_usd), 0),
      12,
    );
    expect(reply.cost_usd).toBeGreaterThan(ANSWER_COST + REWRITING_COST);
    expect(reply.timings.condense_ms).toBeGreaterThan(0);
    expect(reply.timings.rephrase_ms).toBeNull();
  });

  it('is not condensed without earlier turns, nor where nobody has asked before', async () => {
    for (const history of [undefined, [], [{ role: 'assistant', content: 'How can I help?' }]]) {
      const reply = await app.ask({ question: STANDALONE, history });
      expect(reply.standalone_question).toBeNull();
      expect(told(await rowsOf(reply.id))[0]).toEqual(['query_embedding', 'ok', 1, true]);
    }
    expect(condensings()).toEqual([]);
    expect((await app.ask(STANDALONE)).timings.condense_ms).toBeNull();
  });

  it.each<[string, Behaviour, string, string | null]>([
    ['fails', status(529), 'failed', 'overloaded'],
    ['breaks off', interrupted('{"question": "Who"}', 'cut', 1), 'cut', 'connection'],
    ['sends garbage', garbageSse(), 'failed', 'malformed_response'],
    ['answers instead', answer('The security team.'), 'ok', null],
    ['never stops', answer('word '.repeat(5_000)), 'aborted', null],
    ['repeats the question', condensed(QUESTION), 'ok', null],
  ])('is searched as it is when the model %s', async (_, behaviour, outcome, error) => {
    condensing = behaviour;
    const reply = await app.ask(ASK_ANYTHING);
    expect(reply).toMatchObject({ standalone_question: null, finish_reason: 'stop' });
    expect(searched()).toEqual([[QUESTION]]);
    const rows = (await rowsOf(reply.id)).filter(({ operation }) => operation === 'condense');
    expect(rows.map((row) => [row.outcome, row.error])).toEqual([[outcome, error]]);
    expect(reply.cost_usd).toBeGreaterThanOrEqual(ANSWER_COST + Number(rows[0]!.cost_usd));
  });

  it('is searched as it is when the model hangs, after five seconds at most', async () => {
    condensing = hangBeforeHeaders();
    const reply = await app.ask(ASK_ANYTHING);
    expect(reply).toMatchObject({ standalone_question: null, finish_reason: 'stop' });
    expect(reply.timings.condense_ms).toBeGreaterThan(4_900);
    expect(reply.timings.condense_ms).toBeLessThan(7_000);
    await provider.settled();
    expect(condensings().map(({ aborted }) => aborted)).toEqual([true]);
    expect((await rowsOf(reply.id))[0]).toMatchObject({
      operation: 'condense',
      outcome: 'failed',
      error: 'timeout',
    });
  });

  it.each(['/ask', '/ask/stream'])(
    'stops the call when the caller of %s leaves, and bills it',
    async (path) => {
      const seen = (await app.ledger()).length;
      condensing = answer('word '.repeat(2_000), { delayMs: 10 });
      const controller = new AbortController();
      const asked = app.post(path, ASK, { signal: controller.signal });
      await provider.until(() => (condensings()[0]?.billed.outputTokens ?? 0) >= 3, 5_000);
      controller.abort();
      await expect(asked).rejects.toThrow();
      await provider.until(() => condensings()[0]!.aborted);
      const row = await poll('the ledger has it', async () => (await app.ledger())[seen]);
      expect(row).toMatchObject({ operation: 'condense', outcome: 'aborted', is_request: true, error: null });
      expect(row.output_tokens).toBeGreaterThan(0);
      expect(Number(row.cost_usd)).toBeGreaterThan(0);
      expect(provider.requests).toHaveLength(1);
      expect(await app.ledger()).toHaveLength(seen + 1);
    },
  );

  it('is not condensed where the search cannot be made', async () => {
    const ask = { ...ASK, multi_query: 2 };
    expectProblem(await app.post('/ask', { ...ask, collections: ['nowhere'] }), 404, 'NOT_FOUND');
    expectProblem(
      await app.post('/ask', { ...ask, filter: { year: { nearly: 7 } } }),
      400,
      'INVALID_REQUEST',
    );
    expect((await app.post('/collections', { name: 'empty' })).status).toBe(201);
    expect(await app.ask({ ...ask, collections: ['empty'] })).toMatchObject({ finish_reason: 'no_context' });
    expect(provider.requests).toEqual([]);
  });

  it('is told of in a stream and in a batch as in an answer', async () => {
    const stream = await app.askStream(ASK);
    expect(stream.events.map(({ event }) => event)[0]).toBe('sources');
    expect(stream.sources![0]).toMatchObject({ title: 'Key rotation' });
    expect(stream.headers.get('server-timing')).toMatch(
      /^condense;dur=[\d.]+, embed;dur=[\d.]+, search;dur=[\d.]+$/,
    );
    expect(stream.done).toMatchObject({ standalone_question: STANDALONE, usage: { input_tokens: 900 } });
    expect(stream.done!.timings.condense_ms).toBeGreaterThan(0);
    const { body } = await app.post<BatchResponseDto>('/ask/batch', {
      questions: [ASK, { question: STANDALONE }],
    });
    expect(body.results.map(({ response }) => response!.standalone_question)).toEqual([STANDALONE, null]);
  });
});

describe('multi_query', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start();
  });
  afterAll(() => app.stop());

  const rowsOf = async (id: string): Promise<LedgerRow[]> =>
    (await app.ledger()).filter(({ request_id }) => request_id === id);

  it('searches with rephrasings beside the question, which are embedded with it', async () => {
    const reply = await app.ask(MULTI);
    expect(searched()).toEqual([[STANDALONE, ...REPHRASINGS]]);
    expect(reply).toMatchObject({ answer: 'The security team does.', standalone_question: null });
    const ids = reply.sources.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(reply.sources[0]).toMatchObject({ title: 'Key rotation' });
    const rows = await rowsOf(reply.id);
    expect(told(rows)).toEqual([
      ['multi_query', 'ok', 1, true],
      ['query_embedding', 'ok', 1, false],
      ['answer', 'ok', 1, false],
    ]);
    expect(reply.usage).toMatchObject({ input_tokens: 900, output_tokens: 32 });
    expect(reply.timings.rephrase_ms).toBeGreaterThan(0);
    expect(reply.timings.condense_ms).toBeNull();
  });

  it('finds what only a rephrasing finds', async () => {
    rephrasing = rephrased(['flights above 600 kilometres', 'trains booked with the travel agency']);
    const titles = async (ask: object) =>
      (await app.ask({ ...ask, min_similarity: 0.3 })).sources.map(({ title }) => title);
    expect(await titles({ question: STANDALONE })).toEqual(['Key rotation']);
    expect(await titles(MULTI)).toEqual(['Key rotation', 'Travel']);
    expect(await titles({ ...MULTI, top_k: 1 })).toEqual(['Key rotation']);
  });

  it('rephrases the condensed question', async () => {
    const reply = await app.ask({ ...ASK, multi_query: 3 });
    expect(JSON.stringify(rephrasings()[0]!.body)).toContain(STANDALONE);
    expect(JSON.stringify(rephrasings()[0]!.body)).toContain('Write 3 rephrasings');
    expect(searched()).toEqual([[STANDALONE, ...REPHRASINGS]]);
    expect(told(await rowsOf(reply.id)).map(([operation]) => operation)).toEqual([
      'condense',
      'multi_query',
      'query_embedding',
      'answer',
    ]);
    expect(reply.usage).toMatchObject({ input_tokens: 1_100, output_tokens: 52 });
    const stream = await app.askStream({ ...ASK, multi_query: 2 });
    expect(stream.headers.get('server-timing')).toMatch(/^condense;.*, rephrase;.*, embed;/);
    expect(stream.done!.timings.rephrase_ms).toBeGreaterThan(0);
  });

  it.each<[string, Behaviour]>([
    ['fails', status(500)],
    ['writes lines', answer('1. Who?\n2. Whose?')],
    ['breaks off', interrupted('{"rephrasings": ["a"]}', 'stall', 1)],
  ])('searches with the question alone when the model %s', async (_, behaviour) => {
    rephrasing = behaviour;
    const reply = await app.ask(MULTI);
    expect(reply.finish_reason).toBe('stop');
    expect(searched()).toEqual([[STANDALONE]]);
    expect(told(await rowsOf(reply.id))[0]![0]).toBe('multi_query');
  });

  it.each([1, 6, 2.5, true, '3'])('takes no %j', async (multi_query) => {
    const reply = await app.post('/ask', { question: STANDALONE, multi_query });
    expect(expectProblem(reply, 400, 'INVALID_REQUEST').errors?.[0]).toMatchObject({ field: 'multi_query' });
    expect(provider.requests).toEqual([]);
  });
});

describe('query understanding with several models', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start({ LLM_MODELS: `${CLAUDE},${GPT},extractive` });
  });
  afterAll(() => app.stop());

  it('is done by the model that is asked for, or by its fallback', async () => {
    await app.ask({ ...ASK, model: GPT });
    expect(condensings().map(({ body }) => body['model'])).toEqual(['gpt-4o-mini']);
    provider.requests.length = 0;
    provider.next(status(529));
    const { id, standalone_question } = await app.ask(ASK);
    expect(standalone_question).toBe(STANDALONE);
    const rows = (await app.ledger()).filter(
      ({ request_id, operation }) => request_id === id && operation === 'condense',
    );
    expect(rows.map(({ model, outcome }) => [model, outcome])).toEqual([
      [CLAUDE, 'failed'],
      [GPT, 'ok'],
    ]);
  });

  it('is done once for a comparison', async () => {
    const reply = await app.ask({ ...ASK, models: [GPT, CLAUDE] });
    expect(reply).toMatchObject({
      model: GPT,
      standalone_question: STANDALONE,
      alternatives: [{ model: CLAUDE }],
    });
    expect(condensings().map(({ body }) => body['model'])).toEqual(['gpt-4o-mini']);
  });

  it('calls no other model where an answer of none is asked for', async () => {
    const reply = await app.ask({ ...ASK, multi_query: 2, model: 'extractive' });
    expect(reply.standalone_question).toBe(`${QUESTION} often api keys rotated`);
    expect([...condensings(), ...rephrasings(), ...answers()]).toEqual([]);
  });
});

describe('query understanding without a language model', () => {
  it('searches with the words of the turns before, and with no rephrasings', async () => {
    const app = await startApp();
    try {
      for (const document of DOCUMENTS) await app.addDocument(document);
      const reply = await app.ask({ question: 'And who signs off?', history: HISTORY, multi_query: 3 });
      expect(reply).toMatchObject({
        standalone_question: 'And who signs off? often api keys rotated',
        answer: 'The security team signs off each rotation.',
        cost_usd: 0,
      });
      expect(reply.timings.condense_ms).toBeGreaterThanOrEqual(0);
      // none of its own words are in a document
      const short = await app.ask({ question: 'Why?', history: HISTORY });
      expect(short).toMatchObject({
        standalone_question: 'Why? often api keys rotated',
        answer: 'API keys are rotated every 90 days.',
      });
      const other = await app.ask({ question: 'How are trains booked for travel?', history: HISTORY });
      expect(other).toMatchObject({ standalone_question: null, sources: [{ title: 'Travel' }] });
      const operations = (await app.ledger()).map(({ operation }) => operation);
      expect(operations.filter((operation) => ['condense', 'multi_query'].includes(operation))).toEqual([]);
    } finally {
      await app.stop();
    }
  });
});

describe('query understanding and kept answers', () => {
  it('gives an answer again where the same passages are found, and only then', async () => {
    const app = await start({ RESPONSE_CACHE_TTL_S: '60' });
    try {
      const ask = { ...ASK, cache: true, top_k: 1, min_similarity: 0 };
      const first = await app.ask(ask);
      expect(first).toMatchObject({ cached: false, attempts: 1 });
      const again = await app.ask(ask);
      expect(again).toMatchObject({ cached: true, attempts: 0, standalone_question: STANDALONE });
      // what was condensed and embedded for it was not kept
      expect(again.usage).toMatchObject({ input_tokens: 200, output_tokens: 20 });
      expect(again.cost_usd).toBeCloseTo(first.cost_usd! - ANSWER_COST, 11);
      expect(answers()).toHaveLength(1);
      // found the same in other words
      condensing = condensed('Who signs off each rotation of API keys?');
      expect(await app.ask(ask)).toMatchObject({ cached: true });
      condensing = condensed('Who books trains with the travel agency?');
      expect(await app.ask(ask)).toMatchObject({ cached: false, sources: [{ title: 'Travel' }] });
      expect(answers()).toHaveLength(2);
    } finally {
      await app.stop();
    }
  });
});

describe('query understanding within a budget', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start({ BUDGET_DAILY_USD: '0.1' });
  });
  afterAll(() => app.stop());

  const budget = async () => (await app.costs()).budgets[0]!;

  it('is reserved beforehand, and settled', async () => {
    const before = (await budget()).spent_usd;
    condensing = answer(JSON.stringify({ question: STANDALONE }), {
      headersDelayMs: 300,
      usage: REWRITING_USAGE,
    });
    const asked = app.ask({ ...ASK, max_tokens: 100 });
    await provider.until(() => condensings().length === 1);
    // its own output and the answer's
    expect((await budget()).reserved_usd).toBeGreaterThan((300 + 100) * 15e-6);
    const { cost_usd } = await asked;
    const after = await budget();
    expect(after.reserved_usd).toBe(0);
    expect(after.spent_usd - before).toBeCloseTo(cost_usd!, 11);
  });

  it('is left out where the budget has no room for it beside the answer, which is given all the same', async () => {
    const { limit_usd, spent_usd } = await budget();
    // the answer's output is reserved, and about $0.005 for its prompt: that leaves too little for any rewriting
    const max_tokens = Math.floor(((limit_usd - spent_usd - 0.008) * 1e6) / 15);
    const reply = await app.ask({ ...ASK_ANYTHING, multi_query: 2, max_tokens });
    expect(reply).toMatchObject({ standalone_question: null, finish_reason: 'stop' });
    expect([...condensings(), ...rephrasings()]).toEqual([]);
    expect(answers()).toHaveLength(1);
    expect((await budget()).reserved_usd).toBe(0);
  });

  it('refuses with 402 what has no room even without it, and sends nothing to a language model', async () => {
    expectProblem(await app.post('/ask', { ...ASK_ANYTHING, max_tokens: 32_000 }), 402, 'BUDGET_EXCEEDED');
    expectProblem(
      await app.post('/ask/stream', { ...ASK_ANYTHING, max_tokens: 32_000 }),
      402,
      'BUDGET_EXCEEDED',
    );
    expect([...condensings(), ...answers()]).toEqual([]);
  });
});
