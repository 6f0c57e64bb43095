import { describe, expect, it } from 'vitest';
import { Groups } from './groups.js';

/** Groups whose runs are held until they are let go. */
function heldGroups(largest = 10) {
  const runs: { items: readonly string[]; end: (error?: Error) => void }[] = [];
  const groups = new Groups<string, string>((items) => {
    const { promise, resolve, reject } = Promise.withResolvers<string[]>();
    const end = (error?: Error): void =>
      error === undefined ? resolve(items.map((item) => item.toUpperCase())) : reject(error);
    runs.push({ items, end });
    return promise;
  }, largest);
  return { groups, runs };
}

describe('Groups', () => {
  it('begins at once, and does what comes meanwhile together, next', async () => {
    const { groups, runs } = heldGroups();
    const results = ['a', 'b', 'c'].map((item) => groups.submit(item));
    expect(runs.map(({ items }) => items)).toEqual([['a']]);
    runs[0]!.end();
    expect(await results[0]).toBe('A');
    expect(runs.map(({ items }) => items)).toEqual([['a'], ['b', 'c']]);
    runs[1]!.end();
    expect(await Promise.all(results)).toEqual(['A', 'B', 'C']);
    const later = groups.submit('d');
    expect(runs.at(-1)!.items).toEqual(['d']);
    runs[2]!.end();
    expect(await later).toBe('D');
  });

  it('makes no group larger than it may be', async () => {
    const { groups, runs } = heldGroups(2);
    const results = ['a', 'b', 'c', 'd'].map((item) => groups.submit(item));
    for (let index = 0; index < 3; index++) {
      runs[index]!.end();
      await results[index];
    }
    expect(runs.map(({ items }) => items)).toEqual([['a'], ['b', 'c'], ['d']]);
    runs[2]!.end();
    await Promise.all(results);
  });

  it('tells a failure to those of its group, and goes on', async () => {
    const { groups, runs } = heldGroups();
    const [first, second, third] = ['a', 'b', 'c'].map((item) => groups.submit(item));
    runs[0]!.end();
    await first;
    runs[1]!.end(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    await expect(third).rejects.toThrow('gone');
    const next = groups.submit('d');
    runs[2]!.end();
    expect(await next).toBe('D');
  });
});
