import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate } from './candidate.js';
import { fuse, fuseQueries, mergeRanked, type RankedCandidate } from './fusion.js';
import { interpolate } from './textsearch-keyword-index.js';

const candidate = (chunkId: string, similarity: number, keywordScore?: number): Candidate => ({
  chunkId,
  similarity,
  keywordScore,
});

describe('fuse', () => {
  it('weighs what both sides say', () => {
    const found = [candidate('1', 0.1, 12), candidate('2', 0.9, 2), candidate('3', 0.5)];
    expect(fuse(found, 1, 0).map(({ chunkId }) => chunkId)).toEqual(['1', '2', '3']);
    expect(fuse(found, 0, 0).map(({ chunkId }) => chunkId)).toEqual(['2', '3', '1']);
  });

  it('counts a chunk that both found once, with its keyword score', () => {
    const fused = fuse([candidate('1', 0.4), candidate('1', 0.4, 7), candidate('2', 0.2)], 0.8, 0);
    expect(fused).toHaveLength(2);
    expect(fused[0]).toMatchObject({ chunkId: '1', keywordScore: 7, score: 1 });
  });

  it('merges what several models found by score, each with its own threshold', () => {
    const strong = fuse([candidate('1', 0.9, 5), candidate('2', 0.1, 1)], 0.5, 0.2);
    const weak = fuse([candidate('3', 0.3, 9), candidate('4', 0.2, 8), candidate('5', 0, 1)], 0.8, 0.05);
    const merged = mergeRanked([strong, weak]);
    expect(merged.map(({ chunkId }) => chunkId)).toEqual(['1', '3', '4', '2', '5']);
    expect(merged.map(({ minSimilarity }) => minSimilarity)).toEqual([0.2, 0.05, 0.05, 0.2, 0.05]);
  });

  it('gives scores from 0 to 1 in falling order, whatever the scales', () => {
    const candidates = fc.uniqueArray(
      fc.record({
        chunkId: fc.nat(10_000).map(String),
        similarity: fc.float({ min: -1, max: 1, noNaN: true }),
        keywordScore: fc.option(fc.float({ min: 0, max: 1000, noNaN: true }), { nil: undefined }),
      }),
      { selector: ({ chunkId }) => chunkId },
    );
    fc.assert(
      fc.property(candidates, fc.float({ min: 0, max: 1, noNaN: true }), (found, weight) => {
        const scores = fuse(found, weight, 0).map(({ score }) => score);
        expect(scores).toHaveLength(found.length);
        for (const [index, score] of scores.entries()) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1.000001);
          expect(score).toBeLessThanOrEqual(scores[index - 1] ?? 2);
        }
      }),
    );
  });
});

describe('fuseQueries', () => {
  const ranked = (
    chunkId: string,
    score: number,
    changes: Partial<RankedCandidate> = {},
  ): RankedCandidate => ({
    chunkId,
    score,
    similarity: 0.1,
    keywordScore: undefined,
    minSimilarity: 0.05,
    ...changes,
  });

  it('leaves what one query found as it is', () => {
    const found = [ranked('1', 1), ranked('2', 0.4)];
    expect(fuseQueries([found])).toEqual(found);
    expect(fuseQueries([])).toEqual([]);
  });

  it('has a chunk once, with its highest cosine and a keyword score where there is one', () => {
    const fused = fuseQueries([
      [ranked('1', 1, { similarity: 0.3 }), ranked('2', 0.5, { similarity: 0.2, keywordScore: 4 })],
      [ranked('1', 0.5, { similarity: 0.6, keywordScore: 7 }), ranked('3', 1)],
      [ranked('2', 1, { similarity: 0.1, keywordScore: 9 })],
    ]);
    expect(fused.map(({ chunkId, score }) => [chunkId, Math.round(score * 1000)])).toEqual([
      ['1', 700],
      ['2', 500],
      ['3', 200],
    ]);
    expect(fused[0]).toMatchObject({ similarity: 0.6, keywordScore: 7 });
    expect(fused[1]).toMatchObject({ similarity: 0.2, keywordScore: 4 });
  });

  it('keeps what the question finds first before all that only rephrasings find', () => {
    const lists = fc.array(
      fc.uniqueArray(fc.record({ id: fc.nat(30), score: fc.double({ min: 0, max: 1, noNaN: true }) }), {
        selector: ({ id }) => id,
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(lists, (others) => {
        const found = [
          [ranked('999', 1)],
          ...others.map((list) => list.map(({ id, score }) => ranked(String(id), score))),
        ];
        const fused = fuseQueries(found);
        expect(fused[0]?.chunkId).toBe('999');
        expect(new Set(fused.map(({ chunkId }) => chunkId)).size).toBe(fused.length);
        for (const [index, { score }] of fused.entries()) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(Math.min(1.000001, fused[index - 1]?.score ?? 2));
        }
      }),
    );
  });
});

describe('interpolate', () => {
  it('keeps the known scores and fills the gaps between them in order', () => {
    const scores = [10, 8, null, 6, null, null, null, 3, null, 1];
    const filled = interpolate(scores);
    expect(filled).toHaveLength(scores.length);
    for (const [rank, score] of scores.entries()) if (score !== null) expect(filled[rank]).toBe(score);
    for (let rank = 1; rank < filled.length; rank++)
      expect(filled[rank]).toBeLessThanOrEqual(filled[rank - 1]!);
  });

  it('takes one score, or none', () => {
    expect(interpolate([])).toEqual([]);
    expect(interpolate([4])).toEqual([4]);
  });
});
