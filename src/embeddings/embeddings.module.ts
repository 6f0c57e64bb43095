import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { EmbeddingModels } from './embedding-models.js';
import { createEmbeddingModel, prepareEmbeddingModel } from './providers/index.js';

/** The embedding models: the one that `EMBEDDING_MODEL` names, and those of collections that have another. */
@Module({
  providers: [
    {
      provide: EmbeddingModels,
      inject: [AppConfig],
      useFactory: async ({ embeddingModel, queryCacheTtlMs, database, llm }: AppConfig) => {
        const settings = { ...llm, modelsDir: join(database.dataDir, 'models') };
        await prepareEmbeddingModel(embeddingModel, settings);
        const models = new EmbeddingModels(embeddingModel, queryCacheTtlMs, (id) =>
          createEmbeddingModel(id, settings),
        );
        await models.default.load();
        return models;
      },
    },
  ],
  exports: [EmbeddingModels],
})
export class EmbeddingsModule {}
