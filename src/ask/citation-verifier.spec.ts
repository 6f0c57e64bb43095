import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SearchHit } from '../retrieval/index.js';
import { ShownSource, verifyCitation } from './citation-verifier.js';

const TEXT =
  'Keys are rotated every 90 days. Old keys work for another day.\n\nAsk the security team for help.';
const hit = (content: string, start: number) =>
  ({ content, start, end: start + content.length }) as SearchHit;
const source = new ShownSource(hit(TEXT, 100), TEXT);

describe('verifyCitation', () => {
  const answer = 'Keys change every 90 days.';

  it('cuts the quote out of the source', () => {
    const claim = {
      type: 'citation',
      start: 0,
      end: answer.length,
      source: 0,
      quote: { start: 0, end: 31 },
    } as const;
    expect(verifyCitation(claim, answer, [source])).toEqual({
      start: 0,
      end: 26,
      source: 0,
      quote: 'Keys are rotated every 90 days.',
      sourceStart: 100,
      sourceEnd: 131,
    });
  });

  it('finds the sentence that supports a claim without a quote', () => {
    const claim = { type: 'citation', start: 0, end: answer.length, source: 0 } as const;
    expect(verifyCitation(claim, answer, [source])?.quote).toBe('Keys are rotated every 90 days.');
  });

  it('leaves out a claim that its source does not support', () => {
    const claim = { type: 'citation', start: 0, end: 24, source: 0 } as const;
    expect(verifyCitation(claim, 'The canteen opens at noon.', [source])).toBeUndefined();
  });

  it('never yields a quote that is not in the source, or a span outside the answer', () => {
    const position = fc.integer({ min: -5, max: TEXT.length + 5 });
    fc.assert(
      fc.property(
        position,
        position,
        position,
        position,
        fc.integer({ min: -1, max: 2 }),
        fc.boolean(),
        (a, b, c, d, index, named) => {
          const claim = {
            type: 'citation',
            start: a,
            end: b,
            source: index,
            ...(named ? { quote: { start: c, end: d } } : {}),
          } as const;
          const citation = verifyCitation(claim, TEXT, [source]);
          if (citation === undefined) return;
          expect(TEXT.slice(citation.sourceStart - 100, citation.sourceEnd - 100)).toBe(citation.quote);
          expect(citation.quote).not.toBe('');
          expect(citation.start).toBeGreaterThanOrEqual(0);
          expect(citation.end).toBeLessThanOrEqual(TEXT.length);
        },
      ),
    );
  });
});
