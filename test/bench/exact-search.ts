import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { standInEmbedding } from './stand-in-embedding.js';

type Vectors = typeof import('../../src/embeddings/vector-storage.js');
type Fusion = typeof import('../../src/retrieval/fusion.js');

export type Mode = 'semantic' | 'keyword' | 'hybrid';

interface Row {
  chunk: string;
  /** Where the passage is: document and offset, as hits tell it. */
  place: string;
  similarity: number;
  score?: number;
}

/** Hits that one search takes part in a fusion with. */
const CANDIDATES = 100;
/** The weight of BM25 for a model of meanings. */
const KEYWORD_WEIGHT = 0.5;

/** Scores that differ by less are equal. */
const ROUNDING = 1e-9;

/** Every vector is compared, because no index knows an expression like this. */
const NEAREST = `
  SELECT c.id::text AS chunk, c.document_id || '/' || c.start_offset AS place, 1 - (e.embedding <=> $1::real[]::halfvec) AS similarity
  FROM chunk_embeddings e JOIN chunks c ON c.id = e.chunk_id
  ORDER BY 1 - (e.embedding <=> $1::real[]::halfvec) DESC LIMIT $2`;

/** BM25 by its definition: every posting of every word. */
const BM25 = `
  WITH stats AS (
    SELECT id AS collection_id, chunk_count::float8 AS n, lexeme_count::float8 / chunk_count AS average
    FROM collections WHERE name = 'default'
  ), matched AS (
    SELECT p.lexeme, p.chunk_id, p.tf::float8 AS tf, p.length::float8 AS length, s.average,
           ln(1 + (s.n - count(*) OVER w + 0.5) / (count(*) OVER w + 0.5)) AS idf
    FROM stats s JOIN postings p USING (collection_id)
    WHERE p.lexeme IN (SELECT lexeme FROM unnest(to_tsvector('english', $1)))
    WINDOW w AS (PARTITION BY p.lexeme)
  ), scored AS (
    SELECT chunk_id, sum(idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / average))) AS score
    FROM matched GROUP BY chunk_id ORDER BY score DESC LIMIT $3
  )
  SELECT c.id::text AS chunk, c.document_id || '/' || c.start_offset AS place, score, 1 - (e.embedding <=> $2::real[]::halfvec) AS similarity
  FROM scored JOIN chunks c ON c.id = chunk_id JOIN chunk_embeddings e ON e.chunk_id = scored.chunk_id`;

/** What a search would find that looks at everything. For a collection embedded with the stand-in model. */
export class ExactSearch {
  private constructor(
    private readonly pool: Pool,
    private readonly toVectorParameter: Vectors['toVectorParameter'],
    private readonly fuse: Fusion['fuse'],
  ) {}

  /** @param dist the build whose fusion it uses */
  static async open(pool: Pool, dist: string): Promise<ExactSearch> {
    const compiled = async <T>(file: string): Promise<T> =>
      (await import(pathToFileURL(join(dist, file)).href)) as T;
    const { toVectorParameter } = await compiled<Vectors>('embeddings/vector-storage.js');
    const { fuse } = await compiled<Fusion>('retrieval/fusion.js');
    return new ExactSearch(pool, toVectorParameter, fuse);
  }

  /** For each mode, the passages that belong to the `count` best; more than that where several are equally good. */
  async best(question: string, count: number): Promise<Record<Mode, Set<string>>> {
    const vector = this.toVectorParameter([standInEmbedding(question)]);
    const near = await this.pool.query<Row>(NEAREST, [vector, CANDIDATES]);
    const matching = await this.pool.query<Row>(BM25, [question, vector, CANDIDATES]);
    const rows = [...matching.rows, ...near.rows];
    const places = new Map(rows.map(({ chunk, place }) => [chunk, place]));
    const fused = this.fuse(
      rows.map(({ chunk, similarity, score }) => ({ chunkId: chunk, similarity, keywordScore: score })),
      KEYWORD_WEIGHT,
      0,
    );
    return {
      semantic: atLeast(
        near.rows.map(({ place, similarity }) => ({ place, score: similarity })),
        count,
      ),
      keyword: atLeast(
        matching.rows.map(({ place, score = 0 }) => ({ place, score })),
        count,
      ),
      hybrid: atLeast(
        fused.map(({ chunkId, score }) => ({ place: places.get(chunkId) ?? '', score })),
        count,
      ),
    };
  }
}

function atLeast(scored: readonly { place: string; score: number }[], count: number): Set<string> {
  const sorted = scored.toSorted((a, b) => b.score - a.score);
  const last = sorted[count - 1]?.score ?? -Infinity;
  return new Set(sorted.filter(({ score }) => score >= last - ROUNDING).map(({ place }) => place));
}
