import type OpenAI from 'openai';
import {
  Bulkhead,
  BulkheadFullError,
  countTokens,
  HttpTransport,
  mapLimit,
  ModelError,
  openAiClient,
  toModelError,
  tokensAtMost,
  withRetries,
} from '../../common/index.js';
import {
  type EmbeddingCall,
  type BeginEmbeddingCall,
  EmbeddingModel,
  type Embeddings,
} from '../embedding-model.js';
import type { EmbeddingSettings } from './settings.js';

/** OpenAI takes up to 2,048 texts a call; smaller calls fail and retry more cheaply, and compatible servers take less. */
const BATCH = 128;
const CONCURRENT_CALLS = 4;
const NO_KEY = 'none';
const FULL_RETRY_AFTER_MS = 1000;

/**
 * `openai/<model>`: OpenAI's embeddings and those of every compatible server (`OPENAI_BASE_URL`), through the SDK.
 * Vectors travel as base64 floats, a quarter of the size of JSON numbers.
 */
export class OpenAiEmbeddingModel extends EmbeddingModel {
  override readonly id: string;
  override readonly traits = { keywordWeight: 0.5, findsBeyondKeywords: true, minSimilarity: 0.2 };
  private readonly transport = new HttpTransport();
  private readonly client: OpenAI;
  private readonly bulkhead: Bulkhead;

  constructor(
    private readonly model: string,
    private readonly settings: EmbeddingSettings,
  ) {
    super();
    this.id = `openai/${model}`;
    this.bulkhead = new Bulkhead(settings.maxConcurrency, settings.maxQueue);
    this.client = openAiClient({
      // compatible servers need none, but the SDK insists
      apiKey: settings.openaiApiKey ?? NO_KEY,
      baseURL: settings.openaiBaseUrl ?? 'https://api.openai.com/v1',
      timeout: settings.timeoutMs,
      fetch: this.transport.fetch,
    });
  }

  override async embed(
    texts: readonly string[],
    _kind: 'query' | 'document',
    signal: AbortSignal,
    begin?: BeginEmbeddingCall,
  ): Promise<Embeddings> {
    const batches: string[][] = [];
    for (let start = 0; start < texts.length; start += BATCH) batches.push(texts.slice(start, start + BATCH));
    const parts = await mapLimit(batches, CONCURRENT_CALLS, (batch) => this.embedBatch(batch, signal, begin));
    const vectors = parts.flatMap((part) => part.vectors);
    const size = vectors[0]?.length;
    if (vectors.some((vector) => vector.length !== size)) throw this.malformed('vectors of different sizes');
    return {
      vectors,
      tokens: parts.reduce((sum, part) => sum + part.tokens, 0),
      estimated: parts.some((part) => part.estimated),
    };
  }

  /** Ends the connections when the service stops. */
  override close(): Promise<void> {
    return this.transport.close();
  }

  private embedBatch(
    batch: readonly string[],
    signal: AbortSignal,
    begin: BeginEmbeddingCall | undefined,
  ): Promise<Embeddings> {
    const { timeoutMs, maxRetries } = this.settings;
    const deadline = performance.now() + timeoutMs;
    return withRetries((attempt) => this.attempt(batch, attempt, deadline, signal, begin), {
      maxRetries,
      deadline,
      signal,
    });
  }

  /** One call, within its place and its time; told of however it ends. */
  private async attempt(
    batch: readonly string[],
    attempt: number,
    deadline: number,
    signal: AbortSignal,
    begin: BeginEmbeddingCall | undefined,
  ): Promise<Embeddings> {
    const leave = await this.place(signal, deadline);
    const bill = { tokens: 0, estimated: false };
    const started = performance.now();
    let end: ((call: EmbeddingCall) => void) | undefined;
    let outcome: EmbeddingCall['outcome'] = 'failed';
    let failure: ModelError | undefined;
    let isBegun = false;
    try {
      end = await begin?.(this.id, () => batch.reduce((sum, text) => sum + tokensAtMost(text), 0));
      isBegun = true;
      const result = await this.call(
        batch,
        Math.min(deadline, started + this.settings.firstTokenTimeoutMs),
        signal,
        bill,
      );
      outcome = 'ok';
      return result;
    } catch (error) {
      if (!isBegun) throw error;
      if (signal.aborted) outcome = 'aborted';
      failure = toModelError(error, 'openai', signal);
      throw failure;
    } finally {
      leave();
      end?.({
        model: this.id,
        attempt,
        outcome,
        ...bill,
        latencyMs: performance.now() - started,
        error: outcome === 'failed' ? (failure?.kind ?? 'unexpected') : null,
      });
    }
  }

  private async place(signal: AbortSignal, deadline: number): Promise<() => void> {
    try {
      return await this.bulkhead.enter(signal, deadline - performance.now());
    } catch (error) {
      if (!(error instanceof BulkheadFullError)) throw error;
      throw new ModelError(
        'the embedding server has as many calls under way and waiting as this service allows',
        {
          kind: 'overloaded',
          provider: 'openai',
          retryAfterMs: FULL_RETRY_AFTER_MS,
          shouldRetry: false,
        },
      );
    }
  }

  /** @param bill what the call costs, known as soon as it was answered, even with something that cannot be used */
  private async call(
    batch: readonly string[],
    deadline: number,
    signal: AbortSignal,
    bill: Pick<EmbeddingCall, 'tokens' | 'estimated'>,
  ): Promise<Embeddings> {
    const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(deadline - performance.now())));
    const sent = this.client.embeddings.create(
      { model: this.model, input: [...batch] },
      { signal: AbortSignal.any([signal, timeout]) },
    );
    // accepted, and so billed, whatever comes then
    sent.asResponse().then(
      () => Object.assign(bill, { tokens: countAll(batch), estimated: true }),
      () => undefined,
    );
    const response = await sent.catch((error: unknown) => {
      if (!timeout.aborted || signal.aborted) throw error;
      throw new ModelError('the embedding server took too long', { kind: 'timeout', provider: 'openai' });
    });
    // what comes over the wire is whatever the server at the base URL sends
    const { usage, data }: { usage?: { total_tokens?: unknown }; data?: unknown } = response ?? {};
    const billed = usage?.total_tokens;
    if (typeof billed === 'number') Object.assign(bill, { tokens: billed, estimated: false });
    const rows = Array.isArray(data)
      ? (data as OpenAI.Embedding[]).toSorted((a, b) => a.index - b.index)
      : [];
    if (rows.length !== batch.length)
      throw this.malformed(`${rows.length} vectors for ${batch.length} texts`);
    return { vectors: rows.map(({ embedding }) => this.normalised(embedding)), ...bill };
  }

  private normalised(values: readonly number[]): Float32Array {
    const vector = Float32Array.from(values);
    let squares = 0;
    for (const value of vector) squares += value * value;
    if (!(squares > 0) || !Number.isFinite(squares)) throw this.malformed('a vector without direction');
    const norm = Math.sqrt(squares);
    return vector.map((value) => value / norm);
  }

  private malformed(what: string): ModelError {
    return new ModelError(`the embedding server sent ${what}`, {
      kind: 'malformed_response',
      provider: 'openai',
    });
  }
}

function countAll(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + countTokens(text), 0);
}
