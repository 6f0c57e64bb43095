import { Bulkhead, BulkheadFullError, ModelError } from '../../common/index.js';
import { ConfigError } from '../../config/index.js';
import { checkRuntime, folderOf, LOAD_TIMEOUT_MS, LocalCrossEncoder } from '../../local-models/index.js';
import { beforeDeadline } from '../deadline.js';
import { Reranker, type RerankRequest } from '../reranker.js';

export interface LocalRerankerSettings {
  /** Where models that were downloaded are. */
  modelsDir: string;
  /** One batch of passages, in ms. */
  timeoutMs: number;
  maxQueue: number;
}

/** Each costs a run of the model on this machine's processor. */
const CANDIDATES = 20;

/** `local/<folder or Hugging Face id>`: a cross-encoder in ONNX, computed on this machine. It costs nothing. */
export class LocalReranker extends Reranker {
  override readonly id: string;
  override readonly candidates = CANDIDATES;
  private readonly encoder: LocalCrossEncoder;
  /** One ranking after the other: those that take turns are all late. */
  private readonly bulkhead: Bulkhead;

  /** @throws ConfigError when the packages that run it, or its files, are missing or cannot be used */
  constructor(name: string, { modelsDir, timeoutMs, maxQueue }: LocalRerankerSettings) {
    super();
    this.id = `local/${name}`;
    checkRuntime(this.id);
    this.bulkhead = new Bulkhead(1, maxQueue);
    this.encoder = new LocalCrossEncoder(folderOf(name, modelsDir), {
      timeoutMs,
      loadTimeoutMs: LOAD_TIMEOUT_MS,
      maxQueue,
    });
  }

  override async load(): Promise<void> {
    try {
      await this.encoder.load();
      await this.encoder.score('a question', ['a passage'], new AbortController().signal);
    } catch (error) {
      this.encoder.close();
      if (error instanceof ModelError)
        throw new ConfigError(`The reranking model ${this.id} cannot be used: ${error.message}.`);
      throw error;
    }
  }

  override async score(request: RerankRequest): Promise<number[]> {
    const { query, passages, meter } = request;
    return beforeDeadline(request, this.id, async (signal) => {
      const leave = await this.place(request);
      const started = performance.now();
      let outcome: 'ok' | 'failed' | 'aborted' = 'failed';
      let error: string | null = null;
      try {
        const scores = await this.encoder.score(query, passages, signal);
        outcome = 'ok';
        return [...scores];
      } catch (cause) {
        // that its time is over is a ModelError, too
        if (cause instanceof ModelError) error = cause.kind;
        else if (signal.aborted) outcome = 'aborted';
        else error = 'unexpected';
        throw cause;
      } finally {
        leave();
        const latencyMs = performance.now() - started;
        meter.add({ model: this.id, attempt: 1, outcome, estimated: false, latencyMs, error });
      }
    });
  }

  private async place({ signal, deadline }: RerankRequest): Promise<() => void> {
    try {
      return await this.bulkhead.enter(signal, deadline - performance.now());
    } catch (error) {
      if (!(error instanceof BulkheadFullError)) throw error;
      throw new ModelError(`${this.id} has more to rank than there is time for`, {
        kind: 'overloaded',
        provider: 'local',
      });
    }
  }

  override async close(): Promise<void> {
    this.encoder.close();
  }
}
