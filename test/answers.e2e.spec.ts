// Real: HTTP, keys, database, search, the providers' SDKs, prices, budgets, the ledger and the audit trail. The providers
// are a stand-in that speaks their wire protocols.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AnswerRetention } from '../src/ask/audit/answer-retention.js';
import type { AnswerListDto, FeedbackDto, RecordedAnswerDto } from '../src/ask/audit/answers.dto.js';
import type { AnswerDto } from '../src/ask/dto/answer.dto.js';
import type { BatchResponseDto } from '../src/ask/dto/batch.dto.js';
import type { SourceDto } from '../src/ask/dto/source.dto.js';
import { OpenRequests } from '../src/common/index.js';
import {
  type ApiClient,
  createStorage,
  expectProblem,
  type NewDocument,
  poll,
  startApp,
  type TestApp,
} from './support/app.js';
import {
  answer,
  FakeProvider,
  hangBeforeHeaders,
  interrupted,
  status,
} from './support/fake-providers/index.js';
import { ADMIN_KEY, makeKey, withSecret } from './support/keys.js';

const CLAUDE = 'anthropic/claude-sonnet-5';
const GPT = 'openai/gpt-4o-mini';
const PRICES = {
  [CLAUDE]: { input_mtok: 3, output_mtok: 15 },
  [GPT]: { input_mtok: 0.15, output_mtok: 0.6 },
};
const QUESTION = 'How often are API keys rotated?';
const CLAIM = 'API keys are rotated every 90 days.';
const NOTHING_LIKE_IT = 'zxqv wvut plokm';
const DOCUMENTS: NewDocument[] = [
  { title: 'Key rotation', text: CLAIM, url: 'https://wiki.example.com/keys' },
  { title: 'Old keys', text: 'Of rotated API keys, the old one works for another 24 hours.' },
  { title: 'Door keys', text: 'How often door keys are rotated is up to the office.', collection: 'office' },
];
/** $3 × 700 + $15 × 12 per million. */
const COST = 0.00228;
const cited = () =>
  answer([{ text: CLAIM, cites: [{ source: 0 }] }], { usage: { inputTokens: 700, outputTokens: 12 } });
const LONG = 'word '.repeat(2_000);

let provider: FakeProvider;
beforeAll(async () => {
  provider = await FakeProvider.start();
});
afterEach(() => provider.reset());
afterAll(() => provider.stop());

const environment = (env: Record<string, string> = {}) => ({
  LLM_MODELS: `${CLAUDE},${GPT}`,
  ANTHROPIC_API_KEY: 'k',
  ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
  OPENAI_API_KEY: 'k',
  OPENAI_BASE_URL: provider.openaiBaseUrl,
  MODEL_PRICES: JSON.stringify(PRICES),
  LLM_MAX_RETRIES: '0',
  LLM_BREAKER_FAILURES: '0',
  RATE_LIMIT_TPM: '0',
  RATE_LIMIT_CONCURRENCY: '0',
  ADMIN_API_KEY: ADMIN_KEY,
  RESPONSE_CACHE_TTL_S: '60',
  ...env,
});

async function start(env: Record<string, string> = {}): Promise<{ app: TestApp; admin: ApiClient }> {
  const app = await startApp(environment(env));
  const admin = withSecret(app, ADMIN_KEY);
  for (const document of DOCUMENTS) await admin.addDocument(document);
  return { app, admin };
}

async function recorded(client: ApiClient, id: string): Promise<RecordedAnswerDto> {
  const reply = await client.get<RecordedAnswerDto>(`/answers/${id}`);
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  return reply.body;
}

async function listed(client: ApiClient, query = ''): Promise<AnswerListDto> {
  const reply = await client.get<AnswerListDto>(`/answers${query}`);
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  return reply.body;
}

async function newest(client: ApiClient): Promise<RecordedAnswerDto> {
  return recorded(client, (await listed(client, '?limit=1')).answers[0]!.id);
}

const rows = async (app: TestApp): Promise<number> =>
  (await app.sql<{ count: number }>('SELECT count(*)::int AS count FROM answers'))[0]!.count;

function withoutPreview(source: SourceDto) {
  const { content_preview: _, ...rest } = source;
  return rest;
}

/** What the trail has of an answer, as its caller saw that. */
function expected(question: string, answer: AnswerDto, keyId: string) {
  const { evaluation: _, latency_ms: __, ...given } = answer;
  return {
    alternatives: [],
    ...given,
    sources: given.sources.map(withoutPreview),
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    key_id: keyId,
    question,
    error: null,
    latency_ms: expect.any(Number) as number,
    feedback: null,
  };
}

/** The sums of an ask's calls in the ledger. */
async function billed(app: TestApp, id: string) {
  const [sums] = await app.sql(
    `SELECT sum(input_tokens)::int AS input_tokens, sum(output_tokens)::int AS output_tokens,
            sum(cost_usd)::text AS cost_usd FROM llm_calls WHERE request_id = $1 AND operation <> 'judge'`,
    [id],
  );
  return sums as { input_tokens: number; output_tokens: number; cost_usd: string };
}

/** Opens a stream and reads it until it has an event; what is returned leaves. */
async function readUntil(client: ApiClient, ask: object, event: string) {
  const controller = new AbortController();
  const response = await client.openStream({ ...ask }, { signal: controller.signal });
  const reader = response.body!.getReader();
  let seen = '';
  while (!new RegExp(`event: ${event}\n.*\n\n`).test(seen)) {
    const { value, done } = await reader.read();
    expect(done, seen).toBe(false);
    seen += Buffer.from(value).toString();
  }
  const leave = async (): Promise<void> => {
    controller.abort();
    await expect(reader.read()).rejects.toThrow();
  };
  return { seen, leave };
}

describe('the audit trail', () => {
  let app: TestApp;
  let admin: ApiClient;
  beforeAll(async () => {
    ({ app, admin } = await start());
  });
  afterAll(() => app.stop());

  it('has an answer as its caller saw it, right after that', async () => {
    provider.next(cited());
    const before = Date.now();
    const given = await admin.ask({ question: QUESTION, collections: ['default'], top_k: 2 });
    const record = await recorded(admin, given.id);
    expect(given).toMatchObject({ cost_usd: COST, citations: [{ quote: CLAIM }] });
    expect(given.sources).toHaveLength(2);
    expect(record).toEqual(expected(QUESTION, given, 'admin'));
    expect(record.latency_ms).toBeGreaterThan(0);
    expect(record.latency_ms).toBeLessThanOrEqual(given.latency_ms);
    expect(Math.abs(Date.parse(record.created_at) - before)).toBeLessThan(10_000);
    const [row] = await app.sql<{ cost: string }>(
      'SELECT cost_usd::text AS cost FROM answers WHERE id = $1',
      [given.id],
    );
    expect(row!.cost).toBe((await billed(app, given.id)).cost_usd);
  });

  it('has the passages in the order in which the model was shown them', async () => {
    provider.next(cited());
    const given = await admin.ask(QUESTION);
    const shown = [...JSON.stringify(provider.lastRequest.body).matchAll(/"title":"([^"]+)"/g)].map(
      ([, title]) => title,
    );
    expect(shown).toHaveLength(DOCUMENTS.length);
    const { sources } = await recorded(admin, given.id);
    expect(sources.map(({ title }) => title)).toEqual(shown);
    expect(sources.map(({ cited }) => cited)).toEqual([true, false, false]);
    expect(sources.find(({ collection }) => collection === 'office')).toMatchObject({ title: 'Door keys' });
  });

  it('has a streamed answer before `done` is told', async () => {
    // the judge keeps the stream open after `done`
    provider.next(cited(), hangBeforeHeaders());
    const stream = await readUntil(admin, { question: QUESTION, evaluate: true }, 'done');
    const done = JSON.parse(/event: done\ndata: (.*)\n/.exec(stream.seen)![1]!) as AnswerDto;
    const record = await recorded(admin, done.id);
    await stream.leave();
    expect(record).toMatchObject({
      question: QUESTION,
      answer: CLAIM,
      citations: done.citations,
      usage: done.usage,
      timings: done.timings,
      finish_reason: 'stop',
      error: null,
    });
    expect(stream.seen).toContain(`{"sources":[{"id":"${record.sources[0]!.id}"`);
    // leaving the judge does not change what the answer was
    await provider.settled();
    expect((await recorded(admin, done.id)).error).toBeNull();
  });

  it('has each question of a batch, and none that was refused', async () => {
    provider.default(cited());
    const before = await rows(app);
    const questions = [{ question: QUESTION }, { question: 'Bad?', top_k: 0 }, { question: NOTHING_LIKE_IT }];
    const { body } = await admin.post<BatchResponseDto>('/ask/batch', { questions });
    expect(body.results.map((result) => result.status)).toEqual([200, 400, 200]);
    expect(await rows(app)).toBe(before + 2);
    for (const index of [0, 2])
      expect(await recorded(admin, body.results[index]!.response!.id)).toEqual(
        expected(questions[index]!.question, body.results[index]!.response!, 'admin'),
      );
  });

  it('has what found nothing, with the answer that says so', async () => {
    const given = await admin.ask(NOTHING_LIKE_IT);
    expect(given).toMatchObject({ finish_reason: 'no_context', sources: [] });
    expect(given.answer).not.toBe('');
    expect(await recorded(admin, given.id)).toEqual(expected(NOTHING_LIKE_IT, given, 'admin'));
  });

  it('has an answer that was given again, at no cost', async () => {
    provider.next(cited());
    const first = await admin.ask({ question: 'How often are API keys rotated, again?', cache: true });
    const again = await admin.ask({ question: 'How often are API keys rotated, again?', cache: true });
    expect(await recorded(admin, first.id)).toMatchObject({ cached: false, cost_usd: COST });
    expect(await recorded(admin, again.id)).toEqual(
      expected('How often are API keys rotated, again?', again, 'admin'),
    );
    expect(again).toMatchObject({ cached: true, cost_usd: 0, attempts: 0, answer: CLAIM });
  });

  it('has what was searched in place of the question', async () => {
    provider.next(answer('{"question": "How often are API keys rotated nowadays?"}'), cited());
    const history = [
      { role: 'user', content: 'What is an API key?' },
      { role: 'assistant', content: 'A secret.' },
    ];
    const given = await admin.ask({ question: 'How often are they rotated?', history });
    const record = await recorded(admin, given.id);
    expect(record).toEqual(expected('How often are they rotated?', given, 'admin'));
    expect(record.standalone_question).toBe('How often are API keys rotated nowadays?');
    expect(record.cost_usd).toBeGreaterThan(COST);
  });

  it('has what every compared model said, and why one failed', async () => {
    provider.default(({ path }) => (path === '/v1/messages' ? cited() : status(500)));
    const given = await admin.ask({ question: QUESTION, models: [CLAUDE, GPT] });
    const record = await recorded(admin, given.id);
    const [alternative] = given.alternatives!;
    expect(alternative!.error).toMatchObject({ code: 'PROVIDER_ERROR' });
    expect(record).toEqual({
      ...expected(QUESTION, given, 'admin'),
      alternatives: [{ ...alternative, error: 'PROVIDER_ERROR' }],
    });
  });

  it('has a question that no text of PostgreSQL can hold', async () => {
    provider.next(cited());
    const given = await admin.ask({ question: `${QUESTION} \0 \ud800` });
    expect((await recorded(admin, given.id)).question).toBe(`${QUESTION} \uFFFD \uFFFD`);
  });

  it('has an ask that failed, with its code, its text as far as it came, and what that cost', async () => {
    provider.next(interrupted([{ text: 'one two three four five' }], 'error', 3), status(500));
    const stream = await admin.askStream({ question: QUESTION });
    expect(stream.error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    const record = await newest(admin);
    expect(record).toMatchObject({
      question: QUESTION,
      answer: stream.text,
      error: 'PROVIDER_UNAVAILABLE',
      finish_reason: null,
      model: CLAUDE,
      attempts: 1,
      prompt_version: 'answer.v1',
    });
    expect(record.answer).toMatch(/^one two/);
    expect(record.sources.map(({ id }) => id)).toEqual(stream.sources!.map(({ id }) => id));
    const { input_tokens, output_tokens, cost_usd } = await billed(app, record.id);
    expect(input_tokens).toBeGreaterThan(0);
    expect(record.usage).toMatchObject({ input_tokens, output_tokens });
    expect(record.cost_usd).toBe(Number(cost_usd));
  });

  it('has an ask that no model answered', async () => {
    provider.default(status(500));
    expectProblem(await admin.post('/ask', { question: QUESTION }), 502, 'PROVIDER_ERROR');
    // of both models
    expect(await newest(admin)).toMatchObject({
      error: 'PROVIDER_ERROR',
      answer: '',
      attempts: 2,
      cost_usd: 0,
    });
  });

  it('has an ask that failed before anything was found', async () => {
    expectProblem(await admin.post('/ask', { question: QUESTION, collections: ['none'] }), 404, 'NOT_FOUND');
    expect(await newest(admin)).toMatchObject({
      error: 'NOT_FOUND',
      question: QUESTION,
      answer: null,
      sources: [],
      prompt_version: null,
      timings: null,
    });
  });

  it('has an ask that a budget did not allow', async () => {
    const poor = await makeKey(admin, { daily_usd: 0.000001 });
    const client = withSecret(app, poor.secret);
    expectProblem(await client.post('/ask', { question: QUESTION }), 402, 'BUDGET_EXCEEDED');
    const record = await newest(client);
    expect(record).toMatchObject({ key_id: poor.id, error: 'BUDGET_EXCEEDED', answer: null, cost_usd: 0 });
    // what would have been shown
    expect(record.sources).toHaveLength(DOCUMENTS.length);
    expect(provider.requests).toEqual([]);
  });

  it('has an ask whose tokens a minute did not allow it', async () => {
    const client = (await makeKey(admin, { tpm: 5_000 })).client;
    // holds some of them, so that all is more than is left
    provider.next(hangBeforeHeaders());
    const controller = new AbortController();
    const init = { signal: controller.signal };
    const first = client.post('/ask', { question: QUESTION, max_tokens: 10 }, init).catch(() => undefined);
    await provider.until(({ requests }) => requests.length === 1);
    const tooMuch = { question: QUESTION, max_tokens: 5_000 };
    expectProblem(await client.post('/ask', tooMuch), 429, 'RATE_LIMITED');
    expect((await listed(client)).answers).toMatchObject([{ error: 'RATE_LIMITED', cost_usd: 0 }]);
    controller.abort();
    await first;
  });

  it.each(['sources', 'token'])('has an ask whose caller left after %s', async (event) => {
    provider.next(answer(LONG, { delayMs: 2, usage: { inputTokens: 700 } }));
    const before = await rows(app);
    const stream = await readUntil(admin, { question: `${QUESTION} ${event}` }, event);
    await stream.leave();
    await poll('the row is there', async () => (await rows(app)) === before + 1);
    const record = await newest(admin);
    expect(record).toMatchObject({
      question: `${QUESTION} ${event}`,
      error: 'ABORTED',
      finish_reason: null,
      model: CLAUDE,
    });
    expect(LONG.startsWith(record.answer!)).toBe(true);
    if (event === 'token') expect(record.answer!.length).toBeGreaterThan(0);
    expect(record.answer!.length).toBeLessThan(LONG.length);
    expect(record.sources).toHaveLength(DOCUMENTS.length);
    const row = await poll('the bill is there', async () => {
      const sums = await billed(app, record.id);
      return sums.cost_usd === null ? undefined : sums;
    });
    expect(record.usage.output_tokens).toBe(row.output_tokens);
    expect(record.cost_usd).toBe(Number(row.cost_usd));
  });

  it('has nothing of what was refused before it was asked', async () => {
    const before = await rows(app);
    const searcher = (await makeKey(admin, { scopes: ['search'] })).client;
    const bounded = (await makeKey(admin, { collections: ['office'] })).client;
    expectProblem(await admin.post('/ask', { question: '' }), 400, 'INVALID_REQUEST');
    expectProblem(await admin.post('/ask', { question: QUESTION, model: 'none' }), 400, 'INVALID_REQUEST');
    expectProblem(await app.post('/ask', { question: QUESTION }), 401, 'UNAUTHENTICATED');
    expectProblem(await searcher.post('/ask', { question: QUESTION }), 403, 'FORBIDDEN');
    const elsewhere = { question: QUESTION, collections: ['default'] };
    expectProblem(await bounded.post('/ask', elsewhere), 403, 'FORBIDDEN');
    expect(await rows(app)).toBe(before);
  });

  it('has every one of many at once', async () => {
    provider.default(cited());
    const given = await Promise.all(
      Array.from({ length: 30 }, (_, index) => admin.ask(`${QUESTION} Number ${index}.`)),
    );
    for (const [index, { id }] of given.entries())
      expect((await recorded(admin, id)).question).toBe(`${QUESTION} Number ${index}.`);
  });

  it('may fail: the answer does not, and the loss is counted', async () => {
    const metric = async (): Promise<number> => {
      const { body } = await admin.get<string>('/metrics', { accept: 'text/plain' });
      return Number(/^footnote_answers_lost_total (\d+)$/m.exec(body)![1]);
    };
    provider.default(cited());
    const before = await metric();
    await app.sql('ALTER TABLE answers RENAME TO answers_gone');
    let given: AnswerDto;
    try {
      given = await admin.ask(QUESTION);
      const stream = await admin.askStream(QUESTION);
      expect(stream.done).toMatchObject({ finish_reason: 'stop' });
    } finally {
      await app.sql('ALTER TABLE answers_gone RENAME TO answers');
    }
    expect(given.answer).toBe(CLAIM);
    expect(await metric()).toBe(before + 2);
    expectProblem(await admin.get(`/answers/${given.id}`), 404, 'NOT_FOUND');
    // and the next one is written again
    await recorded(admin, (await admin.ask(QUESTION)).id);
  });
});

describe('who may see an answer', () => {
  let app: TestApp;
  let admin: ApiClient;
  let own: ApiClient;
  let other: ApiClient;
  let ownId: string;
  let otherId: string;
  let id: string;
  beforeAll(async () => {
    ({ app, admin } = await start());
    const [ownKey, otherKey] = [await makeKey(admin), await makeKey(admin)];
    ownId = ownKey.id;
    otherId = otherKey.id;
    own = withSecret(app, ownKey.secret);
    other = withSecret(app, otherKey.secret);
    ({ id } = await own.ask(NOTHING_LIKE_IT));
    await other.ask(NOTHING_LIKE_IT);
    await admin.ask(NOTHING_LIKE_IT);
  });
  afterAll(() => app.stop());

  it('who asked, and who may see all', async () => {
    expect((await recorded(own, id)).key_id).toBe(ownId);
    expect((await recorded(admin, id)).key_id).toBe(ownId);
  });

  it('not another, who is told the same as of one that is not there', async () => {
    const { detail, ...problem } = expectProblem(await other.get(`/answers/${id}`), 404, 'NOT_FOUND');
    for (const missing of ['00000000-0000-4000-8000-000000000000', 'nope'])
      expect(expectProblem(await other.get(`/answers/${missing}`), 404, 'NOT_FOUND')).toMatchObject({
        detail,
        title: problem.title,
      });
    expectProblem(await other.post(`/answers/${id}/feedback`, { thumb: 'down' }), 404, 'NOT_FOUND');
    expect((await recorded(own, id)).feedback).toBeNull();
  });

  it('in a list too', async () => {
    const keys = async (client: ApiClient, query = '') =>
      (await listed(client, query)).answers.map(({ key_id }) => key_id);
    expect(await keys(own)).toEqual([ownId]);
    expect(await keys(other)).toEqual([otherId]);
    expect(await keys(admin)).toEqual(['admin', otherId, ownId]);
    expect(await keys(own, `?key_id=${ownId}`)).toEqual([ownId]);
    expect(await keys(admin, `?key_id=${ownId}`)).toEqual([ownId]);
    expectProblem(await own.get(`/answers?key_id=${otherId}`), 403, 'FORBIDDEN');
  });

  it('only with the scope ask', async () => {
    const searcher = (await makeKey(admin, { scopes: ['search', 'metrics'] })).client;
    expectProblem(await searcher.get('/answers'), 403, 'FORBIDDEN');
    expectProblem(await searcher.get(`/answers/${id}`), 403, 'FORBIDDEN');
    expectProblem(await app.get(`/answers/${id}`), 401, 'UNAUTHENTICATED');
  });
});

describe('feedback', () => {
  let app: TestApp;
  let admin: ApiClient;
  let own: ApiClient;
  let id: string;
  beforeAll(async () => {
    ({ app, admin } = await start());
    own = (await makeKey(admin)).client;
    ({ id } = await own.ask(NOTHING_LIKE_IT));
  });
  afterAll(() => app.stop());

  const give = (client: ApiClient, body: object) => client.post<FeedbackDto>(`/answers/${id}/feedback`, body);

  it('is kept with the answer, and replaced by the next', async () => {
    const first = await give(own, { thumb: 'down', comment: 'It is there: see "Keys".' });
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      thumb: 'down',
      comment: 'It is there: see "Keys".',
      given_at: expect.stringMatching(/Z$/) as string,
    });
    expect((await recorded(own, id)).feedback).toEqual(first.body);
    const second = await give(admin, { thumb: 'up' });
    expect(second.body).toMatchObject({ thumb: 'up', comment: null });
    expect((await listed(own)).answers[0]!.feedback).toEqual(second.body);
  });

  it('is counted by thumb', async () => {
    const count = async (thumb: string): Promise<number> => {
      const { body } = await admin.get<string>('/metrics', { accept: 'text/plain' });
      return Number(
        new RegExp(`^footnote_answer_feedback_total\\{thumb="${thumb}"\\} (\\d+)$`, 'm').exec(body)?.[1] ?? 0,
      );
    };
    const [up, down] = [await count('up'), await count('down')];
    await give(own, { thumb: 'up' });
    await give(own, { thumb: 'down' });
    await give(own, { thumb: 'down' });
    expect([await count('up'), await count('down')]).toEqual([up + 1, down + 2]);
  });

  it.each([
    [{}, 'thumb'],
    [{ thumb: 'sideways' }, 'thumb'],
    [{ thumb: 'up', comment: 'x'.repeat(2001) }, 'comment'],
    [{ thumb: 'up', comment: 'a\0b' }, 'comment'],
    [{ thumb: 'up', stars: 5 }, 'stars'],
  ])('refuses %j', async (body, field) => {
    const problem = expectProblem(await give(own, body), 400, 'INVALID_REQUEST');
    expect(problem.errors!.map((error) => error.field)).toEqual([field]);
  });

  it('takes a comment of 2,000 characters', async () => {
    expect((await give(own, { thumb: 'up', comment: 'x'.repeat(2000) })).status).toBe(200);
  });
});

describe('GET /answers', () => {
  let app: TestApp;
  let admin: ApiClient;
  const ids: Record<string, string> = {};
  let created: Record<string, string> = {};
  beforeAll(async () => {
    ({ app, admin } = await start());
    provider.default(cited());
    ids['claude'] = (await admin.ask({ question: QUESTION, collections: ['default'] })).id;
    ids['gpt'] = (await admin.ask({ question: QUESTION, model: GPT, collections: ['office'] })).id;
    ids['none'] = (await admin.ask(NOTHING_LIKE_IT)).id;
    provider.default(status(500));
    await admin.post('/ask', { question: QUESTION });
    ids['failed'] = (await newest(admin)).id;
    expect((await admin.post(`/answers/${ids['claude']}/feedback`, { thumb: 'up' })).status).toBe(200);
    expect((await admin.post(`/answers/${ids['gpt']}/feedback`, { thumb: 'down' })).status).toBe(200);
    const { answers } = await listed(admin);
    created = Object.fromEntries(answers.map((item) => [item.id, item.created_at]));
  });
  afterAll(() => app.stop());

  const names = async (query: string): Promise<string[]> =>
    (await listed(admin, query)).answers.map(({ id }) => Object.keys(ids).find((name) => ids[name] === id)!);

  it('tells all of an answer but what is long', async () => {
    const { answers, next_cursor } = await listed(admin);
    expect(next_cursor).toBeNull();
    const {
      sources: _,
      citations: __,
      alternatives: ___,
      timings: ____,
      ...item
    } = await recorded(admin, ids['claude']!);
    expect(answers.at(-1)).toEqual(item);
    expect(item).toMatchObject({ question: QUESTION, answer: CLAIM, feedback: { thumb: 'up' } });
  });

  it.each([
    ['', ['failed', 'none', 'gpt', 'claude']],
    [`?model=${GPT}`, ['gpt']],
    ['?collection=office', ['failed', 'gpt']],
    ['?collection=nowhere', []],
    ['?finish_reason=no_context', ['none']],
    ['?finish_reason=stop', ['gpt', 'claude']],
    ['?error=true', ['failed']],
    ['?error=false', ['none', 'gpt', 'claude']],
    ['?error=PROVIDER_ERROR', ['failed']],
    ['?error=BUDGET_EXCEEDED', []],
    ['?thumb=up', ['claude']],
    ['?thumb=down', ['gpt']],
    [`?thumb=down&model=${CLAUDE}`, []],
    ['?key_id=admin&error=false&limit=2', ['none', 'gpt']],
    ['?key_id=somebody', []],
  ])('%s', async (query, expectedNames) => expect(await names(query)).toEqual(expectedNames));

  it('from and to: the first instant that counts, and the first that does not', async () => {
    // a millisecond is as exact as it is told
    const after = (id: string): string => new Date(Date.parse(created[id]!) + 1).toISOString();
    expect(await names(`?to=${after(ids['gpt']!)}`)).toEqual(['gpt', 'claude']);
    expect(await names(`?from=${after(ids['gpt']!)}`)).toEqual(['failed', 'none']);
    expect(await names(`?from=${after(ids['claude']!)}&to=${after(ids['none']!)}`)).toEqual(['none', 'gpt']);
    expect(await names('?from=2100-01-01')).toEqual([]);
    expect(await names('?to=2000-01-01')).toEqual([]);
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['thumb=sideways', 'thumb'],
    ['error=maybe', 'error'],
    ['finish_reason=whatever', 'finish_reason'],
    ['from=yesterday', 'from'],
    ['to=2026-W01-1', 'to'],
    ['cursor=%21', 'cursor'],
    ['cursor=abc', 'cursor'],
    ['colour=red', 'colour'],
  ])('refuses %s', async (query, field) => {
    const problem = expectProblem(await admin.get(`/answers?${query}`), 400, 'INVALID_REQUEST');
    expect(problem.errors!.map((error) => error.field)).toEqual([field]);
  });

  it('gives each of many once, page by page, newest first, whatever comes meanwhile', async () => {
    await app.sql(
      `INSERT INTO answers (id, key_id, question, sources, citations, alternatives, model, usage, latency_ms, attempts, cached)
       SELECT gen_random_uuid(), 'many', i::text, '[]', '[]', '[]', 'extractive', '{}', 1, 1, false
       FROM generate_series(1, 450) i`,
    );
    const seen: string[] = [];
    const sizes: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: AnswerListDto = await listed(
        admin,
        `?key_id=many&limit=200${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...page.answers.map(({ question }) => question!));
      sizes.push(page.answers.length);
      await app.sql(
        `INSERT INTO answers (id, key_id, sources, citations, alternatives, model, usage, latency_ms, attempts, cached)
         VALUES (gen_random_uuid(), 'many', '[]', '[]', '[]', 'extractive', '{}', 1, 1, false)`,
      );
      cursor = page.next_cursor;
    }
    expect(sizes).toEqual([200, 200, 50]);
    expect(seen).toEqual(Array.from({ length: 450 }, (_, index) => String(450 - index)));
    expect((await listed(admin, '?key_id=many')).answers).toHaveLength(50);
  });
});

describe('ANSWERS_TEXT=off', () => {
  it('keeps ids, offsets and numbers, and no words', async () => {
    const { app, admin } = await start({ ANSWERS_TEXT: 'off' });
    try {
      provider.default(({ path }) => (path === '/v1/messages' ? cited() : answer('Said by another.')));
      provider.next(answer('{"question": "A condensed question about API keys rotated?"}'));
      const history = [{ role: 'user', content: 'What is an API key?' }];
      const given = await admin.ask({ question: QUESTION, models: [CLAUDE, GPT], history });
      const feedback = await admin.post<FeedbackDto>(`/answers/${given.id}/feedback`, {
        thumb: 'down',
        comment: 'My secret opinion',
      });
      expect(feedback.body).toMatchObject({ thumb: 'down', comment: null });
      const record = await recorded(admin, given.id);
      expect(given.standalone_question).not.toBeNull();
      expect(record).toMatchObject({
        question: null,
        standalone_question: null,
        answer: null,
        usage: given.usage,
        cost_usd: given.cost_usd,
        alternatives: [{ model: GPT, answer: null, finish_reason: 'stop' }],
        feedback: { thumb: 'down', comment: null },
      });
      expect(record.sources).toEqual(
        given.sources.map((source) => ({ ...withoutPreview(source), title: null, url: null })),
      );
      expect(record.citations).toEqual(given.citations.map((citation) => ({ ...citation, quote: null })));
      expect(record.citations).toHaveLength(1);
      // nor anywhere else in the row
      const [row] = await app.sql<{ row: string }>('SELECT answers::text AS row FROM answers');
      for (const word of ['rotated', 'Key rotation', 'wiki.example.com', 'Said by', 'secret', 'condensed'])
        expect(row!.row).not.toContain(word);
      expect(row!.row).toContain(given.sources[0]!.document_id);
    } finally {
      await app.stop();
    }
  });
});

describe('ANSWERS_RETENTION_DAYS', () => {
  /** Makes an answer look so many days old. */
  const age = (app: TestApp, id: string, days: number) =>
    app.sql('UPDATE answers SET created_at = clock_timestamp() - make_interval(days => $2) WHERE id = $1', [
      id,
      days,
    ]);

  it('deletes what is older, and only that; until then it is not seen', async () => {
    const { app, admin } = await start({ ANSWERS_RETENTION_DAYS: '7' });
    try {
      const [old, young] = [await admin.ask(NOTHING_LIKE_IT), await admin.ask(NOTHING_LIKE_IT)];
      await age(app, old.id, 7);
      await age(app, young.id, 6);
      expectProblem(await admin.get(`/answers/${old.id}`), 404, 'NOT_FOUND');
      expectProblem(await admin.post(`/answers/${old.id}/feedback`, { thumb: 'up' }), 404, 'NOT_FOUND');
      expect((await listed(admin)).answers.map(({ id }) => id)).toEqual([young.id]);
      expect(await rows(app)).toBe(2);
      expect(await app.app.get(AnswerRetention).purge()).toBe(1);
      expect(await rows(app)).toBe(1);
      expect(await app.app.get(AnswerRetention).purge()).toBe(0);
      await recorded(admin, young.id);
    } finally {
      await app.stop();
    }
  });

  it('deletes more than fit into one batch, once each, also where two do it at once', async () => {
    const { app } = await start({ ANSWERS_RETENTION_DAYS: '7' });
    try {
      await app.sql(
        `INSERT INTO answers (id, created_at, key_id, sources, citations, alternatives, model, usage, latency_ms, attempts, cached)
         SELECT gen_random_uuid(), now() - interval '8 days', 'x', '[]', '[]', '[]', 'extractive', '{}', 1, 1, false
         FROM generate_series(1, 2500)`,
      );
      const retention = app.app.get(AnswerRetention);
      const counts = await Promise.all([retention.purge(), retention.purge()]);
      // rows that one of the two is deleting are left to it by the other
      expect(counts[0] + counts[1]).toBe(2500);
      expect(await rows(app)).toBe(0);
    } finally {
      await app.stop();
    }
  });

  it('0: keeps nothing, and forgets at the start what was kept before', async () => {
    const storage = await createStorage();
    try {
      const before = await startApp(environment(), storage);
      const { id } = await withSecret(before, ADMIN_KEY).ask(NOTHING_LIKE_IT);
      expect(await rows(before)).toBe(1);
      await before.stop();
      const app = await startApp(environment({ ANSWERS_RETENTION_DAYS: '0' }), storage);
      const admin = withSecret(app, ADMIN_KEY);
      const given = await admin.ask(NOTHING_LIKE_IT);
      for (const one of [id, given.id]) {
        expectProblem(await admin.get(`/answers/${one}`), 404, 'NOT_FOUND');
        expectProblem(await admin.post(`/answers/${one}/feedback`, { thumb: 'up' }), 404, 'NOT_FOUND');
      }
      expect(await listed(admin)).toEqual({ answers: [], next_cursor: null });
      await poll('the old one is deleted', async () => (await rows(app)) === 0);
      await app.stop();
    } finally {
      await storage.remove();
    }
  });
});

describe('without authentication', () => {
  it('everybody sees all', async () => {
    const app = await startApp();
    try {
      const { id } = await app.ask(NOTHING_LIKE_IT);
      expect(await recorded(app, id)).toMatchObject({ key_id: 'anonymous', question: NOTHING_LIKE_IT });
      expect((await listed(app, '?key_id=anonymous')).answers).toHaveLength(1);
      expect((await app.post(`/answers/${id}/feedback`, { thumb: 'up' })).status).toBe(200);
    } finally {
      await app.stop();
    }
  });
});

describe('a stop', () => {
  it('waits for the rows of asks that it ends', async () => {
    const storage = await createStorage();
    try {
      const app = await startApp(environment(), storage);
      const admin = withSecret(app, ADMIN_KEY);
      await admin.addDocument(DOCUMENTS[0]!);
      provider.default(answer(LONG, { delayMs: 2 }));
      const streams = await Promise.all(
        Array.from({ length: 5 }, () => readUntil(admin, { question: QUESTION }, 'token')),
      );
      // as a signal to stop does
      app.app.get(OpenRequests).abortAll();
      await app.stop();
      await Promise.all(streams.map(({ leave }) => leave().catch(() => undefined)));
      const next = await startApp(environment(), storage);
      const { answers } = await listed(withSecret(next, ADMIN_KEY));
      expect(answers.map(({ error }) => error)).toEqual(
        Array.from({ length: 5 }, () => 'SERVICE_UNAVAILABLE'),
      );
      await next.stop();
    } finally {
      await storage.remove();
    }
  });
});
