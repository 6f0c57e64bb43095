// Real: HTTP, database, search, prices, budgets and the ledger, the ONNX runtime where it is installed. The servers that
// rank are stand-ins that speak their wire protocols.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SearchResponseDto } from '../src/ask/dto/search.dto.js';
import { type LedgerRow, poll, startApp, type TestApp } from './support/app.js';
import {
  answer,
  type Behaviour,
  FakeProvider,
  hangBeforeHeaders,
  status,
} from './support/fake-providers/index.js';
import { hasRuntime, LOCAL_MODELS } from './support/local-models.js';
import { hang, refuse, type RerankBehaviour, RerankServer, reset, say } from './support/rerank-server.js';

const QUERY = 'How often are API keys rotated?';
/** The search puts the first one first, and the word `vehicle` the second. */
const DOCUMENTS = [
  { title: 'Key rotation', text: 'API keys are rotated every 90 days.' },
  { title: 'Fleet', text: 'Keys of a vehicle stay in the vehicle. A vehicle is never rotated.' },
  { title: 'Locks', text: 'Keys of a locker are rotated.' },
];
const FUSED = ['Key rotation', 'Locks', 'Fleet'];
const RANKED = ['Fleet', 'Key rotation', 'Locks'];
const SEARCH = { min_similarity: 0, top_k: 3 };

let server: RerankServer;
beforeAll(async () => {
  server = await RerankServer.start('vehicle');
});
afterEach(() => server.reset());
afterAll(() => server.stop());

async function start(env: Record<string, string>): Promise<TestApp> {
  const app = await startApp({
    RERANK_URL: server.url,
    RERANK_API_KEY: 'secret',
    LLM_MAX_RETRIES: '0',
    LLM_BREAKER_FAILURES: '0',
    ...env,
  });
  for (const document of DOCUMENTS) await app.addDocument(document);
  return app;
}

async function search(app: TestApp, options = {}): Promise<{ titles: string[]; ms: number | null }> {
  const { body, status: code } = await app.post<SearchResponseDto>('/search', {
    queries: [QUERY],
    ...SEARCH,
    ...options,
  });
  expect(code, JSON.stringify(body)).toBe(200);
  return { titles: body.results[0]!.hits.map(({ title }) => title), ms: body.timings.rerank_ms };
}

const reranks = async (app: TestApp): Promise<LedgerRow[]> =>
  (await app.ledger()).filter(({ operation }) => operation === 'rerank');

describe('without RERANK_MODEL', () => {
  it('keeps the order of the search and calls nobody', async () => {
    const app = await start({});
    try {
      expect(await search(app)).toEqual({ titles: FUSED, ms: null });
      expect((await app.ask({ question: QUERY, ...SEARCH })).timings.rerank_ms).toBeNull();
      expect(server.requests).toEqual([]);
    } finally {
      await app.stop();
    }
  });
});

describe('RERANK_MODEL', () => {
  const PRICES = JSON.stringify({
    'cohere/rerank-v3.5': { searches_kcount: 2 },
    'jina/jina-reranker-v2': { input_mtok: 0.02 },
  });

  it.each([
    ['cohere/rerank-v3.5', { model: 'rerank-v3.5' }, 0, false, '0.002000000000'],
    [
      'jina/jina-reranker-v2',
      { model: 'jina-reranker-v2', return_documents: false },
      100,
      false,
      '0.000002000000',
    ],
    ['tei/bge-reranker', { truncate: true }, expect.any(Number), true, null],
  ])('%s ranks what is found, and is billed', async (model, sent, tokens, estimated, cost) => {
    const app = await start({ RERANK_MODEL: model, MODEL_PRICES: PRICES });
    try {
      const found = await search(app);
      expect(found.titles).toEqual(RANKED);
      expect(found.ms).toBeGreaterThan(0);
      const [request] = server.requests;
      const passages = FUSED.map(
        (title) => `${title}\n${DOCUMENTS.find((known) => known.title === title)!.text}`,
      );
      const texts = model.startsWith('tei/') ? { texts: passages } : { documents: passages };
      expect(request!.body).toEqual({ ...sent, query: QUERY, ...texts });
      expect(request!.headers).toMatchObject({ authorization: 'Bearer secret' });
      expect(await reranks(app)).toMatchObject([
        { model, outcome: 'ok', attempt: 1, input_tokens: tokens, estimated, cost_usd: cost },
      ]);
      // fewer than are ranked
      expect((await search(app, { top_k: 1 })).titles).toEqual(RANKED.slice(0, 1));
    } finally {
      await app.stop();
    }
  });

  it('ranks the passages of an answer, within its usage and its cost', async () => {
    const app = await start({ RERANK_MODEL: 'jina/jina-reranker-v2', MODEL_PRICES: PRICES });
    try {
      const reply = await app.ask({ question: QUERY, ...SEARCH });
      expect(reply.sources.map(({ title }) => title)).toEqual(RANKED);
      expect(reply.timings.rerank_ms).toBeGreaterThan(0);
      expect(reply.usage.input_tokens).toBe(100);
      expect(reply.cost_usd).toBe(0.000002);
    } finally {
      await app.stop();
    }
  });
});

describe('a server that does not rank', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start({ RERANK_MODEL: 'cohere/rerank-v3.5', RERANK_TIMEOUT_MS: '10000' });
  });
  afterAll(() => app.stop());

  const ranking = '"results":[{"index":0,"relevance_score":0},{"index":1,"relevance_score":2}';
  it.each<[string, RerankBehaviour, string, object]>([
    ['refuses the key', refuse(401), 'authentication', {}],
    ['refuses the request', refuse(400), 'invalid_request', {}],
    ['fails', refuse(500), 'server_error', {}],
    ['redirects', refuse(302, { location: 'http://127.0.0.1/' }), 'invalid_request', {}],
    ['breaks the connection', reset, 'connection', {}],
    // it has accepted what it was sent
    ['answers garbage', say('<html>'), 'malformed_response', { estimated: true }],
    [
      'answers too little',
      say('{"results":[],"usage":{"total_tokens":9}}'),
      'malformed_response',
      { input_tokens: 9 },
    ],
    [
      'answers without end',
      say(`${' '.repeat(2_000_000)}{${ranking},{"index":2,"relevance_score":1}]}`),
      'malformed_response',
      { estimated: true },
    ],
  ])('that %s leaves the order of the search', async (_, behaviour, error, bill) => {
    server.behaviour = behaviour;
    const before = (await reranks(app)).length;
    expect((await search(app)).titles).toEqual(FUSED);
    const [row, ...others] = (await reranks(app)).slice(before);
    expect(row).toMatchObject({ outcome: 'failed', error, estimated: false, ...bill });
    if (!('input_tokens' in bill)) expect(row!.input_tokens > 0).toBe('estimated' in bill);
    expect(others).toEqual([]);
  });

  it('that asks for more patience than there is time is not asked again', async () => {
    const retrying = await start({ RERANK_MODEL: 'tei/x', LLM_MAX_RETRIES: '3' });
    try {
      server.behaviour = refuse(429, { 'retry-after': '30' });
      expect((await search(retrying)).titles).toEqual(FUSED);
      expect(await reranks(retrying)).toMatchObject([{ outcome: 'failed', error: 'rate_limited' }]);
    } finally {
      await retrying.stop();
    }
  });

  it('in time leaves the order, and all queries of a request share that time', async () => {
    const hurried = await start({
      RERANK_MODEL: 'cohere/rerank-v3.5',
      RERANK_TIMEOUT_MS: '300',
      LLM_BREAKER_FAILURES: '5',
      LLM_BREAKER_OPEN_MS: '600000',
    });
    try {
      server.behaviour = hang;
      const queries = Array.from({ length: 12 }, (_, index) => `${QUERY} ${index}`);
      const { body } = await hurried.post<SearchResponseDto>('/search', { queries, ...SEARCH });
      expect(body.results.map(({ hits }) => hits.length)).toEqual(queries.map(() => 3));
      // those that come after the deadline send nothing
      expect(server.requests).toHaveLength(4);
      expect(await reranks(hurried)).toMatchObject(
        server.requests.map(() => ({ outcome: 'failed', error: 'timeout' })),
      );
      server.behaviour = undefined;
      expect((await search(hurried)).titles).toEqual(RANKED);
    } finally {
      await hurried.stop();
    }
  });

  it('is left, and its call taken down, when the caller leaves', async () => {
    const slow = await start({ RERANK_MODEL: 'cohere/rerank-v3.5', RERANK_TIMEOUT_MS: '60000' });
    try {
      server.behaviour = hang;
      const controller = new AbortController();
      const asked = slow
        .post('/ask', { question: QUERY, ...SEARCH }, { signal: controller.signal })
        .catch(() => undefined);
      await poll('the server is asked', () => server.requests.length === 1);
      controller.abort();
      await asked;
      await poll('the server is left', () => server.requests[0]!.isLeft);
      const rows = await poll('the call is taken down', async () => {
        const taken = await reranks(slow);
        return taken.length > 0 ? taken : undefined;
      });
      expect(rows).toMatchObject([{ outcome: 'aborted', error: null }]);
    } finally {
      await slow.stop();
    }
  });
});

describe('a server that works again', () => {
  it('is asked once more within the time', async () => {
    const app = await start({ RERANK_MODEL: 'tei/x', LLM_MAX_RETRIES: '2' });
    try {
      server.next.push(refuse(503, { 'retry-after-ms': '1' }));
      expect((await search(app)).titles).toEqual(RANKED);
      expect(await reranks(app)).toMatchObject([
        { outcome: 'failed', attempt: 1, error: 'overloaded' },
        { outcome: 'ok', attempt: 2, error: null },
      ]);
    } finally {
      await app.stop();
    }
  });

  it('is left alone after it has failed often', async () => {
    const app = await start({
      RERANK_MODEL: 'tei/x',
      LLM_BREAKER_FAILURES: '2',
      LLM_BREAKER_OPEN_MS: '600000',
    });
    try {
      server.next.push(refuse(500), refuse(500));
      for (let i = 0; i < 4; i++) expect((await search(app)).titles).toEqual(FUSED);
      expect(server.requests).toHaveLength(2);
      const { body } = await app.get<string>('/metrics', { accept: 'text/plain' });
      expect(body).toContain('footnote_rerank_total{outcome="failed"}');
    } finally {
      await app.stop();
    }
  });
});

describe('a budget', () => {
  const ENV = {
    RERANK_MODEL: 'cohere/rerank-v3.5',
    MODEL_PRICES: '{"cohere/rerank-v3.5": {"searches_kcount": 2}}',
  };

  it('that has no room for it leaves the order of the search', async () => {
    const app = await start({ ...ENV, BUDGET_DAILY_USD: '0.003' });
    try {
      expect((await search(app)).titles).toEqual(RANKED);
      expect((await search(app)).titles).toEqual(FUSED);
      expect(server.requests).toHaveLength(1);
      const reply = await app.ask({ question: QUERY, ...SEARCH });
      expect(reply.sources.map(({ title }) => title)).toEqual(FUSED);
      expect(reply.cost_usd).toBe(0);
    } finally {
      await app.stop();
    }
  });

  it('does not start with a model whose price is not known', async () => {
    await expect(
      startApp({ ...ENV, RERANK_URL: server.url, MODEL_PRICES: '{}', BUDGET_DAILY_USD: '1' }),
    ).rejects.toThrow(/the price of cohere\/rerank-v3\.5 is not known/);
  });
});

describe('RERANK_MODEL=llm', () => {
  let provider: FakeProvider;
  let app: TestApp;
  let ranking: Behaviour;
  const isRanking = ({ body }: { body: object }) =>
    JSON.stringify(body).includes('You put passages into the order');
  beforeAll(async () => {
    provider = await FakeProvider.start();
    provider.default((exchange) => (isRanking(exchange) ? ranking : answer('Every 90 days.')));
    app = await startApp(ENV());
    for (const document of DOCUMENTS) await app.addDocument(document);
  });
  const ENV = () => ({
    LLM_MAX_RETRIES: '0',
    LLM_BREAKER_FAILURES: '0',
    RERANK_MODEL: 'llm/openai/gpt-4o-mini',
    LLM_MODELS: 'anthropic/claude-sonnet-5,openai/gpt-4o-mini',
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    MODEL_PRICES: '{"openai/gpt-4o-mini": {"input_mtok": 0.15, "output_mtok": 0.6}}',
  });
  afterAll(async () => {
    await app.stop();
    await provider.stop();
  });

  it('has the named model rank, and bills what it used', async () => {
    ranking = answer('{"ranking": [3, 1]}', { usage: { inputTokens: 400, outputTokens: 10 } });
    const reply = await app.ask({ question: QUERY, ...SEARCH });
    expect(reply.sources.map(({ title }) => title)).toEqual(RANKED);
    expect(reply.model).toBe('anthropic/claude-sonnet-5');
    expect(await reranks(app)).toMatchObject([
      { model: 'openai/gpt-4o-mini', outcome: 'ok', input_tokens: 400, cost_usd: '0.000066000000' },
    ]);
    const sent = JSON.stringify(provider.requests.find(isRanking)!.body);
    expect(sent).toContain('API keys are rotated every 90 days.');
    expect(sent).toContain(QUERY);
  });

  it('is left when it takes too long, which is its failure', async () => {
    const hurried = await startApp({ ...ENV(), RERANK_TIMEOUT_MS: '200' });
    try {
      for (const document of DOCUMENTS) await hurried.addDocument(document);
      ranking = hangBeforeHeaders();
      expect((await search(hurried)).titles).toEqual(FUSED);
      expect(await reranks(hurried)).toMatchObject([{ outcome: 'failed', error: 'timeout' }]);
    } finally {
      await hurried.stop();
    }
  });

  it.each<[string, Behaviour]>([
    ['fails', status(500)],
    ['writes no ranking', answer('The first passage is best.')],
    ['writes too much', answer(`${'x'.repeat(30_000)}{"ranking": [3, 1]}`)],
  ])('leaves the order of the search when the model %s', async (_, behaviour) => {
    ranking = behaviour;
    expect((await search(app)).titles).toEqual(FUSED);
  });
});

describe('more passages than a server takes', () => {
  it('are ranked as far as it takes them', async () => {
    const app = await start({ RERANK_MODEL: 'tei/x' });
    try {
      for (let i = 0; i < 40; i++)
        await app.addDocument({
          title: `Locker ${i}`,
          text: `Keys of locker ${i} are rotated, and rotated.`,
        });
      const { titles } = await search(app, { top_k: 43 });
      expect(titles).toHaveLength(43);
      expect(server.requests[0]!.body['texts']).toHaveLength(32);
    } finally {
      await app.stop();
    }
  });
});

describe.skipIf(!hasRuntime)('RERANK_MODEL=local/<folder>', () => {
  it('ranks with a cross-encoder on this machine, for nothing', async () => {
    const model = `local/${join(LOCAL_MODELS, 'cross-encoder')}`;
    const app = await startApp({ RERANK_MODEL: model, BUDGET_DAILY_USD: '1', RERANK_TIMEOUT_MS: '20000' });
    try {
      await app.addDocument({ title: 'doctor', text: 'car doctor doctor' });
      await app.addDocument({ title: 'vehicle', text: 'vehicle car' });
      const found = async (options: object) =>
        (await app.search('car', { min_similarity: 0, ...options })).map(({ title }) => title);
      expect(await found({})).toEqual(['vehicle', 'doctor']);
      expect(await reranks(app)).toMatchObject([{ model, outcome: 'ok', cost_usd: '0.000000000000' }]);
    } finally {
      await app.stop();
    }
  });
});

describe('the start', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    ['a name that says nothing', { RERANK_MODEL: 'best' }, /RERANK_MODEL is "best", but takes cohere/],
    ['a service without a key', { RERANK_MODEL: 'cohere/x' }, /RERANK_API_KEY or RERANK_URL must be set/],
    ['a URL for no server', { RERANK_MODEL: 'llm', RERANK_URL: 'http://x' }, /RERANK_MODEL names no server/],
    ['a server of its own without a URL', { RERANK_MODEL: 'tei/x' }, /RERANK_URL must be set/],
    [
      'no language model',
      { RERANK_MODEL: 'llm' },
      /RERANK_MODEL is llm, but LLM_MODELS \(extractive\) names no model/,
    ],
    [
      'a model that is not configured',
      { RERANK_MODEL: 'llm/openai/x' },
      /LLM_MODELS \(extractive\) names no such model/,
    ],
    [
      'a folder that is not there',
      { RERANK_MODEL: 'local//nowhere' },
      /there is no folder \/nowhere|npm run local-models/,
    ],
  ])('is refused with %s', async (_, env, message) => {
    await expect((async () => startApp(env))()).rejects.toThrow(message);
  });
});
