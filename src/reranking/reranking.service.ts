import { Logger, type OnModuleDestroy } from '@nestjs/common';
import { Counter } from 'prom-client';
import { AppError, ModelError } from '../common/index.js';
import type { Ranking, Reranker, RerankMeter } from './reranker.js';

const outcomes = new Counter({
  name: 'footnote_rerank_total',
  help: 'Lists of passages that a model was to rank: `ok`, or `failed` and given in the order of the search.',
  labelNames: ['outcome'],
});

/** Ranks passages with the configured model. Where that fails or takes too long, the order stays as it was. */
export class Reranking implements OnModuleDestroy {
  private readonly logger = new Logger('Reranking');

  /** @param timeoutMs longest time of all rankings of one search */
  constructor(
    private readonly reranker: Reranker | undefined,
    private readonly timeoutMs: number,
  ) {}

  /** How many of the passages that were found are ranked; 0: no model is configured. */
  get candidates(): number {
    return this.reranker?.candidates ?? 0;
  }

  /** The rankings of one search, whose time begins now. */
  begin(signal: AbortSignal, meter: RerankMeter): Ranking {
    return { signal, meter, timeoutMs: this.timeoutMs, deadline: performance.now() + this.timeoutMs };
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
        this.logger.debug(`Passages stay as the search ranked them: ${error.message}`);
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
    ranking: Ranking,
  ): Promise<readonly number[]> {
    if (performance.now() < ranking.deadline) return reranker.score({ query, passages, ...ranking });
    // after other lists of the same search
    throw new ModelError(`no time is left to rank with ${reranker.id}`, {
      kind: 'timeout',
      provider: reranker.id.split('/', 1).join(),
      isProviderFault: false,
    });
  }
}
