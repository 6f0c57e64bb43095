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

/** Share of a question's own score in the fused one: more than that of all its rephrasings together. */
const QUESTION_SHARE = 0.6;

/**
 * Fuses what a question and its rephrasings found: again a convex combination, of their fused scores, in which the
 * question outweighs all others together and these weigh the same. The cosine of a chunk is the highest one.
 * @param lists the question's first, each with a chunk at most once
 */
export function fuseQueries(lists: readonly RankedCandidate[][]): RankedCandidate[] {
  if (lists.length <= 1) return lists[0] ?? [];
  const otherShare = (1 - QUESTION_SHARE) / (lists.length - 1);
  const fused = new Map<string, RankedCandidate>();
  for (const [index, list] of lists.entries())
    for (const candidate of list) {
      const score = candidate.score * (index === 0 ? QUESTION_SHARE : otherShare);
      const known = fused.get(candidate.chunkId);
      fused.set(candidate.chunkId, {
        ...candidate,
        score: score + (known?.score ?? 0),
        similarity: Math.max(candidate.similarity, known?.similarity ?? -1),
        keywordScore: known?.keywordScore ?? candidate.keywordScore,
      });
    }
  return [...fused.values()].sort(byScore);
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
