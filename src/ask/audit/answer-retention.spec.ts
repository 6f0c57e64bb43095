import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AnswerStore } from './answer-store.js';
import { AnswerRetention } from './answer-retention.js';

const HOUR_MS = 3_600_000;

describe('AnswerRetention', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  function retention(deleteOld: () => Promise<number>) {
    const calls = vi.fn(deleteOld);
    const made = new AnswerRetention({ deleteOld: calls } as unknown as AnswerStore);
    vi.spyOn(made['logger'], 'log').mockImplementation(() => {});
    const told = vi.spyOn(made['logger'], 'error').mockImplementation(() => {});
    return { made, calls, told };
  }

  it('deletes batch by batch until one is not full', async () => {
    const counts = [1_000, 1_000, 3];
    const { made, calls } = retention(() => Promise.resolve(counts.shift()!));
    expect(await made.purge()).toBe(2_003);
    expect(calls.mock.calls).toEqual([[1_000], [1_000], [1_000]]);
  });

  it('does it at the start, and every hour or a little later, also after a failure, until it is stopped', async () => {
    const { made, calls, told } = retention(() => Promise.reject(new Error('gone')));
    made.onApplicationBootstrap();
    await vi.advanceTimersByTimeAsync(0);
    expect(calls).toHaveBeenCalledTimes(1);
    expect(told).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(HOUR_MS - 1);
    expect(calls).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(HOUR_MS / 6);
    expect(calls).toHaveBeenCalledTimes(2);
    await made.beforeApplicationShutdown();
    await vi.advanceTimersByTimeAsync(5 * HOUR_MS);
    expect(calls).toHaveBeenCalledTimes(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stops in the middle, after the batch that is under way', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const { made, calls } = retention(() => promise);
    made.onApplicationBootstrap();
    let isStopped = false;
    const stopped = made.beforeApplicationShutdown().then(() => (isStopped = true));
    await vi.advanceTimersByTimeAsync(0);
    expect(isStopped).toBe(false);
    resolve(1_000);
    await stopped;
    expect(calls).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
