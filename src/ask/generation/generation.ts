import type { BilledCall, Payer, Tab } from '../../costs/index.js';
import type { FinishReason, GenerationRequest, LanguageModel, ModelCitation } from '../../llm/index.js';

/** What is to be generated, and on whose bill. */
export interface Generation {
  /** The ask that it serves. */
  requestId: string;
  /** A model and its fallbacks, in order. */
  models: readonly LanguageModel[];
  request: GenerationRequest;
  payer: Payer;
  /** Where the calls go; settled by who opened it. */
  tab: Tab;
  /** Takes each call when it is over, also those of a generation that fails. */
  calls: BilledCall[];
}

/** The end of a generation. */
export interface Finish {
  type: 'finish';
  reason: FinishReason;
  /** The model that answered. */
  model: string;
  /** The calls that it took; none for one that was shared with, or kept from, another. */
  calls: readonly BilledCall[];
  /** Whether it was. */
  cached: boolean;
}

/** `admitted` comes first: the budgets allow it, and nothing has been sent yet. */
export type GenerationEvent = { type: 'admitted' } | { type: 'text'; text: string } | ModelCitation | Finish;

/** What another model said to the same prompt. */
export interface Alternative {
  type: 'alternative';
  model: string;
  /** Its text, citations and finish, as far as they came. */
  events: readonly GenerationEvent[];
  /** Why it failed; undefined when it did not. */
  error: unknown;
  calls: readonly BilledCall[];
  latencyMs: number;
}
