import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Counter, register } from 'prom-client';
import { Groups, orAborted } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { isDataError } from '../../database/index.js';
import type { LanguageModel } from '../../llm/index.js';
import type { Question } from '../question.js';
import { type AnswerRecord, recordOf } from './answer-record.js';
import { AnswerStore } from './answer-store.js';
import { Recording } from './recording.js';

/** Rows of one INSERT. */
const LARGEST_GROUP = 100;
const WRITE_ATTEMPTS = 3;
const RETRY_DELAY_MS = 50;
/** An answer waits no longer than this for its row, which is written all the same … */
const LONGEST_WAIT_MS = 2_000;
/** … unless so many are waiting: each may be some hundred kilobytes. */
const MOST_WAITING = 500;
/** A service that stops waits this long for what is not written down yet. */
const LAST_WRITES_MS = 10_000;

const lost = new Counter({
  name: 'footnote_answers_lost_total',
  help: 'Asks that could not be written to the audit trail.',
  registers: [register],
});

/** Writes down what was asked, found and said. It may fail; no answer fails with it. */
@Injectable()
export class AnswerTrail implements BeforeApplicationShutdown {
  private readonly logger = new Logger('AnswerTrail');
  private readonly groups = new Groups<AnswerRecord, void>(
    (records) => this.writeGroup(records),
    LARGEST_GROUP,
  );
  /** Recordings that are begun and not written, and those of them that have ended. */
  private open = 0;
  private waiting = 0;

  constructor(
    private readonly config: AppConfig,
    private readonly store: AnswerStore,
  ) {}

  /** Begins the recording of an ask. @param models those that are to answer, in order */
  begin(question: Question, models: readonly LanguageModel[]): Recording {
    this.open++;
    return new Recording(question, models, (recording) => this.write(recording));
  }

  /** The database closes after this: what was asked until then is written first. */
  async beforeApplicationShutdown(): Promise<void> {
    const end = performance.now() + LAST_WRITES_MS;
    while (this.open > 0 && performance.now() < end) await sleep(10);
  }

  private async write(recording: Recording): Promise<void> {
    // a database that hangs must not hold up the answer
    const written = this.keep(recording).finally(() => this.open--);
    await orAborted(written, AbortSignal.timeout(LONGEST_WAIT_MS)).catch(() => undefined);
  }

  /** Never rejects. */
  private async keep(recording: Recording): Promise<void> {
    const { retentionDays, storesText } = this.config.answers;
    if (retentionDays === 0) return;
    if (this.waiting >= MOST_WAITING) return this.lose([recording], `${MOST_WAITING} others wait`);
    this.waiting++;
    try {
      await this.groups.submit(recordOf(recording, storesText));
    } catch (error) {
      this.lose([recording], reasonOf(error));
    } finally {
      this.waiting--;
    }
  }

  private async writeGroup(records: readonly AnswerRecord[]): Promise<void[]> {
    try {
      await this.insert(records);
    } catch (error) {
      // one bad value must not cost the others their rows
      if (records.length > 1 && isDataError(error))
        for (const record of records) await this.writeGroup([record]);
      else this.lose(records, reasonOf(error));
    }
    return records.map(() => undefined);
  }

  private async insert(records: readonly AnswerRecord[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.store.insert(records);
      } catch (error) {
        if (attempt === WRITE_ATTEMPTS || isDataError(error)) throw error;
        await sleep(RETRY_DELAY_MS * attempt);
      }
    }
  }

  private lose(records: readonly { id: string }[], reason: string): void {
    lost.inc(records.length);
    this.logger.error(
      { answers: records.map(({ id }) => id), reason },
      'Answers are missing in the audit trail',
    );
  }
}

/** Not the error itself: PostgreSQL's tell the row that they are about, with what was asked. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error ? String(error.code) : error.message;
}
