export { LocalCrossEncoder } from './local-cross-encoder.js';
export { type LocalEmbedding, readEmbeddingFolder } from './local-model.js';
export { familyOf } from './model-families.js';
export { downloadWhereMissing, folderOf } from './model-location.js';
export { LOAD_TIMEOUT_MS, ModelRunner } from './model-runner.js';
export { checkRuntime } from './runtime.js';
