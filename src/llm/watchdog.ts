/**
 * Watches over one call: its signal aborts when the caller's does, or when a wait takes too long, or when it is closed.
 * A model that ignores its signal cannot hold up the caller.
 */
export class Watchdog {
  readonly #controller = new AbortController();
  #reject: ((reason: unknown) => void) | undefined;
  readonly #onAbort = () => this.#stop(this.parent.reason);

  constructor(private readonly parent: AbortSignal) {
    if (parent.aborted) this.#controller.abort(parent.reason);
    else parent.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Waits for a promise for at most `ms` milliseconds (Infinity: for ever).
   *
   * @throws the caller's reason when aborted, or the error given for a wait that took too long
   */
  async race<T>(promise: Promise<T>, ms: number, timeoutError: () => Error): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    try {
      // not Promise.race with one long-lived promise of abortion: that would keep a reaction of every event
      return await new Promise<T>((resolve, reject) => {
        this.#reject = reject;
        promise.then(resolve, reject);
        if (this.#controller.signal.aborted) reject(this.#controller.signal.reason as Error);
        else if (ms <= 0) this.#stop(timeoutError());
        else if (ms !== Infinity) timer = setTimeout(() => this.#stop(timeoutError()), ms);
      });
    } finally {
      clearTimeout(timer);
      this.#reject = undefined;
    }
  }

  /** Stops the call if it still runs, and forgets the caller's signal. */
  close(): void {
    this.parent.removeEventListener('abort', this.#onAbort);
    this.#controller.abort();
  }

  #stop(reason: unknown): void {
    // first, so that the reader sees this reason and not what the call makes of it
    this.#reject?.(reason);
    this.#controller.abort(reason);
  }
}
