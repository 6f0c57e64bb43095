import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scoresIn, usageIn } from './rerank-reply.js';

const relevance = [
  { index: 1, relevance_score: 0.9, document: { text: 'b' } },
  { index: 0, relevance_score: -0.2 },
];

describe('the answer of a rerank server', () => {
  it.each<[string, unknown, object]>([
    [
      'Cohere',
      { id: 'x', results: relevance, meta: { billed_units: { search_units: 1 } } },
      { tokens: undefined, searchUnits: 1 },
    ],
    ['Jina', { results: relevance, usage: { total_tokens: 815 } }, { tokens: 815, searchUnits: undefined }],
    ['Voyage', { data: relevance, usage: { total_tokens: 26 } }, { tokens: 26, searchUnits: undefined }],
    [
      'Text Embeddings Inference',
      [
        { index: 1, score: 0.9 },
        { index: 0, score: -0.2 },
      ],
      { tokens: undefined, searchUnits: undefined },
    ],
  ])('of %s is read', (_, body, usage) => {
    expect(scoresIn(body, 2)).toEqual([-0.2, 0.9]);
    expect(usageIn(body)).toEqual(usage);
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['an error', { message: 'no' }],
    ['too few scores', { results: relevance.slice(1) }],
    ['an index twice', { results: [relevance[0], relevance[0]] }],
    ['an index out of range', { results: [relevance[1], { index: 2, relevance_score: 1 }] }],
    ['holes', { results: [relevance[0], { index: 4, relevance_score: 1 }] }],
    ['a negative index', { results: [relevance[1], { index: -1, relevance_score: 1 }] }],
    ['no number', { results: [relevance[1], { index: 1, relevance_score: '0.9' }] }],
    ['text', 'ok'],
  ])('that is %s has no scores', (_, body) => {
    expect(() => scoresIn(body, 2)).toThrow(SyntaxError);
    expect(usageIn(body)).toEqual({ tokens: undefined, searchUnits: undefined });
  });

  it('tells its usage also when it has no scores', () => {
    expect(usageIn({ results: [], usage: { total_tokens: 900 } }).tokens).toBe(900);
  });

  it('gives one score a passage or none, for any JSON', () => {
    const item = fc.record({
      index: fc.integer({ min: -1, max: 4 }),
      score: fc.oneof(fc.double(), fc.string()),
    });
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.array(item), fc.record({ results: fc.array(item) })),
        fc.integer({ min: 0, max: 4 }),
        (body, count) => {
          let scores: number[];
          try {
            scores = scoresIn(body, count);
          } catch (error) {
            expect(error).toBeInstanceOf(SyntaxError);
            return;
          }
          expect(scores).toHaveLength(count);
          for (const score of scores) expect(score).toBeTypeOf('number');
        },
      ),
    );
  });
});
