import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { Database, isDataError } from '../database/index.js';
import type { BudgetCharge } from './budget.js';
import { countCall } from './cost-metrics.js';

export type Operation =
  'answer' | 'judge' | 'condense' | 'multi_query' | 'rerank' | 'query_embedding' | 'document_embedding';

/** One call to a model, as it is recorded. Nothing of what was asked or said is in it. */
export interface LedgerEntry {
  /** Its own; a call that is written twice under one id counts once. */
  id: string;
  /** ISO 8601: when it was admitted to its budgets. Absent: when it is written. */
  createdAt?: string | undefined;
  /** The ask, search or document that the call served. */
  requestId: string;
  /** Whose call it was: a key's id, `admin`, `anonymous` or `jwt:<subject>`; null: the service's own. */
  keyId: string | null;
  /** True for exactly one entry of each ask and each search: it is what counts as a request. */
  isRequest: boolean;
  operation: Operation;
  /** `provider/model`. */
  model: string;
  /** 1 for the first try. */
  attempt: number;
  /** `cut`: it failed after its first token. */
  outcome: 'ok' | 'failed' | 'cut' | 'aborted';
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  embeddingTokens: number;
  /** True when the tokens were counted here, because the provider did not say. */
  estimated: boolean;
  /** US dollars as a decimal; null: the model's price is not known. */
  costUsd: string | null;
  latencyMs: number;
  firstTokenMs: number | null;
  /** The kind of error of a failed call. */
  error: string | null;
}

/** What is written in one transaction: a request's calls, and the reservation that ends with them. */
interface Page {
  entries: readonly LedgerEntry[];
  reservation: string | undefined;
}

interface Waiting extends Page {
  resolve: (charges: BudgetCharge[]) => void;
  reject: (error: unknown) => void;
}

const RECORD = `
  SELECT scope, period, to_char(starts_on, 'YYYY-MM-DD') AS "startsOn", added_usd::text AS "addedUsd",
         spent_usd::text AS "spentUsd"
  FROM record_calls($1::jsonb, $2::uuid[])`;
const WRITE_ATTEMPTS = 3;
const RETRY_DELAY_MS = 100;
/** Pages that could not be written are tried again this often … */
const BACKLOG_INTERVAL_MS = 5_000;
/** … as long as there are no more than these; each is a few hundred bytes. */
const LONGEST_BACKLOG = 10_000;

/** The append-only record of every call that may have cost something. */
@Injectable()
export class Ledger {
  private readonly logger = new Logger('Ledger');
  private queue: Waiting[] = [];
  private backlog: Page[] = [];
  private backlogTimer: NodeJS.Timeout | undefined;
  private isWriting = false;

  constructor(private readonly database: Database) {}

  /**
   * Records calls and ends their reservation; resolves when that is committed. What comes while a write is under way is
   * written together next, so that the rate of answers is not bounded by that of commits.
   * @returns the budgets that this write has charged, perhaps with other requests' calls beside these
   * @throws the database's error; the calls are then kept, and written when the database is back
   */
  async record(entries: readonly LedgerEntry[], reservation?: string): Promise<BudgetCharge[]> {
    const charges = await new Promise<BudgetCharge[]>((resolve, reject) => {
      this.queue.push({ entries, reservation, resolve, reject });
      if (!this.isWriting) void this.writeAll();
    });
    for (const entry of entries) countCall(entry);
    return charges;
  }

  /** Writes what could not be written before, once more. For a service that stops, before its database closes. */
  async flush(): Promise<void> {
    clearTimeout(this.backlogTimer);
    this.backlogTimer = undefined;
    if (this.backlog.length > 0) await this.writeBacklog();
  }

  private async writeAll(): Promise<void> {
    this.isWriting = true;
    while (this.queue.length > 0) {
      const batch = this.queue;
      this.queue = [];
      try {
        const charges = await this.write(batch);
        // told once: who is told acts on it
        for (const [index, { resolve }] of batch.entries()) resolve(index === 0 ? charges : []);
        // the database is back
        if (this.backlog.length > 0) await this.flush();
      } catch (error) {
        // one request's bad value must not keep the others' rows from being written
        if (batch.length > 1 && isDataError(error)) await this.writeEach(batch);
        else {
          this.keep(batch, error);
          for (const { reject } of batch) reject(error);
        }
      }
    }
    this.isWriting = false;
  }

  private async writeEach(batch: readonly Waiting[]): Promise<void> {
    for (const page of batch)
      await this.write([page]).then(page.resolve, (error: unknown) => {
        this.keep([page], error);
        page.reject(error);
      });
  }

  private async write(pages: readonly Page[]): Promise<BudgetCharge[]> {
    const entries = JSON.stringify(pages.flatMap((page) => page.entries));
    const reservations = pages.flatMap(({ reservation }) => reservation ?? []);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.database.query<BudgetCharge & Record<string, unknown>>(RECORD, [
          entries,
          reservations,
        ]);
      } catch (error) {
        if (attempt === WRITE_ATTEMPTS) throw error;
        await sleep(RETRY_DELAY_MS * attempt);
      }
    }
  }

  /** The bill must be complete, or at least reconstructable, even when the database fails. */
  private keep(pages: readonly Page[], error: unknown): void {
    const kept = isDataError(error) ? [] : pages.slice(0, LONGEST_BACKLOG - this.backlog.length);
    this.backlog.push(...kept.map(({ entries, reservation }) => ({ entries, reservation })));
    this.logger.error(
      { err: error, entries: pages.flatMap((page) => page.entries), kept: kept.length > 0 },
      'Ledger entries could not be written',
    );
    if (this.backlog.length > 0)
      this.backlogTimer ??= setTimeout(() => void this.flush(), BACKLOG_INTERVAL_MS).unref();
  }

  private async writeBacklog(): Promise<void> {
    const pages = this.backlog;
    this.backlog = [];
    try {
      await this.write(pages);
      for (const entry of pages.flatMap((page) => page.entries)) countCall(entry);
      this.logger.log(`Ledger entries written that had failed before: ${pages.length}`);
    } catch (error) {
      this.keep(pages, error);
    }
  }
}
