export type { BeginEmbeddingCall, EmbeddingModel, Embeddings } from './embedding-model.js';
export { EmbeddingModels } from './embedding-models.js';
export { EmbeddingsModule } from './embeddings.module.js';
export { INDEXED_DIMENSIONS, storedDimensions, toVectorParameter } from './vector-storage.js';
