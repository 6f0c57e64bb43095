import { Injectable } from '@nestjs/common';
import pgvector from 'pgvector';
import { Database } from '../database/index.js';
import type { Candidate, SearchScope } from './candidate.js';

/** Sizes that have an index (see the migration); a vector of another size is padded to the next one. */
export const INDEXED_DIMENSIONS = [256, 384, 512, 768, 1024, 1536, 2048, 3072, 4000] as const;

/** The size that a vector is stored in. Zeros at its end change neither norm nor cosine. */
export function storedDimensions(dimensions: number): number {
  const size = INDEXED_DIMENSIONS.find((candidate) => candidate >= dimensions);
  if (size === undefined) throw new RangeError(`Vectors of ${dimensions} dimensions are not supported; at most 4000`);
  return size;
}

/** A vector as PostgreSQL reads it, padded to its stored size. */
export function toVectorText(vector: Float32Array): string {
  const padded = new Array<number>(storedDimensions(vector.length)).fill(0);
  for (const [index, value] of vector.entries()) padded[index] = Math.round(value * 1e6) / 1e6;
  return String(pgvector.toSql(padded));
}

/** One statement a size: a partial index is used only when the query repeats its predicate and type as constants. */
const NEAREST = new Map(
  INDEXED_DIMENSIONS.map((size) => [
    size as number,
    `SELECT e.chunk_id::text AS id, 1 - (e.embedding::halfvec(${size}) <=> $1::halfvec(${size})) AS similarity
     FROM chunk_embeddings e
     WHERE e.space_id = $2 AND e.dimensions = ${size}
       AND ($3::jsonpath IS NULL OR EXISTS (
         SELECT FROM chunks c JOIN documents d ON d.id = c.document_id
         WHERE c.id = e.chunk_id AND jsonb_path_match(d.metadata, $3, $4, true)))
     ORDER BY e.embedding::halfvec(${size}) <=> $1::halfvec(${size})
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
      scope.vectorText,
      scope.spaceId,
      scope.filter?.path ?? null,
      scope.filter === undefined ? null : JSON.stringify(scope.filter.variables),
      limit,
    ]);
    return rows.map(({ id, similarity }) => ({ chunkId: id, similarity, keywordScore: undefined }));
  }
}
