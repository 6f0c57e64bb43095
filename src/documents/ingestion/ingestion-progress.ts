import { EventEmitter, once } from 'node:events';
import { Injectable } from '@nestjs/common';
import { AppError } from '../../common/index.js';
import { Database } from '../../database/index.js';
import type { DocumentStatus } from '../entities/document.entity.js';

export interface Outcome {
  id: string;
  title: string;
  status: DocumentStatus;
  /** 0..1 */
  progress: number;
  chunks: number;
  error: string | null;
}

/** How often the database is asked: another replica may have done the work. */
const POLL_MS = 500;
const LONGEST_WAIT_MS = 300_000;

/** Tells those who wait when documents are done. */
@Injectable()
export class IngestionProgress {
  private readonly events = new EventEmitter().setMaxListeners(0);

  constructor(private readonly database: Database) {}

  /** Wakes those in this process who wait for news of this document. */
  changed(documentId: string): void {
    this.events.emit(documentId);
  }

  /**
   * Waits until all documents are ready or failed.
   * @throws AppError SERVICE_UNAVAILABLE after five minutes; the signal's reason when aborted
   */
  async outcomes(ids: readonly string[], signal: AbortSignal): Promise<Outcome[]> {
    const deadline = performance.now() + LONGEST_WAIT_MS;
    for await (const outcomes of this.follow(ids, signal)) {
      if (outcomes.every(isDone)) return outcomes;
      if (performance.now() >= deadline) break;
    }
    throw new AppError('SERVICE_UNAVAILABLE', 'The documents are stored, but not all are searchable yet.', {
      headers: { 'Retry-After': '30' },
    });
  }

  /**
   * How documents stand, now and whenever somebody may have changed that, until all are ready or failed. Those that
   * were deleted are left out.
   * @throws the signal's reason when aborted
   */
  async *follow(ids: readonly string[], signal: AbortSignal): AsyncGenerator<Outcome[]> {
    for (;;) {
      signal.throwIfAborted();
      const wakeUp = new AbortController();
      // listening begins before looking, so that nothing is missed in between
      const changed = Promise.race([
        ...ids.map((id) => once(this.events, id, { signal: wakeUp.signal })),
        once(signal, 'abort', { signal: wakeUp.signal }),
        once(AbortSignal.timeout(POLL_MS), 'abort', { signal: wakeUp.signal }),
      ]).catch(() => undefined);
      try {
        const outcomes = await this.read(ids);
        yield outcomes;
        if (outcomes.every(isDone)) return;
        await changed;
      } finally {
        wakeUp.abort();
      }
    }
  }

  private async read(ids: readonly string[]): Promise<Outcome[]> {
    const rows = await this.database.query<Outcome>(
      `SELECT id, title, status, progress, chunk_count AS chunks, error FROM documents WHERE id = ANY ($1::uuid[])`,
      [ids],
    );
    return ids.flatMap((id) => rows.find((row) => row.id === id) ?? []);
  }
}

function isDone({ status }: Outcome): boolean {
  return status === 'ready' || status === 'failed';
}
