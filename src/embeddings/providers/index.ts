import { ConfigError } from '../../config/index.js';
import { downloadWhereMissing } from '../../local-models/index.js';
import type { EmbeddingModel } from '../embedding-model.js';
import type { EmbeddingSettings } from './settings.js';
import { LexicalHashEmbeddingModel } from './lexical-hash.provider.js';
import { LocalEmbeddingModel } from './local.provider.js';
import { OpenAiEmbeddingModel } from './openai.provider.js';

interface EmbeddingProvider {
  /** The part of `EMBEDDING_MODEL` before the slash, or all of it. */
  name: string;
  /** Gets what has to be there before the model is made. @throws ConfigError when it cannot */
  prepare?(modelName: string, settings: EmbeddingSettings): Promise<void>;
  create(modelName: string, settings: EmbeddingSettings): EmbeddingModel;
}

/** Every embedding provider: a new one is its file and a line here. */
export const EMBEDDING_PROVIDERS: readonly EmbeddingProvider[] = [
  { name: 'lexical-hash', create: () => new LexicalHashEmbeddingModel() },
  {
    name: 'local',
    prepare: (modelName, { modelsDir }) => downloadWhereMissing(modelName, modelsDir),
    create: (modelName, settings) => new LocalEmbeddingModel(modelName, settings),
  },
  { name: 'openai', create: (modelName, settings) => new OpenAiEmbeddingModel(modelName, settings) },
];

/**
 * Gets what a model needs that is not there yet, such as its files.
 * @throws ConfigError for a provider that is not known, and when it cannot be got
 */
export async function prepareEmbeddingModel(id: string, settings: EmbeddingSettings): Promise<void> {
  const { provider, modelName } = parse(id);
  await provider.prepare?.(modelName, settings);
}

/** @throws ConfigError naming the known providers, for one that is not known, and when the model cannot be used */
export function createEmbeddingModel(id: string, settings: EmbeddingSettings): EmbeddingModel {
  const { provider, modelName } = parse(id);
  if (
    provider.name === 'openai' &&
    settings.openaiApiKey === undefined &&
    settings.openaiBaseUrl === undefined
  )
    throw new ConfigError(`The embedding model ${id} needs OPENAI_API_KEY or OPENAI_BASE_URL.`);
  return provider.create(modelName, settings);
}

function parse(id: string): { provider: EmbeddingProvider; modelName: string } {
  const slash = id.indexOf('/');
  const name = slash === -1 ? id : id.slice(0, slash);
  const provider = EMBEDDING_PROVIDERS.find((candidate) => candidate.name === name);
  if (provider === undefined)
    throw new ConfigError(
      `This version has no provider ${name} for the embedding model ${id}; ` +
        `known: ${EMBEDDING_PROVIDERS.map((known) => known.name).join(', ')}`,
    );
  return { provider, modelName: slash === -1 ? '' : id.slice(slash + 1) };
}
