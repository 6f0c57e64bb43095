import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { withDeadline } from './with-deadline.js';

const hang = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

describe('withDeadline', () => {
  it('ends work that takes too long', async () => {
    await expect(withDeadline(20, new AbortController().signal, hang)).rejects.toThrow(
      'no answer within 0.02 s',
    );
  });

  it('ends with the other signal, for its reason', async () => {
    const controller = new AbortController();
    const work = withDeadline(60_000, controller.signal, hang);
    controller.abort(new Error('enough'));
    await expect(work).rejects.toThrow('enough');
    await expect(withDeadline(60_000, controller.signal, hang)).rejects.toThrow('enough');
  });

  it('leaves nothing behind', async () => {
    const { signal } = new AbortController();
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    expect(await withDeadline(60_000, signal, () => Promise.resolve(1))).toBe(1);
    await expect(withDeadline(60_000, signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(timers()).toBeLessThanOrEqual(before);
  });
});
