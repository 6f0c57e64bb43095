import { Injectable, Logger } from '@nestjs/common';
import { PgBoss } from 'pg-boss';
import { Database, type SqlRunner } from '../../database/index.js';

/** Together about a day: a provider that is down, or a budget that is spent, comes back within it. */
const RETRY_LIMIT = 300;
const RETRY_DELAY_SECONDS = 2;
const RETRY_DELAY_MAX_SECONDS = 300;
/** A worker that has not been heard of for this long is dead; its job goes back to the queue. */
const HEARTBEAT_SECONDS = 20;
const LONGEST_JOB_SECONDS = 3600;
const KEEP_DONE_SECONDS = 3600;
const KEEP_WAITING_SECONDS = 365 * 24 * 3600;
const STOP_TIMEOUT_MS = 10_000;
const QUEUE_OPTIONS = {
  retryLimit: RETRY_LIMIT,
  retryDelay: RETRY_DELAY_SECONDS,
  retryBackoff: true,
  retryDelayMax: RETRY_DELAY_MAX_SECONDS,
  heartbeatSeconds: HEARTBEAT_SECONDS,
  expireInSeconds: LONGEST_JOB_SECONDS,
  deleteAfterSeconds: KEEP_DONE_SECONDS,
  retentionSeconds: KEEP_WAITING_SECONDS,
};

/** pg-boss in the same database, so that a job is committed together with what it is about; one for all queues. */
@Injectable()
export class JobBroker {
  readonly boss: PgBoss;
  private readonly logger = new Logger('JobQueue');

  constructor(database: Database) {
    this.boss = new PgBoss({
      db: bossSql(database),
      schedule: false,
      monitorIntervalSeconds: 10,
      superviseIntervalSeconds: 10,
    });
    this.boss.on('error', (error: Error) => this.logger.error({ err: error }, 'The job queue failed'));
  }

  /**
   * Makes a queue; pg-boss starts with the first one.
   * @param policy `exclusive`: of the jobs with one key, there is at most one that is not over
   */
  async createQueue(name: string, policy: 'standard' | 'exclusive'): Promise<void> {
    await this.boss.start();
    await this.boss.createQueue(name, { policy, ...QUEUE_OPTIONS });
    // one that an older version made keeps its options otherwise
    await this.boss.updateQueue(name, QUEUE_OPTIONS);
    // pg-boss looks a queue up when it is first used and keeps it; had it to do so in the middle of a transaction of
    // ours, on another connection, the embedded server's one session would wait for itself
    await this.boss.findJobs(name, { key: 'none' });
  }

  /** Waits for the jobs that are being worked on, for a bounded time; what is left is taken up after the restart. */
  async stop(): Promise<void> {
    await this.boss.stop({ graceful: true, timeout: STOP_TIMEOUT_MS });
  }
}

/** Makes pg-boss use the pool, or the caller's transaction. */
export function bossSql(runner: SqlRunner): {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: object[] }>;
} {
  return { executeSql: async (text, values) => ({ rows: await runner.query(text, values) }) };
}
