import { ModelRunner, type RunnerLimits } from './model-runner.js';
import { readModelFolder } from './local-model.js';

/** Pairs of one task: what goes on when a caller has left. */
const BATCH = 8;

/**
 * A cross-encoder in ONNX: it reads a query and a passage together, which ranks better than comparing their vectors, and
 * costs a run of the model for each passage (Nogueira & Cho, "Passage Re-ranking with BERT", 2019).
 */
export class LocalCrossEncoder {
  private readonly runner: ModelRunner;

  /**
   * @param folder in the layout of Hugging Face, such as that of cross-encoder/ms-marco-MiniLM-L6-v2
   * @throws ConfigError naming what is missing or broken
   */
  constructor(
    folder: string,
    private readonly limits: RunnerLimits,
  ) {
    this.runner = new ModelRunner(readModelFolder(folder), limits);
  }

  /**
   * How much each passage has to do with the query: one logit a passage, in order; of any size, higher is better. A
   * passage that is too long loses its end.
   * @throws ModelError as `ModelRunner.run` does; the signal's reason when aborted
   */
  async score(query: string, passages: readonly string[], signal: AbortSignal): Promise<Float32Array> {
    const scores = new Float32Array(passages.length);
    for (let start = 0; start < passages.length; start += BATCH) {
      const pairs = passages.slice(start, start + BATCH).map((passage) => [query, passage] as const);
      const reply = await this.runner.run({ pairs }, signal, this.limits.timeoutMs);
      if ('scores' in reply) scores.set(reply.scores, start);
    }
    return scores;
  }

  /** Loads the model, so that the first query is ranked as quickly as the others. @throws ModelError when it cannot */
  load(): Promise<void> {
    return this.runner.load();
  }

  /** Ends the model's process. */
  close(): void {
    this.runner.close();
  }
}
