import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRanking } from './ranking.js';

/** The places of the passages, from 1, best first. */
function orderOf(text: string, count: number): number[] | undefined {
  const scores = parseRanking(text, count);
  return scores && [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!).map((index) => index + 1);
}

describe('parseRanking', () => {
  it.each<[string, string, number[]]>([
    ['alone', '{"ranking": [3, 1, 2]}', [3, 1, 2]],
    ['with words around', 'Here:\n```json\n{"ranking": [2]}\n```', [2, 1, 3]],
    ['that leaves passages out', '{"ranking": [3]}', [3, 1, 2]],
    ['that is empty', '{"ranking": []}', [1, 2, 3]],
    ['with what is no passage', '{"ranking": [9, 0, -1, 1.5, "2", null, 3, 3]}', [3, 1, 2]],
  ])('reads a ranking %s', (_, text, order) => {
    expect(orderOf(text, 3)).toEqual(order);
  });

  it.each(['', 'I would say 2, 1, 3.', '[2, 1]', '{"ranking": "2"}', '{"order": [2]}', '{"ranking": [1'])(
    'finds none in %j',
    (text) => {
      expect(parseRanking(text, 3)).toBeUndefined();
    },
  );

  it('gives each passage one place, for any text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.jsonValue()).map((ranking) => JSON.stringify({ ranking })),
      fc.array(fc.integer({ min: -2, max: 12 })).map((ranking) => JSON.stringify({ ranking })),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 10 }), (written, count) => {
        const order = orderOf(written, count);
        if (order !== undefined)
          expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
      }),
    );
  });
});
