/**
 * Watches over one call: its signal aborts when the caller's does, or when a wait takes too long, or when it is closed.
 * A model that ignores its signal cannot hold up the caller.
 */
export class Watchdog {
  readonly #controller = new AbortController();
  #reject: ((reason: unknown) => void) | undefined;
  /** When the wait under way has taken too long, on the clock of `performance.now()`. */
  #expiresAt = Infinity;
  #timeoutError: (() => Error) | undefined;
  /** One timer for all waits: it moves on when it finds that the wait it was set for is over. */
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  readonly #onAbort = () => this.#stop(this.parent.reason);
  readonly #onTimer = () => {
    this.#timerAt = Infinity;
    if (performance.now() < this.#expiresAt) this.#setTimer();
    else if (this.#timeoutError !== undefined) this.#stop(this.#timeoutError());
  };

  constructor(private readonly parent: AbortSignal) {
    if (parent.aborted) this.#controller.abort(parent.reason);
    else parent.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Waits for a promise until `expiresAt`, on the clock of `performance.now()` (Infinity: for ever). One wait at a time.
   *
   * @throws the caller's reason when aborted, or the error given for a wait that took too long
   */
  race<T>(promise: Promise<T>, expiresAt: number, timeoutError: () => Error): Promise<T> {
    // not Promise.race with one long-lived promise of abortion: that would keep a reaction of every event
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      this.#expiresAt = expiresAt;
      this.#timeoutError = timeoutError;
      promise.then(
        (value) => {
          this.#rest();
          return resolve(value);
        },
        (error: unknown) => {
          this.#rest();
          return reject(error);
        },
      );
      if (this.#controller.signal.aborted) reject(this.#controller.signal.reason as Error);
      else if (expiresAt <= performance.now()) this.#stop(timeoutError());
      else if (expiresAt < this.#timerAt) this.#setTimer();
    });
  }

  /** Forgets the caller's signal, and stops the call unless it has ended by itself. */
  close(hasEnded: boolean): void {
    this.#rest();
    clearTimeout(this.#timer);
    this.parent.removeEventListener('abort', this.#onAbort);
    if (!hasEnded) this.#controller.abort();
  }

  /** Nobody waits: the time that the reader takes is not counted. */
  #rest(): void {
    this.#reject = undefined;
    this.#expiresAt = Infinity;
    this.#timeoutError = undefined;
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    if (this.#expiresAt === Infinity) return;
    this.#timerAt = this.#expiresAt;
    this.#timer = setTimeout(this.#onTimer, Math.ceil(this.#expiresAt - performance.now()));
  }

  #stop(reason: unknown): void {
    // first, so that the reader sees this reason and not what the call makes of it
    this.#reject?.(reason);
    this.#controller.abort(reason);
  }
}
