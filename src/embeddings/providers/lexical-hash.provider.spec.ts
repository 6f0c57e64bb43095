import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LexicalHashEmbeddingModel } from './lexical-hash.provider.js';

const model = new LexicalHashEmbeddingModel();
const never = new AbortController().signal;
const embed = async (...texts: string[]) => (await model.embed(texts, 'document', never)).vectors;
const cosine = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, index) => sum + value * b[index]!, 0);

describe('LexicalHashEmbeddingModel', () => {
  it('gives every text a direction of length 1, the same each time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        const [one, two] = await embed(text, text);
        expect(one).toHaveLength(1024);
        expect(cosine(one!, one!)).toBeCloseTo(1, 4);
        expect(one).toEqual(two);
      }),
    );
  });

  it('is nearer to a text that shares words than to one that does not', async () => {
    const [question, answer, other] = await embed(
      'How often are API keys rotated?',
      'API keys are rotated every 90 days.',
      'The canteen opens at noon on weekdays.',
    );
    expect(cosine(question!, answer!)).toBeGreaterThan(0.5);
    expect(Math.abs(cosine(question!, other!))).toBeLessThan(0.15);
  });

  it('sees through inflection, and makes something even of stop words alone', async () => {
    const [singular, plural, stopWords] = await embed('rotating key', 'rotated keys', 'who are you');
    expect(cosine(singular!, plural!)).toBeGreaterThan(0.9);
    expect(stopWords!.some((value) => value !== 0)).toBe(true);
  });

  it('stops when aborted', async () => {
    const stopped = model.embed(['x'], 'query', AbortSignal.abort(new Error('stop')));
    await expect(stopped).rejects.toThrow('stop');
  });
});
