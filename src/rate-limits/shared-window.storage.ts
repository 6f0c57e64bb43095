import { randomUUID } from 'node:crypto';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { Counter } from 'prom-client';
import { AppError } from '../common/index.js';
import { type RedisConnection, RedisUnavailableError } from '../redis/index.js';
import type { SlidingWindowStorage } from './sliding-window.storage.js';

type ThrottlerStorageRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/**
 * One decision: forgets what has left the window, counts, and adds the request where there is room. Redis' own clock,
 * so that the replicas' clocks need not agree; one key, so that it runs on a cluster.
 *
 * KEYS: the caller's set, one member an admitted request, by its instant in µs. ARGV: window in µs, limit, member.
 * Returns: whether it is admitted, how many are counted, µs until the oldest of them leaves the window.
 */
const ADMIT = `
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1])
  local count = redis.call('ZCARD', KEYS[1])
  local admitted = 0
  if count < tonumber(ARGV[2]) then
    redis.call('ZADD', KEYS[1], now, ARGV[3])
    redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[1] / 1000))
    count = count + 1
    admitted = 1
  end
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  local left = ARGV[1] + 0
  if oldest[2] then left = oldest[2] + ARGV[1] - now end
  return { admitted, count, left }`;

const failures = new Counter({
  name: 'footnote_limits_redis_failures_total',
  help: 'Requests whose limit could not be looked up in Redis: `local` were limited by this process alone, `refused` got 503.',
  labelNames: ['decision'],
});

/**
 * Counts requests in Redis, for all replicas together, as exactly as {@link SlidingWindowStorage} does in one process: no
 * span of a window's length holds more than the limit. While Redis is gone, each replica limits by itself (`open`), or
 * refuses (`closed`), until it is back.
 */
export class SharedWindowStorage implements ThrottlerStorage {
  constructor(
    private readonly redis: RedisConnection,
    private readonly local: SlidingWindowStorage,
    private readonly onFailure: 'open' | 'closed',
  ) {}

  /** @throws AppError SERVICE_UNAVAILABLE where Redis is gone and nothing may be admitted without it */
  async increment(key: string, ttl: number, limit: number): Promise<ThrottlerStorageRecord> {
    try {
      return await this.shared(key, ttl, limit);
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      failures.inc({ decision: this.onFailure === 'open' ? 'local' : 'refused' });
      if (this.onFailure === 'open') return this.local.increment(key, ttl, limit);
      throw new AppError('SERVICE_UNAVAILABLE', 'Limits cannot be looked up now. Try again in a moment.', {
        headers: { 'Retry-After': '5' },
      });
    }
  }

  private async shared(key: string, ttl: number, limit: number): Promise<ThrottlerStorageRecord> {
    const options = {
      keys: [`footnote:limit:{${key}}`],
      arguments: [String(ttl * 1000), String(limit), randomUUID()],
    };
    const reply = (await this.redis.run((client) => client.eval(ADMIT, options))) as [number, number, number];
    const [admitted, count, leftUs] = reply;
    const isBlocked = admitted === 0;
    const wait = Math.max(1, Math.ceil(leftUs / 1_000_000));
    return { totalHits: count, timeToExpire: wait, isBlocked, timeToBlockExpire: isBlocked ? wait : 0 };
  }
}
