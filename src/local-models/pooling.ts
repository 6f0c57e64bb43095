import type { Pooling } from './model-families.js';
import type { Tensor } from './runtime.js';

export type PooledVectors = Float32Array[];

/**
 * One L2-normalised vector a text out of a model's output: `[texts, dimensions]`, which the model has pooled itself, or
 * `[texts, tokens, dimensions]`.
 *
 * `mean`: the mean of all tokens, the special ones among them (Reimers & Gurevych, 2019); `cls`: the first token's;
 * `last`: that of the last token that is no padding.
 * @param lengths tokens of each text, without the padding behind them
 * @throws Error for an output of another shape, and for a vector without a direction
 */
export function pool({ data, dims }: Tensor, lengths: readonly number[], pooling: Pooling): PooledVectors {
  const [texts, second = 0, third] = dims;
  if (!(data instanceof Float32Array) || texts !== lengths.length || dims.length < 2 || dims.length > 3)
    throw new Error(`the model gave ${dims.join('×')} values for ${lengths.length} texts`);
  const dimensions = third ?? second;
  return lengths.map((length, text) => {
    const row = (token: number): Float32Array => {
      const start = (third === undefined ? text : text * second + token) * dimensions;
      return data.subarray(start, start + dimensions);
    };
    if (third === undefined || pooling === 'cls') return normalised(row(0));
    if (pooling === 'last') return normalised(row(length - 1));
    const sum = new Float32Array(dimensions);
    for (let token = 0; token < length; token++)
      for (const [index, value] of row(token).entries()) sum[index] = (sum[index] ?? 0) + value;
    // the sum and the mean have one direction
    return normalised(sum);
  });
}

function normalised(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (!(squares > 0) || !Number.isFinite(squares))
    throw new Error('the model gave a vector without direction');
  const norm = Math.sqrt(squares);
  return vector.map((value) => value / norm);
}
