import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../database/index.js';
import { countCall } from './cost-metrics.js';
import { type PricedUsage, PriceList } from './pricing.js';

export type Operation = 'answer' | 'query_embedding' | 'document_embedding';

/** One call to a model, as it is recorded. Nothing of what was asked or said is in it. */
export interface LedgerEntry {
  /** The ask, search or document that the call served. */
  requestId: string;
  /** True for exactly one entry of each ask and each search: it is what counts as a request. */
  isRequest: boolean;
  operation: Operation;
  /** `provider/model`. */
  model: string;
  /** 1 for the first try. */
  attempt: number;
  outcome: 'ok' | 'failed' | 'aborted';
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  embeddingTokens: number;
  /** True when the tokens were counted here, because the provider did not say. */
  estimated: boolean;
  latencyMs: number;
  firstTokenMs: number | null;
  /** The kind of error of a failed call. */
  error: string | null;
}

interface Waiting {
  entries: readonly (LedgerEntry & { costUsd: string | null })[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

const INSERT = `
  INSERT INTO llm_calls (id, request_id, is_request, operation, model, attempt, outcome, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, embedding_tokens, estimated, cost_usd, latency_ms, first_token_ms, error)
  SELECT id, "requestId", "isRequest", operation, model, attempt, outcome, "inputTokens", "outputTokens",
    "cacheReadTokens", "cacheWriteTokens", "embeddingTokens", estimated, "costUsd", "latencyMs", "firstTokenMs", error
  FROM jsonb_to_recordset($1::jsonb) AS entry (id uuid, "requestId" text, "isRequest" boolean, operation text, model text,
    attempt smallint, outcome text, "inputTokens" integer, "outputTokens" integer, "cacheReadTokens" integer,
    "cacheWriteTokens" integer, "embeddingTokens" integer, estimated boolean, "costUsd" numeric, "latencyMs" real,
    "firstTokenMs" real, error text)
  ON CONFLICT (id) DO NOTHING`;
const WRITE_ATTEMPTS = 3;
const RETRY_DELAY_MS = 100;

/** The append-only record of every call that may have cost something. */
@Injectable()
export class Ledger {
  private readonly logger = new Logger('Ledger');
  private queue: Waiting[] = [];
  private isWriting = false;

  constructor(
    private readonly database: Database,
    private readonly prices: PriceList,
  ) {}

  /**
   * Records calls; resolves when they are committed. Calls that end while a write is under way are written together
   * next, so that the rate of answers is not bounded by that of commits.
   * @returns the cost of each call in US dollars as a decimal, `null` where the model's price is not known
   */
  async record(entries: readonly LedgerEntry[]): Promise<(string | null)[]> {
    const priced = entries.map((entry) => {
      const counts = wholeCounts(entry);
      return {
        ...entry,
        ...counts,
        // made here, so that a write that is tried again after its answer was lost counts once
        id: randomUUID(),
        costUsd: this.prices.cost(entry.model, pricedUsage(counts)),
      };
    });
    await new Promise<void>((resolve, reject) => {
      this.queue.push({ entries: priced, resolve, reject });
      if (!this.isWriting) void this.writeAll();
    });
    for (const entry of priced) countCall(entry);
    return priced.map(({ costUsd }) => costUsd);
  }

  private async writeAll(): Promise<void> {
    this.isWriting = true;
    while (this.queue.length > 0) {
      const batch = this.queue;
      this.queue = [];
      try {
        await this.write(batch.flatMap(({ entries }) => entries));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { entries, reject } of batch) {
          // the bill must be reconstructable even without the database
          this.logger.error({ err: error, entries }, 'Ledger entries could not be written');
          reject(error);
        }
      }
    }
    this.isWriting = false;
  }

  private async write(entries: readonly unknown[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.database.query(INSERT, [JSON.stringify(entries)]);
        return;
      } catch (error) {
        if (attempt === WRITE_ATTEMPTS) throw error;
        await sleep(RETRY_DELAY_MS * attempt);
      }
    }
  }
}

const COUNTS = [
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'embeddingTokens',
] as const;
type TokenCounts = Pick<LedgerEntry, (typeof COUNTS)[number]>;
const LARGEST_COUNT = 2 ** 31 - 1;

/** Counts as the ledger can hold them: a server that sends nonsense must not keep other calls from being written. */
function wholeCounts(entry: LedgerEntry): TokenCounts {
  const whole = (count: number): number =>
    Number.isFinite(count) ? Math.min(Math.max(Math.round(count), 0), LARGEST_COUNT) : 0;
  const [inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, embeddingTokens] = COUNTS.map((name) =>
    whole(entry[name]),
  ) as [number, number, number, number, number];
  return { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, embeddingTokens };
}

/** Embedding tokens are priced as a model's input. */
function pricedUsage(counts: TokenCounts): PricedUsage {
  return { ...counts, inputTokens: counts.inputTokens + counts.embeddingTokens };
}

/** Sums decimals exactly, in trillionths of a dollar; `null` when one of them is not known. */
export function sumCosts(costs: readonly (string | null)[]): number | null {
  let sum = 0n;
  for (const cost of costs) {
    if (cost === null) return null;
    sum += BigInt(cost.replace('.', ''));
  }
  return Number(sum) / 1e12;
}
