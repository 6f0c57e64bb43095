export { type BeginEmbeddingCall, EmbeddingModel } from './embedding-model.js';
export { EmbeddingsModule } from './embeddings.module.js';
export { INDEXED_DIMENSIONS, storedDimensions, toVectorParameter } from './vector-storage.js';
