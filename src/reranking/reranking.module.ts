import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { LanguageModelRegistry, LlmModule, ModelCaller } from '../llm/index.js';
import { createReranker } from './providers/index.js';
import { Reranking } from './reranking.service.js';

/** The model that ranks passages, where `RERANK_MODEL` names one. */
@Module({
  imports: [LlmModule],
  providers: [
    {
      provide: Reranking,
      inject: [AppConfig, LanguageModelRegistry, ModelCaller],
      useFactory: async (config: AppConfig, registry: LanguageModelRegistry, caller: ModelCaller) =>
        new Reranking(await createReranker(config, registry, caller), config.reranking.timeoutMs),
    },
  ],
  exports: [Reranking],
})
export class RerankingModule {}
