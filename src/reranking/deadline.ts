import { ModelError } from '../common/index.js';
import type { RerankRequest } from './reranker.js';

/** A model that had less than this share of the time is not to blame for being late. */
const SHARE_TO_BLAME = 0.5;

/**
 * Runs the ranking of one request until its deadline.
 * @param model its id
 * @param work heeds the signal, which is aborted by the caller's, and with a ModelError when the time is over
 */
export async function beforeDeadline<T>(
  { signal, deadline, timeoutMs }: Pick<RerankRequest, 'signal' | 'deadline' | 'timeoutMs'>,
  model: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const leftMs = Math.max(0, deadline - performance.now());
  const late = new AbortController();
  const error = new ModelError(`${model} took longer than ${timeoutMs} ms`, {
    kind: 'timeout',
    provider: model.split('/', 1).join(),
    shouldRetry: false,
    isProviderFault: leftMs >= timeoutMs * SHARE_TO_BLAME,
  });
  const timer = setTimeout(() => late.abort(error), leftMs);
  try {
    // not raced with the signal: the work heeds it, and has then told the meter of its call
    return await work(AbortSignal.any([signal, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}
