import { Logger, type OnModuleDestroy } from '@nestjs/common';
import { Counter } from 'prom-client';
import { AppError, ModelError } from '../common/index.js';
import type { Reranker, RerankMeter } from './reranker.js';

const outcomes = new Counter({
  name: 'footnote_rerank_total',
  help: 'Searches whose passages a model was to rank: `ok`, or `failed` and given in the order of the search.',
  labelNames: ['outcome'],
});

/** What is ranked for one search, and until when. */
export interface Ranking {
  signal: AbortSignal;
  /** On the clock of `performance.now()`. */
  deadline: number;
  meter: RerankMeter;
}

/** Ranks passages with the configured model. Where that fails or takes too long, the order stays as it was. */
export class Reranking implements OnModuleDestroy {
  private readonly logger = new Logger('Reranking');

  /** @param timeoutMs longest time of all rankings of one search */
  constructor(
    private readonly reranker: Reranker | undefined,
    readonly timeoutMs: number,
  ) {}

  /** How many of the passages that were found are ranked; 0: no model is configured. */
  get candidates(): number {
    return this.reranker?.candidates ?? 0;
  }

  /**
   * @param passages titles and headings included, best first; only the first {@link candidates} are ranked
   * @returns them, as their indices, in the order that the model gives them, the others behind; undefined where it gives none
   * @throws the signal's reason when aborted
   */
  async order(query: string, passages: readonly string[], ranking: Ranking): Promise<number[] | undefined> {
    const read = passages.slice(0, this.candidates);
    if (this.reranker === undefined || read.length < 2) return undefined;
    try {
      const scores = await this.score(this.reranker, query, read, ranking);
      outcomes.inc({ outcome: 'ok' });
      const places = passages.map((_, place) => place);
      const ranked = places.slice(0, read.length).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
      return [...ranked, ...places.slice(read.length)];
    } catch (error) {
      ranking.signal.throwIfAborted();
      outcomes.inc({ outcome: 'failed' });
      if (error instanceof ModelError || error instanceof AppError)
        this.logger.warn(`Passages stay as the search ranked them: ${error.message}`);
      else this.logger.error({ err: error }, 'Reranking failed unexpectedly');
      return undefined;
    }
  }

  async onModuleDestroy(): Promise<void> {
    await this.reranker?.close();
  }

  private async score(
    reranker: Reranker,
    query: string,
    passages: readonly string[],
    { signal, deadline, meter }: Ranking,
  ): Promise<readonly number[]> {
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(this.lateError(reranker.id)),
      Math.max(0, deadline - performance.now()),
    );
    const either = AbortSignal.any([signal, late.signal]);
    try {
      // not raced with the signal: the adapter heeds it, and has then told the meter of its call
      return await reranker.score({ query, passages, signal: either, deadline, meter });
    } finally {
      clearTimeout(timer);
    }
  }

  private lateError(model: string): ModelError {
    return new ModelError(`${model} took longer than ${this.timeoutMs} ms`, {
      kind: 'timeout',
      provider: model.split('/', 1).join(),
      shouldRetry: false,
    });
  }
}
