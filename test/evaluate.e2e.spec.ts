// Real: HTTP, database, search, the providers' SDKs, the judge, prices, budgets and the ledger. The providers are a
// stand-in that speaks their wire protocols, and plays the judge too.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LedgerRow, poll, startApp, type TestApp } from './support/app.js';
import {
  answer,
  type Behaviour,
  FakeProvider,
  hangBeforeHeaders,
  status,
} from './support/fake-providers/index.js';

const CLAUDE = 'anthropic/claude-sonnet-5';
const GPT = 'openai/gpt-4o-mini';
/** Dollars per million tokens. */
const PRICES = {
  [CLAUDE]: { input_mtok: 3, output_mtok: 15 },
  [GPT]: { input_mtok: 0.15, output_mtok: 0.6 },
};
const TEXT = 'API keys are rotated every 90 days.';
const QUESTION = 'How often are API keys rotated?';
const ASK = { question: QUESTION, evaluate: true };
const NOT_FOUND = 'Wie hoch ist der Everest?';
const JUDGEMENT = { faithfulness: 1, relevance: 0.9, reasons: 'The only claim is in the first source.' };
const ANSWER = answer([{ text: TEXT, cites: [{ source: 0 }] }], {
  usage: { inputTokens: 700, outputTokens: 12 },
});
const ANSWER_COST = 0.00228;
const judged = (text = JSON.stringify(JUDGEMENT)): Behaviour =>
  answer(text, { usage: { inputTokens: 400, outputTokens: 30 } });
const JUDGE_COST = 0.00165;

let provider: FakeProvider;
/** What the provider does with the calls of the judge: one each, in order, the last one for all others. */
let judge: Behaviour[];
const isJudging = ({ body }: { body: Record<string, unknown> }): boolean =>
  JSON.stringify(body).includes('You judge an answer');
const judgeRequests = () => provider.requests.filter(isJudging);

beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(() => {
  judge = [judged()];
  provider.default((exchange) => {
    if (!isJudging(exchange)) return ANSWER;
    return judge[judgeRequests().length - 1] ?? judge.at(-1)!;
  });
});
afterEach(() => provider.reset());
afterAll(() => provider.stop());

function start(env: Record<string, string> = {}): Promise<TestApp> {
  return startApp({
    LLM_MODELS: CLAUDE,
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    MODEL_PRICES: JSON.stringify(PRICES),
    LLM_MAX_RETRIES: '0',
    LLM_BREAKER_FAILURES: '0',
    ...env,
  });
}

describe('evaluate', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start();
    await app.addDocument({ title: 'Key rotation', text: TEXT });
  });
  afterAll(() => app.stop());

  const rowsOf = async (id: string): Promise<LedgerRow[]> =>
    (await app.ledger()).filter(({ request_id }) => request_id === id);
  const judgeRows = async (): Promise<LedgerRow[]> =>
    (await app.ledger()).filter(({ operation }) => operation === 'judge');

  it('has the answer judged, at a cost of its own, in the ledger of the same ask', async () => {
    const before = await app.costs();
    const reply = await app.ask(ASK);
    expect(reply.evaluation).toEqual({ ...JUDGEMENT, model: CLAUDE, cost_usd: JUDGE_COST });
    // the judge is no part of the answer's own bill
    expect(reply).toMatchObject({ answer: TEXT, cost_usd: ANSWER_COST, attempts: 1, tokens_used: 712 });
    const rows = await rowsOf(reply.id);
    expect(
      rows.map((row) => [row.operation, row.is_request, row.outcome, row.attempt, Number(row.cost_usd)]),
    ).toEqual([
      ['query_embedding', true, 'ok', 1, 0],
      ['answer', false, 'ok', 1, ANSWER_COST],
      ['judge', false, 'ok', 1, JUDGE_COST],
    ]);
    expect(rows[2]).toMatchObject({ model: CLAUDE, input_tokens: 400, output_tokens: 30 });
    const after = await app.costs();
    expect(after.total_requests - before.total_requests).toBe(1);
    expect(after.total_cost_usd - before.total_cost_usd).toBeCloseTo(ANSWER_COST + JUDGE_COST, 11);
    expect(after.by_operation.find(({ operation }) => operation === 'judge')).toMatchObject({ requests: 0 });
  });

  it('shows the judge the question, the answer and the sources', async () => {
    await app.ask({ ...ASK, question: `${QUESTION} Please.` });
    expect(judgeRequests()).toHaveLength(1);
    const sent = JSON.stringify(judgeRequests()[0]!.body['messages']);
    expect(sent).toContain(`${QUESTION} Please.`);
    expect(sent.split(TEXT)).toHaveLength(3);
    expect(sent).toContain('Key rotation');
  });

  it('judges nothing unless it is asked to', async () => {
    for (const evaluate of [false, undefined]) {
      const reply = await app.ask({ question: QUESTION, evaluate });
      expect(reply.evaluation).toBeNull();
    }
    const stream = await app.askStream(QUESTION);
    expect(stream.evaluation).toBeUndefined();
    expect(stream.done!.evaluation).toBeNull();
    expect(judgeRequests()).toEqual([]);
  });

  it('does not fail the answer when the judge fails', async () => {
    judge = [status(529)];
    const reply = await app.ask(ASK);
    expect(reply).toMatchObject({ answer: TEXT, finish_reason: 'stop', cost_usd: ANSWER_COST });
    expect(Object.keys(reply.evaluation!)).toEqual(['error']);
    expect(reply.evaluation).toMatchObject({
      error: expect.stringMatching(/could not be judged.*anthropic/),
    });
    expect(JSON.stringify(reply)).not.toMatch(/secret/);
    expect((await rowsOf(reply.id)).at(-1)).toMatchObject({
      operation: 'judge',
      outcome: 'failed',
      cost_usd: '0.000000000000',
    });
  });

  it('asks a judge that talks nonsense once more, and bills both', async () => {
    judge = [judged('It is a fine answer.'), judged()];
    const reply = await app.ask(ASK);
    expect(reply.evaluation).toEqual({ ...JUDGEMENT, model: CLAUDE, cost_usd: 2 * JUDGE_COST });
    const rows = (await rowsOf(reply.id)).filter(({ operation }) => operation === 'judge');
    expect(rows.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'ok'],
      [2, 'ok'],
    ]);
  });

  it('does not fail the answer when the judge talks nonsense twice, and bills both', async () => {
    judge = [judged('It is a fine answer.'), judged('{"faithfulness": 7}'), judged()];
    const reply = await app.ask(ASK);
    expect(reply).toMatchObject({
      answer: TEXT,
      evaluation: { error: expect.stringContaining("the judge's answer") },
    });
    expect(judgeRequests()).toHaveLength(2);
    const rows = (await rowsOf(reply.id)).filter(({ operation }) => operation === 'judge');
    expect(rows.map(({ cost_usd }) => Number(cost_usd))).toEqual([JUDGE_COST, JUDGE_COST]);
    const stream = await app.askStream(ASK);
    expect(stream.done).toMatchObject({ model: CLAUDE });
    expect(stream.error).toBeUndefined();
  });

  it('tells of it in an event of its own, after done', async () => {
    const stream = await app.askStream(ASK);
    const kinds = stream.events.map(({ event }) => event).filter((kind) => kind !== 'token');
    expect(kinds).toEqual(['sources', 'citation', 'done', 'evaluation']);
    expect(stream.evaluation).toEqual({ ...JUDGEMENT, model: CLAUDE, cost_usd: JUDGE_COST });
    expect(stream.done).toMatchObject({ evaluation: null, cost_usd: ANSWER_COST });
    judge = [status(401)];
    const failed = await app.askStream(ASK);
    expect(failed.events.map(({ event }) => event).slice(-2)).toEqual(['done', 'evaluation']);
    expect(failed.evaluation).toMatchObject({ error: expect.stringContaining('could not be judged') });
  });

  it('ends the answer while the judge still hangs; a client that leaves then stops the judge, which is billed', async () => {
    const before = (await judgeRows()).length;
    judge = [answer('word '.repeat(2_000), { delayMs: 10, usage: { inputTokens: 400 } })];
    const controller = new AbortController();
    const response = await app.openStream(ASK, { signal: controller.signal });
    const reader = response.body!.getReader();
    let seen = '';
    while (!/event: done\ndata: .*\n\n/.test(seen)) {
      const { value, done } = await reader.read();
      expect(done, seen).toBe(false);
      seen += Buffer.from(value).toString();
    }
    await provider.until(() => (judgeRequests()[0]?.billed.outputTokens ?? 0) >= 3, 5_000);
    expect(judgeRequests()[0]!.endedAt).toBeUndefined();
    // the answer is in the ledger already
    const [, id] = /event: done\ndata: .*?"id":"([^"]+)"/.exec(seen) ?? [];
    expect((await rowsOf(id!)).map(({ operation, outcome }) => [operation, outcome])).toEqual([
      ['query_embedding', 'ok'],
      ['answer', 'ok'],
    ]);
    controller.abort();
    await provider.until(() => judgeRequests()[0]!.aborted);
    const row = await poll('the ledger has it', async () => (await judgeRows())[before]);
    expect(row).toMatchObject({ request_id: id, outcome: 'aborted', is_request: false, error: null });
    expect(row.input_tokens).toBeGreaterThan(0);
    expect(row.output_tokens).toBeGreaterThan(0);
    expect(Number(row.cost_usd)).toBeGreaterThan(0);
    expect(judgeRequests()).toHaveLength(1);
  });

  it('stops the judge when the client leaves /ask, and bills both', async () => {
    const before = (await judgeRows()).length;
    judge = [answer('word '.repeat(2_000), { delayMs: 10 })];
    const controller = new AbortController();
    const asked = app.post('/ask', ASK, { signal: controller.signal });
    await provider.until(() => (judgeRequests()[0]?.billed.outputTokens ?? 0) >= 3, 5_000);
    controller.abort();
    await expect(asked).rejects.toThrow();
    await provider.until(() => judgeRequests()[0]!.aborted);
    const row = await poll('the ledger has it', async () => (await judgeRows())[before]);
    expect(row).toMatchObject({ outcome: 'aborted' });
    expect(Number(row.cost_usd)).toBeGreaterThan(0);
    const rows = await rowsOf(row.request_id);
    expect(rows.find(({ operation }) => operation === 'answer')).toMatchObject({ outcome: 'ok' });
  });

  it('judges nothing where nothing was found', async () => {
    const reply = await app.ask({ ...ASK, question: NOT_FOUND });
    expect(reply).toMatchObject({ finish_reason: 'no_context', evaluation: null });
    const stream = await app.askStream({ ...ASK, question: NOT_FOUND });
    expect(stream.events.map(({ event }) => event)).toEqual(['sources', 'token', 'done']);
    expect(provider.requests).toEqual([]);
  });

  it('judges nothing where the answer fails', async () => {
    provider.default(status(529));
    expect((await app.post('/ask', ASK)).status).toBe(503);
    expect((await app.askStream(ASK)).events.map(({ event }) => event)).toEqual(['sources', 'error']);
    expect(judgeRequests()).toEqual([]);
  });

  it.each(['yes', 1, {}])('takes no %j', async (evaluate) => {
    expect((await app.post('/ask', { question: QUESTION, evaluate })).status).toBe(400);
    expect(provider.requests).toEqual([]);
  });
});

describe('evaluate with two models', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start({ LLM_MODELS: `${CLAUDE},${GPT}` });
    await app.addDocument({ title: 'Key rotation', text: TEXT });
  });
  afterAll(() => app.stop());

  it('is judged by the default model, or by its fallback when that fails', async () => {
    const named = await app.ask({ ...ASK, model: GPT });
    expect(named).toMatchObject({ model: GPT, evaluation: { ...JUDGEMENT, model: CLAUDE } });
    judge = [status(529), judged()];
    provider.requests.length = 0;
    const { evaluation } = await app.ask(ASK);
    expect(evaluation).toEqual({ ...JUDGEMENT, model: GPT, cost_usd: 0.000078 });
  });

  it('judges the answer of a comparison, not its alternatives', async () => {
    const reply = await app.ask({ ...ASK, models: [GPT, CLAUDE] });
    expect(reply).toMatchObject({ model: GPT, evaluation: JUDGEMENT, alternatives: [{ model: CLAUDE }] });
    expect(judgeRequests()).toHaveLength(1);
  });
});

describe('evaluate without a language model', () => {
  it('compares words, and calls and costs nothing', async () => {
    const app = await startApp({ LLM_MODELS: 'extractive' });
    try {
      await app.addDocument({ title: 'Key rotation', text: TEXT });
      const reply = await app.ask(ASK);
      expect(reply.evaluation).toMatchObject({
        faithfulness: 1,
        relevance: 1,
        reasons: expect.stringMatching(/not by a language model/),
        model: 'extractive',
        cost_usd: 0,
      });
      const stream = await app.askStream(ASK);
      expect(stream.evaluation).toEqual(reply.evaluation);
      expect((await app.ledger()).filter(({ operation }) => operation === 'judge')).toEqual([]);
      expect(await app.ask({ ...ASK, question: NOT_FOUND })).toMatchObject({ evaluation: null });
    } finally {
      await app.stop();
    }
  });
});

describe('evaluate within a budget', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start({ BUDGET_DAILY_USD: '0.041' });
    await app.addDocument({ title: 'Key rotation', text: TEXT });
  });
  afterAll(() => app.stop());

  const budget = async () => (await app.costs()).budgets[0]!;

  it('judges where the budget has room for the judge beside what the answer has cost', async () => {
    // the worst cases are $0.030 of the answer's output and $0.009 of the judge's, and the prompts
    const reply = await app.ask({ ...ASK, max_tokens: 2_000 });
    expect(reply).toMatchObject({ cost_usd: ANSWER_COST, evaluation: JUDGEMENT });
  });

  it('reserves for the judge while it runs, and settles', async () => {
    const before = (await budget()).spent_usd;
    judge = [hangBeforeHeaders()];
    const controller = new AbortController();
    const asked = app
      .post('/ask', { ...ASK, max_tokens: 10 }, { signal: controller.signal })
      .catch(() => undefined);
    await provider.until(() => judgeRequests().length === 1, 5_000);
    await expect.poll(async () => (await budget()).spent_usd - before).toBeCloseTo(ANSWER_COST, 11);
    expect((await budget()).reserved_usd).toBeGreaterThan(0.009);
    controller.abort();
    await asked;
    await expect.poll(async () => (await budget()).reserved_usd).toBe(0);
    expect((await budget()).spent_usd - before).toBeCloseTo(ANSWER_COST, 11);
  });

  it('gives the answer without a judgement where the budget has room for no more', async () => {
    // leaves less than the $0.009 of the judge's output alone
    const { limit_usd, spent_usd } = await budget();
    const outputTokens = Math.ceil(((limit_usd - spent_usd - 0.0085) * 1e6) / 15);
    provider.next(answer('Yes.', { usage: { inputTokens: 10, outputTokens } }));
    await app.ask({ question: QUESTION, max_tokens: outputTokens });
    const { spent_usd: before } = await budget();
    const reply = await app.ask({ ...ASK, max_tokens: 10 });
    expect(reply).toMatchObject({
      answer: TEXT,
      evaluation: { error: expect.stringMatching(/daily budget/) },
    });
    const stream = await app.askStream({ ...ASK, max_tokens: 10 });
    expect(stream.events.map(({ event }) => event).slice(-2)).toEqual(['done', 'evaluation']);
    expect(stream.evaluation).toMatchObject({ error: expect.stringMatching(/daily budget/) });
    expect(judgeRequests()).toEqual([]);
    const after = await budget();
    expect(after.spent_usd - before).toBeCloseTo(2 * ANSWER_COST, 11);
    expect(after.reserved_usd).toBe(0);
  });
});
