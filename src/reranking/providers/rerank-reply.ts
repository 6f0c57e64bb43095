/** What a provider bills for a ranking, as it counts it; undefined where it does not say. */
export interface RerankUsage {
  tokens: number | undefined;
  searchUnits: number | undefined;
}

/** Reads the usage in what a rerank server answered: Jina's and Voyage's tokens, Cohere's search units. */
export function usageIn(body: unknown): RerankUsage {
  const { usage, meta } = asObject(body);
  return {
    tokens: amount(asObject(usage)['total_tokens']),
    searchUnits: amount(asObject(asObject(meta)['billed_units'])['search_units']),
  };
}

/**
 * Reads the scores in it, one a passage, in order: `results` (Cohere, Jina, vLLM, llama.cpp) or `data` (Voyage) of
 * `index` and `relevance_score`, or a bare list of `index` and `score` (Text Embeddings Inference), in any order.
 * @param count passages that were sent
 * @throws SyntaxError where that is not what it is, or not each passage has one score
 */
export function scoresIn(body: unknown, count: number): number[] {
  const object = asObject(body);
  const list: unknown = Array.isArray(body) ? body : (object['results'] ?? object['data']);
  if (!Array.isArray(list) || list.length !== count) throw new SyntaxError('not a score for each passage');
  const scores = new Map<number, number>();
  for (const item of list) {
    const { index, relevance_score: relevance, score = relevance } = asObject(item);
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count)
      throw new SyntaxError('an index of no passage');
    if (typeof score !== 'number' || !Number.isFinite(score))
      throw new SyntaxError('a score that is no number');
    scores.set(index, score);
  }
  if (scores.size !== count) throw new SyntaxError('not a score for each passage');
  return Array.from({ length: count }, (_, index) => scores.get(index) ?? 0);
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function amount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}
