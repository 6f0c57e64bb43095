import {
  type Bucket,
  type BucketUse,
  type HoldVerdict,
  type LimitStore,
  NO_USE,
  type Verdict,
} from './limit-store.js';
import { SlidingWindow } from './sliding-window.js';

/** Callers that are remembered; above it, those longest unseen are forgotten. */
const MOST_CALLERS = 10_000;
const MOST_LOOKED_AT = 20;

/** Counts in this process. */
export class MemoryLimits implements LimitStore {
  /** Least recently seen first. */
  private readonly callers = new Map<string, Usage>();

  /** @param windowMs length of a window; @param now the clock, milliseconds */
  constructor(
    private readonly windowMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  admit(id: string, buckets: readonly Bucket[]): Promise<Verdict> {
    const seen = this.look(buckets);
    const isAdmitted = seen.every(({ usage, bucket: { limits } }) => {
      const isFull = (limit: number, used: number): boolean => limit > 0 && used >= limit;
      return !(
        isFull(limits.rpm, usage.requests.total) ||
        isFull(limits.concurrency, usage.flight.size) ||
        isFull(limits.tpm, usage.tokens.total)
      );
    });
    if (isAdmitted)
      for (const { usage, bucket } of seen) {
        if (bucket.limits.rpm > 0) usage.requests.set(id, 1);
        if (bucket.limits.concurrency > 0) usage.flight.add(id);
      }
    return Promise.resolve({ isAdmitted, uses: seen.map(({ usage, bucket }) => usage.of(bucket)) });
  }

  release(id: string, buckets: readonly Bucket[]): Promise<void> {
    for (const { key } of buckets) this.callers.get(key)?.flight.delete(id);
    return Promise.resolve();
  }

  hold(work: string, tokens: number, buckets: readonly Bucket[]): Promise<HoldVerdict> {
    const seen = this.look(buckets);
    const waitMs = seen.map(({ usage, bucket: { limits } }) =>
      usage.tokens.waitFor(work, Math.min(tokens, limits.tpm), limits.tpm),
    );
    const isHeld = waitMs.every((wait) => wait === 0);
    if (isHeld)
      for (const { usage, bucket } of seen) usage.tokens.set(work, Math.min(tokens, bucket.limits.tpm));
    return Promise.resolve({ isHeld, waitMs });
  }

  settle(work: string, tokens: number, buckets: readonly Bucket[]): Promise<void> {
    for (const { usage } of this.look(buckets)) if (usage.tokens.has(work)) usage.tokens.set(work, tokens);
    return Promise.resolve();
  }

  private look(buckets: readonly Bucket[]): { bucket: Bucket; usage: Usage }[] {
    return buckets.map((bucket) => {
      const usage = this.usageOf(bucket.key);
      usage.requests.slide();
      usage.tokens.slide();
      return { bucket, usage };
    });
  }

  private usageOf(key: string): Usage {
    const known = this.callers.get(key);
    if (known !== undefined) this.callers.delete(key);
    else if (this.callers.size >= MOST_CALLERS) this.forgetOne();
    const usage = known ?? new Usage(this.windowMs, this.now);
    this.callers.set(key, usage);
    return usage;
  }

  /** The one longest unseen that has nothing in flight, among some; else the very one. */
  private forgetOne(): void {
    let oldest: string | undefined;
    let looked = 0;
    for (const [key, { flight }] of this.callers) {
      if (flight.size === 0) return void this.callers.delete(key);
      oldest ??= key;
      if (++looked === MOST_LOOKED_AT) break;
    }
    if (oldest !== undefined) this.callers.delete(oldest);
  }
}

/** What one caller uses. */
class Usage {
  readonly requests: SlidingWindow;
  readonly tokens: SlidingWindow;
  readonly flight = new Set<string>();

  constructor(windowMs: number, now: () => number) {
    this.requests = new SlidingWindow(windowMs, now);
    this.tokens = new SlidingWindow(windowMs, now);
  }

  of({ limits }: Bucket): BucketUse {
    const inWindow = (limit: number, { total, untilFirstLeaves }: SlidingWindow) =>
      limit === 0 ? NO_USE : { used: total, waitMs: untilFirstLeaves };
    return {
      requests: inWindow(limits.rpm, this.requests),
      concurrency: limits.concurrency === 0 ? NO_USE : { used: this.flight.size, waitMs: 0 },
      tokens: inWindow(limits.tpm, this.tokens),
    };
  }
}
