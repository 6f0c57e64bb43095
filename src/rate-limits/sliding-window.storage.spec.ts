import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlidingWindowStorage } from './sliding-window.storage.js';

const MINUTE = 60_000;

describe('SlidingWindowStorage', () => {
  it('admits exactly the limit within a window, and again after the time it names', async () => {
    let now = 0;
    const storage = new SlidingWindowStorage(() => now);
    for (let hit = 1; hit <= 5; hit++)
      expect(await storage.increment('a', MINUTE, 5)).toMatchObject({ isBlocked: false, totalHits: hit });
    const blocked = await storage.increment('a', MINUTE, 5);
    expect(blocked).toMatchObject({ isBlocked: true, totalHits: 5, timeToBlockExpire: 60 });
    now += blocked.timeToBlockExpire * 1000;
    expect((await storage.increment('a', MINUTE, 5)).isBlocked).toBe(false);
  });

  it('never admits more than the limit in any minute, and the wait that it names is enough', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(20_000), { maxLength: 200 }),
        fc.integer({ min: 1, max: 20 }),
        async (gaps, limit) => {
          let now = 0;
          const storage = new SlidingWindowStorage(() => now);
          const admitted: number[] = [];
          for (const gap of gaps) {
            now += gap;
            const record = await storage.increment('a', MINUTE, limit);
            if (record.isBlocked) {
              now += record.timeToBlockExpire * 1000;
              expect((await storage.increment('a', MINUTE, limit)).isBlocked).toBe(false);
            }
            admitted.push(now);
          }
          for (const at of admitted)
            expect(admitted.filter((other) => other > at - MINUTE && other <= at).length).toBeLessThanOrEqual(
              limit,
            );
        },
      ),
    );
  });

  it('keeps callers apart', async () => {
    const storage = new SlidingWindowStorage(() => 0);
    await storage.increment('a', MINUTE, 1);
    expect((await storage.increment('b', MINUTE, 1)).isBlocked).toBe(false);
  });
});
