/** One call to a reranking model, when it is over: retries are calls of their own. Counts that are absent are 0. */
export interface RerankCall {
  /** The model's id. */
  model: string;
  /** 1 for the first try. */
  attempt: number;
  outcome: 'ok' | 'failed' | 'cut' | 'aborted';
  inputTokens?: number | undefined;
  outputTokens?: number | undefined;
  cacheReadTokens?: number | undefined;
  cacheWriteTokens?: number | undefined;
  /** What a provider bills that has a price for each search instead of each token. */
  searchUnits?: number | undefined;
  /** True when the provider did not say and the tokens were counted here. */
  estimated: boolean;
  latencyMs: number;
  firstTokenMs?: number | null;
  /** The kind of error of a failed call. */
  error: string | null;
}

/** The most that a call may use: of one of the models. */
export interface WorstRerank {
  models: readonly string[];
  inputTokens: number;
  outputTokens: number;
  searchUnits?: number;
}

/** Takes down what reranking costs. */
export interface RerankMeter {
  /**
   * Reserves the most that the calls of one reranking may cost.
   * @param worst made only when there is a budget
   * @returns gives up what was held, once they are over
   * @throws AppError BUDGET_EXCEEDED when it does not fit
   */
  hold(worst: () => WorstRerank): Promise<() => void>;
  /** Before a call is made again. @throws AppError BUDGET_EXCEEDED when the next one no longer fits */
  cover(): Promise<void>;
  add(call: RerankCall): void;
}

/** For whoever pays nobody's bill. */
export const UNBILLED: RerankMeter = {
  hold: () => Promise.resolve(() => undefined),
  cover: () => Promise.resolve(),
  add: () => undefined,
};

/** Until when the lists of one search are ranked, and for whom. */
export interface Ranking {
  /** The caller's. */
  signal: AbortSignal;
  /** When nobody waits for it any longer, on the clock of `performance.now()`. */
  deadline: number;
  /** From the start of all rankings of the search to the deadline. */
  timeoutMs: number;
  meter: RerankMeter;
}

/** One list to rank. */
export interface RerankRequest extends Ranking {
  query: string;
  /** Titles and headings included, best first. */
  passages: readonly string[];
}

/** Reads a question and each passage together, and says which passages answer it best. */
export abstract class Reranker {
  /** `provider/model`, as the ledger has it. */
  abstract readonly id: string;
  /** How many of the passages that were found are ranked anew. */
  abstract readonly candidates: number;

  /**
   * @returns one score a passage, in order, higher is better, of any size
   * @throws ModelError; AppError BUDGET_EXCEEDED when it may cost too much; the signal's reason when aborted
   */
  abstract score(request: RerankRequest): Promise<readonly number[]>;

  /** Makes it ready. @throws ConfigError when it cannot be used */
  async load(): Promise<void> {}

  /** Gives back what it holds, such as connections. */
  async close(): Promise<void> {}
}
