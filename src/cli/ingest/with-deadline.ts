/**
 * Runs work under a signal that aborts when another one does, and after a time. Once the work is over, nothing of it is
 * held: what waits for `AbortSignal.timeout` is, until that time has passed, which for a hundred thousand uploads is a
 * gigabyte.
 * @throws the signal's reason when aborted; Error when the time is over
 */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal.reason);
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${ms / 1000} s`)), ms);
  signal.addEventListener('abort', onAbort);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
