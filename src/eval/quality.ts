import type { INestApplication } from '@nestjs/common';
import { mapLimit } from '../common/index.js';
import { Database } from '../database/index.js';
import { IntakeService } from '../documents/index.js';
import { type SearchMode, SearchService } from '../retrieval/index.js';
import type { BeirCollection } from './beir.js';
import { mean, ndcg, recall, reciprocalRank } from './measures.js';

/** Where the documents of an evaluation are. */
export const COLLECTION = 'evaluation';
/** Deep enough for Recall@100 even where a document is found by several of its passages. */
const DEPTH = 200;
const DOCUMENTS_AT_ONCE = 100;
const QUERIES_AT_ONCE = 4;

export interface Indexed {
  /** The judged id of each document, by its id in the service. */
  idOf: ReadonlyMap<string, string>;
  passages: number;
  seconds: number;
  /** What is searched: vectors, postings and all indexes of the passages, without their text. */
  megabytes: number;
}

export interface Quality {
  /** Means over the queries, 0..1. */
  ndcg10: number;
  recall10: number;
  recall100: number;
  mrr: number;
  /** With four at once. */
  queriesPerSecond: number;
}

/** Adds all documents and waits until they are searchable. @throws Error when one of them cannot be made so */
export async function index(app: INestApplication, { documents }: BeirCollection): Promise<Indexed> {
  const intake = app.get(IntakeService, { strict: false });
  const database = app.get(Database);
  const started = performance.now();
  const idOf = new Map<string, string>();
  for (let start = 0; start < documents.length; start += DOCUMENTS_AT_ONCE) {
    const batch = documents.slice(start, start + DOCUMENTS_AT_ONCE);
    const accepted = await intake.accept(
      batch.map(({ id, title, text }) => ({
        title: title === '' ? undefined : title,
        url: null,
        metadata: {},
        externalId: id,
        mediaType: 'text/plain; charset=utf-8',
        fileName: undefined,
        allowed: null,
        read: () => Promise.resolve(Buffer.from(text)),
      })),
      COLLECTION,
      'eval',
    );
    for (const [place, { id }] of accepted.entries()) idOf.set(id, batch[place]?.id ?? '');
  }
  for (;;) {
    const [left] = await database.query<{ open: number; failed: number }>(
      `SELECT count(*) FILTER (WHERE status IN ('queued', 'processing'))::int AS open,
              count(*) FILTER (WHERE status = 'failed')::int AS failed FROM documents`,
    );
    if (left?.failed) throw new Error(`${left.failed} documents could not be made searchable`);
    if (left?.open === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const seconds = (performance.now() - started) / 1000;
  const [size] = await database.query<{ passages: number; megabytes: number }>(
    `SELECT (SELECT count(*)::int FROM chunks) AS passages,
            (pg_indexes_size('chunks') + pg_total_relation_size('chunk_embeddings')
             + pg_total_relation_size('postings'))::float8 / 1e6 AS megabytes`,
  );
  return { idOf, seconds, passages: size?.passages ?? 0, megabytes: size?.megabytes ?? 0 };
}

/** Searches all queries of a collection that is indexed, and compares what they find with the judgements. */
export async function measure(
  app: INestApplication,
  { queries, relevance }: BeirCollection,
  { idOf }: Indexed,
  mode: SearchMode,
): Promise<Quality> {
  const searches = app.get(SearchService, { strict: false });
  const started = performance.now();
  const rankings = await mapLimit(queries, QUERIES_AT_ONCE, async ({ text }) => {
    const { hits } = await searches.search(
      { queries: [text], collections: [COLLECTION], topK: DEPTH, minSimilarity: 0, mode },
      AbortSignal.timeout(60_000),
    );
    // a document ranks where its best passage does
    return [...new Set((hits[0] ?? []).map(({ documentId }) => idOf.get(documentId) ?? ''))];
  });
  const queriesPerSecond = queries.length / ((performance.now() - started) / 1000);
  const average = (score: (ranking: string[], relevant: ReadonlyMap<string, number>) => number): number =>
    mean(queries.map(({ id }, place) => score(rankings[place] ?? [], relevance.get(id) ?? new Map())));
  return {
    ndcg10: average((ranking, relevant) => ndcg(ranking, relevant, 10)),
    recall10: average((ranking, relevant) => recall(ranking, relevant, 10)),
    recall100: average((ranking, relevant) => recall(ranking, relevant, 100)),
    mrr: average(reciprocalRank),
    queriesPerSecond,
  };
}
