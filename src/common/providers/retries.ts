import { setTimeout as sleep } from 'node:timers/promises';
import { delayBeforeRetry } from './backoff.js';
import { ModelError } from './model-error.js';

export interface RetryLimits {
  /** Attempts beyond the first. */
  maxRetries: number;
  /** When no further one may begin, on the clock of `performance.now()`. */
  deadline: number;
  signal: AbortSignal;
}

/**
 * Makes a call that answers at once or not at all, again after a failure that may pass, with backoff.
 * @param attempt makes it; its number is counted from 1
 * @throws what the last attempt throws; the signal's reason when aborted while waiting
 */
export async function withRetries<T>(
  attempt: (number: number) => Promise<T>,
  { maxRetries, deadline, signal }: RetryLimits,
): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt(number);
    } catch (error) {
      if (!(error instanceof ModelError) || !error.isRetryable || number > maxRetries) throw error;
      const delay = delayBeforeRetry(error, number, Math.random);
      if (delay === undefined || performance.now() + delay >= deadline) throw error;
      await sleep(delay, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
