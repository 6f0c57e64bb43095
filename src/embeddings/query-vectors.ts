import { LRUCache } from 'lru-cache';
import type { BeginEmbeddingCall, EmbeddingModel, Embeddings } from './embedding-model.js';

const MAX_BYTES = 32 * 1024 * 1024;
/** What the cache itself holds for an entry, about. */
const ENTRY_BYTES = 256;

/**
 * Embeds queries, and remembers the vectors of the latest ones, in at most 32 MiB: the same question comes from many
 * callers, and costs a call to the provider each time.
 */
export class QueryVectors {
  private readonly vectors: LRUCache<string, Float32Array>;

  /** @param ttlMs how long a vector is remembered: a provider may change a model under its name; 0: not at all */
  constructor(private readonly ttlMs: number) {
    this.vectors = new LRUCache({
      maxSize: MAX_BYTES,
      ttl: ttlMs,
      sizeCalculation: (vector, key) => ENTRY_BYTES + vector.byteLength + 2 * key.length,
    });
  }

  /**
   * As the model's own `embed`. A query that is remembered costs nothing; where all are, `begin` is told of a call of no
   * tokens, so that the search is counted.
   */
  async embed(
    model: EmbeddingModel,
    queries: readonly string[],
    signal: AbortSignal,
    begin?: BeginEmbeddingCall,
  ): Promise<Embeddings> {
    // of one that shares its words, a vector is made more quickly than found
    if (this.ttlMs === 0 || !model.traits.findsBeyondKeywords)
      return model.embed(queries, 'query', signal, begin);
    const known = new Map(queries.map((query) => [query, this.vectors.get(keyOf(model, query))]));
    const missing = [...known].flatMap(([query, vector]) => (vector === undefined ? [query] : []));
    let bill: Pick<Embeddings, 'tokens' | 'estimated'> = { tokens: 0, estimated: false };
    if (missing.length === 0) await countFree(model, begin);
    else {
      const { vectors, ...its } = await model.embed(missing, 'query', signal, begin);
      bill = its;
      for (const [index, query] of missing.entries()) {
        known.set(query, vectors[index]);
        this.vectors.set(keyOf(model, query), vectors[index]);
      }
    }
    return { vectors: queries.flatMap((query) => known.get(query) ?? []), ...bill };
  }
}

function keyOf(model: EmbeddingModel, query: string): string {
  return `${model.id}\n${query}`;
}

async function countFree({ id }: EmbeddingModel, begin?: BeginEmbeddingCall): Promise<void> {
  const end = await begin?.(id, () => 0);
  end?.({ model: id, attempt: 1, outcome: 'ok', tokens: 0, estimated: false, latencyMs: 0, error: null });
}
