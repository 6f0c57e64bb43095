import { setTimeout as sleep } from 'node:timers/promises';
import type OpenAI from 'openai';
import {
  countTokens,
  delayBeforeRetry,
  HttpTransport,
  mapLimit,
  ModelError,
  openAiClient,
  toModelError,
} from '../../common/index.js';
import { EmbeddingModel, type Embeddings } from '../embedding-model.js';
import type { EmbeddingSettings } from './settings.js';

/** OpenAI takes up to 2,048 texts a call; smaller calls fail and retry more cheaply, and compatible servers take less. */
const BATCH = 128;
const CONCURRENT_CALLS = 4;
const NO_KEY = 'none';

/**
 * `openai/<model>`: OpenAI's embeddings and those of every compatible server (`OPENAI_BASE_URL`), through the SDK.
 * Vectors travel as base64 floats, a quarter of the size of JSON numbers.
 */
export class OpenAiEmbeddingModel extends EmbeddingModel {
  override readonly id: string;
  override readonly traits = { keywordWeight: 0.5, findsBeyondKeywords: true, minSimilarity: 0.2 };
  private readonly transport = new HttpTransport();
  private readonly client: OpenAI;

  constructor(
    private readonly model: string,
    private readonly settings: EmbeddingSettings,
  ) {
    super();
    this.id = `openai/${model}`;
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
  ): Promise<Embeddings> {
    const batches: string[][] = [];
    for (let start = 0; start < texts.length; start += BATCH) batches.push(texts.slice(start, start + BATCH));
    const parts = await mapLimit(batches, CONCURRENT_CALLS, (batch) => this.embedBatch(batch, signal));
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
  onModuleDestroy(): Promise<void> {
    return this.transport.close();
  }

  private async embedBatch(batch: readonly string[], signal: AbortSignal): Promise<Embeddings> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.call(batch, signal);
      } catch (thrown) {
        const error = toModelError(thrown, 'openai', signal);
        const delay = delayBeforeRetry(error, attempt, Math.random);
        if (!error.isRetryable || attempt > this.settings.maxRetries || delay === undefined) throw error;
        await sleep(delay, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
  }

  private async call(batch: readonly string[], signal: AbortSignal): Promise<Embeddings> {
    const timeout = AbortSignal.timeout(this.settings.timeoutMs);
    const response = await this.client.embeddings
      .create({ model: this.model, input: [...batch] }, { signal: AbortSignal.any([signal, timeout]) })
      .catch((error: unknown) => {
        if (!timeout.aborted || signal.aborted) throw error;
        throw new ModelError('the embedding server took too long', { kind: 'timeout', provider: 'openai' });
      });
    const rows = Array.isArray(response.data) ? response.data.toSorted((a, b) => a.index - b.index) : [];
    if (rows.length !== batch.length)
      throw this.malformed(`${rows.length} vectors for ${batch.length} texts`);
    const billed: number | undefined = (response.usage as { total_tokens?: number } | undefined)
      ?.total_tokens;
    return {
      vectors: rows.map(({ embedding }) => this.normalised(embedding)),
      tokens: billed ?? batch.reduce((sum, text) => sum + countTokens(text), 0),
      estimated: billed === undefined,
    };
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
