import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BreakerState, CircuitBreaker, type BreakerPassage } from './circuit-breaker.js';

const MINUTE = 60_000;

/** A breaker on a clock that stands still until it is told otherwise. */
function setUp({ failures = 4, openMs = 15_000 } = {}) {
  let now = 1_000;
  const changes: BreakerState[] = [];
  const breaker = new CircuitBreaker({
    failures,
    openMs,
    now: () => now,
    onChange: (state) => changes.push(state),
  });
  const enter = (): BreakerPassage => {
    const passage = breaker.enter();
    if (passage === undefined) throw new Error('the breaker refused the call');
    return passage;
  };
  const call = (outcome: 'ok' | 'failed' | 'neutral', times = 1, retryAfterMs?: number): void => {
    for (let index = 0; index < times; index++) enter().ended(outcome, retryAfterMs);
  };
  return { breaker, changes, enter, call, pass: (ms: number) => void (now += ms) };
}

/** One that has just opened. */
function setUpOpen(options: { failures?: number; openMs?: number } = {}) {
  const set = setUp(options);
  set.call('failed', options.failures ?? 4);
  expect(set.breaker.state).toBe('open');
  return set;
}

describe('CircuitBreaker, closed', () => {
  it('opens with the failure that reaches the threshold, and not before', () => {
    const { breaker, changes, call } = setUp();
    call('failed', 3);
    expect(breaker.state).toBe('closed');
    expect(breaker.refusedForMs).toBeUndefined();
    call('failed');
    expect(breaker.state).toBe('open');
    expect(breaker.refusedForMs).toBe(15_000);
    expect(breaker.enter()).toBeUndefined();
    expect(changes).toEqual(['open']);
  });

  it('opens only while failures are at least half of all calls', () => {
    const most = setUp();
    most.call('ok', 5);
    most.call('failed', 4);
    // 4 of 9: the threshold, but fewer than half
    expect(most.breaker.state).toBe('closed');
    most.call('failed');
    // 5 of 10
    expect(most.breaker.state).toBe('open');
  });

  it('counts calls that say nothing about the model on neither side', () => {
    const { breaker, call } = setUp();
    call('neutral', 100);
    call('failed', 4);
    expect(breaker.state).toBe('open');
  });

  it('forgets what is a minute old, and remembers what is not', () => {
    const remembering = setUp();
    remembering.call('failed', 3);
    remembering.pass(MINUTE - 1);
    remembering.call('failed');
    expect(remembering.breaker.state).toBe('open');

    const forgetting = setUp();
    forgetting.call('failed', 3);
    forgetting.pass(MINUTE);
    forgetting.call('failed', 3);
    expect(forgetting.breaker.state).toBe('closed');
    forgetting.call('failed');
    expect(forgetting.breaker.state).toBe('open');
  });

  it('forgets successes too: what worked a minute ago excuses no failure of now', () => {
    const { breaker, call, pass } = setUp();
    call('ok', 100);
    pass(MINUTE);
    call('failed', 4);
    expect(breaker.state).toBe('open');
  });

  it('counts each call once, however often it ends', () => {
    const { breaker, enter } = setUp();
    const passage = enter();
    for (let times = 0; times < 10; times++) passage.ended('failed');
    expect(breaker.state).toBe('closed');
  });

  it('never opens with a threshold of 0', () => {
    const { breaker, changes, call } = setUp({ failures: 0 });
    call('failed', 1_000, 30_000);
    expect(breaker.state).toBe('closed');
    expect(changes).toEqual([]);
  });
});

describe('CircuitBreaker, open', () => {
  it('lets nobody through until its time is over, and says how long that is', () => {
    const { breaker, pass } = setUpOpen();
    pass(14_999);
    expect(breaker.refusedForMs).toBe(1);
    expect(breaker.enter()).toBeUndefined();
    pass(1);
    expect(breaker.state).toBe('half_open');
    expect(breaker.refusedForMs).toBeUndefined();
    expect(breaker.enter()).toBeDefined();
  });

  it.each([
    ['as long as the model asked', 40_000, 40_000],
    ['but no longer than a minute', 3_600_000, MINUTE],
    ['and no shorter than it is told', 10, 15_000],
  ])('stays open %s', (_, retryAfterMs, wait) => {
    const { breaker, call, pass } = setUp({ failures: 1 });
    call('failed', 1, retryAfterMs);
    expect(breaker.refusedForMs).toBe(wait);
    pass(wait - 1);
    expect(breaker.state).toBe('open');
    pass(1);
    expect(breaker.state).toBe('half_open');
  });

  it('stays open for more than a minute where it is told to', () => {
    const { breaker } = setUpOpen({ openMs: 600_000 });
    expect(breaker.refusedForMs).toBe(600_000);
  });

  it('learns nothing from calls that began before it opened', () => {
    const { breaker, changes, enter, call, pass } = setUp();
    const earlier = Array.from({ length: 8 }, enter);
    call('failed', 4);
    const [a, b, c, d, e, f, g, h] = earlier as [
      BreakerPassage,
      BreakerPassage,
      BreakerPassage,
      BreakerPassage,
      BreakerPassage,
      BreakerPassage,
      BreakerPassage,
      BreakerPassage,
    ];
    pass(5_000);
    a.begun();
    a.ended('ok');
    b.ended('failed', MINUTE);
    c.ended('neutral');
    expect(breaker.refusedForMs).toBe(10_000);
    pass(10_000);
    d.begun();
    d.ended('ok');
    e.ended('failed');
    expect(breaker.state).toBe('half_open');
    enter();
    f.ended('neutral');
    g.begun();
    g.ended('ok');
    h.ended('failed');
    // the probe is still the only one
    expect(breaker.enter()).toBeUndefined();
    expect(changes).toEqual(['open', 'half_open']);
  });
});

describe('CircuitBreaker, half open', () => {
  it('lets exactly one through, and tells the others to come back at once', () => {
    const { breaker, changes, enter, pass } = setUpOpen();
    pass(15_000);
    enter();
    expect(breaker.enter()).toBeUndefined();
    pass(MINUTE);
    expect(breaker.enter()).toBeUndefined();
    expect(breaker.refusedForMs).toBe(1);
    expect(breaker.state).toBe('half_open');
    expect(changes).toEqual(['open', 'half_open']);
  });

  it('closes with the first token of the probe, not with its end', () => {
    const { breaker, changes, enter, pass } = setUpOpen();
    pass(15_000);
    enter().begun();
    expect(breaker.state).toBe('closed');
    expect(breaker.enter()).toBeDefined();
    expect(changes).toEqual(['open', 'half_open', 'closed']);
  });

  it('closes with the end of a probe that had no token', () => {
    const { breaker, call, pass } = setUpOpen();
    pass(15_000);
    call('ok');
    expect(breaker.state).toBe('closed');
  });

  it('counts from nothing when it has closed', () => {
    const { breaker, call, pass } = setUpOpen();
    pass(15_000);
    call('ok');
    call('failed', 3);
    expect(breaker.state).toBe('closed');
    call('failed');
    expect(breaker.state).toBe('open');
  });

  it('counts a probe that broke off after its first token as any other failure', () => {
    const { breaker, enter, call, pass } = setUpOpen();
    pass(15_000);
    const probe = enter();
    probe.begun();
    call('failed', 3);
    expect(breaker.state).toBe('closed');
    probe.ended('failed');
    expect(breaker.state).toBe('open');
  });

  it('opens again when the probe fails, for as long as the model asks', () => {
    const { breaker, changes, call, pass } = setUpOpen();
    pass(15_000);
    call('failed', 1, 20_000);
    expect(breaker.state).toBe('open');
    expect(breaker.refusedForMs).toBe(20_000);
    pass(20_000);
    call('failed');
    expect(breaker.refusedForMs).toBe(15_000);
    expect(changes).toEqual(['open', 'half_open', 'open', 'half_open', 'open']);
  });

  it('leaves the question to the next call when the probe is abandoned', () => {
    const { breaker, enter, call, pass } = setUpOpen();
    pass(15_000);
    call('neutral');
    expect(breaker.state).toBe('half_open');
    const second = enter();
    expect(breaker.enter()).toBeUndefined();
    second.begun();
    expect(breaker.state).toBe('closed');
  });

  // a probe that closed the breaker with its first token is an ordinary call from then on
  describe.each(['ok', 'failed', 'neutral'] as const)('a former probe that ends with %s', (outcome) => {
    it('changes nothing while another call probes', () => {
      const { breaker, enter, call, pass } = setUpOpen();
      pass(15_000);
      const former = enter();
      former.begun();
      call('failed', 4);
      pass(15_000);
      enter();
      former.ended(outcome);
      expect(breaker.state).toBe('half_open');
      expect(breaker.enter()).toBeUndefined();
    });
  });
});

type Command =
  { do: 'enter' } | { do: 'begin' | 'ok' | 'fail' | 'abandon'; call: number } | { do: 'wait'; ms: number };

/** Plays commands and checks, at each, what must hold of a breaker whatever happens. */
function play(commands: readonly Command[]): void {
  const { breaker, pass } = setUp({ failures: 2, openMs: 1_000 });
  const calls: { passage: BreakerPassage; isProbe: boolean }[] = [];
  const probes = new Set<number>();
  for (const command of commands) {
    if (command.do === 'wait') pass(command.ms);
    else if (command.do === 'enter') {
      const { state, refusedForMs } = breaker;
      const passage = breaker.enter();
      expect(passage === undefined).toBe(refusedForMs !== undefined);
      if (state === 'open') expect(passage).toBeUndefined();
      if (state === 'closed') expect(passage).toBeDefined();
      if (passage === undefined) continue;
      const index = calls.push({ passage, isProbe: state === 'half_open' }) - 1;
      if (state === 'half_open') probes.add(index);
    } else {
      const { passage } = calls[command.call % (calls.length || 1)] ?? {};
      if (passage === undefined) continue;
      if (command.do === 'begin') passage.begun();
      else passage.ended(command.do === 'ok' ? 'ok' : command.do === 'fail' ? 'failed' : 'neutral');
      // what it would tell of the model has been told
      probes.delete(command.call % calls.length);
    }
    expect(probes.size).toBeLessThanOrEqual(1);
    if (probes.size === 1) expect(breaker.state).toBe('half_open');
    const { state, refusedForMs } = breaker;
    if (state === 'closed') expect(refusedForMs).toBeUndefined();
    if (state === 'open') expect(refusedForMs).toBeGreaterThan(0);
    if (state === 'half_open') expect(refusedForMs === undefined).toBe(probes.size === 0);
  }
}

const commandOf = (
  ...ways: Exclude<Command, { ms: number } | { do: 'enter' }>['do'][]
): fc.Arbitrary<Command> =>
  fc.oneof(
    { arbitrary: fc.constant<Command>({ do: 'enter' }), weight: 4 },
    { arbitrary: fc.record({ do: fc.constantFrom(...ways), call: fc.nat(30) }), weight: 4 },
    { arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(1_500) }), weight: 1 },
  );

describe('CircuitBreaker, whatever happens', () => {
  it('has at most one probe at a time and lets nobody through while it is open', () => {
    const commands = fc.array(commandOf('ok', 'fail', 'abandon'), { maxLength: 200 });
    fc.assert(fc.property(commands, play));
  });

  it('has at most one probe at a time, also when probes go on after their first token', () => {
    const commands = fc.array(commandOf('begin', 'ok', 'fail', 'abandon'), { maxLength: 200 });
    const enter: Command = { do: 'enter' };
    const fail = (call: number): Command => ({ do: 'fail', call });
    const wait: Command = { do: 'wait', ms: 1_000 };
    const opened = [enter, enter, fail(0), fail(1), wait, enter, { do: 'begin', call: 2 } as const];
    const openedAgain = [enter, enter, fail(3), fail(4), wait, enter, { do: 'abandon', call: 2 } as const];
    fc.assert(fc.property(commands, play), { examples: [[[...opened, ...openedAgain]]] });
  });
});
