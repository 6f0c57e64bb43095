import { Injectable } from '@nestjs/common';
import { terms } from '../common/index.js';
import { Database } from '../database/index.js';
import type { RankedCandidate } from './fusion.js';
import { proximityScores } from './proximity.js';
import { allowedDocument } from './restriction.js';
import { stemmedCoverage } from './stemmed-coverage.js';

/** A chunk that a search returns, with all that a source needs. */
export interface SearchHit {
  /** The chunk's id. */
  id: string;
  documentId: string;
  collection: string;
  title: string;
  url: string | null;
  /** The chunk's text: the document's text from `start` to `end`. */
  content: string;
  headingPath: string[];
  /** Title and headings, as they are searched with the text. */
  context: string;
  /** Cosine to the query, clamped to 0..1. */
  similarity: number;
  start: number;
  end: number;
  page: number | null;
}

interface HitRow {
  id: string;
  document_id: string;
  collection: string;
  /** Of the collection: what its words are stemmed in. */
  language: string;
  title: string;
  url: string | null;
  context: string;
  text: string;
  heading_path: string[];
  start_offset: number;
  end_offset: number;
  page: number | null;
}

interface Selection {
  /** Hits that are wanted, and most that are read: the others are there to be ranked anew. */
  topK: number;
  most: number;
  /** Keep a hit below its `minSimilarity` that has most of the question's words. */
  keepsStrongKeywords: boolean;
  /** Rank the first ones anew, by how the question's words stand in them. */
  reranks: boolean;
  /** Visibility labels that the caller carries; undefined: it sees documents whatever they are labelled. */
  labels?: readonly string[] | undefined;
}

interface KeptHit {
  row: HitRow;
  candidate: RankedCandidate;
}

export interface ReadHits {
  /** Best first, up to `most`. */
  hits: SearchHit[];
  /** Some of what was found has been replaced, deleted or labelled since, or is not live yet. */
  isStale: boolean;
}

/** Share of the question's distinct content words that makes a keyword hit strong, whatever its cosine. */
const STRONG_COVERAGE = 0.6;
/** Hits that are ranked anew. */
const RERANKED = 20;
/** How many more candidates than wanted are read when some may be dropped. */
const READ_AHEAD = 3;

/** Reads the best candidates and drops those that have too little to do with the question. */
@Injectable()
export class HitReader {
  constructor(private readonly database: Database) {}

  /** @param queries one question in different words; what has most of the words of one of them is strong */
  async read(
    queries: readonly string[],
    ranked: readonly RankedCandidate[],
    selection: Selection,
  ): Promise<ReadHits> {
    const { topK, keepsStrongKeywords, reranks } = selection;
    const most = Math.max(topK, selection.most, reranks ? RERANKED : 0);
    const wanted: RankedCandidate[] = [];
    let certain = 0;
    for (const candidate of ranked) {
      if (certain === most || wanted.length === Math.max(most, topK * READ_AHEAD)) break;
      if (isNear(candidate)) certain++;
      // its words decide, so it has to be read; one without words in common can only be dropped
      else if (!keepsStrongKeywords || candidate.keywordScore === undefined) continue;
      wanted.push(candidate);
    }
    if (wanted.length === 0) return { hits: [], isStale: false };
    const rows = await this.rows(
      wanted.map(({ chunkId }) => chunkId),
      selection.labels,
    );
    const wordings = certain < wanted.length ? queries.map((query) => new Set(terms(query))) : [];
    // English, as most are, is stemmed here, and only as far as it is needed
    const stemmed = await stemmedCoverage(
      this.database,
      queries,
      wanted.filter((hit) => !isNear(hit) && isForeign(rows.get(hit.chunkId))).map(({ chunkId }) => chunkId),
    );
    const kept: KeptHit[] = [];
    for (const candidate of wanted) {
      const row = rows.get(candidate.chunkId);
      if (row === undefined) continue;
      if (
        !isNear(candidate) &&
        (stemmed.get(row.id) ?? coverage(wordings, `${row.context} ${row.text}`)) < STRONG_COVERAGE
      )
        continue;
      kept.push({ row, candidate });
      if (kept.length === most) break;
    }
    const hits = reranks ? rerank(queries[0] ?? '', kept) : kept;
    return {
      hits: hits.map(({ row, candidate }) => toHit(row, candidate.similarity)),
      isStale: rows.size < wanted.length,
    };
  }

  /** Those that the caller may see now, whatever was searched before. */
  private async rows(
    ids: readonly string[],
    labels: readonly string[] | undefined,
  ): Promise<Map<string, HitRow>> {
    const rows = await this.database.query<HitRow>(
      `SELECT c.id::text AS id, c.document_id, k.name AS collection, k.language, d.title, d.url, c.context, c.text,
              c.heading_path, c.start_offset, c.end_offset, c.page
       FROM chunks c JOIN documents d ON d.id = c.document_id AND d.live_revision = c.revision JOIN collections k ON k.id = c.collection_id
       WHERE c.id = ANY ($1::bigint[])
         AND ${allowedDocument(2)}`,
      [ids, labels ?? null],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }
}

function isNear({ similarity, minSimilarity }: RankedCandidate): boolean {
  return Math.max(similarity, 0) >= minSimilarity;
}

function isForeign(row: HitRow | undefined): boolean {
  return row !== undefined && row.language !== 'english';
}

function rerank(query: string, kept: readonly KeptHit[]): KeptHit[] {
  const head = kept.slice(0, RERANKED);
  const scores = proximityScores(
    query,
    head.map(({ row: { context, text }, candidate: { score } }) => ({ context, text, score })),
  );
  const order = head.map((hit, index) => ({ hit, score: scores[index] ?? 0 }));
  // the sort is stable: equals stay as the search ranked them
  order.sort((a, b) => b.score - a.score);
  return [...order.map(({ hit }) => hit), ...kept.slice(RERANKED)];
}

/** Share of a query's distinct terms that occur in a text, 0..1: of the query that has the largest. */
function coverage(wordings: readonly ReadonlySet<string>[], text: string): number {
  const found = new Set(terms(text));
  let largest = 0;
  for (const queryTerms of wordings) {
    let shared = 0;
    for (const term of queryTerms) if (found.has(term)) shared++;
    if (shared > largest * queryTerms.size) largest = shared / queryTerms.size;
  }
  return largest;
}

function toHit(row: HitRow, similarity: number): SearchHit {
  return {
    id: row.id,
    documentId: row.document_id,
    collection: row.collection,
    title: row.title,
    url: row.url,
    content: row.text,
    headingPath: row.heading_path,
    context: row.context,
    similarity: Math.round(Math.min(Math.max(similarity, 0), 1) * 1e6) / 1e6,
    start: row.start_offset,
    end: row.end_offset,
    page: row.page,
  };
}
