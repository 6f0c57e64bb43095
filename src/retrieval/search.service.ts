import { Injectable } from '@nestjs/common';
import { AppError, mapLimit } from '../common/index.js';
import { Database } from '../database/index.js';
import {
  type BeginEmbeddingCall,
  type EmbeddingModel,
  EmbeddingModels,
  type Embeddings,
  toVectorParameter,
} from '../embeddings/index.js';
import type { RerankMeter } from '../reranking/index.js';
import type { Candidate, SearchScope } from './candidate.js';
import { DenseIndex } from './dense-index.js';
import { compileFilter, type MetadataFilter } from './filter.js';
import { fuse, fuseQueries, mergeRanked, type RankedCandidate } from './fusion.js';
import { HitReader, type ReadHits, type SearchHit } from './hit-reader.js';
import { KeywordIndex } from './keyword-index.js';
import { PassageOrder } from './passage-order.js';
import type { Restriction } from './restriction.js';

export type SearchMode = 'hybrid' | 'semantic' | 'keyword';

export interface SearchRequest {
  queries: readonly string[];
  /** The queries are one question, the first one its own words: what they find becomes one list. */
  isOneQuestion?: boolean;
  /** Names; absent: all that may be read. */
  collections?: readonly string[] | undefined;
  /** Names of those that the caller may read, `collections` among them; absent: all. */
  readable?: readonly string[] | undefined;
  topK: number;
  /** Cosine, 0..1; absent: the embedding model's own threshold. */
  minSimilarity?: number | undefined;
  mode: SearchMode;
  filter?: MetadataFilter | undefined;
  /** Visibility labels that the caller carries; absent: it sees documents whatever they are labelled. */
  labels?: readonly string[] | undefined;
}

export interface SearchResult {
  /** One list a query, in order; one for all of them where they are one question. */
  hits: SearchHit[][];
  /** Tokens that embedding the queries took. */
  embeddingTokens: number;
  /** Milliseconds; `rerankMs` null where no model ranks passages, or there were none to rank. */
  timings: { embedMs: number; searchMs: number; rerankMs: number | null };
}

/** What takes part in each call that a search pays for. */
export interface SearchMeters {
  embedding?: BeginEmbeddingCall;
  reranking?: RerankMeter;
}

/** The collections of a request that are embedded with one model. */
interface ModelGroup {
  model: EmbeddingModel;
  collections: SearchedCollection[];
}

type FilteredRequest = Omit<SearchRequest, 'filter'> & Pick<Restriction, 'filter'>;

interface SearchedCollection {
  id: number;
  name: string;
  space_id: number;
  model: string;
  /** There is one from the first chunk on. */
  language: string;
  has_hidden_chunks: boolean;
  has_labels: boolean;
  chunk_count: number;
  all_chunks: number;
}

/** Hits of one search in one collection that take part in the fusion. */
const CANDIDATES = 100;
/** Hits of a keyword search among which are those whose vectors are nearest, for a model whose neighbours share words. */
const DEEP_CANDIDATES = 400;
/** Searches of one request that run at once; each uses up to two connections. */
const CONCURRENT_SEARCHES = 4;

/** Hybrid search over any number of collections and queries. */
@Injectable()
export class SearchService {
  constructor(
    private readonly database: Database,
    private readonly models: EmbeddingModels,
    private readonly dense: DenseIndex,
    private readonly keywords: KeywordIndex,
    private readonly hits: HitReader,
    private readonly order: PassageOrder,
  ) {}

  /**
   * Embeds all queries in one call a model, then searches collections and queries concurrently.
   * @param meters take down what embedding the queries and ranking the passages cost
   * @throws AppError NOT_FOUND for a collection that does not exist, CONFLICT for one whose embedding model is not
   *   configured, INVALID_REQUEST for a bad filter
   */
  async search(
    request: SearchRequest,
    signal: AbortSignal,
    meters: SearchMeters = {},
  ): Promise<SearchResult> {
    const filter = compileFilter(request.filter);
    const groups = await this.resolve(request);
    const started = performance.now();
    // PostgreSQL's text cannot hold NUL
    const queries = request.queries.map((query) => query.replaceAll('\0', ' '));
    const embedded = await Promise.all(
      groups.map(({ model }) => this.models.queries.embed(model, queries, signal, meters.embedding)),
    );
    const embedMs = performance.now() - started;
    signal.throwIfAborted();
    const searchStarted = performance.now();
    const find = (inGroups: readonly ModelGroup[]) =>
      this.find(inGroups, queries, embedded, { ...request, filter });
    let found = await find(groups);
    // a document has got a new version in the middle of it, or one that is being written took a place
    if (found.some(({ isStale }) => isStale)) {
      const anew = await this.resolve(request);
      if (anew.map(({ model }) => model.id).join() === groups.map(({ model }) => model.id).join())
        found = await find(anew);
    }
    signal.throwIfAborted();
    const searchMs = performance.now() - searchStarted;
    const ordered = await this.order.order(
      queries,
      found.map(({ hits }) => hits),
      signal,
      meters.reranking,
    );
    return {
      hits: ordered.hits.map((hits) => hits.slice(0, request.topK)),
      embeddingTokens: embedded.reduce((sum, { tokens }) => sum + tokens, 0),
      timings: { embedMs, searchMs, rerankMs: ordered.ms },
    };
  }

  /**
   * Whether there is anything that a search could find, before what leads to it is paid for.
   * @throws AppError as the search would for its collections and its filter
   */
  async hasContent(request: Pick<SearchRequest, 'collections' | 'readable' | 'filter'>): Promise<boolean> {
    compileFilter(request.filter);
    return (await this.resolve(request)).length > 0;
  }

  private async find(
    groups: readonly ModelGroup[],
    queries: readonly string[],
    embedded: readonly Embeddings[],
    request: FilteredRequest,
  ): Promise<ReadHits[]> {
    const ranked = await Promise.all(
      groups.map((group, index) => this.rank(group, queries, embedded[index], request)),
    );
    const merged = queries.map((_, index) => mergeRanked(ranked.map((group) => group[index] ?? [])));
    const selection = {
      topK: request.topK,
      most: this.order.candidates,
      keepsStrongKeywords: request.mode !== 'semantic',
      // measured for the built-in model only
      labels: request.labels,
      reranks: request.mode === 'hybrid' && groups.every(({ model }) => !model.traits.findsBeyondKeywords),
    };
    if (request.isOneQuestion) return [await this.hits.read(queries, fuseQueries(merged), selection)];
    return mapLimit(queries, CONCURRENT_SEARCHES, (query, index) =>
      this.hits.read([query], merged[index] ?? [], selection),
    );
  }

  /** What each query finds in the collections of one model, best first. */
  private async rank(
    { model, collections }: ModelGroup,
    queries: readonly string[],
    embedded: Embeddings | undefined,
    request: FilteredRequest,
  ): Promise<RankedCandidate[][]> {
    const vectors = embedded?.vectors ?? [];
    const parameters = vectors.map((vector) => toVectorParameter([vector]));
    const tasks = queries.flatMap((query, index) =>
      collections.map((collection) => ({
        index,
        scope: {
          collectionId: collection.id,
          spaceId: collection.space_id,
          query,
          language: collection.language,
          vector: vectors[index] ?? new Float32Array(),
          vectorParameter: parameters[index] ?? Buffer.alloc(0),
          filter: request.filter,
          // where nothing is labelled, a search need not look
          labels: collection.has_labels ? request.labels : undefined,
          hasHiddenChunks: collection.has_hidden_chunks,
          chunkCount: collection.chunk_count,
          allChunks: collection.all_chunks,
          isIndexed: model.traits.findsBeyondKeywords,
        },
      })),
    );
    const found: Candidate[][] = queries.map(() => []);
    await mapLimit(tasks, CONCURRENT_SEARCHES, async ({ index, scope }) => {
      found[index]?.push(...(await this.candidates(scope, request.mode, request.topK, model)));
    });
    const { traits } = model;
    const weight = request.mode === 'keyword' ? 1 : request.mode === 'semantic' ? 0 : traits.keywordWeight;
    return found.map((candidates) => fuse(candidates, weight, request.minSimilarity ?? traits.minSimilarity));
  }

  private async candidates(
    scope: SearchScope,
    mode: SearchMode,
    topK: number,
    model: EmbeddingModel,
  ): Promise<Candidate[]> {
    if (mode === 'keyword') return this.keywords.search(scope, CANDIDATES);
    if (model.traits.findsBeyondKeywords) {
      if (mode === 'semantic') return this.dense.search(scope, CANDIDATES);
      const both = await Promise.all([
        this.keywords.search(scope, CANDIDATES),
        this.dense.search(scope, CANDIDATES),
      ]);
      return both.flat();
    }
    const keyword = await this.keywords.search(scope, mode === 'semantic' ? DEEP_CANDIDATES : CANDIDATES);
    if (keyword.length >= Math.min(topK, CANDIDATES)) return keyword;
    // a question without a known word, or in a language that the keyword engine does not stem
    return [...keyword, ...(await this.dense.search(scope, CANDIDATES))];
  }

  /** The collections to search, those with content, by their models. */
  private async resolve({
    collections: names,
    readable,
  }: Pick<SearchRequest, 'collections' | 'readable'>): Promise<ModelGroup[]> {
    const rows = await this.database.query<SearchedCollection & { dimensions: number | null }>(
      `SELECT c.id, c.name, c.language, s.id AS space_id, s.model, s.dimensions, c.chunk_count::float8 AS chunk_count,
              (SELECT sum(chunk_count)::float8 FROM collections) AS all_chunks,
              EXISTS (SELECT FROM documents d WHERE d.collection_id = c.id AND d.has_hidden_chunks) AS has_hidden_chunks,
              EXISTS (SELECT FROM documents d WHERE d.collection_id = c.id AND d.allowed IS NOT NULL) AS has_labels
       FROM collections c JOIN embedding_spaces s ON s.collection_id = c.id AND s.active
       WHERE ($1::text[] IS NULL OR c.name = ANY ($1)) AND ($2::text[] IS NULL OR c.name = ANY ($2)) ORDER BY c.id`,
      [names ?? null, readable ?? null],
    );
    const missing = names?.find((name) => !rows.some((row) => row.name === name));
    if (missing !== undefined)
      throw new AppError('NOT_FOUND', `There is no collection ${JSON.stringify(missing)}.`);
    const groups = new Map<string, ModelGroup>();
    for (const collection of rows.filter(({ dimensions }) => dimensions !== null)) {
      const model = this.models.find(collection.model);
      if (model === undefined)
        throw new AppError(
          'CONFLICT',
          `Collection ${JSON.stringify(collection.name)} is embedded with ${collection.model}, which is not configured.`,
        );
      const group = groups.get(model.id) ?? { model, collections: [] };
      group.collections.push(collection);
      groups.set(model.id, group);
    }
    return [...groups.values()];
  }
}
