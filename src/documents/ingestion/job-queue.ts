import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { type JobWithMetadata, PgBoss } from 'pg-boss';
import { Database, type SqlRunner } from '../../database/index.js';

/** What a job carries: the document itself is in the database. */
export interface IngestionJob {
  documentId: string;
  revision: number;
}

/** A failure that another try may mend: the job is put back and tried again later. */
export type JobHandler = (job: IngestionJob, attempt: { isLast: boolean; signal: AbortSignal }) => Promise<void>;

const QUEUE = 'ingestion';
/** Documents that one process works on at once. */
const CONCURRENCY = 2;
const RETRY_LIMIT = 5;
const RETRY_DELAY_SECONDS = 2;
const RETRY_DELAY_MAX_SECONDS = 120;
/** A worker that has not been heard of for this long is dead; its job goes back to the queue. */
const HEARTBEAT_SECONDS = 20;
const LONGEST_JOB_SECONDS = 3600;
const KEEP_DONE_SECONDS = 3600;
const STOP_TIMEOUT_MS = 10_000;

/** The ingestion queue: pg-boss in the same database, so that a job is committed together with its document. */
@Injectable()
export class JobQueue implements OnApplicationShutdown {
  private readonly logger = new Logger('JobQueue');
  private readonly boss: PgBoss;
  private worker: string | undefined;

  constructor(database: Database) {
    this.boss = new PgBoss({
      db: sqlOf(database),
      schedule: false,
      monitorIntervalSeconds: 10,
      superviseIntervalSeconds: 10,
    });
    this.boss.on('error', (error: Error) => this.logger.error({ err: error }, 'The job queue failed'));
  }

  /** Makes the queue and begins to work on it. */
  async start(handle: JobHandler): Promise<void> {
    await this.boss.start();
    await this.boss.createQueue(QUEUE, {
      retryLimit: RETRY_LIMIT,
      retryDelay: RETRY_DELAY_SECONDS,
      retryBackoff: true,
      retryDelayMax: RETRY_DELAY_MAX_SECONDS,
      heartbeatSeconds: HEARTBEAT_SECONDS,
      expireInSeconds: LONGEST_JOB_SECONDS,
      deleteAfterSeconds: KEEP_DONE_SECONDS,
    });
    this.worker = await this.boss.work(
      QUEUE,
      { localConcurrency: CONCURRENCY, includeMetadata: true, batchSize: 1 },
      async (jobs: JobWithMetadata<IngestionJob>[]) => {
        for (const job of jobs)
          await handle(job.data, { isLast: job.retryCount >= job.retryLimit, signal: job.signal });
      },
    );
  }

  /** Adds a job in the caller's transaction. Call {@link wake} once that is committed. */
  async add(job: IngestionJob, transaction: SqlRunner): Promise<void> {
    await this.boss.send(QUEUE, job, { db: sqlOf(transaction) });
  }

  /** Makes the workers of this process look at once instead of at their next poll. */
  wake(): void {
    if (this.worker !== undefined) this.boss.notifyWorker(this.worker);
  }

  /** Waits for the jobs that are being worked on, for a bounded time; what is left is taken up after the restart. */
  async onApplicationShutdown(): Promise<void> {
    await this.boss.stop({ graceful: true, timeout: STOP_TIMEOUT_MS });
  }
}

function sqlOf(runner: SqlRunner): { executeSql(text: string, values?: unknown[]): Promise<{ rows: object[] }> } {
  return { executeSql: async (text, values) => ({ rows: await runner.query(text, values) }) };
}
