import type { Candidate, SearchScope } from './candidate.js';

/** BM25 over the chunks of a collection. Two engines, one meaning: the one thing in which databases may differ. */
export abstract class KeywordIndex {
  /** Shown by `/health/ready`; that of collections in English. */
  abstract readonly engine: 'pg_textsearch' | 'postings';
  /** The `limit` chunks with the highest BM25 score, best first, with their cosine to the query too. */
  abstract search(scope: SearchScope, limit: number): Promise<Candidate[]>;
}
