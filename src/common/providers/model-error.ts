/** Why a call to a model or embedding provider failed. */
export type ModelErrorKind =
  | 'rate_limited'
  | 'overloaded'
  | 'server_error'
  | 'connection'
  | 'timeout'
  | 'malformed_response'
  | 'invalid_request'
  | 'authentication'
  | 'not_found';

/** What the provider is to blame for, and what a retry may mend. */
const PROVIDER_FAULTS: ReadonlySet<ModelErrorKind> = new Set([
  'rate_limited',
  'overloaded',
  'server_error',
  'connection',
  'timeout',
  'malformed_response',
]);

interface ModelErrorDetails {
  kind: ModelErrorKind;
  provider: string;
  /** HTTP status, where one was received. */
  status?: number;
  /** The provider's own request id, for its support. */
  providerRequestId?: string;
  /** How long the provider asked us to wait, in milliseconds (`retry-after-ms`, `retry-after`). */
  retryAfterMs?: number;
  /** The provider's own word on retrying (`x-should-retry`); comes before the kind's default. */
  shouldRetry?: boolean;
  /** False where it is not the provider's fault after all, such as a timeout of a call that had little time left. */
  isProviderFault?: boolean;
  cause?: unknown;
}

/** A failed provider call, normalised: nobody above the adapters asks which provider it was. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly kind: ModelErrorKind;
  readonly provider: string;
  readonly status: number | undefined;
  readonly providerRequestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly isRetryable: boolean;
  /** False when the provider works and refuses this request, or these credentials. */
  readonly isProviderFault: boolean;

  constructor(message: string, details: ModelErrorDetails) {
    super(message, { cause: details.cause });
    this.kind = details.kind;
    this.provider = details.provider;
    this.status = details.status;
    this.providerRequestId = details.providerRequestId;
    this.retryAfterMs = details.retryAfterMs;
    this.isProviderFault = details.isProviderFault ?? PROVIDER_FAULTS.has(details.kind);
    this.isRetryable = details.shouldRetry ?? PROVIDER_FAULTS.has(details.kind);
  }
}
