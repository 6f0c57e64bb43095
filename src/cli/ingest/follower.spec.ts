// The service is a stand-in that works through its queue, some documents further with each look at it.
import { describe, expect, it } from 'vitest';
import type { DocumentDto } from '../../documents/index.js';
import type { IngestFile } from './file-finder.js';
import { Follower } from './follower.js';
import type { ServiceClient } from './service-client.js';

/** @param isFinished by document id and the number of looks so far */
function serviceWhere(isFinished: (id: string, looks: number) => boolean): {
  client: ServiceClient;
  looks: () => number;
} {
  let looks = 0;
  const client = {
    document: async (id: string) => {
      looks++;
      await Promise.resolve();
      return { id, status: isFinished(id, looks) ? 'ready' : 'queued' } as DocumentDto;
    },
  } as unknown as ServiceClient;
  return { client, looks: () => looks };
}

async function follow(
  client: ServiceClient,
  ids: readonly string[],
  signal = AbortSignal.timeout(60_000),
): Promise<string[]> {
  const settled: string[] = [];
  const follower = new Follower(client, (file: IngestFile) => settled.push(file.id));
  for (const id of ids) follower.add(id, { path: id, id });
  follower.complete();
  await follower.run(signal);
  return settled;
}

const numbers = Array.from({ length: 1000 }, (_, index) => String(index));

describe('Follower', () => {
  it('asks for each document about once, in the order of the queue', async () => {
    // with each look, three more are finished
    const { client, looks } = serviceWhere((id, count) => Number(id) < count * 3);
    expect((await follow(client, numbers)).toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers);
    expect(looks()).toBeLessThan(numbers.length + 100);
  });

  it('finds finished documents behind unfinished ones', async () => {
    // the first forty are the last ones to be finished
    const finished = new Set<string>();
    const { client } = serviceWhere((id, count) => {
      const isDone = Number(id) >= 40 || finished.size >= numbers.length - 40 || count > 100_000;
      if (isDone) finished.add(id);
      return isDone;
    });
    const settled = await follow(client, numbers);
    expect(settled).toHaveLength(numbers.length);
    expect(settled.slice(-40).every((id) => Number(id) < 40)).toBe(true);
  }, 60_000);

  it('settles documents that are there no more', async () => {
    const client = { document: () => Promise.resolve(undefined) };
    expect(await follow(client as unknown as ServiceClient, ['a', 'b'])).toEqual(['a', 'b']);
  });

  it('can be interrupted, and passes failures on', async () => {
    const { client } = serviceWhere(() => false);
    await expect(follow(client, ['a'], AbortSignal.timeout(100))).rejects.toThrow(/abort/);
    const broken = { document: () => Promise.reject(new Error('gone')) } as unknown as ServiceClient;
    await expect(follow(broken, ['a'])).rejects.toThrow('gone');
  });
});
