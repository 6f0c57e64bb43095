import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { EmbeddingModels } from './embedding-models.js';
import { createEmbeddingModel } from './providers/index.js';

/** The embedding models: the one that `EMBEDDING_MODEL` names, and those of collections that have another. */
@Module({
  providers: [
    {
      provide: EmbeddingModels,
      inject: [AppConfig],
      useFactory: ({ embeddingModel, llm }: AppConfig) =>
        new EmbeddingModels(embeddingModel, (id) => createEmbeddingModel(id, llm)),
    },
  ],
  exports: [EmbeddingModels],
})
export class EmbeddingsModule {}
