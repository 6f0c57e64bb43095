/** A caller, or all of them together, and what each may use; 0: no limit. */
export interface Bucket {
  key: string;
  limits: Limits;
}

export interface Limits {
  /** Requests, and tokens, in any minute. */
  rpm: number;
  tpm: number;
  /** Requests in flight. */
  concurrency: number;
}

/** What of one limit is used. */
export interface Use {
  used: number;
  /** Milliseconds until some of it is free again; 0 where nothing can be told of that. */
  waitMs: number;
}

/** What of a bucket's limits is used; all zero where there is no limit. */
export interface BucketUse {
  requests: Use;
  concurrency: Use;
  tokens: Use;
}

/** Whether a request is let in, and what is used then: with it, if it is. One item a bucket. */
export interface Verdict {
  isAdmitted: boolean;
  uses: BucketUse[];
}

/** Whether tokens are held; if not, `waitMs` a bucket until they would fit, 0 where they do. */
export interface HoldVerdict {
  isHeld: boolean;
  waitMs: number[];
}

/**
 * Counts what callers use, exactly: no span of a window's length ever holds more requests, or tokens of requests that
 * were admitted in it, than the limit. Each decision is one, over all buckets; what is refused is not counted.
 */
export interface LimitStore {
  /** Lets a request in where no limit is reached. */
  admit(id: string, buckets: readonly Bucket[]): Promise<Verdict>;
  /** The request is over: it is no longer in flight. */
  release(id: string, buckets: readonly Bucket[]): Promise<void>;
  /**
   * Makes a piece of work hold tokens, in place of what it held, where they fit into what is left. Work that alone is
   * larger than a limit fits when nothing else is held.
   * @param buckets those that limit tokens; the same for `settle`
   */
  hold(work: string, tokens: number, buckets: readonly Bucket[]): Promise<HoldVerdict>;
  /** Makes it hold what it has used, whether that fits or not. Nothing where its minute is over. */
  settle(work: string, tokens: number, buckets: readonly Bucket[]): Promise<void>;
}

export const NO_USE: Use = { used: 0, waitMs: 0 };
