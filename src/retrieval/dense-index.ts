import { Injectable } from '@nestjs/common';
import { Database } from '../database/index.js';
import { INDEXED_DIMENSIONS, storedDimensions } from '../embeddings/index.js';
import type { Candidate, SearchScope } from './candidate.js';
import { isRestricted, restrictionParameters, visibleChunk, visibleDocument } from './restriction.js';

/**
 * Up to this many visible chunks, each is compared with the query: a scan of the index would meet too few of them among
 * all the others, and take longer.
 */
const EXACT_BELOW = 10_000;

/** One statement a size: a partial index is used only when the query repeats its predicate and type as constants. */
const NEAREST = new Map(
  INDEXED_DIMENSIONS.map((size) => [
    size as number,
    `SELECT e.chunk_id::text AS id, 1 - (e.embedding::halfvec(${size}) <=> $1::real[]::halfvec(${size})) AS similarity
     FROM chunk_embeddings e
     WHERE e.space_id = $2 AND e.dimensions = ${size} AND (NOT $3::boolean OR ${visibleChunk('e.chunk_id', 4, 5)})
     ORDER BY e.embedding::halfvec(${size}) <=> $1::real[]::halfvec(${size})
     LIMIT $6`,
  ]),
);

const EXACT = `
  WITH visible AS MATERIALIZED (
    SELECT c.id FROM documents d JOIN chunks c ON c.document_id = d.id AND c.revision = d.live_revision
    WHERE d.collection_id = $3 AND ${visibleDocument(4, 5)}
  )
  SELECT e.chunk_id::text AS id, 1 - (e.embedding <=> $1::real[]::halfvec) AS similarity
  FROM visible JOIN chunk_embeddings e ON e.space_id = $2 AND e.chunk_id = visible.id
  ORDER BY e.embedding <=> $1::real[]::halfvec
  LIMIT $6`;

/** Nearest neighbours by cosine: through the HNSW index of pgvector, or exactly where few chunks may be seen. */
@Injectable()
export class DenseIndex {
  constructor(private readonly database: Database) {}

  /** The `limit` visible chunks of one collection whose vectors are nearest to the query's, best first. */
  async search(scope: SearchScope, limit: number): Promise<Candidate[]> {
    const isExact = await this.seesFew(scope);
    const rows = await this.database.query<{ id: string; similarity: number }>(
      isExact ? EXACT : (NEAREST.get(storedDimensions(scope.vector.length)) ?? ''),
      [
        scope.vectorParameter,
        scope.spaceId,
        isExact ? scope.collectionId : isRestricted(scope),
        ...restrictionParameters(scope),
        limit,
      ],
    );
    return rows.map(({ id, similarity }) => ({ chunkId: id, similarity, keywordScore: undefined }));
  }

  private async seesFew(scope: SearchScope): Promise<boolean> {
    if (scope.labels === undefined && scope.filter === undefined) return false;
    const [visible] = await this.database.query<{ chunks: number }>(
      `SELECT coalesce(sum(d.chunk_count), 0)::float8 AS chunks FROM documents d
       WHERE d.collection_id = $1 AND ${visibleDocument(2, 3)}`,
      [scope.collectionId, ...restrictionParameters(scope)],
    );
    return (visible?.chunks ?? 0) <= EXACT_BELOW;
  }
}
