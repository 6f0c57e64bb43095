import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../config/index.js';
import { readEmbeddingFolder } from './local-model.js';
import { familyOf } from './model-families.js';
import { folderOf, locateModel } from './model-location.js';
import { checkRuntime } from './runtime.js';

describe('the folder of a model', () => {
  let folder: string;
  const write = async (files: Record<string, unknown>): Promise<void> => {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), JSON.stringify(content));
    }
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'footnote-folder-'));
    await write({ 'onnx/model.onnx': '', 'tokenizer.json': {}, 'tokenizer_config.json': {} });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it.each<[string, Record<string, unknown>, number]>([
    ['no limit', {}, 2048],
    [
      'the smallest of its limits',
      {
        'sentence_bert_config.json': { max_seq_length: 256 },
        'tokenizer_config.json': { model_max_length: 512 },
        'config.json': { model_type: 'bert', max_position_embeddings: 512 },
      },
      256,
    ],
    ['a limit that stands for none', { 'tokenizer_config.json': { model_max_length: 1e30 } }, 2048],
    [
      'positions that begin behind the padding token',
      { 'config.json': { model_type: 'xlm-roberta', max_position_embeddings: 514 } },
      512,
    ],
  ])('with %s', async (_what, files, maxTokens) => {
    await write(files);
    expect(readEmbeddingFolder(folder, 'tiny').model.maxTokens).toBe(maxTokens);
  });

  it('prefers full precision to a quantised model', async () => {
    await write({ 'onnx/model_quantized.onnx': '' });
    expect(readEmbeddingFolder(folder, 'tiny').model.modelFile).toBe(join(folder, 'onnx/model.onnx'));
  });

  it('names its pooling, or leaves it to the family', async () => {
    expect(readEmbeddingFolder(folder, 'BAAI/bge-base-en-v1.5').model.pooling).toBe('cls');
    await write({ '1_Pooling/config.json': { pooling_mode: 'lasttoken' } });
    expect(readEmbeddingFolder(folder, 'BAAI/bge-base-en-v1.5').model.pooling).toBe('last');
    await write({
      '1_Pooling/config.json': { pooling_mode_mean_tokens: true, include_prompt: false },
    });
    expect(() => readEmbeddingFolder(folder, 'x')).toThrow(/mean_tokens pooling without the prompt/);
  });
});

describe('the family of a model', () => {
  it.each([
    ['intfloat/multilingual-e5-small', 'query: ', 'passage: ', 'mean'],
    ['Xenova/e5-base-v2', 'query: ', 'passage: ', 'mean'],
    ['intfloat/multilingual-e5-large-instruct', 'Instruct: ', '', 'mean'],
    ['Xenova/bge-small-en-v1.5', 'Represent this sentence for searching relevant passages: ', '', 'cls'],
    ['BAAI/bge-small-en', 'Represent this sentence for searching relevant passages: ', '', 'cls'],
    ['BAAI/bge-base-zh-v1.5', '为这个句子', '', 'cls'],
    ['BAAI/bge-m3', '', '', 'cls'],
    ['Snowflake/snowflake-arctic-embed-s', 'Represent this sentence', '', 'cls'],
    ['Snowflake/snowflake-arctic-embed-m-v2.0', 'query: ', '', 'cls'],
    ['Snowflake/snowflake-arctic-embed-m-v1.5', 'Represent this sentence', '', 'cls'],
    ['mixedbread-ai/mxbai-embed-large-v1', 'Represent this sentence', '', 'cls'],
    ['nomic-ai/nomic-embed-text-v1.5', 'search_query: ', 'search_document: ', 'mean'],
    ['Alibaba-NLP/gte-base-en-v1.5', '', '', 'cls'],
    ['Alibaba-NLP/gte-modernbert-base', '', '', 'cls'],
    ['thenlper/gte-small', '', '', 'mean'],
    ['sentence-transformers/all-MiniLM-L6-v2', '', '', 'mean'],
    ['./models/E5-Small', 'query: ', 'passage: ', 'mean'],
  ])('%s', (name, query, document, pooling) => {
    const family = familyOf(name);
    expect(family.prefixes.query.startsWith(query)).toBe(true);
    expect(family.prefixes.query === '').toBe(query === '');
    expect([family.prefixes.document, family.pooling]).toEqual([document, pooling]);
  });
});

describe('where a model is', () => {
  it.each([
    ['/models/mine', '/models/mine', undefined],
    ['./mine', join(process.cwd(), 'mine'), undefined],
    ['org/tiny', '/data/models/org/tiny', { repository: 'org/tiny', revision: 'main' }],
    ['org/tiny@v1.0', '/data/models/org/tiny@v1.0', { repository: 'org/tiny', revision: 'v1.0' }],
  ])('%s', (name, folder, hub) => {
    expect(locateModel(name, '/data/models')).toEqual({ folder, hub });
  });

  it.each(['tiny', 'org/../tiny', 'org/tiny/x', 'org/tiny@../x', '.org/tiny'])('is refused: %s', (name) => {
    expect(() => locateModel(name, '/data/models')).toThrow(ConfigError);
  });

  it('says how it gets there when it is missing', () => {
    expect(() => folderOf('org/tiny', '/nowhere')).toThrow(
      /no folder \/nowhere\/org\/tiny\. It is downloaded .* https:\/\/huggingface\.co\/org\/tiny/,
    );
  });

  it('names the command when the packages are missing', () => {
    const missing = (): never => {
      throw new Error('Cannot find module');
    };
    expect(() => checkRuntime('local/org/tiny', missing)).toThrow(/npm run local-models$/);
  });
});
