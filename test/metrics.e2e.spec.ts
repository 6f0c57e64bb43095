// Real: HTTP, database, prices and the ledger. The provider is a stand-in that speaks its wire protocol.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CostGroup } from '../src/costs/cost-summary.dto.js';
import { expectProblem, startApp, type TestApp } from './support/app.js';
import { answer, FakeProvider, status } from './support/fake-providers/index.js';

const A = 'anthropic/claude-sonnet-5';
const B = 'openai/of-unknown-price';
const EMBEDDING = 'openai/text-embedding-3-small';
const PRICES = {
  [A]: { input_mtok: 3, output_mtok: 15, cache_read_mtok: 0.3 },
  [EMBEDDING]: { input_mtok: 0.02, output_mtok: 0 },
};
const TOKENS = [
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'embedding_tokens',
] as const;

let provider: FakeProvider;
let app: TestApp;
/** What the provider says that it has billed, for embeddings. */
let embeddingTokens: number;

beforeAll(async () => {
  provider = await FakeProvider.start();
  app = await startApp({
    LLM_MODELS: `${A},${B}`,
    EMBEDDING_MODEL: EMBEDDING,
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    MODEL_PRICES: JSON.stringify(PRICES),
    LLM_MAX_RETRIES: '1',
  });
  provider.default((exchange) => {
    if (exchange.path === '/v1/messages')
      return answer('Yes it is.', { usage: { inputTokens: 1001, outputTokens: 33, cacheReadTokens: 10 } });
    return answer('No.', { usage: { inputTokens: 500, outputTokens: 7 } });
  });
});
afterAll(async () => {
  await app.stop();
  await provider.stop();
});

describe('GET /metrics as JSON', () => {
  it('is all zeros at first', async () => {
    expect(await app.costs()).toEqual({
      total_cost_usd: 0,
      total_requests: 0,
      total_tokens: {
        input_tokens: 0,
        output_tokens: 0,
        cache_read_tokens: 0,
        cache_write_tokens: 0,
        embedding_tokens: 0,
      },
      unpriced_calls: 0,
      by_model: [],
      by_operation: [],
      by_key: [],
      by_day: [],
      budgets: [],
    });
  });

  it('sums known calls exactly, by model, operation, key and day', async () => {
    await app.addDocument({ title: 'Keys', text: 'API keys are rotated every 90 days.' });
    const question = 'How often are API keys rotated?';
    for (let index = 0; index < 3; index++) await app.ask(question);
    await app.ask({ question, model: B });
    await app.askStream(question);
    await app.search(question);
    await app.ask({ question, filter: { none: 1 } });
    // one failure, then a success
    const embed = (): ReturnType<typeof answer> => answer('');
    provider.next(embed(), status(529, { 'retry-after': '0' }));
    await app.ask(question);
    // neither reaches the pipeline
    await app.post('/ask', { question: '' });
    await app.post('/ask', { question, model: 'x/y' });

    embeddingTokens = provider.requests
      .filter(({ path }) => path.endsWith('/embeddings'))
      .reduce((sum, { billed }) => sum + billed.inputTokens, 0);
    // 3 asks, 1 of B, 1 stream, 1 search, 1 without context, 1 that was tried twice
    const answersOfA = 5;
    const costOfA = (answersOfA * (1001 * 3 + 33 * 15 + 10 * 0.3)) / 1e6;
    const costOfEmbeddings = (embeddingTokens * 0.02) / 1e6;
    const costs = await app.costs();
    expect(costs.total_requests).toBe(8);
    expect(costs.total_tokens).toEqual({
      input_tokens: answersOfA * 1001 + 500,
      output_tokens: answersOfA * 33 + 7,
      cache_read_tokens: answersOfA * 10,
      cache_write_tokens: 0,
      embedding_tokens: embeddingTokens,
    });
    expect(costs.total_cost_usd).toBeCloseTo(costOfA + costOfEmbeddings, 11);
    expect(costs.unpriced_calls).toBe(1);
    expect(costs.budgets).toEqual([]);
    expect(costs.by_key.map(({ key_id }) => key_id)).toEqual(['anonymous']);

    const short = (group: CostGroup): [number, number, number, number] => [
      group.calls,
      group.requests,
      group.unpriced_calls,
      group.tokens.input_tokens,
    ];
    const byModel = new Map(costs.by_model.map((group) => [group.model, group]));
    expect([...byModel.keys()].sort()).toEqual([A, B, EMBEDDING]);
    expect(short(byModel.get(A)!)).toEqual([answersOfA + 1, 0, 0, answersOfA * 1001]);
    expect(short(byModel.get(B)!)).toEqual([1, 0, 1, 500]);
    expect(byModel.get(B)!.cost_usd).toBe(0);
    expect(byModel.get(A)!.cost_usd).toBeCloseTo(costOfA, 11);
    expect(byModel.get(EMBEDDING)).toMatchObject({
      calls: 9,
      requests: 8,
      tokens: { embedding_tokens: embeddingTokens },
    });

    const byOperation = new Map(costs.by_operation.map((group) => [group.operation, group]));
    expect([...byOperation.keys()].sort()).toEqual(['answer', 'document_embedding', 'query_embedding']);
    expect(byOperation.get('answer')!.calls).toBe(answersOfA + 2);
    expect(byOperation.get('query_embedding')).toMatchObject({ calls: 8, requests: 8 });
    expect(byOperation.get('document_embedding')).toMatchObject({ calls: 1, requests: 0 });

    for (const groups of [costs.by_model, costs.by_operation, costs.by_key, costs.by_day]) {
      expect(groups.reduce((sum, { requests }) => sum + requests, 0)).toBe(costs.total_requests);
      expect(groups.reduce((sum, { cost_usd }) => sum + cost_usd, 0)).toBeCloseTo(costs.total_cost_usd, 11);
      expect(groups.reduce((sum, { unpriced_calls }) => sum + unpriced_calls, 0)).toBe(costs.unpriced_calls);
      for (const kind of TOKENS)
        expect(groups.reduce((sum, { tokens }) => sum + tokens[kind], 0)).toBe(costs.total_tokens[kind]);
    }
    expect(costs.by_day.every(({ day }) => /^\d{4}-\d\d-\d\d$/.test(day))).toBe(true);
  });

  it('is bounded by from, which counts, and to, which does not', async () => {
    await app.sql(`UPDATE llm_calls SET created_at = '2020-05-05T23:59:59.999Z' WHERE model = $1`, [B]);
    const count = async (query: string): Promise<number> =>
      (await app.costs(query)).by_model.reduce((sum, { calls }) => sum + calls, 0);
    const all = await count('');
    expect(await count('?to=2020-05-05T23:59:59.999Z')).toBe(0);
    expect(await count('?to=2020-05-06T00:00:00Z')).toBe(1);
    expect(await count('?from=2020-05-05T23:59:59.999Z&to=2020-05-06')).toBe(1);
    expect(await count('?from=2020-05-06')).toBe(all - 1);
    expect(await count('?from=2020-05-06T01:59:59.999%2B02:00&to=2020-05-07')).toBe(1);
    expect((await app.costs('?to=2021-01-01')).by_day.map(({ day }) => day)).toEqual(['2020-05-05']);
    expect((await app.costs()).by_day).toHaveLength(2);
  });

  it.each([
    'from=yesterday',
    'to=2020-13-01',
    'from=2020-02-30',
    'from=',
    'since=2020-01-01',
    'from=2020-01-01&from=2020-01-02',
    'from=0000',
    'to=%00',
  ])('?%s is no server error, and a 400 unless it is a date', async (query) => {
    expectProblem(await app.get(`/metrics?${query}`), 400, 'INVALID_REQUEST');
  });

  it.each([
    '2020-W01-1',
    '+012020-01-01T00:00:00Z',
    '2020-001',
    '2020',
    '20200101',
    '2020-01-01T24:00:00Z',
    '9999-12-31T23:59:60Z',
  ])('from=%s: an unusual ISO 8601 date is read or refused', async (from) => {
    const reply = await app.get(`/metrics?from=${encodeURIComponent(from)}`);
    expect([200, 400], JSON.stringify(reply.body)).toContain(reply.status);
  });
});

describe('GET /metrics for Prometheus', () => {
  it.each([
    ['text/plain', 'text/plain'],
    ['text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'text/plain'],
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'text/plain',
    ],
    ['application/json', 'application/json'],
    ['application/json, text/plain, */*', 'application/json'],
    ['*/*', 'application/json'],
    [
      'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
      'application/json',
    ],
  ])('Accept: %s is answered with %s', async (accept, type) => {
    const reply = await app.get('/metrics', { accept });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toMatch(new RegExp(`^${type}`));
  });

  it('is JSON when nothing is asked for', async () => {
    // fetch sends one of its own
    const { port } = new URL(app.url);
    const { request } = await import('node:http');
    const type = await new Promise<string | undefined>((resolve, reject) => {
      request({ port, path: '/metrics' }, (response) => {
        response.resume();
        resolve(response.headers['content-type']);
      })
        .on('error', reject)
        .end();
    });
    expect(type).toMatch(/^application\/json/);
  });

  it('counts the same calls, and requests by route pattern', async () => {
    const { body } = await app.get<string>('/metrics', { accept: 'text/plain' });
    const value = (name: string, labels: Record<string, string>): number => {
      const line = body
        .split('\n')
        .find(
          (candidate) =>
            candidate.startsWith(`${name}{`) &&
            Object.entries(labels).every(([label, wanted]) => candidate.includes(`${label}="${wanted}"`)),
        );
      return Number(line?.slice(line.lastIndexOf(' ') + 1));
    };
    expect(value('footnote_model_calls_total', { model: A, operation: 'answer', outcome: 'ok' })).toBe(5);
    expect(value('footnote_model_calls_total', { model: A, operation: 'answer', outcome: 'failed' })).toBe(1);
    expect(value('footnote_model_tokens_total', { model: A, kind: 'input' })).toBe(5005);
    expect(
      value('footnote_model_tokens_total', {
        model: EMBEDDING,
        operation: 'query_embedding',
        kind: 'embedding',
      }),
    ).toBeGreaterThan(0);
    expect(value('footnote_model_unpriced_calls_total', { model: B })).toBe(1);
    expect(value('footnote_model_cost_usd_total', { model: A })).toBeCloseTo(
      (5 * (1001 * 3 + 33 * 15 + 10 * 0.3)) / 1e6,
      9,
    );
    expect(
      value('footnote_http_request_duration_seconds_count', { method: 'POST', route: '/ask', status: '200' }),
    ).toBe(6);
    expect(value('process_cpu_seconds_total', {})).toBeNaN();
    expect(body).toMatch(/^process_cpu_seconds_total [\d.]+$/m);
    expect(body).not.toMatch(/route="[^"]*[0-9a-f]{8}-/);
    for (const line of body.split('\n').filter((line) => line !== '' && !line.startsWith('#')))
      expect(line).toMatch(/^[a-zA-Z_:][\w:]*(\{.*\})? (nan|[-+]?inf|[-+\d.e]+)$/i);
  });
});
