import type { ModelError, ModelErrorKind } from '../providers/model-error.js';
import { AppError, type ErrorCode } from './app-error.js';

const CODE_BY_KIND: Record<ModelErrorKind, ErrorCode> = {
  rate_limited: 'PROVIDER_UNAVAILABLE',
  overloaded: 'PROVIDER_UNAVAILABLE',
  connection: 'PROVIDER_UNAVAILABLE',
  server_error: 'PROVIDER_ERROR',
  malformed_response: 'PROVIDER_ERROR',
  invalid_request: 'PROVIDER_ERROR',
  authentication: 'PROVIDER_ERROR',
  not_found: 'PROVIDER_ERROR',
  timeout: 'PROVIDER_TIMEOUT',
};

/**
 * What the caller is told of a failed call to a provider.
 * @param what could not be done, as the beginning of a sentence
 */
export function modelProblem(error: ModelError, what: string): AppError {
  const headers: Record<string, string> =
    error.retryAfterMs === undefined
      ? {}
      : { 'Retry-After': String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))) };
  return new AppError(CODE_BY_KIND[error.kind], `${what}: ${error.message}.`, { headers, cause: error });
}
