import { Injectable } from '@nestjs/common';
import { Cursors } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Database } from '../../database/index.js';
import type { AnswerRecord } from './answer-record.js';

export type Thumb = 'up' | 'down';

/** What somebody thinks of an answer. */
export interface FeedbackRow {
  thumb: Thumb;
  comment: string | null;
  feedback_at: Date;
}

/** A row without what is long. */
export interface AnswerItemRow
  extends
    Omit<AnswerRecord, 'sources' | 'citations' | 'alternatives' | 'timings'>,
    Omit<FeedbackRow, 'thumb' | 'feedback_at'> {
  seq: string;
  created_at: Date;
  thumb: Thumb | null;
  feedback_at: Date | null;
}

export type AnswerRow = AnswerItemRow & AnswerRecord;

/** Which answers are listed; absent: whatever it is. */
export interface AnswerFilter {
  keyId?: string | undefined;
  /** Of one of the sources. */
  collection?: string | undefined;
  model?: string | undefined;
  finishReason?: string | undefined;
  /** A code; `true`: any; `false`: none. */
  error?: string | undefined;
  thumb?: Thumb | undefined;
  /** ISO 8601: the first instant that counts, and the first that no longer does. */
  from?: string | undefined;
  to?: string | undefined;
}

const ITEM_COLUMNS = `id, seq, created_at, key_id, question, standalone_question, answer, model, prompt_version,
  finish_reason, error, usage, cost_usd::text, latency_ms, attempts, cached, thumb, comment, feedback_at`;

const INSERT = `
  INSERT INTO answers (id, key_id, question, standalone_question, answer, sources, citations, alternatives, model,
    prompt_version, finish_reason, error, usage, cost_usd, timings, latency_ms, attempts, cached)
  SELECT id, key_id, question, standalone_question, answer, sources, citations, alternatives, model, prompt_version,
    finish_reason, error, usage, cost_usd, timings, latency_ms, attempts, cached
  FROM json_to_recordset($1::json) AS r (id uuid, key_id text, question text, standalone_question text, answer text,
    sources json, citations json, alternatives json, model text, prompt_version text, finish_reason text, error text,
    usage json, cost_usd numeric, timings json, latency_ms double precision, attempts integer, cached boolean)
  ON CONFLICT (id) DO NOTHING`;

/** Not too old, and the key's own; null: whoever's. What is too old is not seen even before it is deleted. */
const VISIBLE = `created_at > clock_timestamp() - make_interval(days => $1) AND ($2::text IS NULL OR key_id = $2)`;

const GET = `
  SELECT ${ITEM_COLUMNS}, sources, citations, alternatives, timings FROM answers WHERE ${VISIBLE} AND id = $3`;

const LIST = `
  SELECT ${ITEM_COLUMNS} FROM answers
  WHERE ${VISIBLE} AND ($3::bigint IS NULL OR seq < $3)
    AND ($4::text IS NULL OR model = $4)
    AND ($5::text IS NULL OR finish_reason = $5)
    AND ($6::text IS NULL OR CASE $6 WHEN 'true' THEN error IS NOT NULL WHEN 'false' THEN error IS NULL ELSE error = $6 END)
    AND ($7::text IS NULL OR thumb = $7)
    AND ($8::timestamptz IS NULL OR created_at >= $8) AND ($9::timestamptz IS NULL OR created_at < $9)
    AND ($10::text IS NULL OR EXISTS (SELECT FROM json_array_elements(sources) AS s WHERE s->>'collection' = $10))
  ORDER BY seq DESC LIMIT $11`;

const RATE = `
  UPDATE answers SET thumb = $4, comment = $5, feedback_at = clock_timestamp() WHERE ${VISIBLE} AND id = $3
  RETURNING thumb, comment, feedback_at`;

/** Of several replicas, each takes rows that no other does. */
const DELETE_OLD = `
  WITH old AS (
    SELECT id FROM answers WHERE created_at <= clock_timestamp() - make_interval(days => $1)
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM answers USING old WHERE answers.id = old.id RETURNING answers.id
  )
  SELECT count(*)::int AS count FROM gone`;

/** The rows of the trail. `keyId` is whose rows are seen; undefined: all. */
@Injectable()
export class AnswerStore {
  private readonly days: number;
  private readonly cursors: Cursors;

  constructor(
    private readonly database: Database,
    config: AppConfig,
  ) {
    this.days = config.answers.retentionDays;
    this.cursors = new Cursors(config.auth.adminApiKey);
  }

  /** In one statement; what is there already stays. */
  async insert(records: readonly AnswerRecord[]): Promise<void> {
    await this.database.query(INSERT, [JSON.stringify(records)]);
  }

  async get(id: string, keyId: string | undefined): Promise<AnswerRow | undefined> {
    const [row] = await this.database.query<AnswerRow & Record<string, unknown>>(GET, [
      this.days,
      keyId ?? null,
      id,
    ]);
    return row;
  }

  /**
   * Newest first.
   * @throws AppError INVALID_REQUEST for a cursor that is none of ours
   */
  async list(
    filter: AnswerFilter,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ page: AnswerItemRow[]; next: string | null }> {
    const { keyId, model, finishReason, error, thumb, from, to, collection } = filter;
    const before = cursor === undefined ? undefined : this.cursors.decode(cursor);
    const values = [keyId, before, model, finishReason, error, thumb, from, to, collection];
    const rows = await this.database.query<AnswerItemRow & Record<string, unknown>>(LIST, [
      this.days,
      ...values.map((value) => value ?? null),
      limit + 1,
    ]);
    return this.cursors.page(rows, limit);
  }

  /** Takes down what somebody thinks of an answer, in place of what was thought before. */
  async rate(
    id: string,
    keyId: string | undefined,
    thumb: Thumb,
    comment: string | null,
  ): Promise<FeedbackRow | undefined> {
    const values = [this.days, keyId ?? null, id, thumb, comment];
    const [row] = await this.database.query<FeedbackRow & Record<string, unknown>>(RATE, values);
    return row;
  }

  /** Deletes some of those that are too old. @returns how many; fewer than `most`: no more were left */
  async deleteOld(most: number): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(DELETE_OLD, [this.days, most]);
    return row?.count ?? 0;
  }
}
