import {
  Bulkhead,
  countTokens,
  HttpTransport,
  ModelError,
  responseError,
  tokensAtMost,
  toModelError,
  withRetries,
} from '../../common/index.js';
import { ModelGate } from '../../llm/index.js';
import { beforeDeadline } from '../deadline.js';
import { Reranker, type RerankRequest } from '../reranker.js';
import { type RerankUsage, scoresIn, usageIn } from './rerank-reply.js';

/** What differs between the servers that rank texts over HTTP. */
export interface RerankDialect {
  name: string;
  /** Of the provider's own service; undefined: it has none. */
  url: string | undefined;
  /** Most passages that a request may have, with its usual settings. */
  candidates: number;
  body(model: string, query: string, passages: readonly string[]): object;
}

/** How one of them is called. */
export interface HttpRerankerSettings {
  url: string;
  apiKey: string | undefined;
  maxRetries: number;
  maxConcurrency: number;
  maxQueue: number;
  breakerFailures: number;
  breakerOpenMs: number;
}

/** Far more than a score for each passage takes. */
const LONGEST_REPLY = 1024 * 1024;
/** Cohere bills a search for each 100 texts, and counts a longer one as several: https://cohere.com/pricing. */
const TEXTS_PER_SEARCH_UNIT = 100;
const TOKENS_PER_TEXT = 500;

/** A server with a `/rerank` endpoint: Cohere's, Jina's, Text Embeddings Inference, and those that are compatible. */
export class HttpReranker extends Reranker {
  override readonly id: string;
  override readonly candidates: number;
  private readonly transport = new HttpTransport();
  private readonly gate: ModelGate;

  constructor(
    private readonly dialect: RerankDialect,
    private readonly model: string,
    private readonly settings: HttpRerankerSettings,
  ) {
    super();
    this.id = `${dialect.name}/${model}`;
    this.candidates = dialect.candidates;
    this.gate = new ModelGate(this.id, new Bulkhead(settings.maxConcurrency, settings.maxQueue), settings);
  }

  override async score(request: RerankRequest): Promise<readonly number[]> {
    const { query, passages } = request;
    const giveUp = await request.meter.hold(() => ({
      models: [this.id],
      outputTokens: 0,
      ...worstOf(query, passages),
    }));
    try {
      return await beforeDeadline(request, this.id, (signal) =>
        withRetries((attempt) => this.attempt({ ...request, signal }, attempt), {
          maxRetries: this.settings.maxRetries,
          deadline: request.deadline,
          signal,
        }),
      );
    } finally {
      giveUp();
    }
  }

  override close(): Promise<void> {
    return this.transport.close();
  }

  /** One call, once there is a place for it; told of however it ends. */
  private async attempt(request: RerankRequest, attempt: number): Promise<readonly number[]> {
    const { signal, deadline, meter } = request;
    const pass = await this.gate.enter(signal, deadline - performance.now(), async () => {
      if (attempt > 1) await meter.cover();
    });
    const started = performance.now();
    const bill = new Bill(request);
    let outcome: 'ok' | 'failed' | 'aborted' = 'aborted';
    let failure: ModelError | undefined;
    try {
      const scores = await this.call(request, bill);
      outcome = 'ok';
      pass.ended();
      return scores;
    } catch (error) {
      failure = failureOf(error, this.dialect.name, signal);
      if (failure === undefined) throw error;
      outcome = 'failed';
      pass.ended(failure);
      throw failure;
    } finally {
      pass.left();
      const latencyMs = performance.now() - started;
      meter.add({
        model: this.id,
        attempt,
        outcome,
        ...bill.counts(),
        latencyMs,
        error: failure?.kind ?? null,
      });
    }
  }

  private async call({ query, passages, signal }: RerankRequest, bill: Bill): Promise<readonly number[]> {
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
    if (response.ok) bill.accepted();
    const text = await readBody(response);
    if (!response.ok) throw responseError(this.dialect.name, response.status, response.headers);
    const body: unknown = JSON.parse(text);
    bill.told(usageIn(body));
    return scoresIn(body, passages.length);
  }
}

/** What one call is billed: what the server says, and where it does not, what it was sent, once it has accepted that. */
class Bill {
  private isAccepted = false;
  private usage: RerankUsage = { tokens: undefined, searchUnits: undefined };

  constructor(private readonly request: Pick<RerankRequest, 'query' | 'passages'>) {}

  accepted(): void {
    this.isAccepted = true;
  }

  told(usage: RerankUsage): void {
    this.usage = usage;
  }

  counts(): { inputTokens: number; searchUnits: number; estimated: boolean } {
    const { tokens, searchUnits } = this.usage;
    if (!this.isAccepted || tokens !== undefined || searchUnits !== undefined)
      return { inputTokens: tokens ?? 0, searchUnits: searchUnits ?? 0, estimated: false };
    // the question is read with each passage, as cross-encoders do
    const { query, passages } = this.request;
    const read = passages.reduce((sum, passage) => sum + countTokens(passage), 0);
    return { inputTokens: read + passages.length * countTokens(query), searchUnits: 1, estimated: true };
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

function worstOf(query: string, passages: readonly string[]): { inputTokens: number; searchUnits: number } {
  const tokens = passages.map((passage) => tokensAtMost(query) + tokensAtMost(passage));
  const texts = tokens.reduce((sum, count) => sum + Math.ceil(count / TOKENS_PER_TEXT), 0);
  return {
    inputTokens: tokens.reduce((sum, count) => sum + count, 0),
    searchUnits: Math.max(1, Math.ceil(texts / TEXTS_PER_SEARCH_UNIT)),
  };
}
