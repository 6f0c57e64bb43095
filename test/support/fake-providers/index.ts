export * from './behaviours.js';
export { fakeEmbedding } from './fake-embeddings.js';
export { FakeProvider } from './fake-provider.js';
