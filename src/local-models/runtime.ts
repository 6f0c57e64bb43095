import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../config/index.js';

/** A tensor of the ONNX runtime, row by row; only the kinds that text models have. */
export interface Tensor {
  type: string;
  data: unknown;
  dims: readonly number[];
}

/** What is used of `onnxruntime-node`. */
export interface OnnxSession {
  inputNames: readonly string[];
  outputNames: readonly string[];
  run(feeds: Record<string, Tensor>, outputs: readonly string[]): Promise<Record<string, Tensor>>;
}

export interface OnnxRuntime {
  InferenceSession: { create(path: string, options: object): Promise<OnnxSession> };
  Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => Tensor;
}

interface Encoding {
  ids: number[];
  token_type_ids?: number[];
}

/** What is used of `@huggingface/tokenizers`. */
export interface Tokenizer {
  encode(
    text: string,
    options?: { text_pair?: string; add_special_tokens?: boolean; return_token_type_ids?: boolean },
  ): Encoding;
}

export interface TokenizerPackage {
  Tokenizer: new (tokenizer: object, config: object) => Tokenizer;
}

/** The folder of the optional packages: with a lock file of its own, so that they are pinned and yet not in every install. */
const PACKAGES = fileURLToPath(new URL('../../docker/local-models/', import.meta.url));
const requirePackage = createRequire(join(PACKAGES, 'package.json'));

/**
 * @param resolve where a package is; throws when it is not installed
 * @throws ConfigError saying what to install, when the packages that run models are not there
 */
export function checkRuntime(
  id: string,
  resolve: (name: string) => unknown = (name) => requirePackage.resolve(name),
): void {
  try {
    for (const name of ['onnxruntime-node', '@huggingface/tokenizers']) resolve(name);
  } catch {
    throw new ConfigError(
      `The model ${id} needs packages that are not installed. Install them with: npm run local-models`,
    );
  }
}

/** @throws when they cannot be loaded, such as on a platform that the runtime has no library for */
export function loadRuntime(): OnnxRuntime & TokenizerPackage {
  return {
    ...(requirePackage('onnxruntime-node') as OnnxRuntime),
    ...(requirePackage('@huggingface/tokenizers') as TokenizerPackage),
  };
}
