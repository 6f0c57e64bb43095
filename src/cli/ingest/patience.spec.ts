import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StopError } from '../errors.js';
import { Patience } from './patience.js';

const never = new AbortController().signal;

describe('Patience', () => {
  let patience: Patience;
  beforeEach(() => {
    vi.useFakeTimers({ now: new Date('2026-11-22T10:00:00Z'), toFake: ['Date'] });
    patience = new Patience(() => Date.now());
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('does not wait unasked', async () => {
    await patience.wait(never);
    expect(patience.leftMs).toBe(0);
  });

  it.each<[string | null, number]>([
    ['30', 30_000],
    ['Sun, 22 Nov 2026 10:02:00 GMT', 120_000],
    ['0', 1_000],
    ['Sun, 22 Nov 2026 09:00:00 GMT', 1_000],
    [null, 5_000],
    ['soon', 5_000],
  ])('Retry-After: %s', (retryAfter, ms) => {
    patience.asked(retryAfter, '');
    expect(patience.leftMs).toBe(ms);
  });

  it('waits for the longest that was asked for', () => {
    patience.asked('30', '');
    patience.asked('10', '');
    expect(patience.leftMs).toBe(30_000);
  });

  it('really waits', async () => {
    vi.useRealTimers();
    const real = new Patience();
    const started = performance.now();
    real.asked('1', '');
    await real.wait(never);
    expect(performance.now() - started).toBeGreaterThanOrEqual(1_000);
  });

  it('ends after an hour without progress, and says what the service said', async () => {
    vi.setSystemTime(Date.now() + 3_500_000);
    patience.asked('60', 'The queue is full.');
    expect(() => patience.check()).not.toThrow();
    patience.asked('200', 'The queue is full.');
    await expect(patience.wait(never)).rejects.toThrow(StopError);
    await expect(patience.wait(never)).rejects.toThrow('The queue is full.');
    patience.progressed();
    expect(() => patience.check()).not.toThrow();
  });

  it('can be interrupted', async () => {
    patience.asked('600', '');
    const controller = new AbortController();
    const waiting = patience.wait(controller.signal);
    controller.abort();
    await expect(waiting).rejects.toThrow(/abort/);
  });
});
