import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRerankReply } from './rerank-reply.js';

const relevance = [
  { index: 1, relevance_score: 0.9, document: { text: 'b' } },
  { index: 0, relevance_score: -0.2 },
];

describe('parseRerankReply', () => {
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
  ])('reads the answer of %s', (_, body, bill) => {
    expect(parseRerankReply(body, 2)).toEqual({ scores: [-0.2, 0.9], ...bill });
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['an error', { message: 'no' }],
    ['too few scores', { results: relevance.slice(1) }],
    ['an index twice', { results: [relevance[0], relevance[0]] }],
    ['an index out of range', { results: [relevance[1], { index: 2, relevance_score: 1 }] }],
    ['a negative index', { results: [relevance[1], { index: -1, relevance_score: 1 }] }],
    ['no number', { results: [relevance[1], { index: 1, relevance_score: '0.9' }] }],
    ['text', 'ok'],
  ])('refuses %s', (_, body) => {
    expect(() => parseRerankReply(body, 2)).toThrow(SyntaxError);
  });

  it('gives one score a passage or throws, for any JSON', () => {
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
            ({ scores } = parseRerankReply(body, count));
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
