import { AnthropicError, APIError as AnthropicApiError } from '@anthropic-ai/sdk';
import { APIError as OpenAiApiError, OpenAIError } from 'openai';
import { ModelError, type ModelErrorKind } from './model-error.js';

/** Error types and codes of both providers, wherever they appear: in a status answer or in a stream after 200. */
const KIND_BY_TYPE: Readonly<Record<string, ModelErrorKind>> = {
  overloaded_error: 'overloaded',
  rate_limit_error: 'rate_limited',
  rate_limit_exceeded: 'rate_limited',
  tokens: 'rate_limited',
  requests: 'rate_limited',
  insufficient_quota: 'rate_limited',
  api_error: 'server_error',
  server_error: 'server_error',
  timeout_error: 'timeout',
  invalid_request_error: 'invalid_request',
  request_too_large: 'invalid_request',
  context_length_exceeded: 'invalid_request',
  billing_error: 'authentication',
  authentication_error: 'authentication',
  permission_error: 'authentication',
  invalid_api_key: 'authentication',
  not_found_error: 'not_found',
  model_not_found: 'not_found',
};

const KIND_BY_STATUS: Readonly<Record<number, ModelErrorKind>> = {
  401: 'authentication',
  402: 'authentication',
  403: 'authentication',
  404: 'not_found',
  408: 'timeout',
  // both SDKs retry a conflict: the provider lost a race for a lock
  409: 'server_error',
  429: 'rate_limited',
  503: 'overloaded',
  529: 'overloaded',
};

/** Errors that no retry mends although their status says so. */
const FINAL_TYPES = new Set(['insufficient_quota', 'billing_error']);

/**
 * Normalises whatever a provider SDK threw. The message is made of our own words, the status and the provider's error
 * type: never of the provider's own message, which may quote the prompt or part of the key.
 *
 * @throws the signal's reason when the caller aborted: that is no failure of the provider
 */
export function toModelError(error: unknown, provider: string, signal: AbortSignal): ModelError {
  if (signal.aborted) throw signal.reason;
  if (error instanceof ModelError) return error;
  if (error instanceof AnthropicApiError || error instanceof OpenAiApiError)
    return fromApiError(error, provider);
  const code = networkCode(error);
  // "HPE_…" are the HTTP parser's: the bytes were no HTTP
  if (code !== undefined && !code.startsWith('HPE_')) return connectionError(provider, code);
  const ours =
    error instanceof AnthropicError || error instanceof OpenAIError || error instanceof SyntaxError;
  return new ModelError(`${provider} sent an answer that could not be read`, {
    kind: 'malformed_response',
    provider,
    // the SDKs' own parse errors quote the answer; anything else is worth a stack
    cause: ours ? undefined : error,
  });
}

function fromApiError(error: AnthropicApiError | OpenAiApiError, provider: string): ModelError {
  const headers: Headers | undefined = error.headers;
  // no headers: the request got no answer (or an abort that was not the caller's: the SDK's own timeout)
  if (headers === undefined) {
    if (error.constructor.name.includes('Timeout')) return timeoutError(provider);
    return connectionError(provider, networkCode(error));
  }
  const status: number | undefined = error.status;
  const labels = labelsOf(error);
  const known = labels.map((label) => KIND_BY_TYPE[label]).find((kind) => kind !== undefined);
  const answered = status === undefined ? 'failed in its stream' : `answered ${status}`;
  return new ModelError(`${provider} ${answered}${labels.length > 0 ? ` (${labels.join(', ')})` : ''}`, {
    kind: kindOfStatus(status) ?? known ?? 'server_error',
    provider,
    status,
    providerRequestId: error.requestID ?? undefined,
    retryAfterMs: retryAfterMs(headers),
    shouldRetry: labels.some((label) => FINAL_TYPES.has(label)) ? false : shouldRetry(headers),
  });
}

/**
 * What a status says of a server that no SDK speaks for; nothing of the body, which may quote what was sent.
 * @param provider its name in the message
 */
export function responseError(provider: string, status: number, headers: Headers): ModelError {
  return new ModelError(`${provider} answered ${status}`, {
    kind: kindOfStatus(status) ?? 'malformed_response',
    provider,
    status,
    retryAfterMs: retryAfterMs(headers),
    shouldRetry: shouldRetry(headers),
  });
}

function kindOfStatus(status: number | undefined): ModelErrorKind | undefined {
  // a 200 whose stream then failed says nothing
  if (status === undefined || status < 300) return undefined;
  const known = KIND_BY_STATUS[status];
  if (known !== undefined) return known;
  return status >= 500 ? 'server_error' : 'invalid_request';
}

/** The machine-readable words of an error: type, code and parameter; nothing that a person or model wrote. */
function labelsOf(error: AnthropicApiError | OpenAiApiError): string[] {
  const labels = error instanceof OpenAiApiError ? [error.type, error.code, error.param] : [error.type];
  return labels.filter(
    (label): label is string => typeof label === 'string' && /^[\w.[\]-]{1,64}$/.test(label),
  );
}

function connectionError(provider: string, code: string | undefined): ModelError {
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return timeoutError(provider);
  return new ModelError(`the connection to ${provider} failed${code === undefined ? '' : ` (${code})`}`, {
    kind: 'connection',
    provider,
  });
}

function timeoutError(provider: string): ModelError {
  return new ModelError(`the connection to ${provider} timed out`, { kind: 'timeout', provider });
}

/** `ECONNREFUSED`, `UND_ERR_SOCKET` …, from the error or what caused it. */
function networkCode(error: unknown): string | undefined {
  for (let depth = 0; depth < 5 && error instanceof Error; depth++) {
    if ('code' in error && typeof error.code === 'string') return error.code;
    error = error.cause;
  }
  return undefined;
}

/** How long the provider asks to wait: `retry-after-ms`, then `retry-after` in seconds or as an HTTP date. */
export function retryAfterMs(headers: Headers, now: number = Date.now()): number | undefined {
  const milliseconds = headers.get('retry-after-ms');
  if (milliseconds !== null && isAmount(milliseconds)) return Number(milliseconds);
  const after = headers.get('retry-after');
  if (after === null) return undefined;
  if (isAmount(after)) return Number(after) * 1000;
  const date = Date.parse(after);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function isAmount(value: string): boolean {
  return /^\s*\d+(?:\.\d+)?\s*$/.test(value);
}

function shouldRetry(headers: Headers): boolean | undefined {
  const word = headers.get('x-should-retry');
  if (word === 'true') return true;
  return word === 'false' ? false : undefined;
}
