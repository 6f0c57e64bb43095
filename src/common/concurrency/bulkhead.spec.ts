import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bulkhead, BulkheadFullError } from './bulkhead.js';

const { signal } = new AbortController();

/** Someone who wants in: what has become of it, once all that can happen has happened. */
class Visitor {
  leave: (() => void) | undefined;
  error: unknown;
  private readonly controller = new AbortController();
  readonly reason = new Error('gone');

  constructor(bulkhead: Bulkhead, waitMs = Infinity) {
    bulkhead.enter(this.controller.signal, waitMs).then(
      (leave) => (this.leave = leave),
      (error: unknown) => (this.error = error),
    );
  }

  get isInside(): boolean {
    return this.leave !== undefined;
  }

  abort(): void {
    this.controller.abort(this.reason);
  }

  get listeners(): number {
    return getEventListeners(this.controller.signal, 'abort').length;
  }
}

/** Until all promises that can settle have settled. */
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('Bulkhead', () => {
  it('lets in as many as its limit, and the others when someone leaves', async () => {
    const bulkhead = new Bulkhead(2, 10);
    const visitors = [new Visitor(bulkhead), new Visitor(bulkhead), new Visitor(bulkhead)];
    await settle();
    expect(visitors.map(({ isInside }) => isInside)).toEqual([true, true, false]);
    expect([bulkhead.inFlight, bulkhead.queued]).toEqual([2, 1]);
    visitors[1]!.leave!();
    await settle();
    expect(visitors[2]!.isInside).toBe(true);
    expect([bulkhead.inFlight, bulkhead.queued]).toEqual([2, 0]);
    visitors[0]!.leave!();
    visitors[2]!.leave!();
    expect([bulkhead.inFlight, bulkhead.queued]).toEqual([0, 0]);
  });

  it('lets in who waits in the order in which they came', async () => {
    const bulkhead = new Bulkhead(1, 10);
    const order: string[] = [];
    const visit = async (name: string): Promise<void> => {
      const leave = await bulkhead.enter(signal, Infinity);
      order.push(name);
      await settle();
      leave();
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(visit));
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets nobody in before those who wait', async () => {
    const bulkhead = new Bulkhead(1, 10);
    const [first, second] = [new Visitor(bulkhead), new Visitor(bulkhead)];
    await settle();
    first.leave!();
    // in the same turn, when the place has been passed on but not yet taken
    const late = new Visitor(bulkhead);
    await settle();
    expect([second.isInside, late.isInside]).toEqual([true, false]);
    second.leave!();
    await settle();
    expect(late.isInside).toBe(true);
  });

  it('refuses who finds the queue full, at once', async () => {
    const bulkhead = new Bulkhead(1, 1);
    const [, waiting, refused] = [new Visitor(bulkhead), new Visitor(bulkhead), new Visitor(bulkhead)];
    await settle();
    expect(refused.error).toBeInstanceOf(BulkheadFullError);
    expect(waiting.error).toBeUndefined();
    expect([bulkhead.inFlight, bulkhead.queued]).toEqual([1, 1]);
  });

  it('has no queue where none is allowed', async () => {
    const bulkhead = new Bulkhead(1, 0);
    const [inside, refused] = [new Visitor(bulkhead), new Visitor(bulkhead)];
    await settle();
    expect(refused.error).toBeInstanceOf(BulkheadFullError);
    inside.leave!();
    const next = new Visitor(bulkhead);
    await settle();
    expect(next.isInside).toBe(true);
  });

  it('ends a wait that takes too long, and frees its place in the queue', async () => {
    const bulkhead = new Bulkhead(1, 1);
    const [inside, waiting] = [new Visitor(bulkhead), new Visitor(bulkhead, 500)];
    await vi.advanceTimersByTimeAsync(499);
    expect(waiting.error).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(waiting.error).toBeInstanceOf(BulkheadFullError);
    expect(waiting.listeners).toBe(0);
    expect(bulkhead.queued).toBe(0);
    const next = new Visitor(bulkhead);
    inside.leave!();
    await settle();
    expect(next.isInside).toBe(true);
  });

  it.each([0, -5])(
    'lets in who has %i ms left where there is a place, but not where there is none',
    async (ms) => {
      const bulkhead = new Bulkhead(1, 1);
      const [inside, late] = [new Visitor(bulkhead, ms), new Visitor(bulkhead, ms)];
      await vi.advanceTimersByTimeAsync(1);
      expect(inside.isInside).toBe(true);
      expect(late.error).toBeInstanceOf(BulkheadFullError);
    },
  );

  it('does not hold who goes away while waiting, and gives the next its place in the queue', async () => {
    const bulkhead = new Bulkhead(1, 1);
    const [inside, waiting] = [new Visitor(bulkhead), new Visitor(bulkhead, 500)];
    await settle();
    waiting.abort();
    const next = new Visitor(bulkhead);
    await settle();
    expect(waiting.error).toBe(waiting.reason);
    expect(next.error).toBeUndefined();
    inside.leave!();
    await settle();
    expect([waiting.isInside, next.isInside]).toEqual([false, true]);
    expect(bulkhead.inFlight).toBe(1);
  });

  it('lets nobody in who has gone already', async () => {
    const bulkhead = new Bulkhead(1, 1);
    const reason = new Error('gone');
    await expect(bulkhead.enter(AbortSignal.abort(reason), Infinity)).rejects.toBe(reason);
    expect([bulkhead.inFlight, bulkhead.queued]).toEqual([0, 0]);
  });

  it('takes a place back once, however often it is given', async () => {
    const bulkhead = new Bulkhead(1, 10);
    const [inside, second, third] = [new Visitor(bulkhead), new Visitor(bulkhead), new Visitor(bulkhead)];
    await settle();
    inside.leave!();
    inside.leave!();
    await settle();
    inside.leave!();
    await settle();
    expect([second.isInside, third.isInside]).toEqual([true, false]);
    expect(bulkhead.inFlight).toBe(1);
  });

  it('leaves no listener behind, and an abort of who is inside changes nothing', async () => {
    const bulkhead = new Bulkhead(1, 1);
    const [first, second] = [new Visitor(bulkhead), new Visitor(bulkhead, 500)];
    await settle();
    first.leave!();
    await settle();
    expect([first.listeners, second.listeners]).toEqual([0, 0]);
    second.abort();
    await settle();
    expect(bulkhead.inFlight).toBe(1);
  });

  it('never has more inside than its limit, and loses nobody', async () => {
    const command = fc.record({
      do: fc.constantFrom('enter', 'enter', 'enter impatiently', 'leave', 'leave', 'abort', 'wait'),
      who: fc.nat(50),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.nat(5),
        fc.array(command, { maxLength: 80 }),
        fc.boolean(),
        async (limit, maxQueue, commands, settles) => {
          const bulkhead = new Bulkhead(limit, maxQueue);
          const visitors: Visitor[] = [];
          const left = new Set<Visitor>();
          const leave = (visitor: Visitor): void => {
            visitor.leave!();
            left.add(visitor);
          };
          const inside = () => visitors.filter((visitor) => visitor.isInside && !left.has(visitor));
          const waiting = () => visitors.filter(({ isInside, error }) => !isInside && error === undefined);
          for (const { do: what, who } of commands) {
            const visitor = visitors[who % (visitors.length || 1)];
            if (what === 'enter') visitors.push(new Visitor(bulkhead));
            else if (what === 'enter impatiently') visitors.push(new Visitor(bulkhead, 10));
            else if (what === 'wait') await vi.advanceTimersByTimeAsync(who);
            else if (what === 'abort') visitor?.abort();
            // leaving twice is part of it
            else if (visitor?.isInside) leave(visitor);
            if (settles) await settle();
            expect(inside().length).toBeLessThanOrEqual(limit);
            expect(bulkhead.inFlight).toBeLessThanOrEqual(limit);
            expect(bulkhead.queued).toBeLessThanOrEqual(maxQueue);
            if (settles)
              expect([inside().length, waiting().length]).toEqual([bulkhead.inFlight, bulkhead.queued]);
            // nobody waits where there is room
            if (bulkhead.inFlight < limit) expect(bulkhead.queued).toBe(0);
          }
          await settle();
          while (inside().length > 0) {
            for (const visitor of inside()) leave(visitor);
            await settle();
          }
          expect(waiting()).toEqual([]);
          expect([bulkhead.inFlight, bulkhead.queued]).toEqual([0, 0]);
          for (const { error, reason } of visitors)
            if (error !== undefined)
              expect(error === reason || error instanceof BulkheadFullError).toBe(true);
        },
      ),
    );
  });
});
