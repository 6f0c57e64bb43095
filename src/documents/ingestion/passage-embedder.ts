import { Injectable } from '@nestjs/common';
import { billEmbedding, Tabs } from '../../costs/index.js';
import { EmbeddingModel } from '../../embeddings/index.js';

/** Embeds passages of documents, within the budgets, and records what that cost. */
@Injectable()
export class PassageEmbedder {
  constructor(
    private readonly model: EmbeddingModel,
    private readonly tabs: Tabs,
  ) {}

  get modelId(): string {
    return this.model.id;
  }

  /**
   * One vector a text. What failed calls cost is recorded too.
   * @throws AppError BUDGET_EXCEEDED, ModelError
   */
  async embed(documentId: string, texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const tab = this.tabs.openTab(documentId, false);
    try {
      const begin = billEmbedding(tab, 'document_embedding');
      return (await this.model.embed(texts, 'document', signal, begin)).vectors;
    } finally {
      await tab.settle();
    }
  }
}
