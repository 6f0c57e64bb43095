import { Injectable } from '@nestjs/common';
import { Ledger, type LedgerEntry } from '../../costs/index.js';
import { EmbeddingModel } from '../../embeddings/index.js';

/** Embeds passages of documents and records what that cost. */
@Injectable()
export class PassageEmbedder {
  constructor(
    private readonly model: EmbeddingModel,
    private readonly ledger: Ledger,
  ) {}

  get modelId(): string {
    return this.model.id;
  }

  /** One vector a text. A failed call is recorded too, then thrown. */
  async embed(documentId: string, texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const started = performance.now();
    const entry = (outcome: LedgerEntry['outcome'], tokens: number, estimated: boolean): LedgerEntry => ({
      requestId: documentId,
      isRequest: false,
      operation: 'document_embedding',
      model: this.model.id,
      attempt: 1,
      outcome,
      inputTokens: 0,
      outputTokens: 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      embeddingTokens: tokens,
      estimated,
      latencyMs: performance.now() - started,
      firstTokenMs: null,
      error: outcome === 'failed' ? 'embedding_failed' : null,
    });
    const result = await this.model.embed(texts, 'document', signal).catch(async (error: unknown) => {
      await this.ledger.record([entry(signal.aborted ? 'aborted' : 'failed', 0, true)]);
      throw error;
    });
    await this.ledger.record([entry('ok', result.tokens, result.estimated)]);
    return result.vectors;
  }
}
