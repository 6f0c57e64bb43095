export * from './behaviours.js';
export { fakeEmbedding } from './fake-embeddings.js';
export { FakeExchange } from './fake-exchange.js';
export { FakeProvider, type Script } from './fake-provider.js';
