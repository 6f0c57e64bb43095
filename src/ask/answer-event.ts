import type { FinishReason } from '../llm/index.js';
import type { SearchHit } from '../retrieval/index.js';

/** A part of the answer that rests on a passage, verified: `quote` is in the source, character for character. */
export interface Citation {
  /** Span of the answer, UTF-16 code units. */
  start: number;
  end: number;
  /** Index of the source. */
  source: number;
  quote: string;
  /** Span of the quote in the document's text. */
  sourceStart: number;
  sourceEnd: number;
}

export interface Usage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  embeddingTokens: number;
}

/** Everything about a finished answer but its text, sources and citations. */
export interface AnswerSummary {
  id: string;
  model: string;
  promptVersion: string;
  finishReason: FinishReason | 'no_context';
  usage: Usage;
  /** US dollars; null when a model's price is not known. */
  costUsd: number | null;
  latencyMs: number;
  timings: Timings;
  /** Calls to models that it took. */
  attempts: number;
}

/** Milliseconds. */
export interface Timings {
  embedMs: number;
  searchMs: number;
  /** From the start of the generation to its first text; null when there was none. */
  firstTokenMs: number | null;
  generateMs: number;
}

/** What the pipeline yields: sources once, then text and citations, then done. */
export type AnswerEvent =
  | { type: 'sources'; sources: SearchHit[]; timings: Pick<Timings, 'embedMs' | 'searchMs'> }
  | { type: 'token'; text: string }
  | { type: 'citation'; citation: Citation }
  | { type: 'done'; summary: AnswerSummary };
