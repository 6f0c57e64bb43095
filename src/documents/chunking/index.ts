export { type Chunk, chunkText } from './chunker.js';
export type { ChunkOptions } from './options.js';
