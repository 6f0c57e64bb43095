import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppConfig } from '../config/index.js';
import { RedisConnection } from '../redis/index.js';
import type { Bucket, LimitStore } from './limit-store.js';
import { MemoryLimits } from './memory-limits.js';
import { RedisLimits } from './redis-limits.js';

const { TEST_REDIS_URL } = process.env;
const MINUTE = 60_000;
const NONE = { rpm: 0, tpm: 0, concurrency: 0 };

let names = 0;
/** A caller that no other test, and no other run on the same Redis, has. */
function bucket(limits: Partial<Bucket['limits']>): Bucket {
  return { key: `test:${process.pid}:${Math.random()}:${names++}`, limits: { ...NONE, ...limits } };
}

async function connect(url: string | undefined): Promise<RedisConnection> {
  const connection = new RedisConnection(new AppConfig({ REDIS_URL: url, LOG_LEVEL: 'silent' }));
  await connection.onModuleInit();
  return connection;
}

const connections: RedisConnection[] = [];
afterAll(() => Promise.all(connections.map((connection) => connection.onModuleDestroy())));

/** Several stores that count together, as replicas do. */
async function replicas(kind: 'memory' | 'Redis', windowMs: number): Promise<LimitStore[]> {
  if (kind === 'memory') return [new MemoryLimits(windowMs)];
  const three = await Promise.all([1, 2, 3].map(() => connect(TEST_REDIS_URL)));
  connections.push(...three);
  return three.map((connection) => new RedisLimits(connection, windowMs));
}

describe.each(['memory', ...(TEST_REDIS_URL === undefined ? [] : ['Redis'])] as ('memory' | 'Redis')[])(
  'limits in %s',
  (kind) => {
    let stores: LimitStore[];
    let store: LimitStore;
    beforeAll(async () => {
      stores = await replicas(kind, MINUTE);
      store = stores[0]!;
    });

    it('admit exactly the limit of what is asked at once', async () => {
      const caller = bucket({ rpm: 100 });
      const verdicts = await Promise.all(
        Array.from({ length: 300 }, (_, index) =>
          stores[index % stores.length]!.admit(`r${index}`, [caller]),
        ),
      );
      const admitted = verdicts.filter(({ isAdmitted }) => isAdmitted);
      expect(admitted.map(({ uses }) => uses[0]!.requests.used).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 100 }, (_, index) => index + 1),
      );
      for (const { isAdmitted, uses } of verdicts)
        if (!isAdmitted) {
          expect(uses[0]!.requests.used).toBe(100);
          expect(uses[0]!.requests.waitMs).toBeGreaterThan(30_000);
          expect(uses[0]!.requests.waitMs).toBeLessThanOrEqual(MINUTE);
        }
    });

    it('admit as many at once as may be in flight, and another one for each that is over', async () => {
      const caller = bucket({ concurrency: 5 });
      const ids = Array.from({ length: 20 }, (_, index) => `r${index}`);
      const verdicts = await Promise.all(
        ids.map((id, index) => stores[index % stores.length]!.admit(id, [caller])),
      );
      const inFlight = ids.filter((_, index) => verdicts[index]!.isAdmitted);
      expect(inFlight).toHaveLength(5);
      await store.release(inFlight[0]!, [caller]);
      // the second time, nothing
      await store.release(inFlight[0]!, [caller]);
      expect((await store.admit('next', [caller])).isAdmitted).toBe(true);
      expect((await store.admit('one more', [caller])).isAdmitted).toBe(false);
    });

    it('count nothing in any bucket where one of them refuses', async () => {
      const one = bucket({ rpm: 10, concurrency: 10 });
      const everybody = bucket({ rpm: 1 });
      expect((await store.admit('a', [one, everybody])).isAdmitted).toBe(true);
      const refused = await store.admit('b', [one, everybody]);
      expect(refused.isAdmitted).toBe(false);
      expect(refused.uses.map(({ requests }) => requests.used)).toEqual([1, 1]);
      expect(refused.uses[0]!.concurrency.used).toBe(1);
      expect((await store.admit('c', [one])).uses[0]!.requests.used).toBe(2);
    });

    it('hold tokens that fit, in all buckets or in none, and let go of what was not used', async () => {
      const one = bucket({ tpm: 1000 });
      const everybody = bucket({ tpm: 1500 });
      const both = [one, everybody];
      expect(await store.hold('a', 600, both)).toEqual({ isHeld: true, waitMs: [0, 0] });
      const refused = await store.hold('b', 500, both);
      expect(refused.isHeld).toBe(false);
      expect(refused.waitMs[0]).toBeGreaterThan(30_000);
      expect(refused.waitMs[1]).toBe(0);
      // what did not fit into the first is not held in the second
      expect((await store.hold('other', 900, [everybody])).isHeld).toBe(true);
      // more of the same work is in place of what it held
      expect((await store.hold('a', 601, both)).isHeld).toBe(false);
      await store.settle('other', 0, [everybody]);
      expect((await store.hold('a', 700, both)).isHeld).toBe(true);
      await store.settle('a', 100, both);
      expect((await store.hold('b', 900, both)).isHeld).toBe(true);
      expect((await store.admit('r', [one])).isAdmitted).toBe(false);
      await store.settle('b', 899, both);
      const admitted = await store.admit('r', both);
      expect(admitted.isAdmitted).toBe(true);
      expect(admitted.uses.map(({ tokens }) => tokens.used)).toEqual([999, 999]);
    });

    it('let work that is larger than the limit in when nothing else is held, and count all that it used', async () => {
      const caller = bucket({ tpm: 100 });
      expect((await store.hold('large', 5000, [caller])).isHeld).toBe(true);
      expect((await store.hold('small', 1, [caller])).isHeld).toBe(false);
      await store.settle('large', 250, [caller]);
      const refused = await store.admit('r', [caller]);
      expect(refused).toMatchObject({ isAdmitted: false, uses: [{ tokens: { used: 250 } }] });
    });

    it('hold no more than the limit of what is asked at once', async () => {
      const caller = bucket({ tpm: 1000 });
      const verdicts = await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          stores[index % stores.length]!.hold(`w${index}`, 30, [caller]),
        ),
      );
      expect(verdicts.filter(({ isHeld }) => isHeld)).toHaveLength(33);
    });

    it('keep callers apart', async () => {
      const [first, second] = [bucket({ rpm: 1 }), bucket({ rpm: 1 })];
      expect((await store.admit('a', [first])).isAdmitted).toBe(true);
      expect((await store.admit('b', [first])).isAdmitted).toBe(false);
      expect((await store.admit('b', [second])).isAdmitted).toBe(true);
    });
  },
);

describe.skipIf(TEST_REDIS_URL === undefined)('limits in Redis', () => {
  it('never admit more than the limit in any window, and the wait that they name is enough', async () => {
    const [store] = await replicas('Redis', 1000);
    const caller = bucket({ rpm: 5 });
    const admitted: number[] = [];
    const until = Date.now() + 2500;
    for (let id = 0; Date.now() < until; id++) {
      const sent = performance.now();
      const { isAdmitted } = await store!.admit(`r${id}`, [caller]);
      if (isAdmitted) admitted.push(sent);
      else await new Promise((resolve) => setTimeout(resolve, 40));
    }
    expect(admitted.length).toBeGreaterThanOrEqual(10);
    for (const [index, at] of admitted.entries()) {
      const sixth = admitted[index + 5];
      // what is measured here is up to a way to Redis and back from what Redis saw
      if (sixth !== undefined) expect(sixth - at).toBeGreaterThan(900);
    }
  });

  it('leave nothing behind after the window, on one slot of a cluster', async () => {
    const [store] = await replicas('Redis', 1000);
    const caller = bucket({ rpm: 5, tpm: 5, concurrency: 5 });
    await store!.admit('r', [caller]);
    await store!.hold('w', 3, [caller]);
    const keys = ['requests', 'flight', 'tokens', 'weights'].map(
      (it) => `footnote:{limits}:${it}:${caller.key}`,
    );
    const ttls = await connections[0]!.run((client) => Promise.all(keys.map((key) => client.pTTL(key))));
    for (const ttl of ttls) {
      expect(ttl).toBeGreaterThan(0);
      expect(ttl).toBeLessThanOrEqual(30_000);
    }
  });

  it('hold what is in flight for as long as its lease is renewed', async () => {
    const stores = (await replicas('Redis', 1000)) as RedisLimits[];
    const caller = bucket({ concurrency: 1 });
    await stores[0]!.admit('r', [caller]);
    const key = `footnote:{limits}:flight:${caller.key}`;
    const leaseOf = () => connections[0]!.run((client) => client.zScore(key, 'r'));
    const before = await leaseOf();
    await stores[1]!.renew([{ id: 'r', buckets: [caller] }]);
    expect((await leaseOf())!).toBeGreaterThan(before!);
    // one that has been given back is not brought back
    await stores[0]!.release('r', [caller]);
    await stores[1]!.renew([{ id: 'r', buckets: [caller] }]);
    expect((await stores[2]!.admit('next', [caller])).isAdmitted).toBe(true);
    // and one whose process is gone makes room
    await connections[0]!.run((client) => client.zAdd(key, { score: 1, value: 'next' }));
    expect((await stores[2]!.admit('after', [caller])).isAdmitted).toBe(true);
  });

  it('go on when Redis has forgotten the scripts, or half of what was counted', async () => {
    const [store] = await replicas('Redis', MINUTE);
    const caller = bucket({ tpm: 100 });
    await store!.hold('a', 90, [caller]);
    const [connection] = connections;
    await connection!.run((client) => client.scriptFlush());
    await connection!.run((client) => client.del(`footnote:{limits}:tokens:${caller.key}`));
    expect((await store!.hold('b', 90, [caller])).isHeld).toBe(true);
    await connection!.run((client) => client.del(`footnote:{limits}:weights:${caller.key}`));
    expect((await store!.hold('c', 90, [caller])).isHeld).toBe(true);
    expect((await store!.hold('d', 90, [caller])).isHeld).toBe(false);
  });
});

describe('limits in memory', () => {
  it('admit again after the time that they name', async () => {
    let now = 0.1;
    const store = new MemoryLimits(MINUTE, () => now);
    const caller = bucket({ rpm: 5, tpm: 100 });
    for (let index = 0; index < 5; index++) {
      expect((await store.admit(`r${index}`, [caller])).isAdmitted).toBe(true);
      now += 1000.7;
    }
    const { isAdmitted, uses } = await store.admit('refused', [caller]);
    expect(isAdmitted).toBe(false);
    expect(uses[0]!.requests.waitMs).toBeCloseTo(MINUTE - 5 * 1000.7, 1);
    now += uses[0]!.requests.waitMs - 1;
    expect((await store.admit('early', [caller])).isAdmitted).toBe(false);
    now += 1;
    expect((await store.admit('in time', [caller])).isAdmitted).toBe(true);

    await store.hold('a', 60, [caller]);
    now += 10_000;
    await store.hold('b', 40, [caller]);
    const { waitMs } = await store.hold('c', 70, [caller]);
    // both have to go
    expect(waitMs[0]).toBeCloseTo(MINUTE, 1);
    expect((await store.hold('c', 50, [caller])).waitMs[0]).toBeCloseTo(MINUTE - 10_000, 1);
    now += MINUTE - 10_000;
    expect((await store.hold('c', 50, [caller])).isHeld).toBe(true);
    // its minute is over: nothing is counted again
    await store.settle('a', 60, [caller]);
    expect((await store.admit('r', [caller])).uses[0]!.tokens.used).toBe(90);
  });

  it('never hold more than the limits in any window, whatever happens', async () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 40 }),
      work: fc.integer({ min: 0, max: 4 }),
      tokens: fc.integer({ min: 0, max: 120 }),
      kind: fc.constantFrom('admit', 'hold', 'settle', 'release'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        let now = 0;
        const store = new MemoryLimits(100, () => now);
        const caller = { key: 'a', limits: { rpm: 3, tpm: 100, concurrency: 2 } };
        const admitted: number[] = [];
        const flight = new Set<string>();
        const held = new Map<string, { at: number; tokens: number }>();
        for (const [index, { wait, work, tokens, kind }] of steps.entries()) {
          now += wait;
          const id = `w${work}`;
          for (const [other, { at }] of held) if (at + 100 <= now) held.delete(other);
          const others = [...held].reduce((sum, [other, it]) => sum + (other === id ? 0 : it.tokens), 0);
          const own = held.get(id);
          if (kind === 'admit') {
            const { isAdmitted } = await store.admit(`r${index}`, [caller]);
            const recent = admitted.filter((at) => at > now - 100).length;
            expect(isAdmitted).toBe(recent < 3 && flight.size < 2 && others + (own?.tokens ?? 0) < 100);
            if (isAdmitted) {
              admitted.push(now);
              flight.add(`r${index}`);
            }
          } else if (kind === 'release') {
            const [first] = flight;
            if (first !== undefined) await store.release(first, [caller]);
            flight.delete(first ?? '');
          } else if (kind === 'hold') {
            const capped = Math.min(tokens, 100);
            const { isHeld } = await store.hold(id, tokens, [caller]);
            expect(isHeld).toBe(others + capped <= 100);
            if (isHeld && capped > 0) held.set(id, { at: own?.at ?? now, tokens: capped });
            else if (isHeld) held.delete(id);
          } else if (own !== undefined) {
            // no more than was held
            const used = Math.min(tokens, own.tokens);
            await store.settle(id, used, [caller]);
            if (used === 0) held.delete(id);
            else own.tokens = used;
          }
        }
      }),
    );
  });

  it('remember no more callers than they can, and those in flight longest', async () => {
    const store = new MemoryLimits(MINUTE);
    const busy = bucket({ concurrency: 1 });
    await store.admit('r', [busy]);
    for (let index = 0; index < 10_001; index++)
      await store.admit('r', [{ key: `c${index}`, limits: { ...NONE, rpm: 1 } }]);
    expect((await store.admit('next', [busy])).isAdmitted).toBe(false);
    expect((await store.admit('r', [{ key: 'c0', limits: { ...NONE, rpm: 1 } }])).isAdmitted).toBe(true);
    expect((await store.admit('s', [{ key: 'c10000', limits: { ...NONE, rpm: 1 } }])).isAdmitted).toBe(false);
  });
});
