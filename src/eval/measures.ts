/** Normalised discounted cumulative gain at k (Järvelin & Kekäläinen 2002), with linear gain as trec_eval has it. */
export function ndcg(ranking: readonly string[], relevance: ReadonlyMap<string, number>, k: number): number {
  const gain = ranking
    .slice(0, k)
    .reduce((sum, id, rank) => sum + (relevance.get(id) ?? 0) / Math.log2(rank + 2), 0);
  const ideal = [...relevance.values()]
    .sort((a, b) => b - a)
    .slice(0, k)
    .reduce((sum, grade, rank) => sum + grade / Math.log2(rank + 2), 0);
  return ideal === 0 ? 0 : gain / ideal;
}

/** Share of the relevant documents that are among the first k. */
export function recall(
  ranking: readonly string[],
  relevance: ReadonlyMap<string, number>,
  k: number,
): number {
  const found = ranking.slice(0, k).filter((id) => relevance.has(id)).length;
  return relevance.size === 0 ? 0 : found / relevance.size;
}

/** One over the rank of the first relevant document; 0 when there is none. */
export function reciprocalRank(ranking: readonly string[], relevance: ReadonlyMap<string, number>): number {
  const rank = ranking.findIndex((id) => relevance.has(id));
  return rank === -1 ? 0 : 1 / (rank + 1);
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
