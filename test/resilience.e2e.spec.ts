// Real: HTTP, database, search, the providers' SDKs, breakers, bulkheads, prices and the ledger. The providers are a
// stand-in on a loopback port that fails on purpose.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerDto } from '../src/ask/dto/answer.dto.js';
import { expectProblem, poll, startApp, type TestApp } from './support/app.js';
import { answer, FakeProvider, hangBeforeHeaders, status } from './support/fake-providers/index.js';

const CLAUDE = 'anthropic/claude-sonnet-5';
const GPT = 'openai/gpt-4o-mini';
const PRICES = {
  [CLAUDE]: { input_mtok: 3, output_mtok: 15 },
  [GPT]: { input_mtok: 0.15, output_mtok: 0.6 },
};
const DOCUMENT = { title: 'Key rotation', text: 'API keys are rotated every 90 days.' };
const QUESTION = 'How often are API keys rotated?';

let provider: FakeProvider;
beforeAll(async () => {
  provider = await FakeProvider.start();
});
afterEach(() => provider.reset());
afterAll(() => provider.stop());

async function start(env: Record<string, string>): Promise<TestApp> {
  const app = await startApp({
    LLM_MODELS: CLAUDE,
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    MODEL_PRICES: JSON.stringify(PRICES),
    LLM_MAX_RETRIES: '0',
    ...env,
  });
  await app.addDocument(DOCUMENT);
  return app;
}

interface Ready {
  status: string;
  details: { models: { status: string; circuit_breakers: Record<string, string> } };
}

/** The state of each breaker, as the readiness probe tells it: which stays 200 whatever they are. */
async function breakers(app: TestApp): Promise<Record<string, string>> {
  const { status: code, body } = await app.get<Ready>('/health/ready');
  expect(code).toBe(200);
  expect(body).toMatchObject({ status: 'ok', details: { models: { status: 'up' } } });
  return body.details.models.circuit_breakers;
}

/** A sample of the Prometheus metrics; 0 when there is none. */
async function sample(app: TestApp, name: string, label: string): Promise<number> {
  const { body } = await app.get<string>('/metrics', { accept: 'text/plain' });
  const line = body
    .split('\n')
    .find((candidate) => candidate.startsWith(`${name}{`) && candidate.includes(label));
  return Number(line?.slice(line.lastIndexOf(' ') + 1) ?? 0);
}

const ask = (app: TestApp, init?: RequestInit) => app.post<AnswerDto>('/ask', { question: QUESTION }, init);
/** Asks and goes away with the returned function. */
function askAndHold(app: TestApp): () => Promise<void> {
  const controller = new AbortController();
  const asked = ask(app, { signal: controller.signal }).catch(() => undefined);
  return async () => {
    controller.abort();
    await asked;
  };
}
const paths = () => provider.requests.map(({ path }) => path);

describe('a circuit breaker whose time is short', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start({ LLM_BREAKER_FAILURES: '2', LLM_BREAKER_OPEN_MS: '100' });
  });
  afterAll(() => app.stop());

  const openings = () => sample(app, 'footnote_circuit_breaker_openings_total', CLAUDE);
  const halfOpen = () =>
    poll('the breaker is half open', async () => (await breakers(app))[CLAUDE] === 'half_open');

  it('probes with one call at a time, opens again when that fails, and closes when it works', async () => {
    const before = await openings();
    provider.default(status(529));
    await ask(app);
    await ask(app);
    expect(await openings()).toBe(before + 1);
    await halfOpen();

    // a single failure is enough now
    expectProblem(await ask(app), 503, 'PROVIDER_UNAVAILABLE');
    expect(provider.requests).toHaveLength(3);
    expect(await openings()).toBe(before + 2);
    await halfOpen();

    provider.default(hangBeforeHeaders());
    const abandon = askAndHold(app);
    await provider.until(({ requests }) => requests.length === 4);
    const refused = await ask(app);
    expectProblem(refused, 503, 'PROVIDER_UNAVAILABLE');
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(provider.requests).toHaveLength(4);
    expect(await sample(app, 'footnote_circuit_breaker_state', CLAUDE)).toBe(1);

    // a caller that leaves says nothing about the model: the next one probes
    await abandon();
    await provider.until(({ lastRequest }) => lastRequest.aborted);
    provider.default(answer('Yes.'));
    const reply = await poll('the probe is free', async () => {
      const probed = await ask(app);
      return probed.status === 200 ? probed : undefined;
    });
    expect(reply.body).toMatchObject({ answer: 'Yes.', model: CLAUDE, attempts: 1 });
    expect(await breakers(app)).toEqual({ [CLAUDE]: 'closed' });
    expect(await sample(app, 'footnote_circuit_breaker_state', CLAUDE)).toBe(0);
    expect(await openings()).toBe(before + 2);
  });
});

describe('two providers', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start({
      LLM_MODELS: `${CLAUDE},${GPT}`,
      LLM_BREAKER_FAILURES: '3',
      LLM_BREAKER_OPEN_MS: '600000',
      LLM_MAX_CONCURRENCY: '1',
      LLM_MAX_QUEUE: '0',
    });
  });
  afterAll(() => app.stop());

  it('the second one answers while the first has no place', async () => {
    provider.default((exchange) =>
      exchange.path === '/v1/messages' ? hangBeforeHeaders() : answer('From the second.'),
    );
    const leave = askAndHold(app);
    await provider.until(({ requests }) => requests.length === 1);
    const { status: code, body } = await ask(app);
    expect(code).toBe(200);
    expect(body).toMatchObject({ model: GPT, attempts: 1, answer: 'From the second.' });
    expect(paths()).toEqual(['/v1/messages', '/v1/chat/completions']);
    await leave();
    await poll('the place is free', async () => {
      return (await sample(app, 'footnote_provider_calls_in_flight', '"anthropic"')) === 0;
    });
  });

  it('the second one answers at once while the breaker of the first is open', async () => {
    provider.default((exchange) =>
      exchange.path === '/v1/messages' ? status(529) : answer('From the second.'),
    );
    for (let index = 0; index < 3; index++)
      expect((await ask(app)).body).toMatchObject({ model: GPT, attempts: 2 });
    expect(await breakers(app)).toEqual({ [CLAUDE]: 'open', [GPT]: 'closed' });
    const before = provider.requests.length;
    const { body } = await ask(app);
    expect(body).toMatchObject({ model: GPT, attempts: 1, answer: 'From the second.' });
    expect(paths().slice(before)).toEqual(['/v1/chat/completions']);
    // also where it was asked for by name
    const named = await app.ask({ question: QUESTION, model: CLAUDE });
    expect(named).toMatchObject({ model: GPT, attempts: 1 });
    expect(paths().slice(before)).toEqual(['/v1/chat/completions', '/v1/chat/completions']);
  });
});

describe('one provider', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start({
      LLM_MAX_CONCURRENCY: '2',
      LLM_MAX_QUEUE: '1',
      LLM_BREAKER_FAILURES: '3',
      LLM_BREAKER_OPEN_MS: '600000',
    });
  });
  afterAll(() => app.stop());

  const places = async () => [
    await sample(app, 'footnote_provider_calls_in_flight', '"anthropic"'),
    await sample(app, 'footnote_provider_calls_queued', '"anthropic"'),
  ];

  it('two are under way, the third waits and is answered, the fourth is refused', async () => {
    const refusals = await sample(app, 'footnote_provider_calls_refused_total', '"anthropic"');
    provider.next(hangBeforeHeaders(), hangBeforeHeaders()).default(answer('After a wait.'));
    const leaveFirst = askAndHold(app);
    const leaveSecond = askAndHold(app);
    await provider.until(({ requests }) => requests.length === 2);
    const third = ask(app);
    await poll('the third waits', async () => (await places())[1] === 1);
    expect(await places()).toEqual([2, 1]);

    const fourth = await ask(app);
    expectProblem(fourth, 503, 'PROVIDER_UNAVAILABLE');
    expect(fourth.headers.get('retry-after')).toBe('1');
    expect(await sample(app, 'footnote_provider_calls_refused_total', '"anthropic"')).toBe(refusals + 1);
    expect(provider.requests).toHaveLength(2);

    await leaveFirst();
    const { status: code, body } = await third;
    expect(code).toBe(200);
    expect(body).toMatchObject({ answer: 'After a wait.', attempts: 1 });
    await leaveSecond();
    await poll('all have left', async () => (await places()).join() === '0,0');
    expect((await ask(app)).status).toBe(200);
  });

  it('who leaves while waiting makes room in the queue, and no request to the provider', async () => {
    provider.default(hangBeforeHeaders());
    const leave = [askAndHold(app), askAndHold(app)];
    await provider.until(({ requests }) => requests.length === 2);
    const leaveQueue = askAndHold(app);
    await poll('the third waits', async () => (await places())[1] === 1);
    await leaveQueue();
    await poll('the queue is empty', async () => (await places())[1] === 0);
    leave.push(askAndHold(app));
    await poll('another waits', async () => (await places())[1] === 1);
    for (const one of leave.toReversed()) await one();
    await poll('all have left', async () => (await places()).join() === '0,0');
    expect(provider.requests).toHaveLength(2);
  });

  // last, because it stays open
  it('the breaker opens after its failures, and refuses from then on without a request to the provider', async () => {
    expect(await breakers(app)).toEqual({ [CLAUDE]: 'closed' });
    expect(await sample(app, 'footnote_circuit_breaker_state', CLAUDE)).toBe(0);
    const openings = await sample(app, 'footnote_circuit_breaker_openings_total', CLAUDE);
    const failures = async () => (await app.ledger()).filter(({ outcome }) => outcome === 'failed');
    provider.default(status(529));
    for (let index = 0; index < 3; index++) expectProblem(await ask(app), 503, 'PROVIDER_UNAVAILABLE');
    expect(provider.requests).toHaveLength(3);
    expect(await failures()).toHaveLength(3);

    // it would work again, but nobody asks it
    provider.default(answer('Yes.'));
    const refused = await ask(app);
    expect(expectProblem(refused, 503, 'PROVIDER_UNAVAILABLE').detail).toContain(CLAUDE);
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(300);
    expect(retryAfter).toBeLessThanOrEqual(600);
    const stream = await app.askStream(QUESTION);
    expect(stream.events.map(({ event }) => event)).toEqual(['sources', 'error']);
    expect(stream.error).toMatchObject({ status: 503, code: 'PROVIDER_UNAVAILABLE' });
    expect(provider.requests).toHaveLength(3);
    // what was never sent is not in the ledger
    expect(await failures()).toHaveLength(3);

    expect(await breakers(app)).toEqual({ [CLAUDE]: 'open' });
    expect(await sample(app, 'footnote_circuit_breaker_state', CLAUDE)).toBe(2);
    expect(await sample(app, 'footnote_circuit_breaker_openings_total', CLAUDE)).toBe(openings + 1);
  });
});

describe('LLM_TIMEOUT_MS over a chain of models', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start({
      LLM_MODELS: `${CLAUDE},${GPT}`,
      LLM_TIMEOUT_MS: '2000',
      LLM_MAX_RETRIES: '1',
      LLM_BREAKER_FAILURES: '0',
    });
  });
  afterAll(() => app.stop());

  const callsOf = async (id: string) =>
    (await app.ledger()).filter((row) => row.request_id === id && row.operation === 'answer');

  it('a model that hangs leaves time for the next', async () => {
    provider.default((exchange) =>
      exchange.path === '/v1/messages'
        ? hangBeforeHeaders()
        : answer('From the second.', { usage: { inputTokens: 10, outputTokens: 3 } }),
    );
    const reply = await app.ask(QUESTION);
    expect(reply).toMatchObject({ model: GPT, attempts: 2, answer: 'From the second.', cost_usd: 0.0000033 });
    expect((await callsOf(reply.id)).map((row) => [row.model, row.attempt, row.outcome, row.error])).toEqual([
      [CLAUDE, 1, 'failed', 'timeout'],
      [GPT, 2, 'ok', null],
    ]);
  });

  it('all of them together have the time of one call', async () => {
    provider.default(hangBeforeHeaders());
    const began = performance.now();
    expectProblem(await ask(app), 504, 'PROVIDER_TIMEOUT');
    const elapsed = performance.now() - began;
    await provider.settled();
    expect(paths()).toEqual(['/v1/messages', '/v1/chat/completions']);
    const [first, second] = provider.requests;
    expect(second!.startedAt - first!.startedAt).toBeGreaterThan(900);
    expect(elapsed).toBeGreaterThan(1_900);
    // one timeout each would make four seconds
    expect(elapsed).toBeLessThan(3_900);
    expect(provider.requests.every(({ aborted }) => aborted)).toBe(true);
  });

  it('the answer and the ledger tell of every attempt and who has answered', async () => {
    const wait = { 'retry-after-ms': '1' };
    provider.next(
      status(529, wait),
      status(529, wait),
      status(500, wait),
      answer('At last.', { usage: { inputTokens: 10, outputTokens: 3 } }),
    );
    const reply = await app.ask(QUESTION);
    expect(reply).toMatchObject({ model: GPT, attempts: 4, answer: 'At last.' });
    const rows = await callsOf(reply.id);
    expect(rows.map((row) => [row.model, row.attempt, row.outcome, row.error, row.is_request])).toEqual([
      [CLAUDE, 1, 'failed', 'overloaded', false],
      [CLAUDE, 2, 'failed', 'overloaded', false],
      [GPT, 3, 'failed', 'server_error', false],
      [GPT, 4, 'ok', null, false],
    ]);
    expect(rows.reduce((sum, row) => sum + Number(row.cost_usd), 0)).toBeCloseTo(reply.cost_usd!, 12);
    const stream = await app.askStream(QUESTION);
    expect(stream.done).toMatchObject({ model: CLAUDE, attempts: 1 });
  });
});
