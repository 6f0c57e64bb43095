/** A piece of an answer that rests on the same sources: a content block for Anthropic, text and markers for OpenAI. */
export interface AnswerPart {
  text: string;
  /** Sources it cites, and for Anthropic their text blocks (end exclusive; default: the first block). */
  cites?: { source: number; startBlock?: number; endBlock?: number }[];
}

/** Token counts to report, in Anthropic's convention: `inputTokens` without the cached ones. */
export interface FakeUsage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
}

/** What goes wrong in the middle of an answer, after so many tokens (0: after the stream's opening event). */
export interface Interruption {
  afterTokens: number;
  /** `stall`: no further byte; `cut`: the connection is destroyed; `end`: the stream ends politely, but unfinished. */
  how: 'stall' | 'cut' | 'end' | 'garbage' | 'error';
  /** For `error`: the provider's error type. Default `overloaded_error`. */
  errorType?: string;
}

export interface AnswerOptions {
  /** Wait before the response headers, in ms. */
  headersDelayMs?: number;
  /** Wait before each token, in ms. */
  delayMs?: number;
  /** Counts to report; `missing` leaves them out (OpenAI sends no usage chunk). Default: counted from the request. */
  usage?: Partial<FakeUsage> | 'missing';
  /** Bills by `usage`, but leaves the counts out as `missing` does. */
  hidesUsage?: boolean;
  /** As the wire spells it: `end_turn`, `max_tokens`, `refusal` …; `stop`, `length`, `content_filter` … */
  finishReason?: string;
  interruption?: Interruption;
}

/** What the provider does with one request. Made by the functions below. */
export type Behaviour =
  | ({ kind: 'answer'; parts: AnswerPart[] } & AnswerOptions)
  | { kind: 'status'; status: number; headers: Record<string, string>; errorType: string; message: string }
  | { kind: 'reset' }
  | { kind: 'hang'; headers: boolean }
  | { kind: 'garbage'; format: 'json' | 'sse' | 'empty' };

/** Answers with a text, or with parts that cite. Tokens are words with the white space before them. */
export function answer(content: string | AnswerPart[], options: AnswerOptions = {}): Behaviour {
  const parts = typeof content === 'string' ? [{ text: content }] : content;
  return { kind: 'answer', parts, ...options };
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

/** Answers with an error status. `headers` may carry `retry-after`, `retry-after-ms`, `x-should-retry`. */
export function status(code: number, headers: Record<string, string> = {}, errorType?: string): Behaviour {
  const type = errorType ?? ERROR_TYPES[code] ?? 'api_error';
  return { kind: 'status', status: code, headers, errorType: type, message: 'secret words of the provider' };
}

/** Destroys the connection before any byte of the response. */
export const resetBeforeHeaders = (): Behaviour => ({ kind: 'reset' });
/** Takes the request and never answers. */
export const hangBeforeHeaders = (): Behaviour => ({ kind: 'hang', headers: false });
/** Sends status 200 and no byte of the body. */
export const hangAfterHeaders = (): Behaviour => ({ kind: 'hang', headers: true });
/** A JSON body that ends in the middle. */
export const garbageJson = (): Behaviour => ({ kind: 'garbage', format: 'json' });
/** An event stream whose event is no JSON. */
export const garbageSse = (): Behaviour => ({ kind: 'garbage', format: 'sse' });
/** Status 200 and an event stream without events. */
export const emptyStream = (): Behaviour => ({ kind: 'garbage', format: 'empty' });

/** An answer that breaks off after so many tokens. */
export function interrupted(
  content: string | AnswerPart[],
  how: Interruption['how'],
  afterTokens: number,
  options: AnswerOptions & { errorType?: string } = {},
): Behaviour {
  return answer(content, { ...options, interruption: { how, afterTokens, errorType: options.errorType } });
}
