export { EmbeddingModel } from './embedding-model.js';
export { EmbeddingsModule } from './embeddings.module.js';
export { INDEXED_DIMENSIONS, indexedType, storedDimensions, toVectorText } from './vector-storage.js';
