import { Injectable } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';

type ThrottlerStorageRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/** Callers that are remembered; above it, those longest unseen are forgotten. */
const MAX_CALLERS = 10_000;

/**
 * Counts requests in this process, exactly: the instants of a caller's admitted requests are kept for one window, so
 * no span of that length ever holds more than the limit. 8 to 16 bytes a request, and no timers. A refused request is not
 * counted.
 */
@Injectable()
export class SlidingWindowStorage implements ThrottlerStorage {
  /** Least recently seen first. */
  private readonly callers = new Map<string, Admitted>();

  /** @param now the clock, milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {}

  increment(key: string, ttl: number, limit: number): Promise<ThrottlerStorageRecord> {
    const now = this.now();
    const admitted = this.admitted(key);
    admitted.forget(now - ttl);
    const isBlocked = admitted.count >= limit;
    if (!isBlocked) admitted.add(now);
    // until the oldest one leaves the window, and so makes room
    const wait = secondsUntil((admitted.oldest ?? now) + ttl, now);
    return Promise.resolve({
      totalHits: admitted.count,
      timeToExpire: wait,
      isBlocked,
      timeToBlockExpire: isBlocked ? wait : 0,
    });
  }

  private admitted(key: string): Admitted {
    const known = this.callers.get(key);
    if (known !== undefined) this.callers.delete(key);
    else if (this.callers.size >= MAX_CALLERS)
      for (const oldest of this.callers.keys()) {
        this.callers.delete(oldest);
        break;
      }
    const admitted = known ?? new Admitted();
    this.callers.set(key, admitted);
    return admitted;
  }
}

/** Instants in order. Those that left the window are cut off in bulk: a cut a request would move all the others. */
class Admitted {
  private instants: number[] = [];
  private first = 0;

  get count(): number {
    return this.instants.length - this.first;
  }

  get oldest(): number | undefined {
    return this.instants[this.first];
  }

  add(instant: number): void {
    this.instants.push(instant);
  }

  /** Forgets what was at or before an instant. */
  forget(until: number): void {
    while (this.first < this.instants.length && (this.instants[this.first] ?? 0) <= until) this.first++;
    if (this.first * 2 > this.instants.length) {
      this.instants = this.instants.slice(this.first);
      this.first = 0;
    }
  }
}

function secondsUntil(instant: number, now: number): number {
  // the clock's fractions leave a trace in the difference, which must not make a second of its own
  return Math.max(1, Math.ceil(Number((instant - now).toFixed(3)) / 1000));
}
