import type { Database } from '../database/index.js';
import type { Candidate, SearchScope } from './candidate.js';
import { KeywordIndex } from './keyword-index.js';
import { isRestricted, restrictionParameters, visibleChunk } from './restriction.js';

/**
 * A word that more chunks have is frequent: of those, only the chunks that it says most about are read, and how many
 * there are is estimated.
 */
const FREQUENT = 4000;
/** Chunks that are read for a frequent word, by what it says about them. */
const BEST_OF_FREQUENT = 2000;
/** Whoever may see only some chunks is not served with the best of all of them: no word is frequent then. */
const SEES_ALL = '($4::text[] IS NULL AND $5::jsonpath IS NULL)';
/** Chunks whose frequent words are then looked up, so that their scores are exact; a multiple of what is wanted. */
const COMPLETED = 4;

/** What a word adds to a chunk's score: `weight` is its idf × (k1 + 1), `norm` is k1 × b by the average length. */
const BM25 = `w.weight * p.tf / (p.tf + 0.3::float8 + s.norm * p.length)`;

/**
 * BM25 (Robertson & Zaragoza 2009, k1 = 1.2, b = 0.75; the idf of Lucene, which is never negative) over the postings
 * table: plain SQL, for any PostgreSQL. A question's words are alternatives: each adds to the score.
 *
 * For somebody who sees all, its cost is bounded by constants, however large the collection: candidates are the chunks
 * of the rare words, and of the frequent words the best ones that have it several times (impact-ordered postings, Anh &
 * Moffat 2006) and some that have it once; the best of those get their exact score. A frequent word's document frequency
 * is extrapolated from the first chunks that have it. With labels or a filter, every posting of a word is read.
 *
 * Each posting is read as float8 and no word's text is carried along: with numeric constants, and the postings joined to
 * their words by text, the same took half as long again.
 */
const SEARCH = `
  WITH stats AS MATERIALIZED (
    SELECT chunk_count::float8 AS chunks,
           0.9::float8 / greatest(lexeme_count::float8 / greatest(chunk_count, 1), 1) AS norm,
           (SELECT min(id) FROM chunks WHERE collection_id = $2) AS first_id,
           (SELECT max(id) FROM chunks WHERE collection_id = $2) AS last_id
    FROM collections WHERE id = $2
  ), found AS MATERIALIZED (
    SELECT query.lexeme, p.chunks, p.last_id, p.chunks > ${FREQUENT} AND ${SEES_ALL} AS is_frequent
    FROM unnest(to_tsvector($9::regconfig, $1)) AS query CROSS JOIN LATERAL (
      SELECT count(*)::float8 AS chunks, max(chunk_id) AS last_id FROM (
        SELECT chunk_id FROM postings WHERE collection_id = $2 AND lexeme = query.lexeme
        ORDER BY chunk_id LIMIT CASE WHEN ${SEES_ALL} THEN ${FREQUENT} + 1 END) AS first) p
    WHERE p.chunks > 0
  ), frequencies AS (
    SELECT lexeme, is_frequent,
           CASE WHEN is_frequent
                THEN least(found.chunks * (s.last_id - s.first_id + 1) / (found.last_id - s.first_id + 1), s.chunks)
                ELSE found.chunks END AS frequency
    FROM found CROSS JOIN stats s
  ), weights AS MATERIALIZED (
    SELECT lexeme, is_frequent,
           2.2::float8 * ln(1 + (greatest(s.chunks - frequency, 0) + 0.5) / (frequency + 0.5)) AS weight
    FROM frequencies CROSS JOIN stats s
  ), matched AS (
    SELECT p.chunk_id, NOT w.is_frequent AS is_rare, ${BM25} AS score
    FROM weights w CROSS JOIN stats s CROSS JOIN LATERAL (
      SELECT chunk_id, tf::float8 AS tf, length::float8 AS length FROM postings
      WHERE collection_id = $2 AND lexeme = w.lexeme
      ORDER BY chunk_id LIMIT CASE WHEN w.is_frequent THEN ${FREQUENT} END) p
    WHERE NOT w.is_frequent OR p.tf = 1
    UNION ALL
    SELECT p.chunk_id, false, ${BM25}
    FROM weights w CROSS JOIN stats s CROSS JOIN LATERAL (
      SELECT chunk_id, tf::float8 AS tf, length::float8 AS length FROM postings
      WHERE collection_id = $2 AND lexeme = w.lexeme AND tf > 1
      ORDER BY tf / (tf + 0.3 + 0.006 * length) DESC LIMIT ${BEST_OF_FREQUENT}) p
    WHERE w.is_frequent
  ), likely AS MATERIALIZED (
    SELECT chunk_id, coalesce(sum(score) FILTER (WHERE is_rare), 0) AS rare_score FROM matched m
    WHERE NOT $3::boolean OR ${visibleChunk('m.chunk_id', 4, 5)}
    GROUP BY chunk_id ORDER BY sum(score) DESC, chunk_id LIMIT ${COMPLETED} * $6
  ), best AS (
    SELECT l.chunk_id, l.rare_score + coalesce((
             SELECT sum(${BM25}) FROM weights w JOIN postings p
               ON p.collection_id = $2 AND p.lexeme = w.lexeme AND p.chunk_id = l.chunk_id
             WHERE w.is_frequent), 0) AS score
    FROM likely l CROSS JOIN stats s ORDER BY score DESC, l.chunk_id LIMIT $6
  )
  SELECT best.chunk_id::text AS id, best.score, 1 - (e.embedding <=> $7::real[]::halfvec) AS similarity
  FROM best JOIN chunk_embeddings e ON e.space_id = $8 AND e.chunk_id = best.chunk_id
  ORDER BY best.score DESC, best.chunk_id`;

/** The keyword engine of servers without pg_textsearch, for any language. */
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
      scope.language,
    ]);
    return rows.map(({ id, score, similarity }) => ({ chunkId: id, similarity, keywordScore: score }));
  }
}
