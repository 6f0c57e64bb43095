/** What a rerank server answered. */
export interface RerankReply {
  /** One a passage, in order. */
  scores: number[];
  /** As the provider counts them; undefined where it does not say. */
  tokens: number | undefined;
  searchUnits: number | undefined;
}

/**
 * Reads the answer of a rerank server: `results` (Cohere, Jina, vLLM, llama.cpp) or `data` (Voyage) of `index` and
 * `relevance_score`, or a bare list of `index` and `score` (Text Embeddings Inference), in any order.
 * @param count passages that were sent
 * @throws SyntaxError where that is not what it is, or not each passage has one score
 */
export function parseRerankReply(body: unknown, count: number): RerankReply {
  const object = asObject(body);
  const list: unknown = Array.isArray(body) ? body : (object['results'] ?? object['data']);
  if (!Array.isArray(list) || list.length !== count) throw new SyntaxError('not a score for each passage');
  const scores: number[] = [];
  for (const item of list) {
    const { index, relevance_score: relevance, score = relevance } = asObject(item);
    if (!Number.isInteger(index) || typeof score !== 'number' || !Number.isFinite(score))
      throw new SyntaxError('no index and score');
    scores[index as number] = score;
  }
  // an index twice or out of range leaves another one open
  if (scores.length !== count || Object.keys(scores).length !== count)
    throw new SyntaxError('not a score for each passage');
  const units = asObject(asObject(object['meta'])['billed_units'])['search_units'];
  return {
    scores,
    tokens: amount(asObject(object['usage'])['total_tokens']),
    searchUnits: amount(units),
  };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function amount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}
