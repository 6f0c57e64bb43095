import { setTimeout as wait } from 'node:timers/promises';
import { type AttemptReport, type CallTimeouts, runAttempt } from './attempt.js';
import { delayBeforeRetry, ModelError } from '../common/providers/index.js';
import type { GenerationRequest, LanguageModel, ModelEvent } from './language-model.js';
import type { ModelGate } from './model-gate.js';

export interface RetryOptions {
  /** Attempts after the first. */
  maxRetries: number;
  timeouts: CallTimeouts;
  /** When the whole call must be over, on the clock of `performance.now()`. Default: `timeouts.callMs` from now. */
  deadline?: number;
  /** By when the first text must have come, because other models wait to be tried. Default: the deadline. */
  firstTokenBy?: number;
  /** Every attempt passes it. Default: none. */
  gate?: ModelGate | undefined;
  /** Awaited before each attempt; its rejection ends the call. */
  beforeAttempt?: (() => Promise<void>) | undefined;
  /** Called when each attempt is over: a failed one may have been billed too. Must not throw. */
  onAttempt?: ((report: AttemptReport) => void) | undefined;
  /** Source of the jitter, 0..1. For tests. */
  random?: () => number;
  /** Waits, and rejects when aborted. For tests. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/**
 * Streams a model's answer with timeouts and retries. A retry happens only while the caller has seen no text or
 * citation, for an error that is worth one ({@link ModelError.isRetryable}), while the gate is open, and when the wait
 * that the provider asks for fits into the call's time. `usage` events tell of the attempt that they come from; the sum
 * over all attempts is what `onAttempt` reports.
 *
 * @throws ModelError of the last attempt, or of a shut gate; the signal's reason when aborted; what `beforeAttempt` throws
 */
export async function* withRetry(
  model: LanguageModel,
  request: GenerationRequest,
  signal: AbortSignal,
  options: RetryOptions,
): AsyncGenerator<ModelEvent> {
  const {
    timeouts,
    gate,
    onAttempt,
    beforeAttempt,
    random = Math.random,
    sleep = sleepUnlessAborted,
  } = options;
  const deadline =
    options.deadline ?? (timeouts.callMs === 0 ? Infinity : performance.now() + timeouts.callMs);
  const firstTokenBy = Math.min(deadline, options.firstTokenBy ?? Infinity);
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    if (gate === undefined) await beforeAttempt?.();
    // who has waited for half of its time would have too little left of it to be answered
    const pass = await gate?.enter(signal, (firstTokenBy - performance.now()) / 2, beforeAttempt);
    let started = false;
    let failure: unknown;
    try {
      for await (const event of runAttempt(model, request, signal, {
        attempt,
        timeouts,
        deadline,
        firstTokenBy,
        onAttempt,
      })) {
        if (!started && (event.type === 'text' || event.type === 'citation')) {
          started = true;
          pass?.begun();
        }
        yield event;
      }
      pass?.ended();
      return;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      pass?.ended(error);
      failure = error;
    } finally {
      pass?.left();
    }
    if (!(failure instanceof ModelError) || !failure.isRetryable) throw failure;
    if (started || attempt > options.maxRetries || gate?.isShut) throw failure;
    const delay = delayBeforeRetry(failure, attempt, random);
    if (delay === undefined || performance.now() + delay >= firstTokenBy) throw failure;
    await sleep(delay, signal);
  }
}

async function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch (error) {
    // the timer wraps the reason in an AbortError of its own
    signal.throwIfAborted();
    throw error;
  }
}
