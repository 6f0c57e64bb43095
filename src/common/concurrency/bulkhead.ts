/** There is no room: the queue is full, or the wait took too long. */
export class BulkheadFullError extends Error {
  override readonly name = 'BulkheadFullError';
}

interface Waiter {
  enter: () => void;
}

/**
 * Bounds how much is under way at once, so that one slow dependency cannot take all memory and sockets (Nygard,
 * "Release It!", bulkheads). Those beyond the limit wait in their order, those beyond the queue are refused.
 */
export class Bulkhead {
  private active = 0;
  private readonly waiting = new Set<Waiter>();

  /**
   * @param limit most under way at once, at least 1
   * @param maxQueue most that wait
   */
  constructor(
    private readonly limit: number,
    private readonly maxQueue: number,
  ) {}

  /** How many are under way. */
  get inFlight(): number {
    return this.active;
  }

  /** How many wait. */
  get queued(): number {
    return this.waiting.size;
  }

  /**
   * Waits for a place.
   * @param waitMs longest wait; Infinity: no bound
   * @returns what gives the place up; more than once does no harm
   * @throws BulkheadFullError when there is no place to be had; the signal's reason when aborted
   */
  async enter(signal: AbortSignal, waitMs: number): Promise<() => void> {
    signal.throwIfAborted();
    if (this.active < this.limit) this.active++;
    else if (this.waiting.size >= this.maxQueue) throw new BulkheadFullError('the queue is full');
    else await this.wait(signal, waitMs);
    let isInside = true;
    return () => {
      if (isInside) this.leave();
      isInside = false;
    };
  }

  private wait(signal: AbortSignal, waitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.waiting.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        settle();
      };
      const onAbort = (): void => end(() => reject(signal.reason as Error));
      const waiter: Waiter = { enter: () => end(resolve) };
      const timer =
        waitMs === Infinity
          ? undefined
          : setTimeout(
              () => end(() => reject(new BulkheadFullError('the wait took too long'))),
              Math.max(0, waitMs),
            );
      signal.addEventListener('abort', onAbort, { once: true });
      this.waiting.add(waiter);
    });
  }

  /** The place passes to the first who waits, if any. */
  private leave(): void {
    const [next] = this.waiting;
    if (next === undefined) this.active--;
    else next.enter();
  }
}
