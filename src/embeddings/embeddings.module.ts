import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { EmbeddingModel } from './embedding-model.js';
import { createEmbeddingModel } from './providers/index.js';

/** The one embedding model of this service, as `EMBEDDING_MODEL` names it. */
@Module({
  providers: [
    {
      provide: EmbeddingModel,
      inject: [AppConfig],
      useFactory: ({ embeddingModel, llm }: AppConfig): EmbeddingModel =>
        createEmbeddingModel(embeddingModel, llm),
    },
  ],
  exports: [EmbeddingModel],
})
export class EmbeddingsModule {}
