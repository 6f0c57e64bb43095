// Real: HTTP, validation, database, search, the providers' SDKs, prices and the ledger. The provider is a stand-in that
// speaks its wire protocol.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BatchResponseDto, BatchResultDto } from '../src/ask/dto/batch.dto.js';
import { expectProblem, type LedgerRow, poll, type Reply, startApp, type TestApp } from './support/app.js';
import { answer, type Behaviour, FakeProvider, status } from './support/fake-providers/index.js';

const KEY = 'the-admin-key-of-this-test-0123456789';
const MODEL = 'anthropic/claude-sonnet-5';
const PRICES = { [MODEL]: { input_mtok: 3, output_mtok: 15 } };
const QUESTION = 'How often are API keys rotated?';
/** Most questions of a batch that are under way at once. */
const AT_ONCE = 8;

let provider: FakeProvider;
let app: TestApp;
beforeAll(async () => {
  provider = await FakeProvider.start();
  app = await startApp({
    LLM_MODELS: MODEL,
    ANTHROPIC_API_KEY: 'sk-ant-very-secret-key',
    ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
    MODEL_PRICES: JSON.stringify(PRICES),
    LLM_MAX_RETRIES: '0',
    LLM_BREAKER_FAILURES: '0',
  });
  await app.addDocument({ title: 'Key rotation', text: 'API keys are rotated every 90 days.' });
});
afterEach(() => provider.reset());
afterAll(async () => {
  await app.stop();
  await provider.stop();
});

const batch = (questions: unknown, init?: RequestInit): Promise<Reply<BatchResponseDto>> =>
  app.post<BatchResponseDto>('/ask/batch', { questions }, init);

async function results(questions: object[]): Promise<BatchResultDto[]> {
  const reply = await batch(questions);
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  return reply.body.results;
}

/** Answers the question that ends in `number n` with `Answer n.`, as `behave` says. */
function byNumber(behave: (number: number) => Behaviour | undefined): void {
  provider.default(({ body }) => {
    const [, digits] = /number (\d+)/.exec(JSON.stringify(body)) ?? [];
    const number = Number(digits);
    return behave(number) ?? answer(`Answer ${number}.`, { usage: { inputTokens: number, outputTokens: 2 } });
  });
}
const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ question: `${QUESTION} This is number ${index}.` }));

describe('POST /ask/batch', () => {
  it('answers all questions in their order, whichever is answered first', async () => {
    byNumber((number) => answer(`Answer ${number}.`, { headersDelayMs: 15 * (20 - number) }));
    const got = await results(numbered(20));
    expect(got.map(({ index, status: code, response }) => [index, code, response?.answer])).toEqual(
      Array.from({ length: 20 }, (_, index) => [index, 200, `Answer ${index}.`]),
    );
    expect(got.every(({ error }) => error === undefined)).toBe(true);
    expect(new Set(got.map(({ response }) => response!.id)).size).toBe(20);
    expect(got[7]!.response!.sources[0]).toMatchObject({ title: 'Key rotation' });
  });

  it('answers each as /ask would', async () => {
    provider.default(
      answer([{ text: 'API keys are rotated every 90 days.', cites: [{ source: 0 }] }], {
        usage: { inputTokens: 700, outputTokens: 12 },
      }),
    );
    const [result] = await results([{ question: QUESTION, top_k: 1, max_tokens: 77 }]);
    expect(provider.lastRequest.body).toMatchObject({ max_tokens: 77 });
    const alone = await app.ask({ question: QUESTION, top_k: 1, max_tokens: 77 });
    const varying = {
      id: expect.any(String),
      latency_ms: expect.any(Number),
      timings: expect.any(Object),
    };
    expect(result).toEqual({ index: 0, status: 200, response: { ...alone, ...varying } });
    expect(alone).toMatchObject({
      citations: [{ quote: 'API keys are rotated every 90 days.' }],
      cost_usd: 0.00228,
    });
  });

  it('tells of each question that fails in its own place, and answers the others', async () => {
    byNumber((number) => (number === 3 ? status(529) : undefined));
    const reply = await batch([
      { question: `${QUESTION} number 0` },
      { question: '  ' },
      { question: `${QUESTION} number 2`, collections: ['there-is-none'] },
      { question: `${QUESTION} number 3` },
      { question: QUESTION, top_k: 99, no_such_field: true },
      { question: QUESTION, history: [{ role: 'system', content: 'x' }] },
      { question: QUESTION, model: 'x/y' },
      {},
      { question: `${QUESTION} number 8` },
    ]);
    expect(reply.status).toBe(200);
    const got = reply.body.results;
    expect(
      got.map(({ index, status: code, response, error }) => [
        index,
        code,
        response?.answer ?? error?.code,
        error?.errors?.map(({ field }) => field).sort(),
      ]),
    ).toEqual([
      [0, 200, 'Answer 0.', undefined],
      [1, 400, 'INVALID_REQUEST', ['question']],
      [2, 404, 'NOT_FOUND', undefined],
      [3, 503, 'PROVIDER_UNAVAILABLE', undefined],
      [4, 400, 'INVALID_REQUEST', ['no_such_field', 'top_k']],
      [5, 400, 'INVALID_REQUEST', ['history.0.role']],
      [6, 400, 'INVALID_REQUEST', ['model']],
      [7, 400, 'INVALID_REQUEST', ['question']],
      [8, 200, 'Answer 8.', undefined],
    ]);
    for (const { status: code, response, error } of got) {
      expect((response === undefined) !== (error === undefined)).toBe(true);
      if (error === undefined) continue;
      expect(error).toMatchObject({ status: code, request_id: reply.headers.get('x-request-id') });
      expect(error.detail).not.toBe('');
      expect(JSON.stringify(error)).not.toMatch(/secret/);
    }
    expect(got[2]!.error!.detail).toContain('there-is-none');
  });

  it('has a status of its own even when every question fails', async () => {
    provider.default(status(401));
    const got = await results(numbered(3));
    expect(got.map(({ status: code, error }) => [code, error?.code])).toEqual([
      [502, 'PROVIDER_ERROR'],
      [502, 'PROVIDER_ERROR'],
      [502, 'PROVIDER_ERROR'],
    ]);
  });

  it('asks several questions at once, but never more than eight', async () => {
    let most = 0;
    byNumber((number) => {
      most = Math.max(most, provider.requests.filter(({ endedAt }) => endedAt === undefined).length);
      return answer(`Answer ${number}.`, { headersDelayMs: 20, delayMs: 5 });
    });
    expect(await results(numbered(40))).toHaveLength(40);
    expect(provider.requests).toHaveLength(40);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(AT_ONCE);
  });

  it('counts each question as a request of its own, one that was never asked as none', async () => {
    byNumber((number) => (number === 1 ? status(529) : undefined));
    const before = await app.costs();
    const got = await results([...numbered(4), { question: '' }]);
    expect(got.map(({ status: code }) => code)).toEqual([200, 503, 200, 200, 400]);
    const after = await app.costs();
    expect(after.total_requests - before.total_requests).toBe(4);
    const spent = got.reduce((sum, { response }) => sum + (response?.cost_usd ?? 0), 0);
    expect(spent).toBeGreaterThan(0);
    expect(after.total_cost_usd - before.total_cost_usd).toBeCloseTo(spent, 11);
  });

  it('stops all of them when the client leaves, begins no other, and bills what was used', async () => {
    const before = (await app.ledger()).length;
    provider.default(answer('word '.repeat(2_000), { delayMs: 10, usage: { inputTokens: 40 } }));
    const controller = new AbortController();
    const asked = batch(numbered(30), { signal: controller.signal });
    await provider.until(
      ({ requests }) =>
        requests.length === AT_ONCE && requests.every(({ billed }) => billed.outputTokens >= 3),
      10_000,
    );
    controller.abort();
    await expect(asked).rejects.toThrow();
    await provider.until(({ requests }) => requests.every(({ aborted }) => aborted));
    const rows = await poll('the ledger has them', async (): Promise<LedgerRow[] | undefined> => {
      const answers = (await app.ledger()).slice(before).filter(({ operation }) => operation === 'answer');
      return answers.length === AT_ONCE ? answers : undefined;
    });
    expect(new Set(rows.map(({ request_id }) => request_id)).size).toBe(AT_ONCE);
    for (const row of rows) {
      expect(row).toMatchObject({ outcome: 'aborted', error: null });
      expect(row.input_tokens).toBeGreaterThan(0);
      expect(row.output_tokens).toBeGreaterThan(0);
      expect(Number(row.cost_usd)).toBeGreaterThan(0);
    }
    expect(provider.requests).toHaveLength(AT_ONCE);
    // and the service goes on
    provider.default(answer('Yes.'));
    expect((await results(numbered(1)))[0]).toMatchObject({ status: 200, response: { answer: 'Yes.' } });
  });

  it('takes a hundred questions', async () => {
    provider.default(answer('Yes.'));
    const got = await results(numbered(100));
    expect(got.map(({ status: code }) => code)).toEqual(got.map(() => 200));
    expect(got).toHaveLength(100);
  });

  it.each<[string, unknown, string]>([
    ['a hundred and one questions', numbered(101), 'questions'],
    ['no question', [], 'questions'],
    ['no list', { question: QUESTION }, 'questions'],
    ['nothing', undefined, 'questions'],
    ['a string among them', [{ question: QUESTION }, QUESTION], 'questions'],
    ['a number among them', [1, { question: QUESTION }], 'questions'],
    ['null among them', [{ question: QUESTION }, null], 'questions'],
    ['a list among them', [{ question: QUESTION }, [{ question: QUESTION }]], 'questions'],
  ])('refuses %s, and asks nothing', async (_, questions, field) => {
    const problem = expectProblem(await batch(questions), 400, 'INVALID_REQUEST');
    expect(problem.errors?.map((error) => error.field)).toContain(field);
    expect(provider.requests).toEqual([]);
  });

  it('refuses fields that it does not know', async () => {
    const reply = await app.post('/ask/batch', { questions: numbered(1), concurrency: 100 });
    expect(expectProblem(reply, 400, 'INVALID_REQUEST').errors).toMatchObject([{ field: 'concurrency' }]);
    expect(provider.requests).toEqual([]);
  });
});

describe('POST /ask/batch with ADMIN_API_KEY', () => {
  it('needs the key', async () => {
    const guarded = await startApp({ ADMIN_API_KEY: KEY });
    try {
      const body = { questions: [{ question: QUESTION }] };
      expectProblem(await guarded.post('/ask/batch', body), 401, 'UNAUTHENTICATED');
      const wrong = await guarded.with({ 'x-api-key': `${KEY}x` }).post('/ask/batch', body);
      expectProblem(wrong, 401, 'UNAUTHENTICATED');
      const right = await guarded
        .with({ authorization: `Bearer ${KEY}` })
        .post<BatchResponseDto>('/ask/batch', body);
      expect(right.status).toBe(200);
      expect(right.body.results).toMatchObject([
        { index: 0, status: 200, response: { finish_reason: 'no_context' } },
      ]);
    } finally {
      await guarded.stop();
    }
  });
});
