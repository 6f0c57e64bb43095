import { Injectable } from '@nestjs/common';
import { Database } from '../database/index.js';
import { INDEXED_DIMENSIONS, storedDimensions } from '../embeddings/index.js';
import type { Candidate, SearchScope } from './candidate.js';
import { filterParameters } from './filter.js';

/** One statement a size: a partial index is used only when the query repeats its predicate and type as constants. */
const NEAREST = new Map(
  INDEXED_DIMENSIONS.map((size) => [
    size as number,
    `SELECT e.chunk_id::text AS id, 1 - (e.embedding::halfvec(${size}) <=> $1::real[]::halfvec(${size})) AS similarity
     FROM chunk_embeddings e
     WHERE e.space_id = $2 AND e.dimensions = ${size}
       AND ($3::jsonpath IS NULL OR EXISTS (
         SELECT FROM chunks c JOIN documents d ON d.id = c.document_id
         WHERE c.id = e.chunk_id AND jsonb_path_match(d.metadata, $3, $4, true)))
     ORDER BY e.embedding::halfvec(${size}) <=> $1::real[]::halfvec(${size})
     LIMIT $5`,
  ]),
);

/** Nearest neighbours by cosine, through the HNSW index of pgvector. */
@Injectable()
export class DenseIndex {
  constructor(private readonly database: Database) {}

  /** The `limit` chunks of one collection whose vectors are nearest to the query's, best first. */
  async search(scope: SearchScope, limit: number): Promise<Candidate[]> {
    const statement = NEAREST.get(storedDimensions(scope.vector.length));
    const rows = await this.database.query<{ id: string; similarity: number }>(statement ?? '', [
      scope.vectorParameter,
      scope.spaceId,
      ...filterParameters(scope.filter),
      limit,
    ]);
    return rows.map(({ id, similarity }) => ({ chunkId: id, similarity, keywordScore: undefined }));
  }
}
