import type { Restriction } from './restriction.js';

/** A chunk that one of the searches found. */
export interface Candidate {
  chunkId: string;
  /** Cosine to the query, -1..1. */
  similarity: number;
  /** BM25, when the keyword search found it; larger is better, comparable within one query. */
  keywordScore: number | undefined;
}

/** What is searched for in which collection. */
export interface SearchScope extends Restriction {
  collectionId: number;
  spaceId: number;
  /** How many chunks the collection has, and all collections together. */
  chunkCount: number;
  allChunks: number;
  /** The vectors are in an index. */
  isIndexed: boolean;
  query: string;
  /** Of the collection: the text search configuration that stems its words and the query's. */
  language: string;
  vector: Float32Array;
  /** The vector as a SQL parameter, made once for all statements. */
  vectorParameter: Buffer;
}
