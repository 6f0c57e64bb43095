import type { Database } from '../database/index.js';

/** A query's words without stop words, and which of them a chunk has, both as the chunk's collection stems them. */
const COVERAGE = `
  SELECT chunk.id::text AS id, max(share.covered) AS coverage
  FROM (
    SELECT c.id, k.language::regconfig AS language,
           tsvector_to_array(to_tsvector(k.language::regconfig, c.context || ' ' || c.text)) AS lexemes
    FROM chunks c JOIN collections k ON k.id = c.collection_id WHERE c.id = ANY ($1)
  ) chunk
  CROSS JOIN unnest($2::text[]) AS query
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE lexeme = ANY (chunk.lexemes))::float8 / greatest(count(*), 1) AS covered
    FROM unnest(tsvector_to_array(to_tsvector(chunk.language, query))) AS lexeme
  ) share
  GROUP BY chunk.id`;

/**
 * Share of a query's distinct content words that occur in each chunk, in whatever form, 0..1, by the chunk's id: of the
 * query that has the largest.
 */
export async function stemmedCoverage(
  database: Database,
  queries: readonly string[],
  chunkIds: readonly string[],
): Promise<Map<string, number>> {
  if (chunkIds.length === 0) return new Map();
  const rows = await database.query<{ id: string; coverage: number }>(COVERAGE, [chunkIds, queries]);
  return new Map(rows.map(({ id, coverage }) => [id, coverage]));
}
