import type { Ledger, LedgerEntry } from '../costs/index.js';
import { sumCosts } from '../costs/index.js';
import type { AttemptReport } from '../llm/index.js';
import { ModelError } from '../common/index.js';
import type { EmbeddingCall } from '../retrieval/index.js';
import type { Usage } from './answer-event.js';

/** The calls to models that one answer takes, until they are recorded. */
export class CallLog {
  private readonly entries: LedgerEntry[] = [];
  private isRecorded = false;
  /** Calls to language models so far. */
  attempts = 0;

  constructor(
    private readonly requestId: string,
    private readonly ledger: Ledger,
  ) {}

  embedded(call: EmbeddingCall): void {
    this.add({
      operation: 'query_embedding',
      model: call.model,
      attempt: 1,
      outcome: call.outcome,
      error: call.outcome === 'failed' ? 'embedding_failed' : null,
      embeddingTokens: call.tokens,
      estimated: call.estimated,
      latencyMs: call.latencyMs,
    });
  }

  attempted(report: AttemptReport): void {
    this.attempts++;
    this.add({
      operation: 'answer',
      model: report.model,
      attempt: this.attempts,
      outcome: report.outcome,
      inputTokens: report.usage?.inputTokens ?? 0,
      outputTokens: report.usage?.outputTokens ?? 0,
      cacheReadTokens: report.usage?.cacheReadTokens ?? 0,
      cacheWriteTokens: report.usage?.cacheWriteTokens ?? 0,
      estimated: report.usage?.estimated ?? false,
      latencyMs: report.durationMs,
      firstTokenMs: report.firstTokenMs ?? null,
      error: report.outcome === 'failed' ? errorKind(report.error) : null,
    });
  }

  get usage(): Usage {
    const sum = (field: keyof Usage): number =>
      this.entries.reduce((total, entry) => total + entry[field], 0);
    return {
      inputTokens: sum('inputTokens'),
      outputTokens: sum('outputTokens'),
      cacheReadTokens: sum('cacheReadTokens'),
      cacheWriteTokens: sum('cacheWriteTokens'),
      embeddingTokens: sum('embeddingTokens'),
    };
  }

  /** Writes all calls to the ledger, once. @returns their cost in US dollars; null when a price is not known */
  async record(): Promise<number | null> {
    if (this.isRecorded || this.entries.length === 0) return 0;
    this.isRecorded = true;
    return sumCosts(await this.ledger.record(this.entries));
  }

  private add(
    entry: Pick<LedgerEntry, 'operation' | 'model' | 'attempt' | 'outcome' | 'estimated' | 'latencyMs'> &
      Partial<LedgerEntry>,
  ): void {
    this.entries.push({
      requestId: this.requestId,
      isRequest: this.entries.length === 0,
      inputTokens: 0,
      outputTokens: 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      embeddingTokens: 0,
      firstTokenMs: null,
      error: null,
      ...entry,
    });
  }
}

function errorKind(error: unknown): string {
  return error instanceof ModelError ? error.kind : 'unexpected';
}
