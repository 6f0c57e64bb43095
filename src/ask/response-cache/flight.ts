/** What a flight knows of one of its readers. */
export interface Passenger<E> {
  readonly start: (signal: AbortSignal) => AsyncIterable<E>;
  /** Tells that there is something new to read. */
  wake(): void;
}

/** One run: what it has given so far, how it ended, and who reads it. */
export class Flight<E> {
  readonly events: E[] = [];
  end: { failed: false } | { failed: true; error: unknown } | undefined;
  /** Every reader left before the end: nothing more will come. */
  isAbandoned = false;
  /** Whose `start` was called. */
  private leader: Passenger<E> | undefined;
  /** Joined before the run began, and not left; the first will lead. */
  private readonly joined = new Set<Passenger<E>>();
  private readonly readers = new Set<Passenger<E>>();
  private readonly controller = new AbortController();
  private iterator: AsyncIterator<E> | undefined;

  /** @param forget called once, when the flight can be joined no more */
  constructor(private readonly forget: () => void) {}

  isLedBy(passenger: Passenger<E>): boolean {
    return passenger === (this.leader ?? this.firstJoined());
  }

  join(passenger: Passenger<E>): void {
    if (this.leader === undefined) this.joined.add(passenger);
  }

  /** Counts a reader from here on; the first one begins the run. */
  beginReading(passenger: Passenger<E>): void {
    if (this.end !== undefined) return;
    this.readers.add(passenger);
    if (this.leader !== undefined) return;
    this.leader = this.firstJoined() ?? passenger;
    this.joined.clear();
    void this.run(this.leader.start);
  }

  /** @param reason for the run to stop, if this was the last reader */
  leave(passenger: Passenger<E>, reason: unknown): void {
    if (this.end !== undefined || this.isAbandoned) return;
    if (this.leader === undefined) {
      if (this.joined.delete(passenger) && this.joined.size === 0) this.forget();
    } else if (this.readers.delete(passenger) && this.readers.size === 0) this.abandon(reason);
  }

  private firstJoined(): Passenger<E> | undefined {
    return this.joined.values().next().value;
  }

  private async run(start: Passenger<E>['start']): Promise<void> {
    try {
      const iterator = start(this.controller.signal)[Symbol.asyncIterator]();
      this.iterator = iterator;
      // its own start may have sent the readers away
      if (this.isAbandoned) return void close(iterator);
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
        if (this.isAbandoned) return;
        this.events.push(next.value);
        this.wakeAll();
      }
      this.finish({ failed: false });
    } catch (error) {
      this.finish({ failed: true, error });
    }
  }

  private finish(end: Flight<E>['end']): void {
    if (this.isAbandoned) return;
    this.end = end;
    this.forget();
    this.wakeAll();
  }

  private abandon(reason: unknown): void {
    this.isAbandoned = true;
    // first, so that who joins because of the abort gets a run of its own
    this.forget();
    this.controller.abort(reason);
    if (this.iterator !== undefined) void close(this.iterator);
  }

  private wakeAll(): void {
    for (const reader of this.readers) reader.wake();
  }
}

async function close(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // nobody is left to be told
  }
}
