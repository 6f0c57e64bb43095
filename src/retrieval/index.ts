export type { SearchHit } from './hit-reader.js';
export { KeywordIndex } from './keyword-index.js';
export { RetrievalModule } from './retrieval.module.js';
export { type SearchMode, type SearchRequest, type SearchResult, SearchService } from './search.service.js';
