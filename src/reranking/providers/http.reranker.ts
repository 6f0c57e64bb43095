import { setTimeout as sleep } from 'node:timers/promises';
import {
  Bulkhead,
  BulkheadFullError,
  CircuitBreaker,
  countTokens,
  delayBeforeRetry,
  HttpTransport,
  ModelError,
  responseError,
  tokensAtMost,
  toModelError,
} from '../../common/index.js';
import { Reranker, type RerankRequest } from '../reranker.js';
import { parseRerankReply, type RerankReply } from './rerank-reply.js';

/** What differs between the servers that rank texts over HTTP. */
export interface RerankDialect {
  name: string;
  /** Of the provider's own service; undefined: it has none. */
  url: string | undefined;
  body(model: string, query: string, passages: readonly string[]): object;
}

export interface HttpRerankerSettings {
  url: string;
  apiKey: string | undefined;
  maxRetries: number;
  maxConcurrency: number;
  maxQueue: number;
  breakerFailures: number;
  breakerOpenMs: number;
}

const CANDIDATES = 50;
/** Far more than a score for each passage takes. */
const LONGEST_REPLY = 1024 * 1024;
/** Cohere bills a search for each 100 texts, and counts a longer one as several: https://cohere.com/pricing. */
const TEXTS_PER_SEARCH_UNIT = 100;
const TOKENS_PER_TEXT = 500;

/** A server with a `/rerank` endpoint: Cohere's, Jina's, Text Embeddings Inference, and those that are compatible. */
export class HttpReranker extends Reranker {
  override readonly id: string;
  override readonly candidates = CANDIDATES;
  private readonly transport = new HttpTransport();
  private readonly bulkhead: Bulkhead;
  private readonly breaker: CircuitBreaker;

  constructor(
    private readonly dialect: RerankDialect,
    private readonly model: string,
    private readonly settings: HttpRerankerSettings,
  ) {
    super();
    this.id = `${dialect.name}/${model}`;
    this.bulkhead = new Bulkhead(settings.maxConcurrency, settings.maxQueue);
    this.breaker = new CircuitBreaker({ failures: settings.breakerFailures, openMs: settings.breakerOpenMs });
  }

  override async score(request: RerankRequest): Promise<readonly number[]> {
    const { meter, query, passages } = request;
    const giveUp = await meter.hold(() => ({
      models: [this.id],
      outputTokens: 0,
      ...worstOf(query, passages),
    }));
    try {
      for (let attempt = 1; ; attempt++) {
        if (attempt > 1) await meter.cover();
        try {
          return await this.attempt(request, attempt);
        } catch (error) {
          if (!(error instanceof ModelError) || !error.isRetryable || attempt > this.settings.maxRetries)
            throw error;
          const delay = delayBeforeRetry(error, attempt, Math.random);
          if (delay === undefined || performance.now() + delay >= request.deadline) throw error;
          await sleep(delay, undefined, { signal: request.signal }).catch(() =>
            request.signal.throwIfAborted(),
          );
        }
      }
    } finally {
      giveUp();
    }
  }

  override close(): Promise<void> {
    return this.transport.close();
  }

  /** One call, within its place; told of however it ends. */
  private async attempt(request: RerankRequest, attempt: number): Promise<readonly number[]> {
    const { signal, meter, query, passages } = request;
    const leave = await this.place(request);
    const pass = this.breaker.enter();
    if (pass === undefined) {
      leave();
      throw this.refused('does not work now, and is left alone for a while');
    }
    const started = performance.now();
    let reply: RerankReply | undefined;
    let failure: ModelError | undefined;
    try {
      reply = await this.call(query, passages, signal);
      return reply.scores;
    } catch (error) {
      failure = failureOf(error, this.dialect.name, signal);
      throw failure ?? error;
    } finally {
      leave();
      if (reply !== undefined) pass.ended('ok');
      else pass.ended(failure?.isProviderFault === true ? 'failed' : 'neutral', failure?.retryAfterMs);
      meter.add({
        model: this.id,
        attempt,
        outcome: reply !== undefined ? 'ok' : failure === undefined ? 'aborted' : 'failed',
        ...(reply === undefined ? {} : billed(reply, query, passages)),
        estimated: reply !== undefined && reply.tokens === undefined && reply.searchUnits === undefined,
        latencyMs: performance.now() - started,
        error: failure?.kind ?? null,
      });
    }
  }

  private async call(query: string, passages: readonly string[], signal: AbortSignal): Promise<RerankReply> {
    const { url, apiKey } = this.settings;
    const response = await this.transport.fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify(this.dialect.body(this.model, query, passages)),
      signal,
    });
    const text = await readBody(response);
    if (!response.ok) throw responseError(this.dialect.name, response.status, response.headers);
    return parseRerankReply(JSON.parse(text), passages.length);
  }

  private async place({ signal, deadline }: RerankRequest): Promise<() => void> {
    try {
      return await this.bulkhead.enter(signal, deadline - performance.now());
    } catch (error) {
      if (error instanceof BulkheadFullError) throw this.refused('has more to do than is let wait');
      throw error;
    }
  }

  private refused(why: string): ModelError {
    return new ModelError(`${this.id} ${why}`, {
      kind: 'overloaded',
      provider: this.dialect.name,
      shouldRetry: false,
    });
  }
}

/** Undefined where the caller has left; that its time is over is the reason of the signal. */
function failureOf(error: unknown, provider: string, signal: AbortSignal): ModelError | undefined {
  if (!signal.aborted) return toModelError(error, provider, signal);
  return signal.reason instanceof ModelError ? signal.reason : undefined;
}

async function readBody(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > LONGEST_REPLY) throw new SyntaxError('a longer answer than scores take');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** A server that does not say is taken to read the question with each passage, as cross-encoders do. */
function billed(
  { tokens, searchUnits }: RerankReply,
  query: string,
  passages: readonly string[],
): { inputTokens: number; searchUnits: number } {
  if (tokens !== undefined || searchUnits !== undefined)
    return { inputTokens: tokens ?? 0, searchUnits: searchUnits ?? 0 };
  const read = passages.reduce((sum, passage) => sum + countTokens(passage), 0);
  return { inputTokens: read + passages.length * countTokens(query), searchUnits: 1 };
}

function worstOf(query: string, passages: readonly string[]): { inputTokens: number; searchUnits: number } {
  const tokens = passages.map((passage) => tokensAtMost(query) + tokensAtMost(passage));
  const texts = tokens.reduce((sum, count) => sum + Math.ceil(count / TOKENS_PER_TEXT), 0);
  return {
    inputTokens: tokens.reduce((sum, count) => sum + count, 0),
    searchUnits: Math.max(1, Math.ceil(texts / TEXTS_PER_SEARCH_UNIT)),
  };
}
