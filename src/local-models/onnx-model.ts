import { readFileSync } from 'node:fs';
import type { LocalModel } from './local-model.js';
import { type PooledVectors, pool } from './pooling.js';
import { loadRuntime, type OnnxRuntime, type OnnxSession, type Tensor, type Tokenizer } from './runtime.js';

/** A text as the model's inputs. */
interface Tokens {
  ids: number[];
  /** Which of the two texts of a pair a token is of. */
  types: number[];
}

/**
 * Tokens of one run, with the padding: what bounds its time and memory. On a processor, more at once is no faster: with a
 * model of the size of MiniLM-L6, 8 texts of 350 tokens took 129 ms of processor time each in one run, and 126 ms alone.
 */
const TOKENS_PER_RUN = 2048;
const INPUTS = new Set(['input_ids', 'attention_mask', 'token_type_ids', 'position_ids']);
/** Vectors of whole texts come before those of tokens; the names that exporters use, then whatever there is. */
const EMBEDDING_OUTPUTS = ['sentence_embedding', 'last_hidden_state', 'token_embeddings'];

/** A text model in ONNX with its tokenizer. It computes on the thread that calls it: see `model-process.ts`. */
export class OnnxModel {
  private constructor(
    private readonly model: LocalModel,
    private readonly runtime: OnnxRuntime,
    private readonly session: OnnxSession,
    private readonly tokenizer: Tokenizer,
    /** Special tokens at the end of each input, which stay when it is cut off. */
    private readonly tail: number,
  ) {}

  /** @throws Error saying what is wrong with the model's files */
  static async load(model: LocalModel): Promise<OnnxModel> {
    const runtime = loadRuntime();
    const tokenizer = new runtime.Tokenizer(
      JSON.parse(readFileSync(model.tokenizerFile, 'utf8')) as object,
      JSON.parse(readFileSync(model.tokenizerConfigFile, 'utf8')) as object,
    );
    const session = await runtime.InferenceSession.create(model.modelFile, {
      executionProviders: ['cpu'],
      // no faster here, and it keeps what the largest input took: 575 MB instead of 231 MB for 8 texts of 350 tokens
      enableCpuMemArena: false,
      logSeverityLevel: 4,
      // threads that wait for work would take the processor from the service
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    const unknown = session.inputNames.find((name) => !INPUTS.has(name));
    if (unknown !== undefined) throw new Error(`the model wants ${unknown}, which is not supported here`);
    return new OnnxModel(model, runtime, session, tokenizer, tailOf(tokenizer));
  }

  /** One L2-normalised vector a text, in order. @throws Error for a vector without a direction */
  async embed(texts: readonly string[]): Promise<PooledVectors> {
    const { outputNames } = this.session;
    const output = EMBEDDING_OUTPUTS.find((name) => outputNames.includes(name)) ?? outputNames[0] ?? '';
    const inputs = texts.map((text) => this.tokenize(text));
    const vectors: Float32Array[] = [];
    await this.inRuns(inputs, output, (result, indices) => {
      const lengths = indices.map((index) => inputs[index]?.ids.length ?? 0);
      for (const [row, vector] of pool(result, lengths, this.model.pooling).entries())
        vectors[indices[row] ?? 0] = vector;
    });
    return vectors;
  }

  /** One logit a pair, in order: the higher, the more the passage has to do with the query. */
  async score(pairs: readonly (readonly [query: string, passage: string])[]): Promise<Float32Array> {
    const { outputNames } = this.session;
    const output = outputNames.includes('logits') ? 'logits' : (outputNames[0] ?? '');
    const inputs = pairs.map(([query, passage]) => this.tokenize(query, passage));
    const scores = new Float32Array(pairs.length);
    await this.inRuns(inputs, output, ({ data, dims }, indices) => {
      if (!(data instanceof Float32Array) || data.length !== indices.length)
        throw new Error(`the model gave ${dims.join('×')} values for ${indices.length} pairs`);
      if (!data.every((score) => Number.isFinite(score)))
        throw new Error('the model gave a score that is no number');
      for (const [row, index] of indices.entries()) scores[index] = data[row] ?? 0;
    });
    return scores;
  }

  /** Texts of like length share a run, so that little of it is padding. */
  private async inRuns(
    inputs: readonly Tokens[],
    output: string,
    take: (result: Tensor, indices: readonly number[]) => void,
  ): Promise<void> {
    const length = (index: number): number => inputs[index]?.ids.length ?? 0;
    const waiting = [...inputs.keys()].sort((a, b) => length(b) - length(a));
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      const indices = waiting.splice(0, Math.max(1, Math.floor(TOKENS_PER_RUN / length(first))));
      const feeds = this.feeds(indices.map((index) => inputs[index] ?? { ids: [], types: [] }));
      const { [output]: result } = await this.session.run(feeds, [output]);
      if (result === undefined) throw new Error(`the model has no output ${output}`);
      take(result, indices);
    }
  }

  private tokenize(text: string, pair?: string): Tokens {
    const { ids, token_type_ids: types } = this.tokenizer.encode(text, {
      ...(pair === undefined ? {} : { text_pair: pair }),
      return_token_type_ids: true,
    });
    const tokens = { ids: [...ids], types: [...(types ?? ids.map(() => 0))] };
    const excess = ids.length - this.model.maxTokens;
    if (excess > 0) for (const list of [tokens.ids, tokens.types]) list.splice(-excess - this.tail, excess);
    // a tokenizer without special tokens makes nothing of an empty text, which a model cannot be run with
    return tokens.ids.length === 0 ? { ids: [0], types: [0] } : tokens;
  }

  /** Padded at the end with zeros, which `attention_mask` hides. */
  private feeds(batch: readonly Tokens[]): Record<string, Tensor> {
    const width = Math.max(...batch.map(({ ids }) => ids.length));
    const matrix = (value: (tokens: Tokens, column: number) => number): Tensor =>
      new this.runtime.Tensor(
        'int64',
        BigInt64Array.from(
          batch.flatMap((tokens) =>
            Array.from({ length: width }, (_, column) =>
              BigInt(column < tokens.ids.length ? value(tokens, column) : 0),
            ),
          ),
        ),
        [batch.length, width],
      );
    const values: Record<string, (tokens: Tokens, column: number) => number> = {
      input_ids: ({ ids }, column) => ids[column] ?? 0,
      attention_mask: () => 1,
      token_type_ids: ({ types }, column) => types[column] ?? 0,
      position_ids: (_tokens, column) => column,
    };
    return Object.fromEntries(
      this.session.inputNames.map((name) => [name, matrix(values[name] ?? (() => 0))]),
    );
  }
}

/** How many special tokens the tokenizer puts behind a text. */
function tailOf(tokenizer: Tokenizer): number {
  const bare = tokenizer.encode('a', { add_special_tokens: false }).ids;
  const whole = tokenizer.encode('a').ids;
  for (let start = 0; start + bare.length <= whole.length; start++)
    if (bare.every((id, index) => whole[start + index] === id)) return whole.length - start - bare.length;
  return 0;
}
