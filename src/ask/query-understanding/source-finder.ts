import { Injectable } from '@nestjs/common';
import { billEmbedding, billReranking } from '../../costs/index.js';
import { type SearchHit, SearchService } from '../../retrieval/index.js';
import type { FindTimings } from '../answer-event.js';
import { worstAnswers } from '../prompt-request.js';
import { type Asked, QueryRewriter } from './query-rewriter.js';

/** What the sources of an answer are taken from. */
export interface Found {
  /** Best first. */
  hits: SearchHit[];
  /** What was searched in place of the question; null: the question as it is. */
  standaloneQuestion: string | null;
  timings: FindTimings;
}

/** Finds the passages for an ask: understands its question, then searches. */
@Injectable()
export class SourceFinder {
  constructor(
    private readonly rewriter: QueryRewriter,
    private readonly searches: SearchService,
  ) {}

  /** @throws AppError as the search does; the signal's reason when aborted */
  async find(asked: Asked, signal: AbortSignal): Promise<Found> {
    const { question, tab, calls } = asked;
    const { queries, standaloneQuestion, ...rewriting } = await this.understand(asked, signal);
    const { hits, timings } = await this.searches.search(
      { ...question.search, queries, isOneQuestion: true },
      signal,
      {
        embedding: billEmbedding(tab, 'query_embedding', calls),
        // no answer is refused for what ranking its passages has cost
        reranking: billReranking(tab, calls, () => worstAnswers(question, asked.models)),
      },
    );
    return { hits: hits[0] ?? [], standaloneQuestion, timings: { ...rewriting.timings, ...timings } };
  }

  /** What is searched: the question, or what it was condensed to, and its rephrasings. */
  private async understand(asked: Asked, signal: AbortSignal) {
    const { question, history, multiQuery, search } = asked.question;
    const asIs = {
      queries: [question],
      standaloneQuestion: null,
      timings: { condenseMs: null, rephraseMs: null },
    };
    if (history.length === 0 && multiQuery === 0) return asIs;
    if (!(await this.searches.hasContent(search))) return asIs;
    const started = performance.now();
    const standalone = await this.rewriter.condense(asked, signal);
    const condensed = performance.now();
    const searched = standalone ?? question;
    const rephrasings = await this.rewriter.rephrase(asked, searched, signal);
    return {
      queries: [searched, ...rephrasings],
      standaloneQuestion: standalone ?? null,
      timings: {
        condenseMs: history.length === 0 ? null : condensed - started,
        rephraseMs: multiQuery === 0 ? null : performance.now() - condensed,
      },
    };
  }
}
