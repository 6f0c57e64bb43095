import type { Response } from 'express';
import { SseWriter } from '../../common/index.js';
import type { DocumentProgressDto } from '../dto/document.dto.js';
import type { Outcome } from './ingestion-progress.js';

/** Writes a document's progress as server-sent events, one a change, until it is ready, failed or deleted. */
export async function writeProgress(
  states: AsyncIterable<Outcome[]>,
  response: Response,
  signal: AbortSignal,
): Promise<void> {
  const writer = new SseWriter(response, signal);
  writer.begin();
  let last = '';
  try {
    for await (const [state] of states) {
      if (state === undefined) break;
      const { id, status, progress, chunks, error } = state;
      const event: DocumentProgressDto = { id, status, progress, chunks, error };
      const key = JSON.stringify(event);
      if (key !== last) await writer.write('progress', event);
      last = key;
    }
  } catch (error) {
    // the caller went away, or the service stops
    if (!signal.aborted) throw error;
  } finally {
    writer.end();
  }
}
