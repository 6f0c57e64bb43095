// Real: the command's waiting. The service is a stand-in.
import { describe, expect, it } from 'vitest';
import { type CollectionClient, type CollectionState, RefusedError } from './collection-client.js';
import { follow } from './follow.js';
import { LineProgress } from './progress.js';

function collection(
  model: string,
  reembedding: Partial<CollectionState['reembedding']> = null,
): CollectionState {
  return {
    embedding_model: model,
    chunks: 10,
    reembedding:
      reembedding === null
        ? null
        : { model: 'new', state: 'building', chunks: 10, chunks_done: 4, error: null, ...reembedding },
  };
}

function following(...states: (CollectionState | Error)[]) {
  const lines: string[] = [];
  const client = {
    get: () => {
      const state = states.shift();
      return state instanceof Error ? Promise.reject(state) : Promise.resolve(state);
    },
  };
  const signal = AbortSignal.timeout(20_000);
  const ending = follow(
    client as unknown as CollectionClient,
    'new',
    new LineProgress((line) => lines.push(line)),
    signal,
  );
  return { ending, lines };
}

describe('follow', () => {
  it('tells how far it is, once each step and problem, until it is switched', async () => {
    const { ending, lines } = following(
      collection('old', { chunks_done: 0 }),
      collection('old', { chunks_done: 4, error: 'The provider is down.' }),
      new TypeError('fetch failed'),
      new RefusedError(503, 'not now'),
      collection('old', { chunks_done: 4, error: 'The provider is down.' }),
      collection('new'),
    );
    expect(await ending).toEqual({ isSwitched: true, message: 'It is embedded with new now: 10 passages.' });
    expect(lines).toEqual(['0 of 10 passages (0 %)', '4 of 10 passages (40 %)', 'The provider is down.']);
  });

  it.each([
    [collection('old', { state: 'stopped' }), /^It was stopped; 4 of 10 passages are embedded, and kept/],
    [
      collection('old', { state: 'failed', error: 'No such model.' }),
      /^It has failed: No such model\. 4 of 10/,
    ],
    [collection('old', { model: 'third' }), /is changing it to third/],
    [collection('third'), /has changed it to third/],
  ])('ends with what has become of it: %j', async (state, message) => {
    const { isSwitched, message: told } = await following(state).ending;
    expect(isSwitched).toBe(false);
    expect(told).toMatch(message);
  });

  it('ends when the collection is gone', async () => {
    const { ending } = following(
      collection('old', {}),
      new RefusedError(404, 'There is no collection "guide".'),
    );
    await expect(ending).rejects.toThrow('There is no collection');
  });
});
