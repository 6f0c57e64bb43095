import { randomUUID } from 'node:crypto';
import { Counter, register } from 'prom-client';
import { type Allowance, AppError } from '../common/index.js';
import type { Bucket, BucketUse, Limits as LimitsOf, Verdict } from './limit-store.js';
import { type Limits, WINDOW_MS } from './limits.service.js';

const refusals = new Counter({
  name: 'footnote_limits_refusals_total',
  help: 'Requests refused with 429, by the limit that they would have passed.',
  labelNames: ['policy'],
  registers: [register],
});
const WINDOW_S = WINDOW_MS / 1000;
/** When to try again where nothing tells when a request in flight will be over. */
const SOON_MS = 1_000;

/** The limits by the names that callers know them by. */
const POLICIES = [
  { name: 'requests', limit: 'rpm', parameters: `;w=${WINDOW_S}`, unit: 'requests a minute' },
  { name: 'tokens', limit: 'tpm', parameters: `;w=${WINDOW_S};qu="tokens"`, unit: 'tokens a minute' },
  {
    name: 'concurrency',
    limit: 'concurrency',
    parameters: ';qu="concurrent-requests"',
    unit: 'requests at once',
  },
] as const satisfies { name: keyof BucketUse; limit: keyof LimitsOf; parameters: string; unit: string }[];

/** One request under the limits of its caller, and perhaps those of all callers together. */
export class Admission implements Allowance {
  private readonly id = randomUUID();
  private readonly buckets: readonly Bucket[];
  /** Those that limit tokens. */
  private readonly tokenBuckets: readonly Bucket[];

  /** @param everybody limits of all callers together; undefined: there are none */
  constructor(
    private readonly limits: Limits,
    own: Bucket,
    everybody: Bucket | undefined,
  ) {
    this.buckets = everybody === undefined ? [own] : [own, everybody];
    this.tokenBuckets = this.buckets.filter(({ limits }) => limits.tpm > 0);
  }

  /**
   * Asks to be let in.
   * @returns the fields that tell of the caller's own limits (draft-ietf-httpapi-ratelimit-headers-10); of all callers'
   *   it need not know. `refusal` is set when it is not let in.
   * @throws AppError SERVICE_UNAVAILABLE
   */
  async enter(): Promise<{ headers: Record<string, string>; refusal: AppError | undefined }> {
    const verdict = await this.limits.admit(this.id, this.buckets);
    return {
      headers: this.headers(verdict),
      refusal: verdict.isAdmitted ? undefined : this.refusal(verdict),
    };
  }

  /** It is over. Never rejects. */
  leave(): Promise<void> {
    return this.limits.release(this.id);
  }

  async another(): Promise<void> {
    const buckets = this.buckets.map(({ key, limits: { rpm } }) => ({
      key,
      limits: { rpm, tpm: 0, concurrency: 0 },
    }));
    const verdict = await this.limits.admit(randomUUID(), buckets);
    if (!verdict.isAdmitted) throw this.refusal(verdict);
  }

  async hold(work: string, tokens: number): Promise<void> {
    const { tokenBuckets } = this;
    if (tokenBuckets.length === 0) return;
    const { isHeld, waitMs } = await this.limits.hold(work, tokens, tokenBuckets);
    if (isHeld) return;
    const wait = Math.max(...waitMs);
    const bucket = tokenBuckets[waitMs.indexOf(wait)];
    throw refused([{ policy: POLICIES[1], bucket, isOwn: bucket === this.buckets[0] }], wait);
  }

  settle(work: string, tokens: number): Promise<void> {
    return this.limits.settle(work, tokens, this.tokenBuckets);
  }

  private headers({ uses }: Verdict): Record<string, string> {
    const [own] = this.buckets;
    const [use] = uses;
    if (own === undefined || use === undefined) return {};
    const bounded = POLICIES.filter(({ limit }) => own.limits[limit] > 0);
    if (bounded.length === 0) return {};
    const left = bounded.map(({ name, limit }) => {
      const remaining = Math.max(0, own.limits[limit] - use[name].used);
      const reset = name === 'concurrency' ? '' : `;t=${seconds(use[name].waitMs)}`;
      return `"${name}";r=${remaining}${reset}`;
    });
    return {
      'RateLimit-Policy': bounded
        .map(({ name, limit, parameters }) => `"${name}";q=${own.limits[limit]}${parameters}`)
        .join(', '),
      RateLimit: left.join(', '),
    };
  }

  private refusal({ uses }: Verdict): AppError {
    const violated = this.buckets.flatMap((bucket, index) =>
      POLICIES.flatMap((policy) => {
        const use = uses[index]?.[policy.name];
        const limit = bucket.limits[policy.limit];
        if (use === undefined || limit === 0 || use.used < limit) return [];
        return [{ policy, bucket, isOwn: index === 0, waitMs: use.waitMs === 0 ? SOON_MS : use.waitMs }];
      }),
    );
    return refused(violated, Math.max(SOON_MS, ...violated.map(({ waitMs }) => waitMs)));
  }
}

function refused(
  violated: readonly { policy: (typeof POLICIES)[number]; bucket: Bucket | undefined; isOwn: boolean }[],
  waitMs: number,
): AppError {
  const [first] = violated;
  const wait = seconds(waitMs);
  const limit = first?.bucket?.limits[first.policy.limit] ?? 0;
  const what = `${limit} ${first?.policy.unit ?? 'requests'}${first?.isOwn === false ? ' of all callers' : ''}`;
  const violatedPolicies = violated.map(({ policy, isOwn }) =>
    isOwn ? policy.name : `global-${policy.name}`,
  );
  for (const policy of violatedPolicies) refusals.inc({ policy });
  return new AppError('RATE_LIMITED', `More than ${what}. Try again in ${wait} s.`, {
    headers: { 'Retry-After': String(wait) },
    violatedPolicies,
  });
}

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
