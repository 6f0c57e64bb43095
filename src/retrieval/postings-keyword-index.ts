import type { Database } from '../database/index.js';
import type { Candidate, SearchScope } from './candidate.js';
import { KeywordIndex } from './keyword-index.js';
import { isRestricted, restrictionParameters, visibleChunk } from './restriction.js';

/**
 * BM25 (Robertson & Zaragoza 2009, k1 = 1.2, b = 0.75; the idf of Lucene, which is never negative) over the postings
 * table: plain SQL, for any PostgreSQL. A question's words are alternatives: each adds to the score.
 */
const SEARCH = `
  WITH query AS (
    SELECT lexeme FROM unnest(to_tsvector('english', $1))
  ), stats AS (
    SELECT chunk_count::float8 AS chunks, greatest(lexeme_count::float8 / greatest(chunk_count, 1), 1) AS average_length
    FROM collections WHERE id = $2
  ), matched AS (
    SELECT p.chunk_id, p.lexeme, p.tf::float8 AS tf, p.length::float8 AS length
    FROM query JOIN postings p ON p.collection_id = $2 AND p.lexeme = query.lexeme
  ), weights AS (
    SELECT lexeme, ln(1 + (chunks - count(*) + 0.5) / (count(*) + 0.5)) AS idf
    FROM matched CROSS JOIN stats GROUP BY lexeme, chunks
  ), best AS (
    SELECT m.chunk_id, sum(w.idf * m.tf * 2.2 / (m.tf + 1.2 * (0.25 + 0.75 * m.length / s.average_length))) AS score
    FROM matched m JOIN weights w USING (lexeme) CROSS JOIN stats s
    WHERE NOT $3::boolean OR ${visibleChunk('m.chunk_id', 4, 5)}
    GROUP BY m.chunk_id ORDER BY score DESC, m.chunk_id LIMIT $6
  )
  SELECT best.chunk_id::text AS id, best.score, 1 - (e.embedding <=> $7::real[]::halfvec) AS similarity
  FROM best JOIN chunk_embeddings e ON e.space_id = $8 AND e.chunk_id = best.chunk_id
  ORDER BY best.score DESC, best.chunk_id`;

/** The keyword engine of servers without pg_textsearch. */
export class PostingsKeywordIndex extends KeywordIndex {
  override readonly engine = 'postings';

  constructor(private readonly database: Database) {
    super();
  }

  override async search(scope: SearchScope, limit: number): Promise<Candidate[]> {
    const rows = await this.database.query<{ id: string; score: number; similarity: number }>(SEARCH, [
      scope.query,
      scope.collectionId,
      isRestricted(scope),
      ...restrictionParameters(scope),
      limit,
      scope.vectorParameter,
      scope.spaceId,
    ]);
    return rows.map(({ id, score, similarity }) => ({ chunkId: id, similarity, keywordScore: score }));
  }
}
