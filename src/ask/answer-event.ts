import type { FinishReason } from '../llm/index.js';
import type { SearchHit, SearchResult } from '../retrieval/index.js';

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
  /** What was searched in place of the question; null: the question as it is. */
  standaloneQuestion: string | null;
  /** Calls to models that it took, without those that rewrote the question. */
  attempts: number;
  /** Whether it was generated for another ask, before or at the same time. */
  cached: boolean;
}

/** What another model said to the same question, from the same sources. */
export interface AlternativeAnswer {
  model: string;
  /** As far as it came. */
  answer: string;
  citations: Citation[];
  /** Null when it failed. */
  finishReason: FinishReason | null;
  /** Why it failed; undefined when it did not. */
  error: unknown;
  usage: Usage;
  costUsd: number | null;
  latencyMs: number;
  attempts: number;
}

/** What a judge said of the answer, or why there is no judgement. */
export type Evaluation =
  | {
      /** Share of the answer's claims that the sources support, and how well it answers the question; 0..1. */
      faithfulness: number;
      relevance: number;
      reasons: string;
      /** Who judged. */
      model: string;
      costUsd: number | null;
    }
  | { error: string };

/** Milliseconds, of a search. */
export type SearchTimings = SearchResult['timings'];

/** Milliseconds, of what comes before the answer. */
export interface FindTimings extends SearchTimings {
  /** Null without earlier turns, or without anything to search. */
  condenseMs: number | null;
  /** Null where no rephrasings were asked for, or without anything to search. */
  rephraseMs: number | null;
}

/** Milliseconds. */
export interface Timings extends FindTimings {
  /** From the start of the generation to its first text; null when there was none. */
  firstTokenMs: number | null;
  generateMs: number;
}

/** What the pipeline yields: sources once, text and citations, the other models' answers, done, and the judge's word. */
export type AnswerEvent =
  | { type: 'sources'; sources: SearchHit[]; timings: FindTimings }
  | { type: 'token'; text: string }
  | { type: 'citation'; citation: Citation }
  | { type: 'alternative'; alternative: AlternativeAnswer }
  | { type: 'done'; summary: AnswerSummary }
  | { type: 'evaluation'; evaluation: Evaluation };
