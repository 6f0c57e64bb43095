import { Injectable } from '@nestjs/common';
import type { JobWithMetadata } from 'pg-boss';
import type { SqlRunner } from '../../database/index.js';
import { bossSql, JobBroker } from '../jobs/job-broker.js';

/** What a job carries: the space that is built, and how far. */
export interface ReembeddingJob {
  spaceId: number;
  /** Chunks up to this id have been looked at. */
  after: string;
}

/** A job as its worker has it. */
export interface RunningJob extends ReembeddingJob {
  id: string;
  /** There is no other try after this one. */
  isLast: boolean;
  signal: AbortSignal;
}

/** Below every chunk's id. */
export const BEGINNING = '0';

const QUEUE = 'reembedding';
/** How soon a job is seen that another process has added, or whose time to be tried again has come. */
const POLL_SECONDS = 5;

/**
 * The queue of spaces to build. pg-boss keeps at most one job a space that is not over, so that adding one again does
 * nothing, and no two workers build the same space. A job ends in the same transaction in which its worker saw that
 * there is nothing left to do; so whoever then wants more done can add the next one.
 */
@Injectable()
export class ReembeddingQueue {
  private worker = '';

  constructor(private readonly broker: JobBroker) {}

  /**
   * Makes the queue and begins to work on it, on one job at a time. One that throws is tried again later.
   * @param isAlone no other process works on this database: jobs that are being worked on are a dead process's
   */
  async start(handle: (job: RunningJob) => Promise<void>, isAlone: boolean): Promise<void> {
    await this.broker.createQueue(QUEUE, 'exclusive');
    if (isAlone) await this.broker.boss.deleteAllJobs(QUEUE);
    this.worker = await this.broker.boss.work(
      QUEUE,
      { includeMetadata: true, perJobResults: true, pollingIntervalSeconds: POLL_SECONDS },
      async (jobs: JobWithMetadata<ReembeddingJob>[]) => {
        // a worker left to itself fetches once a poll interval
        this.wake();
        return Promise.all(jobs.map((job) => run(job, handle)));
      },
    );
  }

  /** Adds a space's job, unless there is one; call {@link wake} once the transaction is committed. */
  async add(spaceId: number, transaction: SqlRunner): Promise<void> {
    await this.send({ spaceId, after: BEGINNING }, transaction);
  }

  /** The same, but one that waits to be tried again does not wait any longer. */
  async addAtOnce(spaceId: number, transaction: SqlRunner): Promise<void> {
    await this.dropWaiting(spaceId, transaction);
    await this.add(spaceId, transaction);
  }

  /** Removes a space's job that nobody is working on. */
  async dropWaiting(spaceId: number, transaction: SqlRunner): Promise<void> {
    const db = bossSql(transaction);
    const waiting = await this.broker.boss.findJobs(QUEUE, { key: String(spaceId), queued: true, db });
    if (waiting.length === 0) return;
    await this.broker.boss.deleteJob(
      QUEUE,
      waiting.map(({ id }) => id),
      { db },
    );
  }

  /** Ends a job that is being worked on. */
  async finish(job: RunningJob, transaction: SqlRunner): Promise<void> {
    await this.broker.boss.complete(QUEUE, job.id, null, { db: bossSql(transaction) });
  }

  /** Ends a job that is being worked on, for another one that goes on after a chunk. */
  async handOver(job: RunningJob, after: string, transaction: SqlRunner): Promise<void> {
    await this.finish(job, transaction);
    await this.send({ spaceId: job.spaceId, after }, transaction);
  }

  /** Makes the worker of this process look at once instead of at its next poll. */
  wake(): void {
    this.broker.boss.notifyWorker(this.worker);
  }

  /** Takes no other job. */
  async pause(): Promise<void> {
    await this.broker.boss.offWork(QUEUE, { wait: false });
  }

  /** Waits for the job that is being worked on, for a bounded time; what is left is taken up after the restart. */
  stop(): Promise<void> {
    return this.broker.stop();
  }

  private async send(job: ReembeddingJob, transaction: SqlRunner): Promise<void> {
    await this.broker.boss.send(QUEUE, job, {
      db: bossSql(transaction),
      singletonKey: String(job.spaceId),
    });
  }
}

async function run(
  { id, data, retryCount, retryLimit, signal }: JobWithMetadata<ReembeddingJob>,
  handle: (job: RunningJob) => Promise<void>,
): Promise<{ id: string; status: 'completed' | 'failed' }> {
  try {
    await handle({ ...data, id, isLast: retryCount >= retryLimit, signal });
    return { id, status: 'completed' };
  } catch {
    // the handler has logged it
    return { id, status: 'failed' };
  }
}
