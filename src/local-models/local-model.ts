import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../config/index.js';
import { familyOf, type Pooling, type Prefixes } from './model-families.js';

/** What its process has to know of a model. Paths are absolute. */
export interface LocalModel {
  modelFile: string;
  tokenizerFile: string;
  tokenizerConfigFile: string;
  /** Of no matter to a model that gives no vectors. */
  pooling: Pooling;
  /** Longest text, in tokens with the special ones; the rest is cut off. */
  maxTokens: number;
}

export interface LocalEmbedding {
  model: LocalModel;
  prefixes: Prefixes;
}

/** In the order in which they are looked for: see the README for why full precision comes first. */
export const MODEL_FILES = [
  'onnx/model.onnx',
  'model.onnx',
  'onnx/model_quantized.onnx',
  'model_quantized.onnx',
] as const;
/** What says how a model is used; only the tokenizer's two are needed. */
export const CONFIGURATION_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'config.json',
  'modules.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
  '1_Pooling/config.json',
] as const;

/** Attention takes memory by the square of a text's length: 12 heads × 2,048² × 4 bytes = 200 MB a layer. */
const MOST_TOKENS = 2048;
/** In these, positions are counted from behind the padding token's, so that two are lost. */
const OFFSET_POSITIONS = /roberta|camembert|mpnet/;
const SUPPORTED_MODULES = /\.(Transformer|Pooling|Normalize)$/;

/**
 * Reads what a folder in the layout of Hugging Face says of its embedding model. Where it says nothing of pooling or
 * prefixes, as those that were converted for the web often do, the model's family decides.
 * @param name the model's id or folder, by which its family is known
 * @throws ConfigError naming what is missing, broken or not supported
 */
export function readEmbeddingFolder(folder: string, name: string): LocalEmbedding {
  const family = familyOf(name);
  const model = readModelFolder(folder);
  const modules = readJson<{ type?: string; path?: string }[]>(folder, 'modules.json', []);
  const unknown = modules.find(({ type }) => !SUPPORTED_MODULES.test(String(type)));
  if (unknown !== undefined)
    throw new ConfigError(`${folder} needs ${String(unknown.type)}, which is not supported here.`);
  const pooling = modules.find(({ type }) => String(type).endsWith('.Pooling'));
  return {
    model: {
      ...model,
      pooling: readPooling(folder, `${pooling?.path ?? '1_Pooling'}/config.json`) ?? family.pooling,
    },
    prefixes: readPrefixes(folder) ?? family.prefixes,
  };
}

/**
 * The files and the longest input of a model of any kind.
 * @throws ConfigError naming what is missing or broken
 */
export function readModelFolder(folder: string): LocalModel {
  const modelFile = MODEL_FILES.find((file) => existsSync(join(folder, file)));
  if (modelFile === undefined)
    throw new ConfigError(`${folder} has no model: there is none of ${MODEL_FILES.join(', ')}.`);
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    if (!existsSync(join(folder, file))) throw new ConfigError(`${folder} has no ${file}.`);
  return {
    modelFile: join(folder, modelFile),
    tokenizerFile: join(folder, 'tokenizer.json'),
    tokenizerConfigFile: join(folder, 'tokenizer_config.json'),
    pooling: 'mean',
    maxTokens: readMaxTokens(folder),
  };
}

function readMaxTokens(folder: string): number {
  const { max_seq_length: sentence } = readObject(folder, 'sentence_bert_config.json');
  const { model_max_length: tokenizer } = readObject(folder, 'tokenizer_config.json');
  const { max_position_embeddings: positions, model_type: type } = readObject(folder, 'config.json');
  const usable =
    typeof positions === 'number' && OFFSET_POSITIONS.test(String(type)) ? positions - 2 : positions;
  const limits = [sentence, tokenizer, usable].filter(
    (limit): limit is number => typeof limit === 'number' && limit >= 1,
  );
  return Math.min(MOST_TOKENS, ...limits);
}

/** https://sbert.net/docs/package_reference/sentence_transformer/models.html: one flag a mode, or its name. */
function readPooling(folder: string, file: string): Pooling | undefined {
  const config = readObject(folder, file);
  const modes = Object.keys(config)
    .filter((key) => key.startsWith('pooling_mode_') && config[key] === true)
    .map((key) => key.slice('pooling_mode_'.length));
  if (typeof config['pooling_mode'] === 'string') modes.push(config['pooling_mode']);
  if (modes.length === 0) return undefined;
  const known: Readonly<Record<string, Pooling>> = {
    mean_tokens: 'mean',
    mean: 'mean',
    cls_token: 'cls',
    cls: 'cls',
    lasttoken: 'last',
  };
  const pooling = known[modes.join(' and ')];
  if (pooling === undefined || config['include_prompt'] === false)
    throw new ConfigError(
      `${join(folder, file)} asks for ${modes.join(' and ')} pooling` +
        `${config['include_prompt'] === false ? ' without the prompt' : ''}, which is not supported here.`,
    );
  return pooling;
}

/** `prompts` of config_sentence_transformers.json; a text that is no query is a `document` or a `passage`. */
function readPrefixes(folder: string): Prefixes | undefined {
  const { prompts } = readObject(folder, 'config_sentence_transformers.json');
  if (typeof prompts !== 'object' || prompts === null) return undefined;
  const { query = '', passage = '', document = passage } = prompts as Record<string, string>;
  const prefixes = { query, document };
  return prefixes.query === '' && prefixes.document === '' ? undefined : prefixes;
}

function readObject(folder: string, file: string): Record<string, unknown> {
  return readJson<Record<string, unknown>>(folder, file, {});
}

/** @throws ConfigError for a file that is no JSON, or not of the fallback's kind */
function readJson<T extends object>(folder: string, file: string, fallback: T): T {
  const path = join(folder, file);
  if (!existsSync(path)) return fallback;
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null && Array.isArray(value) === Array.isArray(fallback))
      return value as T;
  } catch {
    // told below
  }
  throw new ConfigError(`${path} is not what it should be: it is broken, or was not downloaded in full.`);
}
