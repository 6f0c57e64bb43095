import { Injectable } from '@nestjs/common';
import { mapLimit } from '../common/index.js';
import { type RerankMeter, Reranking, UNBILLED } from '../reranking/index.js';
import type { SearchHit } from './hit-reader.js';

/** Lists of one search that are ranked at once. */
const CONCURRENT_RANKINGS = 4;

/** Has the configured model, if there is one, put what was found into another order. */
@Injectable()
export class PassageOrder {
  constructor(private readonly reranking: Reranking) {}

  /** How many passages of each list are to be read for it; 0: the lists stay as they are. */
  get candidates(): number {
    return this.reranking.candidates;
  }

  /**
   * @param queries of each list, that which it was found with
   * @returns the lists, those as they were that could not be ranked in time; `ms` null where none was to be
   * @throws the signal's reason when aborted
   */
  async order(
    queries: readonly string[],
    lists: readonly SearchHit[][],
    signal: AbortSignal,
    meter: RerankMeter = UNBILLED,
  ): Promise<{ hits: SearchHit[][]; ms: number | null }> {
    if (this.candidates === 0 || lists.every((hits) => hits.length < 2))
      return { hits: [...lists], ms: null };
    const started = performance.now();
    const ranking = this.reranking.begin(signal, meter);
    const hits = await mapLimit(lists, CONCURRENT_RANKINGS, async (list, index) => {
      const passages = list.map(({ context, content }) => `${context}\n${content}`.trim());
      const order = await this.reranking.order(queries[index] ?? '', passages, ranking);
      return order?.flatMap((place) => list[place] ?? []) ?? list;
    });
    return { hits, ms: performance.now() - started };
  }
}
