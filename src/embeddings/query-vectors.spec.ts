import { describe, expect, it } from 'vitest';
import { type EmbeddingCall, EmbeddingModel, type Embeddings } from './embedding-model.js';
import { QueryVectors } from './query-vectors.js';

const never = new AbortController().signal;

class CountingModel extends EmbeddingModel {
  override readonly traits;
  readonly asked: string[][] = [];
  isDown = false;

  constructor(
    override readonly id: string,
    findsBeyondKeywords = true,
  ) {
    super();
    this.traits = { keywordWeight: 0.5, findsBeyondKeywords, minSimilarity: 0 };
  }

  override embed(texts: readonly string[]): Promise<Embeddings> {
    this.asked.push([...texts]);
    if (this.isDown) return Promise.reject(new Error('down'));
    const vectors = texts.map((text) => Float32Array.of(text.length, this.asked.length));
    return Promise.resolve({ vectors, tokens: 7 * texts.length, estimated: false });
  }
}

describe('QueryVectors', () => {
  it('asks the model only for what it does not remember, each once, and keeps the order', async () => {
    const [cache, model] = [new QueryVectors(60_000), new CountingModel('a/b')];
    const embed = (...queries: string[]) => cache.embed(model, queries, never);
    expect((await embed('one', 'three', 'one')).vectors).toEqual(
      [
        [3, 1],
        [5, 1],
        [3, 1],
      ].map(ofNumbers),
    );
    expect(await embed('three', 'seven77', 'one')).toEqual({
      vectors: [
        [5, 1],
        [7, 2],
        [3, 1],
      ].map(ofNumbers),
      tokens: 7,
      estimated: false,
    });
    expect(model.asked).toEqual([['one', 'three'], ['seven77']]);
  });

  it('tells of a call of no tokens when it remembers all', async () => {
    const [cache, model] = [new QueryVectors(60_000), new CountingModel('a/b')];
    await cache.embed(model, ['one'], never);
    const calls: EmbeddingCall[] = [];
    const { tokens } = await cache.embed(model, ['one'], never, (id, worst) => {
      expect([id, worst()]).toEqual(['a/b', 0]);
      return Promise.resolve((call) => calls.push(call));
    });
    expect(tokens).toBe(0);
    expect(calls).toMatchObject([{ model: 'a/b', outcome: 'ok', tokens: 0 }]);
  });

  it('keeps models apart, and remembers no failure', async () => {
    const cache = new QueryVectors(60_000);
    const models = [new CountingModel('a/b'), new CountingModel('a/c')];
    models[1]!.isDown = true;
    await cache.embed(models[0]!, ['one'], never);
    await expect(cache.embed(models[1]!, ['one'], never)).rejects.toThrow('down');
    models[1]!.isDown = false;
    await cache.embed(models[1]!, ['one'], never);
    expect(models[1]!.asked).toHaveLength(2);
  });

  it.each([
    ['the time is over', 1, 'one'],
    ['nothing is to be remembered', 0, 'one'],
    ['it is too long to be remembered', 60_000, 'x'.repeat(20 * 1024 * 1024)],
  ])('asks again when %s', async (_, ttlMs, query) => {
    const [cache, model] = [new QueryVectors(ttlMs), new CountingModel('a/b')];
    await cache.embed(model, [query], never);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await cache.embed(model, [query], never)).vectors).toHaveLength(1);
    expect(model.asked).toHaveLength(2);
  });

  it('leaves the model alone whose vectors are quickly made', async () => {
    const [cache, model] = [new QueryVectors(60_000), new CountingModel('lexical', false)];
    await cache.embed(model, ['one'], never);
    await cache.embed(model, ['one'], never);
    expect(model.asked).toEqual([['one'], ['one']]);
  });
});

function ofNumbers(numbers: number[]): Float32Array {
  return Float32Array.from(numbers);
}
