import { ErrorReply } from '@redis/client';
import type { RedisClient, RedisConnection } from '../redis/index.js';
import type { Bucket, BucketUse, HoldVerdict, LimitStore, Use, Verdict } from './limit-store.js';
import { ADMIT, HOLD, RENEW, type Script } from './redis-scripts.js';

/** A request that is in flight keeps its place for so long after its process was last heard of. */
export const LEASE_MS = 30_000;
/** Leases of one renewal. */
const MOST_RENEWED = 500;

/**
 * Counts in Redis, for all replicas together: one script a decision, by Redis' own clock, so that the replicas' clocks
 * need not agree. All keys have one hash tag, so that a decision about a caller and about all callers is one on a cluster
 * too. Every method rejects with RedisUnavailableError while Redis is gone.
 */
export class RedisLimits implements LimitStore {
  /** @param windowMs length of a window */
  constructor(
    private readonly redis: RedisConnection,
    private readonly windowMs: number,
  ) {}

  async admit(id: string, buckets: readonly Bucket[]): Promise<Verdict> {
    const keys = buckets.flatMap(({ key }) => [
      keyOf('requests', key),
      keyOf('flight', key),
      keyOf('tokens', key),
      keyOf('weights', key),
    ]);
    const limits = buckets.flatMap(({ limits: { rpm, concurrency, tpm } }) => [rpm, concurrency, tpm]);
    const [admitted, ...numbers] = await this.run(ADMIT, keys, [
      this.windowMs * 1000,
      id,
      LEASE_MS * 1000,
      ...limits,
    ]);
    return { isAdmitted: admitted === 1, uses: buckets.map((_, index) => useOf(numbers.slice(index * 6))) };
  }

  async release(id: string, buckets: readonly Bucket[]): Promise<void> {
    const bounded = buckets.filter(({ limits }) => limits.concurrency > 0);
    await this.redis.run((client) =>
      Promise.all(bounded.map(({ key }) => client.zRem(keyOf('flight', key), id))),
    );
  }

  /** Renews the leases of requests that are in flight. */
  async renew(inFlight: readonly { id: string; buckets: readonly Bucket[] }[]): Promise<void> {
    const places = inFlight.flatMap(({ id, buckets }) =>
      buckets
        .filter(({ limits }) => limits.concurrency > 0)
        .map(({ key }) => ({ id, key: keyOf('flight', key) })),
    );
    for (let start = 0; start < places.length; start += MOST_RENEWED) {
      const some = places.slice(start, start + MOST_RENEWED);
      await this.run(
        RENEW,
        some.map(({ key }) => key),
        [LEASE_MS * 1000, ...some.map(({ id }) => id)],
      );
    }
  }

  async hold(work: string, tokens: number, buckets: readonly Bucket[]): Promise<HoldVerdict> {
    const [held, ...waits] = await this.weigh(work, tokens, buckets, 0);
    return { isHeld: held === 1, waitMs: waits.map((wait) => wait / 1000) };
  }

  async settle(work: string, tokens: number, buckets: readonly Bucket[]): Promise<void> {
    await this.weigh(work, tokens, buckets, 1);
  }

  private weigh(work: string, tokens: number, buckets: readonly Bucket[], isFinal: 0 | 1): Promise<number[]> {
    const keys = buckets.flatMap(({ key }) => [keyOf('tokens', key), keyOf('weights', key)]);
    const limits = buckets.map(({ limits: { tpm } }) => tpm);
    return this.run(HOLD, keys, [this.windowMs * 1000, work, tokens, isFinal, ...limits]);
  }

  private run(script: Script, keys: string[], values: readonly (string | number)[]): Promise<number[]> {
    const options = { keys, arguments: values.map(String) };
    return this.redis.run((client) => evaluate(client, script, options)) as Promise<number[]>;
  }
}

/** By its digest; by its text where Redis does not have it, or no longer. */
async function evaluate(
  client: RedisClient,
  { text, sha1 }: Script,
  options: { keys: string[]; arguments: string[] },
): Promise<unknown> {
  try {
    return await client.evalSha(sha1, options);
  } catch (error) {
    if (!(error instanceof ErrorReply) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(text, options);
  }
}

function keyOf(kind: 'requests' | 'flight' | 'tokens' | 'weights', key: string): string {
  return `footnote:{limits}:${kind}:${key}`;
}

/** Three pairs: how much is used, and µs until some of it is free. */
function useOf([
  requests = 0,
  requestsWait = 0,
  flight = 0,
  ,
  tokens = 0,
  tokensWait = 0,
]: number[]): BucketUse {
  const use = (used: number, waitUs: number): Use => ({ used, waitMs: waitUs / 1000 });
  return {
    requests: use(requests, requestsWait),
    concurrency: use(flight, 0),
    tokens: use(tokens, tokensWait),
  };
}
