import { Injectable } from '@nestjs/common';
import { Database } from '../database/index.js';
import { INDEXED_DIMENSIONS, storedDimensions } from '../embeddings/index.js';
import type { Candidate, SearchScope } from './candidate.js';
import { isRestricted, isVisibleChunk, restrictionParameters, visibleDocument } from './restriction.js';

/** Up to this many visible chunks, each is compared with the query: quicker than any index. */
const EXACT_BELOW = 1000;
/**
 * Up to this many, each is compared where they are less than this share of all: a scan of
 * the index would go past too many others, and give up before it has met all that are near.
 */
const EXACT_AMONG_OTHERS = 20_000;
const LARGE_SHARE = 0.25;
/**
 * In collections larger than this, more neighbours are kept in sight (`hnsw.ef_search`): of 200,000 passages, ten best of
 * a hundred were missed one in twenty times with 200, and one in seventy with 400.
 */
const MANY = 20_000;
const IN_SIGHT = { few: '200', many: '400' };

/**
 * How many neighbours are kept in sight is set for the statement, once it is planned and before it scans: the planner
 * takes a scan that keeps more for dearer than it is. One statement a size: a partial index is used only when
 * the query repeats its predicate and type as constants.
 */
const NEAREST = new Map(
  INDEXED_DIMENSIONS.map((size) => [
    size as number,
    `SELECT e.chunk_id::text AS id, 1 - (e.embedding::halfvec(${size}) <=> $1::real[]::halfvec(${size})) AS similarity
     FROM chunk_embeddings e
     WHERE (SELECT set_config('hnsw.ef_search', $7, true)) IS NOT NULL
       AND e.space_id = $2 AND e.dimensions = ${size} AND (NOT $3::boolean OR ${isVisibleChunk('e.chunk_id', 4, 5)})
     ORDER BY e.embedding::halfvec(${size}) <=> $1::real[]::halfvec(${size})
     LIMIT $6`,
  ]),
);

/** The distance is written as no index has it, so that none is used. */
const EXACT = `
  SELECT e.chunk_id::text AS id, 1 - (e.embedding <=> $1::real[]::halfvec) AS similarity
  FROM chunk_embeddings e WHERE e.space_id = $2
  ORDER BY e.embedding <=> $1::real[]::halfvec
  LIMIT $3`;

const EXACT_AMONG_VISIBLE = `
  WITH visible AS MATERIALIZED (
    SELECT c.id FROM documents d JOIN chunks c ON c.document_id = d.id AND c.revision = d.live_revision
    WHERE d.collection_id = $3 AND ${visibleDocument(4, 5)}
  )
  SELECT e.chunk_id::text AS id, 1 - (e.embedding <=> $1::real[]::halfvec) AS similarity
  FROM visible JOIN chunk_embeddings e ON e.space_id = $2 AND e.chunk_id = visible.id
  ORDER BY e.embedding <=> $1::real[]::halfvec
  LIMIT $6`;

/** Documents enough to know that too many chunks are visible are not counted any further. */
const COUNT_VISIBLE = `
  SELECT coalesce(sum(chunk_count), 0)::float8 AS chunks FROM (
    SELECT d.chunk_count FROM documents d
    WHERE d.collection_id = $1 AND d.chunk_count > 0 AND ${visibleDocument(2, 3)}
    LIMIT ${EXACT_AMONG_OTHERS + 1}) AS visible`;

/** Nearest neighbours by cosine: through the HNSW index of pgvector, or exactly where few chunks may be seen. */
@Injectable()
export class DenseIndex {
  constructor(private readonly database: Database) {}

  /** The `limit` visible chunks of one collection whose vectors are nearest to the query's, in no order. */
  async search(scope: SearchScope, limit: number): Promise<Candidate[]> {
    const isExact = await this.isExact(scope);
    const rows = await this.database.query<{ id: string; similarity: number }>(
      ...(isExact ? exactStatement(scope, limit) : indexStatement(scope, limit)),
    );
    return rows.map(({ id, similarity }) => ({ chunkId: id, similarity, keywordScore: undefined }));
  }

  private async isExact(scope: SearchScope): Promise<boolean> {
    const { chunkCount, allChunks, isIndexed } = scope;
    if (!isIndexed) return true;
    const visible =
      scope.labels === undefined && scope.filter === undefined ? chunkCount : await this.visible(scope);
    return visible <= EXACT_BELOW || (visible <= EXACT_AMONG_OTHERS && visible < allChunks * LARGE_SHARE);
  }

  private async visible(scope: SearchScope): Promise<number> {
    const [row] = await this.database.query<{ chunks: number }>(COUNT_VISIBLE, [
      scope.collectionId,
      ...restrictionParameters(scope),
    ]);
    return row?.chunks ?? 0;
  }
}

type Statement = [text: string, parameters: unknown[]];

function exactStatement(scope: SearchScope, limit: number): Statement {
  const { vectorParameter, spaceId, collectionId } = scope;
  return isRestricted(scope)
    ? [EXACT_AMONG_VISIBLE, [vectorParameter, spaceId, collectionId, ...restrictionParameters(scope), limit]]
    : [EXACT, [vectorParameter, spaceId, limit]];
}

function indexStatement(scope: SearchScope, limit: number): Statement {
  const { vector, vectorParameter, spaceId, chunkCount } = scope;
  return [
    NEAREST.get(storedDimensions(vector.length)) ?? '',
    [
      vectorParameter,
      spaceId,
      isRestricted(scope),
      ...restrictionParameters(scope),
      limit,
      chunkCount > MANY ? IN_SIGHT.many : IN_SIGHT.few,
    ],
  ];
}
