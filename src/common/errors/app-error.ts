/** Every error code that a caller can see, with its HTTP status and title. The list is closed: clients switch on it. */
export const ERROR_CATALOGUE = {
  INVALID_REQUEST: { status: 400, title: 'The request is not valid' },
  UNAUTHENTICATED: { status: 401, title: 'No valid key was sent' },
  BUDGET_EXCEEDED: { status: 402, title: 'The call could pass a budget' },
  FORBIDDEN: { status: 403, title: 'The key does not allow this' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  CONFLICT: { status: 409, title: 'The request conflicts with what is stored' },
  TOO_LARGE: { status: 413, title: 'The request is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The format is not supported' },
  UNREADABLE_DOCUMENT: { status: 422, title: 'The document cannot be read' },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },
  INTERNAL_ERROR: { status: 500, title: 'Something failed on our side' },
  PROVIDER_ERROR: { status: 502, title: 'The model provider answered with an error' },
  PROVIDER_UNAVAILABLE: { status: 503, title: 'The model provider cannot be reached' },
  SERVICE_UNAVAILABLE: { status: 503, title: 'The service cannot take this now' },
  PROVIDER_TIMEOUT: { status: 504, title: 'The model provider took too long' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

export interface FieldError {
  /** Path of the field, such as `history.0.role`. */
  field: string;
  message: string;
}

interface AppErrorOptions {
  /** What is wrong with which field of the request. */
  errors?: FieldError[];
  /** Names of the rate limits that it would pass. */
  violatedPolicies?: string[];
  /** Response headers, such as Retry-After. */
  headers?: Record<string, string>;
  cause?: unknown;
}

/** An error that the caller is told about. Everything else that is thrown becomes INTERNAL_ERROR, without its message. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly errors: FieldError[] | undefined;
  readonly violatedPolicies: string[] | undefined;
  readonly headers: Record<string, string>;

  /**
   * @param code what kind of error
   * @param detail what is wrong here and what to do, in a sentence; it reaches the caller, so it holds no secret
   */
  constructor(
    readonly code: ErrorCode,
    detail: string,
    options: AppErrorOptions = {},
  ) {
    super(detail, { cause: options.cause });
    this.errors = options.errors;
    this.violatedPolicies = options.violatedPolicies;
    this.headers = options.headers ?? {};
  }
}

/** A field of the request that cannot be used. @param message names the field and says what it takes */
export function invalidField(field: string, message: string): AppError {
  return new AppError('INVALID_REQUEST', message, { errors: [{ field, message }] });
}
