import type { ModelError } from './model-error.js';

const BASE_MS = 500;
const CAP_MS = 8_000;
/** A provider that asks for more patience than a caller has: better to fail over, or to fail, now. */
const LONGEST_WAIT_MS = 60_000;

/**
 * How long to wait before the next attempt, or undefined when it is not worth waiting. The provider's own word wins;
 * without one, exponential backoff with full jitter, which spreads the retries of many callers best (Brooker,
 * "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param attempt the number of attempts made so far, from 1
 * @param random in 0..1
 */
export function delayBeforeRetry(
  error: ModelError,
  attempt: number,
  random: () => number,
): number | undefined {
  const { retryAfterMs } = error;
  if (retryAfterMs !== undefined) return retryAfterMs <= LONGEST_WAIT_MS ? retryAfterMs : undefined;
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** (attempt - 1));
}
