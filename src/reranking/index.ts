export { type RerankMeter, UNBILLED } from './reranker.js';
export { RerankingModule } from './reranking.module.js';
export { Reranking } from './reranking.service.js';
