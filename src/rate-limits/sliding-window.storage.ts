import { Injectable } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';

type ThrottlerStorageRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/** Callers that are remembered; above it, those longest unseen are forgotten. */
const MAX_CALLERS = 10_000;

/**
 * Counts requests in this process, exactly: the instants of a caller's admitted requests are kept for one window, so
 * no span of that length ever holds more than the limit. 8 bytes a request, and no timers. A refused request is not
 * counted.
 */
@Injectable()
export class SlidingWindowStorage implements ThrottlerStorage {
  /** Least recently seen first. */
  private readonly callers = new Map<string, number[]>();

  /** @param now the clock, milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {}

  increment(key: string, ttl: number, limit: number): Promise<ThrottlerStorageRecord> {
    const now = this.now();
    const admitted = this.admitted(key);
    let expired = 0;
    while (expired < admitted.length && (admitted[expired] ?? 0) <= now - ttl) expired++;
    if (expired > 0) admitted.splice(0, expired);
    const isBlocked = admitted.length >= limit;
    if (!isBlocked) admitted.push(now);
    // until the oldest one leaves the window, and so makes room
    const wait = secondsUntil((admitted[0] ?? now) + ttl, now);
    return Promise.resolve({
      totalHits: admitted.length,
      timeToExpire: wait,
      isBlocked,
      timeToBlockExpire: isBlocked ? wait : 0,
    });
  }

  private admitted(key: string): number[] {
    const known = this.callers.get(key);
    if (known !== undefined) this.callers.delete(key);
    else if (this.callers.size >= MAX_CALLERS)
      for (const oldest of this.callers.keys()) {
        this.callers.delete(oldest);
        break;
      }
    const admitted = known ?? [];
    this.callers.set(key, admitted);
    return admitted;
  }
}

function secondsUntil(instant: number, now: number): number {
  return Math.max(1, Math.ceil((instant - now) / 1000));
}
