import { Injectable } from '@nestjs/common';
import { AppError } from '../../common/index.js';
import { billEmbedding, Budgets, Tabs } from '../../costs/index.js';
import { EmbeddingModels } from '../../embeddings/index.js';

/** Embeds passages of documents, within the budgets, and records what that cost. */
@Injectable()
export class PassageEmbedder {
  constructor(
    private readonly models: EmbeddingModels,
    private readonly tabs: Tabs,
    private readonly budgets: Budgets,
  ) {}

  /**
   * One vector a text. What failed calls cost is recorded too.
   * @param subject what they are embedded for, as the ledger's request id
   * @param payerId who sent them; null: nobody, the service itself
   * @throws AppError BUDGET_EXCEEDED, or CONFLICT for a model that cannot be used with this configuration; ModelError
   */
  async embed(
    subject: string,
    modelId: string,
    texts: readonly string[],
    payerId: string | null,
    signal: AbortSignal,
  ): Promise<Float32Array[]> {
    const model = this.models.find(modelId);
    if (model === undefined)
      throw new AppError('CONFLICT', `Its collection is embedded with ${modelId}, which is not configured.`);
    const tab = this.tabs.openTab(subject, false, await this.budgets.payer(payerId));
    try {
      const begin = billEmbedding(tab, 'document_embedding');
      return (await model.embed(texts, 'document', signal, begin)).vectors;
    } finally {
      await tab.settle();
    }
  }
}
