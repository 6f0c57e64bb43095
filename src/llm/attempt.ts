import type { GenerationRequest, LanguageModel, ModelEvent, TokenUsage } from './language-model.js';
import { ModelError } from '../common/providers/index.js';
import { usageSoFar } from './usage.js';
import { Watchdog } from './watchdog.js';

/** Limits in milliseconds; 0 = none. */
export interface CallTimeouts {
  /** The whole call, its retries and the waits between them included. */
  callMs: number;
  /** From the start of an attempt to its first text or citation. */
  firstTokenMs: number;
  /** Between two events after that. The time that the reader takes is not counted. */
  stallMs: number;
}

/** What one attempt came to: everything that a ledger needs. */
export interface AttemptReport {
  /** The model's id. */
  model: string;
  /** From 1. */
  attempt: number;
  /** `cut`: it failed after its first text. `aborted`: the caller stopped, by its signal or by leaving the loop. */
  outcome: 'ok' | 'failed' | 'cut' | 'aborted';
  /**
   * What the provider billed: exact when the attempt finished, else its last count (or the prompt's, counted here) with
   * the output counted from the text received. Absent when the provider never accepted the request.
   */
  usage: TokenUsage | undefined;
  /** The text received, markers removed. */
  outputText: string;
  error: unknown;
  startedAt: Date;
  durationMs: number;
  /** From the start to the first text; absent when there was none. */
  firstTokenMs: number | undefined;
}

/**
 * An attempt as the ledger takes it down.
 * @param attempt its number among the attempts of the same purpose, at whatever models
 */
export function callOf(report: AttemptReport, attempt: number) {
  const { model, outcome, usage, durationMs, firstTokenMs, error } = report;
  return {
    model,
    attempt,
    outcome,
    inputTokens: usage?.inputTokens,
    outputTokens: usage?.outputTokens,
    cacheReadTokens: usage?.cacheReadTokens,
    cacheWriteTokens: usage?.cacheWriteTokens,
    estimated: usage?.estimated ?? false,
    latencyMs: durationMs,
    firstTokenMs: firstTokenMs ?? null,
    error: error === undefined ? null : error instanceof ModelError ? error.kind : 'unexpected',
  };
}

export interface AttemptOptions {
  attempt: number;
  timeouts: CallTimeouts;
  /** When the whole call must be over, on the clock of `performance.now()`. */
  deadline: number;
  /** By when the first text must have come, on the same clock: other models wait to be tried. Default: the deadline. */
  firstTokenBy?: number | undefined;
  /** Called once, when the attempt is over in whatever way. Must not throw. */
  onAttempt?: (report: AttemptReport) => void;
}

/**
 * One attempt at a call: passes the model's events on, under timeouts, and reports what it came to. However it ends, the
 * upstream is stopped and no listener or timer stays behind.
 */
export async function* runAttempt(
  model: LanguageModel,
  request: GenerationRequest,
  signal: AbortSignal,
  options: AttemptOptions,
): AsyncGenerator<ModelEvent> {
  const record = new AttemptRecord(model, request, options.attempt);
  const watchdog = new Watchdog(signal);
  const events = model.stream(request, watchdog.signal)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const limit = nextLimit(record, options);
      const next = await watchdog.race(events.next(), Math.min(limit.own, limit.whole), () =>
        timeoutError(model.id, record, options, limit),
      );
      if (next.done) break;
      record.take(next.value);
      yield next.value;
    }
    record.outcome = 'ok';
  } catch (error) {
    // what the abort made of the call is not its failure
    if (signal.aborted) throw signal.reason;
    // nothing was to come but the end of the connection
    if (record.isFinished) {
      record.outcome = 'ok';
      return;
    }
    record.outcome = record.firstTokenMs === undefined ? 'failed' : 'cut';
    record.error = error;
    throw error;
  } finally {
    watchdog.close(record.outcome === 'ok');
    // not awaited: a model that hangs in its clean-up must not hold the caller
    events.return?.().then(undefined, () => undefined);
    options.onAttempt?.(record.report());
  }
}

/** Share of the time until the first token after which silence is the model's fault. */
const SHARE_TO_BLAME = 0.5;
/** How long the connection may take to end after the answer has: reading on lets it be used again. */
const END_MS = 500;

interface Limit {
  /** When the next event is late, and when the whole call is, on the clock of `performance.now()`. */
  own: number;
  whole: number;
}

/** The timeouts that the next event is up against. */
function nextLimit(
  record: AttemptRecord,
  { timeouts, deadline, firstTokenBy = Infinity }: AttemptOptions,
): Limit {
  const waiting = record.firstTokenMs === undefined;
  if (record.isFinished) return { own: performance.now() + END_MS, whole: deadline };
  const own = waiting
    ? Math.min(record.started + unlimited(timeouts.firstTokenMs), firstTokenBy)
    : performance.now() + unlimited(timeouts.stallMs);
  return { own, whole: deadline };
}

function timeoutError(
  model: string,
  record: AttemptRecord,
  { timeouts }: AttemptOptions,
  { own, whole }: Limit,
): ModelError {
  const ownFirst = own < whole;
  const ownWhat =
    record.firstTokenMs === undefined
      ? `sent no text for ${Math.round(Math.min(own - record.started, timeouts.firstTokenMs || Infinity))} ms`
      : `stalled for ${timeouts.stallMs} ms`;
  return new ModelError(`${model} ${ownFirst ? ownWhat : `took longer than ${timeouts.callMs} ms`}`, {
    kind: 'timeout',
    provider: model.split('/', 1).join(),
    // when the whole call's time is up, there is none left to retry in
    shouldRetry: ownFirst,
    // whoever had less than half of its time to begin has not shown that it cannot
    isProviderFault:
      record.firstTokenMs === undefined
        ? performance.now() - record.started >= timeouts.firstTokenMs * SHARE_TO_BLAME
        : ownFirst,
  });
}

function unlimited(ms: number): number {
  return ms === 0 ? Infinity : ms;
}

class AttemptRecord {
  readonly started = performance.now();
  readonly #startedAt = new Date();
  outcome: AttemptReport['outcome'] = 'aborted';
  error: unknown;
  firstTokenMs: number | undefined;
  #usage: TokenUsage | undefined;
  #text = '';
  isFinished = false;

  constructor(
    private readonly model: LanguageModel,
    private readonly request: GenerationRequest,
    private readonly attempt: number,
  ) {}

  take(event: ModelEvent): void {
    if (event.type === 'usage') this.#usage = event.usage;
    else if (event.type === 'finish') this.isFinished = true;
    else {
      this.firstTokenMs ??= performance.now() - this.started;
      if (event.type === 'text') this.#text += event.text;
    }
  }

  report(): AttemptReport {
    return {
      model: this.model.id,
      attempt: this.attempt,
      // a reader that leaves once it has the last event has had the whole answer
      outcome: this.outcome === 'aborted' && this.isFinished ? 'ok' : this.outcome,
      usage: this.#billed(),
      outputText: this.#text,
      error: this.error,
      startedAt: this.#startedAt,
      durationMs: performance.now() - this.started,
      firstTokenMs: this.firstTokenMs,
    };
  }

  #billed(): TokenUsage | undefined {
    if (!this.model.isMetered || (this.isFinished && this.#usage !== undefined)) return this.#usage;
    return usageSoFar(this.#usage, this.request, this.#text);
  }
}
