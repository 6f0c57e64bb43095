import type { Database } from '../database/index.js';
import type { Candidate, SearchScope } from './candidate.js';
import { KeywordIndex } from './keyword-index.js';
import { isRestricted, restrictionParameters, visibleDocument } from './restriction.js';

/**
 * Ordering by the index is quick; selecting the score computes it again for each row, at a third of a millisecond. So
 * the score is asked for at these ranks only, and the ones between are interpolated: fusion needs the shape of the
 * curve, not its last digit.
 */
const SAMPLED_RANKS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

const SEARCH = `
  WITH hits AS MATERIALIZED (
    SELECT c.id, c.context || ' ' || c.text AS document FROM chunks c
    WHERE c.collection_id = $2
      AND (NOT $3::boolean OR EXISTS (
        SELECT FROM documents d
        WHERE d.id = c.document_id AND d.live_revision = c.revision AND ${visibleDocument(4, 5)}))
    ORDER BY (c.context || ' ' || c.text) <@> to_bm25query($1, 'chunks_bm25_idx')
    LIMIT $6
  ), ranked AS (
    SELECT id, document, row_number() OVER () AS rank, count(*) OVER () AS total FROM hits
  )
  SELECT ranked.id::text AS id, ranked.rank::int,
         CASE WHEN ranked.rank = ANY ($9::int[]) OR ranked.rank = ranked.total
              THEN -(ranked.document <@> to_bm25query($1, 'chunks_bm25_idx')) END AS score,
         1 - (e.embedding <=> $7::real[]::halfvec) AS similarity
  FROM ranked JOIN chunk_embeddings e ON e.space_id = $8 AND e.chunk_id = ranked.id
  ORDER BY ranked.rank`;

interface Row {
  id: string;
  rank: number;
  score: number | null;
  similarity: number;
}

/** BM25 by the pg_textsearch extension, for collections in English. */
export class TextsearchKeywordIndex extends KeywordIndex {
  override readonly engine = 'pg_textsearch';

  constructor(private readonly database: Database) {
    super();
  }

  override async search(scope: SearchScope, limit: number): Promise<Candidate[]> {
    const rows = await this.database.query<Row>(SEARCH, [
      scope.query,
      scope.collectionId,
      isRestricted(scope),
      ...restrictionParameters(scope),
      limit,
      scope.vectorParameter,
      scope.spaceId,
      SAMPLED_RANKS,
    ]);
    const scores = interpolate(rows.map(({ score }) => score));
    // without the index's help the ordering goes on with rows that hold none of the words
    const found = rows.slice(0, await this.countFound(scope, rows));
    return found.map(({ id, similarity }, index) => ({
      chunkId: id,
      similarity,
      keywordScore: scores[index],
    }));
  }

  /** How many of the rows hold a word of the query; only those between a score above 0 and one of 0 have to be looked at. */
  private async countFound({ query }: SearchScope, rows: readonly Row[]): Promise<number> {
    const { from, to } = zeroBetween(rows.map(({ score }) => score));
    if (from === to) return from;
    const [row] = await this.database.query<{ found: number }>(
      `SELECT count(*)::int AS found FROM chunks c
       WHERE c.id = ANY ($2::bigint[]) AND (c.context || ' ' || c.text) <@> to_bm25query($1, 'chunks_bm25_idx') < 0`,
      [query, rows.slice(from, to).map(({ id }) => id)],
    );
    return from + (row?.found ?? 0);
  }
}

/** Rank up to which scores are known to be above 0, and from which they are known not to be; ranks from 0. */
export function zeroBetween(scores: readonly (number | null)[]): { from: number; to: number } {
  const isZero = (score: number | null): boolean => score !== null && score <= 0;
  const to = scores.findIndex(isZero);
  if (to === -1) return { from: scores.length, to: scores.length };
  return { from: scores.findLastIndex((score) => score !== null && score > 0) + 1, to };
}

/** Fills the gaps between known scores linearly in the logarithm of the rank, along which BM25 falls almost evenly. */
export function interpolate(scores: readonly (number | null)[]): number[] {
  const filled: number[] = [];
  let left = -1;
  for (const [right, score] of scores.entries()) {
    if (score === null) continue;
    const from = scores[left] ?? score;
    for (let index = left + 1; index < right; index++) {
      const share = (Math.log(index + 1) - Math.log(left + 1)) / (Math.log(right + 1) - Math.log(left + 1));
      filled[index] = from + (score - from) * share;
    }
    filled[right] = score;
    left = right;
  }
  return filled;
}
