import { setTimeout as wait } from 'node:timers/promises';
import { type CollectionClient, type CollectionState, RefusedError } from './collection-client.js';
import type { Progress } from './progress.js';

/** How it ended. */
export interface Ending {
  isSwitched: boolean;
  message: string;
}

const POLL_MS = 500;
/** A service that restarts, or a network that blinks, is back within this time. */
const LONGEST_OUTAGE_MS = 60_000;

/**
 * Waits until a collection is embedded with a model, or will not be.
 * @throws the signal's reason when aborted; RefusedError, or what `fetch` throws once the service is gone for a minute
 */
export async function follow(
  client: CollectionClient,
  model: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Ending> {
  try {
    for (;;) {
      const collection = await look(client, signal);
      const ending = endingOf(collection, model);
      if (ending !== undefined) return ending;
      const { chunks_done: done = 0, chunks = 0, error = null } = collection.reembedding ?? {};
      progress.show(done, chunks, error);
      await wait(POLL_MS, undefined, { signal });
    }
  } finally {
    progress.end();
  }
}

/** What is left to say of a collection that is not on its way to the model any more. */
export function endingOf(
  { embedding_model, chunks, reembedding }: CollectionState,
  model: string,
): Ending | undefined {
  if (reembedding === null)
    return embedding_model === model
      ? { isSwitched: true, message: `It is embedded with ${model} now: ${chunks} passages.` }
      : { isSwitched: false, message: `Somebody has changed it to ${embedding_model}.` };
  if (reembedding.model !== model)
    return { isSwitched: false, message: `Somebody is changing it to ${reembedding.model}.` };
  if (reembedding.state === 'building') return undefined;
  const kept = `${reembedding.chunks_done} of ${reembedding.chunks} passages are embedded, and kept`;
  return reembedding.state === 'stopped'
    ? { isSwitched: false, message: `It was stopped; ${kept}.` }
    : { isSwitched: false, message: `It has failed: ${reembedding.error ?? ''} ${kept}.` };
}

async function look(client: CollectionClient, signal: AbortSignal): Promise<CollectionState> {
  const end = performance.now() + LONGEST_OUTAGE_MS;
  for (;;) {
    try {
      return await client.get(signal);
    } catch (error) {
      signal.throwIfAborted();
      const isOutage = !(error instanceof RefusedError) || error.status >= 500;
      if (!isOutage || performance.now() >= end) throw error;
      await wait(POLL_MS, undefined, { signal });
    }
  }
}
