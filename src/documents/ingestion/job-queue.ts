import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { JobResult, JobWithMetadata } from 'pg-boss';
import type { SqlRunner } from '../../database/index.js';
import { bossSql, JobBroker } from '../jobs/job-broker.js';

/** What a job carries: the document itself is in the database. */
export interface IngestionJob {
  documentId: string;
  revision: number;
}

export interface JobAttempt {
  /** How often it was tried before. */
  retryCount: number;
  isLast: boolean;
  signal: AbortSignal;
}

/** A failure that another try may mend: the job is put back and tried again later. */
export type JobHandler = (job: IngestionJob, attempt: JobAttempt) => Promise<void>;

/** A job with its turn: the lower goes first. */
export interface QueuedJob extends IngestionJob {
  turn: number;
}

const QUEUE = 'ingestion';
/** Documents that one process works on at once. */
const CONCURRENCY = 2;
/** Jobs fetched together and worked on one after the other: with more than one, a slow document would hold others up. */
const BATCH = 1;

/** The ingestion queue: a job is committed together with its document. */
@Injectable()
export class JobQueue {
  private workers: string[] = [];

  constructor(private readonly broker: JobBroker) {}

  /** Makes the queue and begins to work on it. */
  async start(handle: JobHandler): Promise<void> {
    await this.broker.createQueue(QUEUE, 'standard');
    const options = { batchSize: BATCH, includeMetadata: true, perJobResults: true } as const;
    // one registration each, because only a registration's first worker has an id to be woken by
    for (let worker = 0; worker < CONCURRENCY; worker++)
      this.workers.push(
        await this.broker.boss.work(QUEUE, options, async (jobs: JobWithMetadata<IngestionJob>[]) => {
          // a worker left to itself fetches once a poll interval
          this.wake();
          const results: JobResult[] = [];
          for (const job of jobs) results.push(await run(job, handle));
          return results;
        }),
      );
  }

  /** Adds jobs in the caller's transaction; call {@link wake} once that is committed. One that is there stays. */
  async add(jobs: readonly QueuedJob[], transaction: SqlRunner): Promise<void> {
    for (const job of jobs) await this.send(job, transaction, idOf(job));
  }

  /** Adds jobs beside those that a dead process has left marked as being worked on. */
  async addAnew(jobs: readonly QueuedJob[], transaction: SqlRunner): Promise<void> {
    for (const job of jobs) await this.send(job, transaction, undefined);
  }

  /** True while the job of a document waits or is being worked on. */
  async has(job: IngestionJob): Promise<boolean> {
    const found = await this.broker.boss.findJobs(QUEUE, { id: idOf(job) });
    return found.some(({ state }) => state === 'created' || state === 'retry' || state === 'active');
  }

  /** Makes the workers of this process look at once instead of at their next poll. */
  wake(): void {
    for (const worker of this.workers) this.broker.boss.notifyWorker(worker);
  }

  /** Waits for the jobs that are being worked on, for a bounded time; what is left is taken up after the restart. */
  stop(): Promise<void> {
    return this.broker.stop();
  }

  private async send(
    { turn, ...job }: QueuedJob,
    transaction: SqlRunner,
    id: string | undefined,
  ): Promise<void> {
    await this.broker.boss.send(QUEUE, job, {
      db: bossSql(transaction),
      priority: -turn,
      ...(id === undefined ? {} : { id }),
    });
  }
}

/** A job that throws goes back to the queue by itself; the others of its batch are not touched. */
async function run(job: JobWithMetadata<IngestionJob>, handle: JobHandler): Promise<JobResult> {
  try {
    const { retryCount, retryLimit, signal } = job;
    await handle(job.data, { retryCount, isLast: retryCount >= retryLimit, signal });
    return { id: job.id, status: 'completed' };
  } catch {
    // the handler has logged it
    return { id: job.id, status: 'failed' };
  }
}

/** The same for the same job (a UUID of version 8, RFC 9562), so that it is not queued twice. */
function idOf({ documentId, revision }: IngestionJob): string {
  const hash = createHash('sha256').update(`${documentId}/${revision}`).digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
