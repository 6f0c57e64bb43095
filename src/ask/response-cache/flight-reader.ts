import type { Flight, Passenger } from './flight.js';

/**
 * Reads a flight from its first event on. Unlike a generator function, it can be left before the first read and while a
 * read waits.
 */
export class FlightReader<E> implements AsyncGenerator<E, void, void>, Passenger<E> {
  private flight: Flight<E>;
  private position = 0;
  private hasBegun = false;
  private isOver = false;
  /** Thrown once, by the first read after it came. */
  private failure: { error: unknown } | undefined;
  private news = Promise.withResolvers<void>();

  /** @param board the flight that can be joined now */
  constructor(
    readonly start: Passenger<E>['start'],
    private readonly signal: AbortSignal,
    private readonly board: () => Flight<E>,
  ) {
    this.flight = this.joinFlight();
    if (signal.aborted) this.onAbort();
    else signal.addEventListener('abort', this.onAbort, { once: true });
  }

  get isLeader(): boolean {
    return this.flight.isLedBy(this);
  }

  wake(): void {
    this.news.resolve();
    this.news = Promise.withResolvers();
  }

  async next(): Promise<IteratorResult<E, void>> {
    // taken before anything is waited for, so that reads at the same time get events in their order
    const index = this.position++;
    this.begin();
    for (;;) {
      if (this.isOver) return this.conclude();
      const { events, end } = this.flight;
      if (index < events.length) return { done: false, value: events[index] as E };
      if (end !== undefined) {
        if (end.failed) this.failure = { error: end.error };
        this.leave(undefined);
        return this.conclude();
      }
      await this.news.promise;
    }
  }

  return(): Promise<IteratorResult<E, void>> {
    this.failure = undefined;
    this.leave(new DOMException('Every reader has left', 'AbortError'));
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error: unknown): Promise<IteratorResult<E, void>> {
    this.failure = { error };
    this.leave(error);
    return this.next();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  private readonly onAbort = (): void => {
    this.failure = { error: this.signal.reason };
    this.leave(this.signal.reason);
  };

  private begin(): void {
    if (this.hasBegun || this.isOver) return;
    this.hasBegun = true;
    // whoever read it left in the time since this one joined
    if (this.flight.isAbandoned) this.flight = this.joinFlight();
    this.flight.beginReading(this);
  }

  private joinFlight(): Flight<E> {
    const flight = this.board();
    flight.join(this);
    return flight;
  }

  private leave(reason: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.signal.removeEventListener('abort', this.onAbort);
    this.flight.leave(this, reason);
    this.wake();
  }

  private conclude(): IteratorResult<E, void> {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure.error;
    return { done: true, value: undefined };
  }
}
