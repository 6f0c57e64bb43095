import { ModelError } from '../../common/index.js';
import { ConfigError } from '../../config/index.js';
import {
  type BeginEmbeddingCall,
  type EmbeddingCall,
  EmbeddingModel,
  type Embeddings,
  type EmbeddingTraits,
} from '../embedding-model.js';
import {
  checkRuntime,
  familyOf,
  folderOf,
  LOAD_TIMEOUT_MS,
  type LocalEmbedding,
  ModelRunner,
  readEmbeddingFolder,
} from '../../local-models/index.js';
import type { EmbeddingSettings } from './settings.js';

/** Texts of one task. A question waits for at most one task of each document that is embedded at the time. */
const BATCH = 8;

/**
 * `local/<folder or Hugging Face id>`: a sentence-transformers model in ONNX, computed on this machine's processor in a
 * process of its own. It costs nothing, and no text leaves the machine.
 */
export class LocalEmbeddingModel extends EmbeddingModel {
  override readonly id: string;
  override readonly traits: EmbeddingTraits;
  private readonly embedding: LocalEmbedding;
  private readonly runner: ModelRunner;

  /** @throws ConfigError when the packages that run it, or its files, are missing or cannot be used */
  constructor(
    name: string,
    private readonly settings: EmbeddingSettings,
  ) {
    super();
    this.id = `local/${name}`;
    this.traits = {
      // as of other semantic models: min-max fusion is at its best near equal weights
      keywordWeight: 0.5,
      findsBeyondKeywords: true,
      minSimilarity: familyOf(name).minSimilarity,
    };
    checkRuntime(this.id);
    this.embedding = readEmbeddingFolder(folderOf(name, settings.modelsDir), name);
    this.runner = new ModelRunner(this.embedding.model, {
      timeoutMs: settings.timeoutMs,
      loadTimeoutMs: LOAD_TIMEOUT_MS,
      maxQueue: settings.maxQueue,
    });
  }

  override async load(): Promise<void> {
    try {
      await this.runner.load();
      await this.embedBatch([''], new AbortController().signal);
    } catch (error) {
      this.runner.close();
      if (error instanceof ModelError)
        throw new ConfigError(`The embedding model ${this.id} cannot be used: ${error.message}.`);
      throw error;
    }
  }

  override async embed(
    texts: readonly string[],
    kind: 'query' | 'document',
    signal: AbortSignal,
    begin?: BeginEmbeddingCall,
  ): Promise<Embeddings> {
    signal.throwIfAborted();
    const end = await begin?.(this.id, () => 0);
    const started = performance.now();
    let outcome: EmbeddingCall['outcome'] = 'failed';
    let failure: string | null = null;
    try {
      const vectors = await this.embedAll(
        texts.map((text) => this.embedding.prefixes[kind] + text),
        signal,
      );
      outcome = 'ok';
      return { vectors, tokens: 0, estimated: false };
    } catch (error) {
      if (signal.aborted) outcome = 'aborted';
      else failure = error instanceof ModelError ? error.kind : 'unexpected';
      throw error;
    } finally {
      const latencyMs = performance.now() - started;
      end?.({ model: this.id, attempt: 1, outcome, tokens: 0, estimated: false, latencyMs, error: failure });
    }
  }

  /** Ends the model's process. */
  override async close(): Promise<void> {
    this.runner.close();
  }

  private async embedAll(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const vectors: Float32Array[] = [];
    for (let start = 0; start < texts.length; start += BATCH)
      vectors.push(...(await this.embedBatch(texts.slice(start, start + BATCH), signal)));
    return vectors;
  }

  private async embedBatch(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]> {
    const reply = await this.runner.run({ texts }, signal, this.settings.timeoutMs);
    return 'vectors' in reply ? reply.vectors : [];
  }
}
