import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database } from '../../database/index.js';
import type { DocumentStatus } from '../entities/document.entity.js';
import { DocumentParser } from '../parsing/document-parser.js';
import { ChunkWriter } from './chunk-writer.js';
import { IngestionService } from './ingestion.service.js';
import { JobQueue, type QueuedJob } from './job-queue.js';

/** How often is looked for what crashes have left. */
const INTERVAL_MS = 10 * 60_000;
/** Documents looked at in one statement. */
const BATCH = 1000;

/** Starts and stops ingestion with the application, and takes up what crashes have left. */
@Injectable()
export class IngestionLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Ingestion');
  private timer: NodeJS.Timeout | undefined;
  private cleaning: Promise<void> = Promise.resolve();

  constructor(
    private readonly config: AppConfig,
    private readonly database: Database,
    private readonly queue: JobQueue,
    private readonly ingestion: IngestionService,
    private readonly writer: ChunkWriter,
    private readonly parser: DocumentParser,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queue.start((job, attempt) => this.ingestion.handle(job, attempt));
    // on a server, other replicas may be working on them, and dead ones' jobs come back by their missing heartbeat;
    // the embedded database has no other process, so whatever is being processed was interrupted
    if (this.config.database.url === undefined) await this.resume();
    const clean = (): void => {
      this.cleaning = this.cleaning
        .then(() => this.clean())
        .catch((error: unknown) => this.logger.error({ err: error }, 'Cleaning up failed'));
    };
    clean();
    this.timer = setInterval(clean, INTERVAL_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.cleaning;
    await this.queue.stop();
    this.parser.stop();
  }

  private async resume(): Promise<void> {
    const interrupted = await this.unfinished(['processing'], '0');
    // a second job for a document finds nothing left to do
    await this.queue.addAnew(interrupted, this.database);
    if (interrupted.length > 0) this.logger.log(`Resuming ${interrupted.length} interrupted documents`);
    this.queue.wake();
  }

  /** Deletes chunks that no search sees, and queues documents again whose job got lost. */
  private async clean(): Promise<void> {
    const untidy = await this.database.query<{ id: string }>(
      "SELECT id FROM documents WHERE has_hidden_chunks AND status IN ('ready', 'failed') LIMIT $1",
      [BATCH],
    );
    for (const { id } of untidy) await this.writer.sweep(id);
    const waiting = await this.unfinished(['queued', 'processing'], '15 minutes');
    for (const job of waiting) if (!(await this.queue.has(job))) await this.requeue(job);
  }

  private async requeue(job: QueuedJob): Promise<void> {
    this.logger.warn({ document_id: job.documentId }, 'The job of a document was lost; it is queued again');
    await this.queue.addAnew([job], this.database);
    // not again for a while
    await this.database.query('UPDATE documents SET updated_at = now() WHERE id = $1', [job.documentId]);
  }

  /** @param untouchedFor an interval of PostgreSQL */
  private unfinished(statuses: readonly DocumentStatus[], untouchedFor: string): Promise<QueuedJob[]> {
    return this.database.query<QueuedJob>(
      `SELECT id AS "documentId", revision, turn FROM documents
       WHERE status = ANY ($1) AND status IN ('queued', 'processing') AND updated_at <= now() - $2::interval
       ORDER BY turn LIMIT $3`,
      [statuses, untouchedFor, BATCH],
    );
  }
}
