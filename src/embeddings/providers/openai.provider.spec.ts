import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  FakeProvider,
  fakeEmbedding,
  garbageJson,
  hangBeforeHeaders,
  status,
} from '../../../test/support/fake-providers/index.js';
import { OpenAiEmbeddingModel } from './openai.provider.js';

describe('OpenAiEmbeddingModel, through the real SDK', () => {
  let provider: FakeProvider;
  let model: OpenAiEmbeddingModel;
  const never = new AbortController().signal;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    model = new OpenAiEmbeddingModel('text-embedding-3-small', {
      openaiApiKey: 'secret-key',
      openaiBaseUrl: provider.openaiBaseUrl,
      maxRetries: 2,
      timeoutMs: 4000,
      firstTokenTimeoutMs: 2000,
      maxConcurrency: 8,
      maxQueue: 8,
      modelsDir: '',
    });
  });
  afterEach(() => provider.reset());
  afterAll(async () => {
    await model.close();
    await provider.stop();
  });

  it('embeds in batches, in order, normalised, and adds up the tokens', async () => {
    const texts = Array.from({ length: 300 }, (_, index) => `text ${index}`);
    const { vectors, tokens, estimated } = await model.embed(texts, 'document', never);
    expect(vectors).toHaveLength(300);
    expect(provider.requests).toHaveLength(3);
    for (const index of [0, 127, 128, 299]) {
      const expected = fakeEmbedding(texts[index]!, vectors[0]!.length);
      const norm = Math.hypot(...expected);
      expect(vectors[index]![0]).toBeCloseTo(expected[0]! / norm, 5);
      expect(Math.hypot(...vectors[index]!)).toBeCloseTo(1, 4);
    }
    expect(tokens).toBeGreaterThan(0);
    expect(estimated).toBe(false);
  });

  it('tries again after 429 and 500, and gives up on 401 without leaking the key', async () => {
    provider.next(status(429, { 'retry-after-ms': '1' }), status(500, { 'retry-after-ms': '1' }));
    await expect(model.embed(['a'], 'query', never)).resolves.toMatchObject({ estimated: false });
    expect(provider.requests).toHaveLength(3);
    provider.next(status(401));
    const failure = await model.embed(['a'], 'query', never).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'ModelError', kind: 'authentication', status: 401 });
    expect(String(failure)).not.toContain('secret-key');
  });

  it('stops at once when aborted', async () => {
    provider.next(hangBeforeHeaders());
    const controller = new AbortController();
    const embedding = model.embed(['a'], 'query', controller.signal);
    await provider.until(() => provider.requests.length === 1);
    controller.abort(new Error('the caller left'));
    await expect(embedding).rejects.toThrow('the caller left');
    await provider.settled();
    expect(provider.lastRequest?.aborted).toBe(true);
  });

  it('tells of every call, and counts the tokens of one that was accepted and then broke', async () => {
    const calls: unknown[] = [];
    const worst: number[] = [];
    const begin = (_model: string, worstTokens: () => number) => {
      worst.push(worstTokens());
      return Promise.resolve((call: unknown) => void calls.push(call));
    };
    provider.next(status(503, { 'retry-after-ms': '1' }), garbageJson());
    await model.embed(['one two three'], 'query', never, begin);
    expect(calls).toMatchObject([
      { attempt: 1, outcome: 'failed', tokens: 0, error: 'overloaded' },
      { attempt: 2, outcome: 'failed', tokens: 3, estimated: true, error: 'malformed_response' },
      { attempt: 3, outcome: 'ok', tokens: 3, estimated: false, error: null },
    ]);
    expect(worst).toHaveLength(3);
    for (const tokens of worst) expect(tokens).toBeGreaterThanOrEqual(3);
  });

  it('sends nothing that does not fit', async () => {
    const refusal = new Error('no money');
    const refused = model.embed(['one'], 'query', never, () => Promise.reject(refusal));
    await expect(refused).rejects.toBe(refusal);
    expect(provider.requests).toHaveLength(0);
  });

  it('times out', async () => {
    provider.default(hangBeforeHeaders());
    const impatient = new OpenAiEmbeddingModel('m', {
      openaiApiKey: undefined,
      openaiBaseUrl: provider.openaiBaseUrl,
      maxRetries: 0,
      timeoutMs: 50,
      firstTokenTimeoutMs: 50,
      maxConcurrency: 1,
      maxQueue: 0,
      modelsDir: '',
    });
    await expect(impatient.embed(['a'], 'query', never)).rejects.toMatchObject({ kind: 'timeout' });
    await impatient.close();
  });
});
