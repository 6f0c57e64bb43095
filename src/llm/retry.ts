import { setTimeout as wait } from 'node:timers/promises';
import { type AttemptReport, type CallTimeouts, runAttempt } from './attempt.js';
import { delayBeforeRetry, ModelError } from '../common/providers/index.js';
import type { GenerationRequest, LanguageModel, ModelEvent } from './language-model.js';

export interface RetryOptions {
  /** Attempts after the first. */
  maxRetries: number;
  timeouts: CallTimeouts;
  /** Called when each attempt is over: a failed one may have been billed too. Must not throw. */
  onAttempt?: (report: AttemptReport) => void;
  /** Source of the jitter, 0..1. For tests. */
  random?: () => number;
  /** Waits, and rejects when aborted. For tests. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/**
 * Streams a model's answer with timeouts and retries. A retry happens only while the caller has seen no text or
 * citation, for an error that is worth one ({@link ModelError.isRetryable}), and when the wait that the provider asks
 * for fits into the call's time. `usage` events tell of the attempt that they come from; the sum over all attempts is
 * what `onAttempt` reports.
 *
 * @throws ModelError of the last attempt; the signal's reason when aborted
 */
export async function* withRetry(
  model: LanguageModel,
  request: GenerationRequest,
  signal: AbortSignal,
  options: RetryOptions,
): AsyncGenerator<ModelEvent> {
  const { timeouts, onAttempt, random = Math.random, sleep = sleepUnlessAborted } = options;
  const deadline = timeouts.callMs === 0 ? Infinity : performance.now() + timeouts.callMs;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    let started = false;
    try {
      for await (const event of runAttempt(model, request, signal, {
        attempt,
        timeouts,
        deadline,
        onAttempt,
      })) {
        started ||= event.type === 'text' || event.type === 'citation';
        yield event;
      }
      return;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const retryable = error instanceof ModelError && error.isRetryable;
      if (started || !retryable || attempt > options.maxRetries) throw error;
      const delay = delayBeforeRetry(error, attempt, random);
      if (delay === undefined || performance.now() + delay >= deadline) throw error;
      await sleep(delay, signal);
    }
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
