/** `half_open`: the wait is over, and one call may try whether the model works again. */
export type BreakerState = 'closed' | 'open' | 'half_open';

/** What a call that was let through must tell of itself, once each. */
export interface BreakerPassage {
  /** The model has sent its first token: it works. */
  begun(): void;
  /**
   * The call is over. `neutral`: it says nothing about the model (the caller left, nothing was sent).
   * @param retryAfterMs how long a failed model asked to be left alone
   */
  ended(outcome: 'ok' | 'failed' | 'neutral', retryAfterMs?: number): void;
}

export interface BreakerOptions {
  /** Failures within a minute that open it, when they are at least half of all calls; 0 = it never opens. */
  failures: number;
  /** How long it stays open, in ms; longer, up to a minute, when the model asked for that. */
  openMs: number;
  /** The clock, in ms. */
  now?: () => number;
  onChange?: (state: BreakerState) => void;
}

const WINDOW_MS = 60_000;
const SLICES = 6;
const SLICE_MS = WINDOW_MS / SLICES;
const LONGEST_OPEN_MS = 60_000;

interface Slice {
  startedAt: number;
  calls: number;
  failures: number;
}

/**
 * Keeps callers from a model that does not work, so that they get the next model, or an error, at once (Nygard,
 * "Release It!"; Fowler, "CircuitBreaker", 2014). One call at a time probes whether it works again; the others do not
 * wait for it, as they would in libraries made for calls that return at once: a probe that answers may stream for minutes.
 */
export class CircuitBreaker {
  private slices: Slice[] = [];
  private openUntil = 0;
  private isOpen = false;
  private isProbing = false;
  private readonly now: () => number;

  constructor(private readonly options: BreakerOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  get state(): BreakerState {
    if (!this.isOpen) return 'closed';
    return this.now() < this.openUntil ? 'open' : 'half_open';
  }

  /** Milliseconds until a call may be let through, at least 1; undefined when one may be now. */
  get refusedForMs(): number | undefined {
    if (!this.isOpen) return undefined;
    const left = this.openUntil - this.now();
    if (left <= 0 && !this.isProbing) return undefined;
    return Math.max(1, left);
  }

  /** Lets a call through; undefined when it must not be made. */
  enter(): BreakerPassage | undefined {
    if (this.refusedForMs !== undefined) return undefined;
    let isProbe = this.isOpen;
    if (isProbe) {
      this.isProbing = true;
      this.options.onChange?.('half_open');
    }
    let isOver = false;
    return {
      begun: () => {
        if (!isProbe || isOver) return;
        // the question is answered; from here on it is a call as any other
        isProbe = false;
        this.close();
      },
      ended: (outcome, retryAfterMs = 0) => {
        if (isOver) return;
        isOver = true;
        if (isProbe) this.probed(outcome, retryAfterMs);
        else if (outcome !== 'neutral') this.count(outcome === 'failed', retryAfterMs);
      },
    };
  }

  private probed(outcome: 'ok' | 'failed' | 'neutral', retryAfterMs: number): void {
    if (outcome === 'ok') this.close();
    else if (outcome === 'failed') this.open(retryAfterMs);
    // an abandoned probe leaves the question to the next call
    else this.isProbing = false;
  }

  private count(isFailure: boolean, retryAfterMs: number): void {
    const { failures } = this.options;
    // calls that were under way when it opened tell nothing new
    if (failures === 0 || this.isOpen) return;
    const now = this.now();
    this.slices = this.slices.filter(({ startedAt }) => now - startedAt < WINDOW_MS);
    let slice = this.slices.at(-1);
    if (slice === undefined || now - slice.startedAt >= SLICE_MS) {
      slice = { startedAt: now, calls: 0, failures: 0 };
      this.slices.push(slice);
    }
    slice.calls++;
    if (!isFailure) return;
    slice.failures++;
    const failed = this.slices.reduce((sum, other) => sum + other.failures, 0);
    const calls = this.slices.reduce((sum, other) => sum + other.calls, 0);
    if (failed >= failures && failed * 2 >= calls) this.open(retryAfterMs);
  }

  private open(retryAfterMs: number): void {
    this.isOpen = true;
    this.isProbing = false;
    this.slices = [];
    this.openUntil = this.now() + Math.max(this.options.openMs, Math.min(retryAfterMs, LONGEST_OPEN_MS));
    this.options.onChange?.('open');
  }

  private close(): void {
    this.isOpen = false;
    this.isProbing = false;
    this.slices = [];
    this.options.onChange?.('closed');
  }
}
