import { Injectable } from '@nestjs/common';
import { Counter, register } from 'prom-client';
import { AppError, type Caller, hasScope, instant, isUuid } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { type AnswerItemRow, AnswerStore, type FeedbackRow } from './answer-store.js';
import type {
  AnswerItemDto,
  AnswerListDto,
  FeedbackDto,
  GiveFeedbackDto,
  ListAnswersQuery,
  RecordedAnswerDto,
} from './answers.dto.js';

const feedback = new Counter({
  name: 'footnote_answer_feedback_total',
  help: 'What was thought of answers, each time that somebody said so.',
  labelNames: ['thumb'],
  registers: [register],
});

/** Shows callers the answers that they were given, and takes what they think of them. `admin` sees everybody's. */
@Injectable()
export class AnswersService {
  constructor(
    private readonly config: AppConfig,
    private readonly store: AnswerStore,
  ) {}

  /** @throws AppError NOT_FOUND, also for another's */
  async get(id: string, caller: Caller): Promise<RecordedAnswerDto> {
    const row = await this.store.get(checkId(id), seenBy(caller));
    if (row === undefined) throw answerNotFound();
    const { sources, citations, alternatives, timings } = row;
    return { ...toItemDto(row), sources, citations, alternatives, timings };
  }

  /**
   * Newest first.
   * @throws AppError FORBIDDEN for another's `key_id`; INVALID_REQUEST for a time or cursor that is none
   */
  async list(query: ListAnswersQuery, caller: Caller): Promise<AnswerListDto> {
    const own = seenBy(caller);
    if (own !== undefined && query.key_id !== undefined && query.key_id !== own)
      throw new AppError(
        'FORBIDDEN',
        'key_id takes only the id of the key itself: the answers of others take the scope admin.',
      );
    const { collection, model, finish_reason: finishReason, error, thumb } = query;
    const filter = {
      keyId: own ?? query.key_id,
      collection,
      model,
      finishReason,
      error,
      thumb,
      from: instant('from', query.from),
      to: instant('to', query.to),
    };
    const { page, next } = await this.store.list(filter, query.limit, query.cursor);
    return { answers: page.map(toItemDto), next_cursor: next };
  }

  /** Takes the place of what was thought before. @throws AppError NOT_FOUND, also for another's answer */
  async rate(id: string, { thumb, comment }: GiveFeedbackDto, caller: Caller): Promise<FeedbackDto> {
    const kept = this.config.answers.storesText ? (comment ?? null) : null;
    const row = await this.store.rate(checkId(id), seenBy(caller), thumb, kept);
    if (row === undefined) throw answerNotFound();
    feedback.inc({ thumb });
    return toFeedbackDto(row);
  }
}

/** Whose answers a caller sees; undefined: everybody's. */
function seenBy(caller: Caller): string | undefined {
  return hasScope(caller, 'admin') ? undefined : caller.id;
}

/** @throws AppError NOT_FOUND for what can be no id */
function checkId(id: string): string {
  if (isUuid(id)) return id;
  throw answerNotFound();
}

function answerNotFound(): AppError {
  return new AppError('NOT_FOUND', 'There is no answer with this id.');
}

function toItemDto(row: AnswerItemRow): AnswerItemDto {
  const { thumb, comment, feedback_at, usage } = row;
  const isRated = thumb !== null && feedback_at !== null;
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    key_id: row.key_id,
    question: row.question,
    standalone_question: row.standalone_question,
    answer: row.answer,
    model: row.model,
    prompt_version: row.prompt_version,
    finish_reason: row.finish_reason,
    error: row.error,
    tokens_used:
      usage.input_tokens + usage.output_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
    usage,
    cost_usd: row.cost_usd === null ? null : Number(row.cost_usd),
    latency_ms: row.latency_ms,
    attempts: row.attempts,
    cached: row.cached,
    feedback: isRated ? toFeedbackDto({ thumb, comment, feedback_at }) : null,
  };
}

function toFeedbackDto({ thumb, comment, feedback_at }: FeedbackRow): FeedbackDto {
  return { thumb, comment, given_at: feedback_at.toISOString() };
}
