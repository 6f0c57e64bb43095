import type { Candidate } from './candidate.js';

export interface RankedCandidate extends Candidate {
  /** Fused score, 0..1 within one query. */
  score: number;
  /** Cosine below which it has nothing to do with the query. */
  minSimilarity: number;
}

/**
 * Fuses what vectors and keywords found by a convex combination of min-max-normalised scores (Bruch, Gai and Ingber,
 * "An Analysis of Fusion Functions for Hybrid Retrieval", 2023): `weight` × BM25 + (1 − `weight`) × cosine. It keeps
 * how much better one hit is than the next, which rank-based fusion throws away, and lets a weak side have little say.
 *
 * @param candidates one entry a chunk and search; a chunk that both found appears twice
 * @param weight of BM25, 0..1
 * @param minSimilarity of all of them
 */
export function fuse(
  candidates: readonly Candidate[],
  weight: number,
  minSimilarity: number,
): RankedCandidate[] {
  const merged = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const known = merged.get(candidate.chunkId);
    if (known === undefined || known.keywordScore === undefined) merged.set(candidate.chunkId, candidate);
  }
  const all = [...merged.values()];
  const keyword = normaliser(
    all.flatMap(({ keywordScore }) => (keywordScore === undefined ? [] : [keywordScore])),
  );
  const dense = normaliser(all.map(({ similarity }) => similarity));
  return all
    .map((candidate) => ({
      ...candidate,
      minSimilarity,
      score:
        weight * (candidate.keywordScore === undefined ? 0 : keyword(candidate.keywordScore)) +
        (1 - weight) * dense(candidate.similarity),
    }))
    .sort(byScore);
}

/** Merges what was found with several models, whose cosines cannot be compared, but whose fused scores can. */
export function mergeRanked(groups: readonly RankedCandidate[][]): RankedCandidate[] {
  return groups.length === 1 ? (groups[0] ?? []) : groups.flat().sort(byScore);
}

function byScore(a: RankedCandidate, b: RankedCandidate): number {
  return b.score - a.score || b.similarity - a.similarity || Number(BigInt(a.chunkId) - BigInt(b.chunkId));
}

function normaliser(values: readonly number[]): (value: number) => number {
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  // a single hit is the best there is
  return max > min ? (value) => (value - min) / (max - min) : () => 1;
}
