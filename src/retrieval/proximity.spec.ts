import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { proximityScores } from './proximity.js';

const best = (query: string, texts: string[], context = 'Notes'): number => {
  const scores = proximityScores(
    query,
    texts.map((text) => ({ context, text, score: 0.5 })),
  );
  return scores.indexOf(Math.max(...scores));
};

describe('proximityScores', () => {
  it('prefers words that stand as they were asked', () => {
    expect(
      best('credit card limit', ['The card of the credit union has a limit.', 'Your credit card limit.']),
    ).toBe(1);
  });

  it('prefers words that stand close together', () => {
    const filler = Array.from({ length: 60 }, (_, index) => `filler${index}`).join(' ');
    expect(
      best('parrots alaska', [`Parrots ${filler} Alaska.`, `${filler} Alaska has no wild parrots.`]),
    ).toBe(1);
  });

  it('prefers a title that is asked for', () => {
    const passage = { text: 'It rains.', score: 0.5 };
    const [other = 0, asked = 0] = proximityScores('weather in bergen', [
      { ...passage, context: 'A history of trade in Norway and of the weather' },
      { ...passage, context: 'Bergen weather' },
    ]);
    expect(asked).toBeGreaterThan(other);
  });

  it('leaves scores alone where the question has no words, and keeps their order where nothing tells passages apart', () => {
    const passages = [0.9, 0.4].map((score) => ({ context: 'T', text: 'Some text.', score }));
    expect(proximityScores('?!', passages)).toEqual([0.9, 0.4]);
    const [first = 0, second = 0] = proximityScores('nothing of this', passages);
    expect(first).toBeGreaterThan(second);
    expect(proximityScores('words', [])).toEqual([]);
  });

  it('gives a finite score, at least that of the search, to any texts', () => {
    const passage = fc.record({
      context: fc.string(),
      text: fc.string(),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.string(), fc.array(passage, { maxLength: 10 }), (query, passages) => {
        const scores = proximityScores(query, passages);
        expect(scores).toHaveLength(passages.length);
        for (const [index, score] of scores.entries()) {
          expect(Number.isFinite(score)).toBe(true);
          expect(score).toBeGreaterThanOrEqual(passages[index]!.score);
        }
      }),
    );
  });
});
