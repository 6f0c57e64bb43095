import { setTimeout as wait } from 'node:timers/promises';
import { StopError } from '../errors.js';

/** Without progress for this long, waiting is given up. */
const LONGEST_MS = 3_600_000;
/** For a service that asks to wait and does not say how long. */
const DEFAULT_WAIT_MS = 5_000;
const SHORTEST_WAIT_MS = 1_000;

/** Waits where the service asks for it: all senders together, and not for ever. */
export class Patience {
  #until = 0;
  #reason = '';
  #lastProgress: number;

  /** @param now the clock, milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {
    this.#lastProgress = now();
  }

  /** How long the service has still asked to wait, in ms. */
  get leftMs(): number {
    return Math.max(0, this.#until - this.now());
  }

  /** Something got on. */
  progressed(): void {
    this.#lastProgress = this.now();
  }

  /**
   * The service has asked to wait.
   * @param retryAfter its `Retry-After` field: seconds, or a date (RFC 9110, 10.2.3)
   */
  asked(retryAfter: string | null, reason: string): void {
    this.#until = Math.max(this.#until, this.now() + Math.max(SHORTEST_WAIT_MS, millisecondsOf(retryAfter)));
    this.#reason = reason;
  }

  /**
   * Waits as long as the service has asked to.
   * @throws StopError once nothing has got on for an hour; the signal's reason when aborted
   */
  async wait(signal: AbortSignal): Promise<void> {
    for (;;) {
      this.check();
      const left = this.leftMs;
      if (left === 0) return;
      await wait(left, undefined, { signal });
    }
  }

  /** @throws StopError when nothing has got on for an hour, or will not have when the service is ready again */
  check(): void {
    if (Math.max(this.now(), this.#until) - this.#lastProgress > LONGEST_MS)
      throw new StopError(`Nothing has got on for an hour. ${this.#reason}`.trim());
  }
}

function millisecondsOf(retryAfter: string | null): number {
  const value = retryAfter?.trim() ?? '';
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? DEFAULT_WAIT_MS : date - Date.now();
}
