import { Injectable } from '@nestjs/common';
import { AppError, mapLimit } from '../common/index.js';
import { Database } from '../database/index.js';
import { type BeginEmbeddingCall, EmbeddingModel, toVectorParameter } from '../embeddings/index.js';
import type { Candidate, SearchScope } from './candidate.js';
import { DenseIndex } from './dense-index.js';
import { compileFilter, type CompiledFilter, type MetadataFilter } from './filter.js';
import { fuse, type RankedCandidate } from './fusion.js';
import { HitReader, type SearchHit } from './hit-reader.js';
import { KeywordIndex } from './keyword-index.js';

export type SearchMode = 'hybrid' | 'semantic' | 'keyword';

export interface SearchRequest {
  queries: readonly string[];
  /** Names; absent: all. */
  collections?: readonly string[] | undefined;
  topK: number;
  /** Cosine, 0..1; absent: the embedding model's own threshold. */
  minSimilarity?: number | undefined;
  mode: SearchMode;
  filter?: MetadataFilter | undefined;
}

export interface SearchResult {
  /** One list a query, in order. */
  hits: SearchHit[][];
  /** Tokens that embedding the queries took. */
  embeddingTokens: number;
  timings: { embedMs: number; searchMs: number };
}

interface SearchedCollection {
  id: number;
  name: string;
  space_id: number;
  model: string;
  dimensions: number | null;
}

/** Hits of one search in one collection that take part in the fusion. */
const CANDIDATES = 100;
/** Searches of one request that run at once; each uses up to two connections. */
const CONCURRENT_SEARCHES = 4;

/** Hybrid search over any number of collections and queries. */
@Injectable()
export class SearchService {
  constructor(
    private readonly database: Database,
    private readonly embeddingModel: EmbeddingModel,
    private readonly dense: DenseIndex,
    private readonly keywords: KeywordIndex,
    private readonly hits: HitReader,
  ) {}

  /**
   * Embeds all queries in one call, then searches collections and queries concurrently.
   * @param begin takes part in each call to the embedding provider
   * @throws AppError NOT_FOUND for a collection that does not exist, CONFLICT for one of another embedding model,
   *   INVALID_REQUEST for a bad filter
   */
  async search(
    request: SearchRequest,
    signal: AbortSignal,
    begin?: BeginEmbeddingCall,
  ): Promise<SearchResult> {
    const filter = compileFilter(request.filter);
    const collections = await this.resolve(request.collections);
    const started = performance.now();
    // PostgreSQL's text cannot hold NUL
    const queries = request.queries.map((query) => query.replaceAll('\0', ' '));
    const { vectors, tokens } = await this.embeddingModel.embed(queries, 'query', signal, begin);
    const embedMs = performance.now() - started;
    signal.throwIfAborted();
    const searchStarted = performance.now();
    const hits = await this.searchAll(request, queries, vectors, collections, filter);
    signal.throwIfAborted();
    return {
      hits,
      embeddingTokens: tokens,
      timings: { embedMs, searchMs: performance.now() - searchStarted },
    };
  }

  private async searchAll(
    request: SearchRequest,
    queries: readonly string[],
    vectors: readonly Float32Array[],
    collections: readonly SearchedCollection[],
    filter: CompiledFilter | undefined,
  ): Promise<SearchHit[][]> {
    const parameters = vectors.map((vector) => toVectorParameter([vector]));
    const tasks = queries.flatMap((query, index) =>
      collections.map((collection) => ({
        index,
        scope: {
          collectionId: collection.id,
          spaceId: collection.space_id,
          query,
          vector: vectors[index] ?? new Float32Array(),
          vectorParameter: parameters[index] ?? Buffer.alloc(0),
          filter,
        },
      })),
    );
    const found: Candidate[][] = queries.map(() => []);
    await mapLimit(tasks, CONCURRENT_SEARCHES, async ({ index, scope }) => {
      found[index]?.push(...(await this.candidates(scope, request.mode, request.topK)));
    });
    const weight = this.weightOf(request.mode);
    return mapLimit(queries, CONCURRENT_SEARCHES, (query, index) =>
      this.select(query, fuse(found[index] ?? [], weight), request),
    );
  }

  private async candidates(scope: SearchScope, mode: SearchMode, topK: number): Promise<Candidate[]> {
    if (mode === 'semantic') return this.dense.search(scope, CANDIDATES);
    if (mode === 'hybrid' && this.embeddingModel.traits.findsBeyondKeywords) {
      const both = await Promise.all([
        this.keywords.search(scope, CANDIDATES),
        this.dense.search(scope, CANDIDATES),
      ]);
      return both.flat();
    }
    const keyword = await this.keywords.search(scope, CANDIDATES);
    if (mode === 'keyword' || keyword.length >= Math.min(topK, CANDIDATES)) return keyword;
    // a question without a known word, or in a language that the keyword engine does not stem
    return [...keyword, ...(await this.dense.search(scope, CANDIDATES))];
  }

  private weightOf(mode: SearchMode): number {
    if (mode === 'keyword') return 1;
    return mode === 'semantic' ? 0 : this.embeddingModel.traits.keywordWeight;
  }

  private select(query: string, ranked: RankedCandidate[], request: SearchRequest): Promise<SearchHit[]> {
    return this.hits.read(query, ranked, {
      topK: request.topK,
      minSimilarity: request.minSimilarity ?? this.embeddingModel.traits.minSimilarity,
      keepsStrongKeywords: request.mode !== 'semantic',
    });
  }

  /** The collections to search: those with content, all of the configured embedding model. */
  private async resolve(names: readonly string[] | undefined): Promise<SearchedCollection[]> {
    const rows = await this.database.query<SearchedCollection>(
      `SELECT c.id, c.name, s.id AS space_id, s.model, s.dimensions
       FROM collections c JOIN embedding_spaces s ON s.collection_id = c.id AND s.active
       WHERE $1::text[] IS NULL OR c.name = ANY ($1) ORDER BY c.id`,
      [names ?? null],
    );
    const missing = names?.find((name) => !rows.some((row) => row.name === name));
    if (missing !== undefined)
      throw new AppError('NOT_FOUND', `There is no collection ${JSON.stringify(missing)}.`);
    const filled = rows.filter(({ dimensions }) => dimensions !== null);
    const other = filled.find(({ model }) => model !== this.embeddingModel.id);
    if (other !== undefined)
      throw new AppError(
        'CONFLICT',
        `Collection ${JSON.stringify(other.name)} is embedded with ${other.model}, but EMBEDDING_MODEL is ` +
          `${this.embeddingModel.id}. Vectors of two models cannot be compared: set EMBEDDING_MODEL back, ` +
          'or ingest the documents into a new collection.',
      );
    return filled;
  }
}
