import type { BilledCall, FinishedCall, Tab } from './tab.js';

/** A call to an embedding provider that is over, as the `embeddings` module reports it. */
type EmbeddingCall = Pick<FinishedCall, 'model' | 'attempt' | 'outcome' | 'estimated' | 'latencyMs'> & {
  tokens: number;
  error: string | null;
};

/**
 * Puts each call of an embedding on a tab: the most that it may cost is reserved before it, what it did cost is added
 * after it.
 * @param calls takes each call, billed
 */
export function billEmbedding(
  tab: Tab,
  operation: 'query_embedding' | 'document_embedding',
  calls: BilledCall[] = [],
) {
  return async (model: string, worstTokens: () => number): Promise<(call: EmbeddingCall) => void> => {
    const [giveUp] = await tab.hold(() => [{ models: [model], inputTokens: worstTokens(), outputTokens: 0 }]);
    return ({ tokens, ...call }) => {
      calls.push(tab.add({ ...call, operation, embeddingTokens: tokens }));
      giveUp?.();
    };
  };
}
