/** One call to an embedding provider, when it is over: retries are calls of their own. */
export interface EmbeddingCall {
  /** The model's id. */
  model: string;
  /** 1 for the first try. */
  attempt: number;
  outcome: 'ok' | 'failed' | 'aborted';
  /** As billed: 0 for a call that was never accepted, and for models that cost nothing. */
  tokens: number;
  /** True when the provider did not say and the tokens were counted here. */
  estimated: boolean;
  latencyMs: number;
  /** The kind of error of a failed call. */
  error: string | null;
}

/**
 * Awaited before each call to a provider: its rejection ends the embedding with nothing sent.
 * @param model the model's id
 * @param worstTokens upper bound of the tokens that the call may bill; counts when called
 * @returns what is told of the call when it is over, however it ended; must not throw
 */
export type BeginEmbeddingCall = (
  model: string,
  worstTokens: () => number,
) => Promise<(call: EmbeddingCall) => void>;

export interface Embeddings {
  /** One vector a text, in order, each L2-normalised. */
  vectors: Float32Array[];
  /** Tokens that the provider billed; 0 for models that cost nothing. */
  tokens: number;
  /** True when the provider did not say and the tokens were counted here. */
  estimated: boolean;
}

/** How far a question's words and a passage's must agree, and how much each side counts; measured per model. */
export interface EmbeddingTraits {
  /** Weight of BM25 in hybrid search, 0..1; the vectors have the rest. A weak model leaves more to the keywords. */
  keywordWeight: number;
  /**
   * False for a model whose neighbours share words. Keyword search finds those by itself, so the vectors only weigh what
   * that found, and are in no index: they are about equally far from each other, and among such a graph index finds few
   * of the nearest.
   */
  findsBeyondKeywords: boolean;
  /** Cosine below which a passage is taken to have nothing to do with the question, when the caller does not say. */
  minSimilarity: number;
}

/**
 * Turns texts into vectors whose cosine says how alike the texts are.
 *
 * Contract of `embed`: vectors come in the order of the texts, all of one size, L2-normalised; any number of texts is
 * taken (the adapter batches); an aborted signal rejects with its reason; failures are `ModelError`s.
 */
export abstract class EmbeddingModel {
  /** As in `EMBEDDING_MODEL`; stored with each collection. */
  abstract readonly id: string;
  abstract readonly traits: EmbeddingTraits;
  /** @param kind some models embed a question differently from the passages it is compared with */
  abstract embed(
    texts: readonly string[],
    kind: 'query' | 'document',
    signal: AbortSignal,
    begin?: BeginEmbeddingCall,
  ): Promise<Embeddings>;

  /**
   * Makes it ready, so that the first text is embedded as quickly as the others and a model that cannot be used stops the
   * start. Awaited for the default model; others get ready with their first text.
   * @throws ConfigError when it cannot be used
   */
  async load(): Promise<void> {}

  /** Gives back what it holds, such as connections. */
  async close(): Promise<void> {}
}
