import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Flights } from './flights.js';

/** A run that gives, ends and fails when it is told to, and ignores its signal. */
class Source implements AsyncIterableIterator<number> {
  given: number[] = [];
  end: 'done' | 'failed' | undefined;
  readonly failure = new Error('failed');
  returns = 0;
  private taken = 0;
  private waiting: PromiseWithResolvers<void> | undefined;

  constructor(readonly signal: AbortSignal) {}

  give(event: number): void {
    this.given.push(event);
    this.waiting?.resolve();
  }

  finish(end: 'done' | 'failed'): void {
    this.end = end;
    this.waiting?.resolve();
  }

  get isOver(): boolean {
    return this.end !== undefined || this.signal.aborted;
  }

  async next(): Promise<IteratorResult<number>> {
    for (;;) {
      const value = this.given[this.taken];
      if (value !== undefined) {
        this.taken++;
        return { done: false, value };
      }
      if (this.end === 'failed') throw this.failure;
      if (this.end === 'done') return { done: true, value: undefined };
      this.waiting = Promise.withResolvers();
      await this.waiting.promise;
    }
  }

  return(): Promise<IteratorResult<number>> {
    this.returns++;
    // as that of a generator whose upstream hangs
    return new Promise(() => undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Until everything that can happen without the outside has happened. */
const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

async function collect(events: AsyncGenerator<number>, seen: number[] = []) {
  try {
    for await (const event of events) seen.push(event);
    return { seen, error: undefined };
  } catch (error) {
    return { seen, error };
  }
}

describe('Flights', () => {
  let flights: Flights<number>;
  let sources: Source[];
  const last = () => sources.at(-1)!;
  const join = (key = 'a', signal = new AbortController().signal) =>
    flights.join(
      key,
      (own) => {
        const source = new Source(own);
        sources.push(source);
        return source;
      },
      signal,
    );
  const unhandled = vi.fn();

  beforeEach(() => {
    flights = new Flights();
    sources = [];
    unhandled.mockClear();
    process.on('unhandledRejection', unhandled);
  });
  afterEach(async () => {
    await settle();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('shares one run among those who want the same', async () => {
    const [first, second, other] = [join(), join(), join('b')];
    expect([first.isLeader, second.isLeader, other.isLeader]).toEqual([true, false, true]);
    expect(sources).toHaveLength(0);
    const results = Promise.all([collect(first.events), collect(second.events)]);
    expect(sources).toHaveLength(1);
    last().give(1);
    last().give(2);
    last().finish('done');
    expect(await results).toEqual([
      { seen: [1, 2], error: undefined },
      { seen: [1, 2], error: undefined },
    ]);
    expect([first.isLeader, second.isLeader]).toEqual([true, false]);
  });

  it('gives each event when it comes, and all of them to who joins late', async () => {
    const { events } = join();
    const read = events.next();
    last().give(1);
    expect(await read).toEqual({ done: false, value: 1 });
    const late = join();
    expect(late.isLeader).toBe(false);
    expect(await late.events.next()).toEqual({ done: false, value: 1 });
    const reads = [events.next(), late.events.next()];
    last().give(2);
    expect(await Promise.all(reads)).toEqual([
      { done: false, value: 2 },
      { done: false, value: 2 },
    ]);
    expect(sources).toHaveLength(1);
    await Promise.all([events.return(), late.events.return()]);
  });

  it('gives reads at the same time their events in order, and ends them all', async () => {
    const { events } = join();
    const reads = [events.next(), events.next(), events.next(), events.next()];
    last().give(1);
    last().give(2);
    last().finish('failed');
    expect(await Promise.allSettled(reads)).toMatchObject([
      { value: { value: 1 } },
      { value: { value: 2 } },
      { reason: last().failure },
      { value: { done: true } },
    ]);
  });

  it('gives everyone the error, after the events before it', async () => {
    const [first, second] = [join(), join()];
    const results = [collect(first.events), collect(second.events)];
    last().give(1);
    last().finish('failed');
    for (const result of results) expect(await result).toEqual({ seen: [1], error: last().failure });
    expect(await first.events.next()).toEqual({ done: true, value: undefined });
    expect(last().signal.aborted).toBe(false);
  });

  it('gives everyone the error of a start that throws', async () => {
    const bug = new TypeError('bug');
    const start = () => {
      throw bug;
    };
    const { signal } = new AbortController();
    const [first, second] = [flights.join('a', start, signal), flights.join('a', start, signal)];
    expect(await collect(first.events)).toEqual({ seen: [], error: bug });
    expect(await collect(second.events)).toEqual({ seen: [], error: bug });
  });

  it.each(['done', 'failed'] as const)('starts anew after a run is %s', async (end) => {
    const result = collect(join().events);
    last().finish(end);
    await result;
    const next = join();
    expect(next.isLeader).toBe(true);
    const again = collect(next.events);
    expect(sources).toHaveLength(2);
    last().finish('done');
    await again;
  });

  it('gives all of a run that is over to who had joined it', async () => {
    const [first, second] = [join(), join()];
    const result = collect(first.events);
    last().give(1);
    last().finish('failed');
    await result;
    expect(await collect(second.events)).toEqual({ seen: [1], error: last().failure });
    expect(sources).toHaveLength(1);
  });

  it('lets the leader leave without ending the run of the others', async () => {
    const [first, second] = [join(), join()];
    const result = collect(second.events);
    const read = first.events.next();
    last().give(1);
    await read;
    await first.events.return();
    expect(last().signal.aborted).toBe(false);
    last().give(2);
    last().finish('done');
    expect((await result).seen).toEqual([1, 2]);
  });

  it('stops the run when the last reader leaves, with its reason, and waits for nothing', async () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const results = [collect(join('a', one.signal).events), collect(join('a', two.signal).events)];
    const reason = new Error('the second');
    one.abort(new Error('the first'));
    await settle();
    expect(last().signal.aborted).toBe(false);
    two.abort(reason);
    expect(last().signal.reason).toBe(reason);
    expect((await results[1])?.error).toBe(reason);
    expect(last().returns).toBe(1);
  });

  it('throws a reader’s reason at once, even if events wait for it', async () => {
    const controller = new AbortController();
    const { events } = join('a', controller.signal);
    const other = collect(join().events);
    last().give(1);
    last().give(2);
    await events.next();
    await settle();
    const reason = new Error('gone');
    controller.abort(reason);
    await expect(events.next()).rejects.toBe(reason);
    expect(await events.next()).toEqual({ done: true, value: undefined });
    last().finish('done');
    expect((await other).seen).toEqual([1, 2]);
  });

  it('gives who joins because of the abort a run of its own', async () => {
    const controller = new AbortController();
    const result = collect(join('a', controller.signal).events);
    const [abandoned] = sources;
    let second: Promise<unknown> | undefined;
    abandoned!.signal.addEventListener('abort', () => {
      second = collect(join().events);
    });
    controller.abort();
    await result;
    expect(sources).toHaveLength(2);
    abandoned!.give(1);
    abandoned!.finish('failed');
    await settle();
    last().give(2);
    last().finish('done');
    expect(await second).toEqual({ seen: [2], error: undefined });
  });

  it('ends a read that waits when its reader returns', async () => {
    const { events } = join();
    const read = events.next();
    await events.return();
    expect(await read).toEqual({ done: true, value: undefined });
    expect(last().signal.reason).toMatchObject({ name: 'AbortError' });
  });

  it('leaves when its reader throws or is disposed of', async () => {
    const bug = new Error('bug');
    const { events } = join();
    const read = events.next();
    await expect(events.throw(bug)).rejects.toBe(bug);
    expect(await read).toEqual({ done: true, value: undefined });
    expect(last().signal.reason).toBe(bug);
    {
      await using again = join().events;
      last().give(1);
      void again.next();
    }
    expect(last().signal.aborted).toBe(true);
  });

  it('starts nothing for who returns, or is aborted, before the first read', async () => {
    const controller = new AbortController();
    const [first, second] = [join(), join('a', controller.signal)];
    await first.events.return();
    expect(await first.events.next()).toEqual({ done: true, value: undefined });
    expect([first.isLeader, second.isLeader]).toEqual([false, true]);
    const reason = new Error('gone');
    controller.abort(reason);
    expect(await collect(second.events)).toEqual({ seen: [], error: reason });
    const third = join('a', controller.signal);
    expect(third.isLeader).toBe(false);
    expect(await collect(third.events)).toEqual({ seen: [], error: reason });
    expect(sources).toHaveLength(0);
    expect(join().isLeader).toBe(true);
  });

  it('does not count who never reads', async () => {
    const idle = join();
    const { events } = join();
    const read = events.next();
    expect(idle.isLeader).toBe(true);
    await events.return();
    await read;
    expect(last().signal.aborted).toBe(true);
    expect(join().isLeader).toBe(true);
  });

  it('begins anew for who had joined a run that all others left before it read', async () => {
    const [first, second] = [join(), join()];
    void first.events.next();
    await first.events.return();
    expect(second.isLeader).toBe(false);
    const result = collect(second.events);
    expect(second.isLeader).toBe(true);
    expect(sources).toHaveLength(2);
    last().give(2);
    last().finish('done');
    expect(await result).toEqual({ seen: [2], error: undefined });
  });

  it('stops a run whose own start sent its reader away', async () => {
    const controller = new AbortController();
    const source = new Source(new AbortController().signal);
    const start = () => {
      controller.abort(new Error('gone'));
      return source;
    };
    const { events } = flights.join('a', start, controller.signal);
    await expect(events.next()).rejects.toThrow('gone');
    expect(source.returns).toBe(1);
  });

  it('leaves no listener behind', async () => {
    const { signal } = new AbortController();
    const [done, left] = [join('a', signal), join('b', signal)];
    const result = collect(done.events);
    last().finish('done');
    await result;
    await left.events.return();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('keeps its promises whoever comes, goes, and fails, in whatever order', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), checkHistory), {
      numRuns: 500,
    });
  });
});

const key = fc.constantFrom('a', 'b');
const who = fc.nat(7);
const step = fc.oneof(
  fc.record({ do: fc.constant('join' as const), key }),
  fc.record({ do: fc.constant('read' as const), who }),
  fc.record({ do: fc.constantFrom('return' as const, 'abort' as const), who }),
  fc.record({ do: fc.constant('give' as const), key }),
  fc.record({
    do: fc.constant('finish' as const),
    key,
    end: fc.constantFrom('done' as const, 'failed' as const),
  }),
  fc.record({ do: fc.constant('settle' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Visitor {
  key: string;
  boarding: ReturnType<Flights<number>['join']>;
  controller: AbortController;
  /** The runs that were over when it joined. */
  past: ReadonlySet<Source>;
  seen: number[];
  result: ReturnType<typeof collect> | undefined;
  hasLeft: boolean;
  isThrough: boolean;
}

/** Many readers of a few keys, and what must hold of them at any time. */
class History {
  private readonly flights = new Flights<number>();
  private readonly sources: (Source & { key: string })[] = [];
  private readonly visitors: Visitor[] = [];
  private past = new Set<Source>();
  private events = 0;

  async take(step: Step): Promise<void> {
    if (step.do === 'settle') return this.checkRuns();
    if (step.do === 'join') return this.join(step.key);
    if (step.do === 'give') return this.running(step.key)[0]?.give(++this.events);
    if (step.do === 'finish') return this.running(step.key)[0]?.finish(step.end);
    const visitor = this.visitors[step.who];
    if (visitor === undefined) return;
    if (step.do === 'read') {
      if (visitor.result !== undefined) return;
      visitor.result = collect(visitor.boarding.events, visitor.seen);
      void visitor.result.then(() => (visitor.isThrough = true));
      return;
    }
    visitor.hasLeft = true;
    if (step.do === 'abort') visitor.controller.abort(new Error(`visitor ${step.who}`));
    else void visitor.boarding.events.return();
  }

  /** A run goes on exactly as long as somebody reads it, there is one of a key, and its readers are where it is. */
  async checkRuns(): Promise<void> {
    await settle();
    for (const key of ['a', 'b']) {
      const readers = this.visitors.filter(
        (visitor) =>
          visitor.key === key && visitor.result !== undefined && !visitor.hasLeft && !visitor.isThrough,
      );
      const running = this.running(key);
      expect(running).toHaveLength(readers.length > 0 ? 1 : 0);
      for (const { seen } of readers) expect(seen).toEqual(running[0]?.given);
      expect(readers.filter((reader) => reader.boarding.isLeader).length).toBeLessThanOrEqual(1);
    }
    for (const source of this.sources) expect(source.returns).toBe(source.signal.aborted ? 1 : 0);
    this.past = new Set(this.sources.filter((source) => source.isOver));
  }

  /** Who stayed has seen the whole of one run that was not aborted or over before, and its end. */
  async checkResults(): Promise<void> {
    for (const { key, hasLeft, result, past } of this.visitors) {
      if (hasLeft || result === undefined) continue;
      const { seen, error } = await result;
      const matches = this.sources.filter(
        (source) =>
          source.key === key &&
          !source.signal.aborted &&
          !past.has(source) &&
          source.given.join() === seen.join() &&
          (source.end === 'failed' ? source.failure : undefined) === error,
      );
      expect(matches.length).toBeGreaterThan(0);
    }
  }

  running(key: string): Source[] {
    return this.sources.filter((source) => source.key === key && !source.isOver);
  }

  private join(key: string): void {
    const controller = new AbortController();
    const start = (signal: AbortSignal) => {
      expect(this.running(key)).toHaveLength(0);
      const source = Object.assign(new Source(signal), { key });
      this.sources.push(source);
      return source;
    };
    this.visitors.push({
      key,
      boarding: this.flights.join(key, start, controller.signal),
      controller,
      past: this.past,
      seen: [],
      result: undefined,
      hasLeft: false,
      isThrough: false,
    });
  }
}

async function checkHistory(steps: Step[]): Promise<void> {
  const history = new History();
  for (const step of steps) await history.take(step);
  await history.checkRuns();
  for (const key of ['a', 'b']) for (const source of history.running(key)) source.finish('done');
  await history.checkRuns();
  await history.checkResults();
}
