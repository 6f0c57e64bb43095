/** A passage that the answer may cite. `text` is a chunk, `sentences` are spans of `text` in order, without overlap. */
export interface SourcePassage {
  title: string;
  url: string | null;
  text: string;
  /** Spans (UTF-16 code units of `text`): the smallest units that a citation points at. */
  sentences: { start: number; end: number }[];
}

export interface ChatMessage {
  role: 'user' | 'assistant';
  content: string;
}

/** One call to a model. Everything in it is provider-neutral: each adapter renders it in its own dialect. */
export interface GenerationRequest {
  /** The stable prefix of the prompt: how to answer. */
  instructions: string;
  /** Added to the instructions by models that cite with `[n]` markers instead of a native format. */
  markerInstructions: string;
  /** Best first. Empty for calls that cite nothing. */
  sources: SourcePassage[];
  /** The sources as fenced, numbered text, for models without native source blocks. */
  sourcesText: string;
  /** Earlier turns, oldest first. */
  history: ChatMessage[];
  /** The question as the caller wrote it. */
  question: string;
  /** What was searched in its place, where it goes on with a conversation: it can be understood by itself. */
  standaloneQuestion?: string;
  /** The final user turn's text, rendered by the prompt template from the question. */
  questionText: string;
  /** Upper bound of generated tokens. */
  maxTokens: number;
  /** 0..2; left out by adapters for models that refuse it. */
  temperature?: number;
}

/** Tokens as billed. Input tokens exclude the cached ones, whatever the provider's own convention. */
export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  /** True when the provider sent no count and the tokens were counted here. */
  estimated: boolean;
}

export type FinishReason = 'stop' | 'length' | 'content_filter' | 'other';

/** What a model streams, in order: text and citations interleaved, then usage (once or more, cumulative), then finish. */
export type ModelEvent =
  | { type: 'text'; text: string }
  | ModelCitation
  | { type: 'usage'; usage: TokenUsage }
  | { type: 'finish'; reason: FinishReason };

/** A claim that part of the answer rests on a source. The pipeline verifies it before a caller sees it. */
export interface ModelCitation {
  type: 'citation';
  /** Span of the answer text streamed so far (UTF-16 code units). */
  start: number;
  end: number;
  /** Index into `GenerationRequest.sources`. */
  source: number;
  /** Span of that source's `text`, where the model named one; absent: the pipeline looks for the best sentence. */
  quote?: { start: number; end: number };
}

/**
 * A model that answers. One method: everything else (collecting, retrying, falling back, billing) is built on it.
 *
 * Contract of `stream`: nothing is sent before the first `next()`; an aborted signal ends it with the signal's reason
 * within 100 ms and closes the upstream connection; leaving the loop early does the same; failures are
 * {@link ModelError}s. A `usage` event is yielded as soon as the provider has accepted the call, before the first text:
 * what it reported, or an estimate of the prompt's tokens. Later ones replace it. The output tokens of a call that breaks
 * off are for the reader to count, from the text received (`usageSoFar`).
 */
export abstract class LanguageModel {
  /** `provider/model`, as in `LLM_MODELS`. */
  abstract readonly id: string;
  /** False for a model that runs in this process: its calls bill nothing, whether they finish or not. */
  readonly isMetered: boolean = true;
  abstract stream(request: GenerationRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
}
