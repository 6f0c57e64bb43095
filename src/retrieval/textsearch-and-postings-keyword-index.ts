import type { Candidate, SearchScope } from './candidate.js';
import { KeywordIndex } from './keyword-index.js';
import type { PostingsKeywordIndex } from './postings-keyword-index.js';
import type { TextsearchKeywordIndex } from './textsearch-keyword-index.js';

/** The keyword engine of servers with pg_textsearch, whose index is in English: other languages have postings. */
export class TextsearchAndPostingsKeywordIndex extends KeywordIndex {
  override readonly engine = 'pg_textsearch';

  constructor(
    private readonly english: TextsearchKeywordIndex,
    private readonly others: PostingsKeywordIndex,
  ) {
    super();
  }

  override search(scope: SearchScope, limit: number): Promise<Candidate[]> {
    return (scope.language === 'english' ? this.english : this.others).search(scope, limit);
  }
}
