import { randomUUID } from 'node:crypto';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { Counter, register } from 'prom-client';
import { AppError } from '../common/index.js';
import type { AppConfig } from '../config/index.js';
import { type RedisConnection, RedisUnavailableError } from '../redis/index.js';
import type { Bucket, HoldVerdict, LimitStore, Verdict } from './limit-store.js';
import { MemoryLimits } from './memory-limits.js';
import { LEASE_MS, RedisLimits } from './redis-limits.js';

export const WINDOW_MS = 60_000;
const RENEWAL_MS = LEASE_MS / 3;
const MOST_UNRELEASED = 10_000;
const TELL_INTERVAL_MS = 10_000;

const failures = new Counter({
  name: 'footnote_limits_redis_failures_total',
  help: 'Decisions about limits that Redis could not be asked for: `local` were made by this process alone, `refused` were 503.',
  labelNames: ['decision'],
  registers: [register],
});

/** A request that is in flight, and where it is counted. */
interface InFlight {
  buckets: readonly Bucket[];
  store: LimitStore;
}

/**
 * Decides about requests and tokens: in Redis, for all replicas together, where there is one; else in this process. While
 * Redis is gone, or refuses to write (a replica after a failover, one that is out of memory), each replica decides by
 * itself (`open`), or refuses (`closed`), until it is back.
 */
export class Limits implements ThrottlerStorage, OnApplicationShutdown {
  private readonly logger = new Logger('Limits');
  private readonly local = new MemoryLimits(WINDOW_MS);
  private readonly shared: RedisLimits | undefined;
  private readonly inFlight = new Map<string, InFlight>();
  /** Where each piece of work holds its tokens. */
  private readonly holders = new Map<string, LimitStore>();
  /** Over, or not admitted there, but perhaps in flight to Redis, which could not be told so. */
  private readonly unreleased = new Map<string, InFlight>();
  private renewal: NodeJS.Timeout | undefined;
  private toldAt = -TELL_INTERVAL_MS;

  constructor(
    private readonly config: AppConfig,
    redis: RedisConnection,
  ) {
    this.shared = redis.isConfigured ? new RedisLimits(redis, WINDOW_MS) : undefined;
  }

  /** What the limits of `@nestjs/throttler` would ask for; the guard asks for all limits at once with {@link admit}. */
  async increment(key: string, _ttl: number, limit: number) {
    const bucket = { key, limits: { rpm: limit, tpm: 0, concurrency: 0 } };
    const { isAdmitted, uses } = await this.admit(randomUUID(), [bucket]);
    const { used = 0, waitMs = WINDOW_MS } = uses[0]?.requests ?? {};
    const wait = Math.max(1, Math.ceil(waitMs / 1000));
    return {
      totalHits: used,
      timeToExpire: wait,
      isBlocked: !isAdmitted,
      timeToBlockExpire: isAdmitted ? 0 : wait,
    };
  }

  /**
   * Lets a request in where no limit is reached; it is in flight then until it is released.
   * @throws AppError SERVICE_UNAVAILABLE where Redis is gone and nothing may be admitted without it
   */
  async admit(id: string, buckets: readonly Bucket[]): Promise<Verdict> {
    const isCounted = buckets.some(({ limits }) => limits.concurrency > 0);
    const { result, store } = await this.decide(
      (store) => store.admit(id, buckets),
      // it may be in flight there all the same
      (store) => void (isCounted && this.releaseLater(id, { buckets, store })),
    );
    if (result.isAdmitted && isCounted) {
      this.inFlight.set(id, { buckets, store });
      if (store === this.shared) this.startRenewal();
    }
    return result;
  }

  /** The request is over. Never rejects: a lease that cannot be given back runs out. */
  async release(id: string): Promise<void> {
    const flight = this.inFlight.get(id);
    if (flight === undefined) return;
    this.inFlight.delete(id);
    const isReleased = await this.attempt(() => flight.store.release(id, flight.buckets));
    if (!isReleased && flight.store === this.shared) this.releaseLater(id, flight);
  }

  /** Makes a piece of work hold tokens, in place of what it held. @throws AppError SERVICE_UNAVAILABLE as `admit` */
  async hold(work: string, tokens: number, buckets: readonly Bucket[]): Promise<HoldVerdict> {
    const { result, store } = await this.decide((store) => store.hold(work, tokens, buckets));
    if (result.isHeld) this.holders.set(work, store);
    return result;
  }

  /** Counts what it has used. Never rejects: what is held and cannot be corrected leaves the window after a minute. */
  async settle(work: string, tokens: number, buckets: readonly Bucket[]): Promise<void> {
    const store = this.holders.get(work);
    if (store === undefined) return;
    this.holders.delete(work);
    await this.attempt(() => store.settle(work, tokens, buckets));
  }

  onApplicationShutdown(): void {
    clearInterval(this.renewal);
  }

  /** @param onUnknown called where it is not known whether Redis has decided all the same */
  private async decide<T>(
    ask: (store: LimitStore) => Promise<T>,
    onUnknown: (store: LimitStore) => void = () => undefined,
  ): Promise<{ result: T; store: LimitStore }> {
    const { shared, local } = this;
    if (shared === undefined) return { result: await ask(local), store: local };
    try {
      return { result: await ask(shared), store: shared };
    } catch (error) {
      this.tell(error);
      onUnknown(shared);
      const isOpen = this.config.rateLimits.onRedisFailure === 'open';
      failures.inc({ decision: isOpen ? 'local' : 'refused' });
      if (isOpen) return { result: await ask(local), store: local };
      throw new AppError('SERVICE_UNAVAILABLE', 'Limits cannot be looked up now. Try again in a moment.', {
        headers: { 'Retry-After': '5' },
      });
    }
  }

  private releaseLater(id: string, flight: InFlight): void {
    const { unreleased } = this;
    // the oldest one's lease is the first to run out
    const [oldest] = unreleased.keys();
    if (oldest !== undefined && unreleased.size >= MOST_UNRELEASED) unreleased.delete(oldest);
    unreleased.set(id, flight);
    this.startRenewal();
  }

  private startRenewal(): void {
    this.renewal ??= setInterval(() => void this.renew(), RENEWAL_MS).unref();
  }

  private async attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.tell(error);
      return false;
    }
  }

  /** Of what Redis refuses, such as while it is loading, full or only a replica; that it is gone is told elsewhere. */
  private tell(error: unknown): void {
    if (error instanceof RedisUnavailableError) return;
    const now = performance.now();
    if (now - this.toldAt < TELL_INTERVAL_MS) return;
    this.toldAt = now;
    this.logger.warn({ err: error }, 'Redis could not be asked about limits');
  }

  private async renew(): Promise<void> {
    const shared = [...this.inFlight]
      .filter(([, { store }]) => store === this.shared)
      .map(([id, { buckets }]) => ({ id, buckets }));
    const { unreleased } = this;
    if (shared.length > 0) await this.attempt(async () => this.shared?.renew(shared));
    for (const [id, { store, buckets }] of unreleased) {
      if (!(await this.attempt(() => store.release(id, buckets)))) break;
      unreleased.delete(id);
    }
    // as it is now: others may have come meanwhile
    const isInUse = [...this.inFlight.values()].some(({ store }) => store === this.shared);
    if (!isInUse && unreleased.size === 0) {
      clearInterval(this.renewal);
      this.renewal = undefined;
    }
  }
}
