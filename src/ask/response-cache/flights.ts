import { FlightReader } from './flight-reader.js';
import { Flight } from './flight.js';

/** A place among the readers of a run. */
export interface Boarding<E> {
  /**
   * Whether the run is, or will be, the one of this reader's `start`. It is settled by the first read: until then, a
   * leader that leaves hands it on, and a run that all its readers gave up is begun anew.
   */
  readonly isLeader: boolean;
  /** All events of the run. They must be iterated, or given up with `return()`. */
  readonly events: AsyncGenerator<E, void, void>;
}

/**
 * Lets callers who want the same thing at the same time share one run of it.
 *
 * A run begins with the first read of any of its readers, and goes on by itself, as fast as it can: its events are kept
 * for the readers until the last of them is through. Every reader gets every event from the first on, in order, and the
 * run's error where it fails. A key belongs to its run until the run ends or is given up; who joins later starts anew.
 */
export class Flights<E> {
  private readonly flights = new Map<string, Flight<E>>();

  /**
   * Joins the run of a key, or makes one.
   *
   * Only who has begun to read counts as a reader: who joins and never reads neither starts a run nor keeps one going,
   * but does hold the key until `return()` or its signal's abort if nobody else reads. A reader leaves with `return()`,
   * or when its signal is aborted; both work at once, whatever the run does.
   *
   * @param start makes the run; called at most once, for the leader. Its signal is aborted when every reader has left
   *   before the end, with the reason of the last one; the iterator is then returned too, and not waited for. It must
   *   end by itself: a run is given no time limit here.
   * @param signal of this reader alone: `events` throws its reason when it is aborted
   */
  join(key: string, start: (signal: AbortSignal) => AsyncIterable<E>, signal: AbortSignal): Boarding<E> {
    const events = new FlightReader(start, signal, () => this.flightOf(key));
    return {
      events,
      get isLeader() {
        return events.isLeader;
      },
    };
  }

  private flightOf(key: string): Flight<E> {
    const known = this.flights.get(key);
    if (known !== undefined) return known;
    const flight = new Flight<E>(() => this.flights.delete(key));
    this.flights.set(key, flight);
    return flight;
  }
}
