import { join } from 'node:path';
import { type AppConfig, ConfigError } from '../../config/index.js';
import type { LanguageModel, LanguageModelRegistry, ModelCaller } from '../../llm/index.js';
import { downloadWhereMissing } from '../../local-models/index.js';
import type { Reranker } from '../reranker.js';
import { HttpReranker, type RerankDialect } from './http.reranker.js';
import { LlmReranker } from './llm.reranker.js';
import { LocalReranker } from './local.reranker.js';

/** The servers that rank texts over HTTP: another dialect is an entry here. */
const DIALECTS: readonly RerankDialect[] = [
  {
    // https://docs.cohere.com/reference/rerank
    name: 'cohere',
    url: 'https://api.cohere.com/v2/rerank',
    candidates: 50,
    body: (model, query, documents) => ({ model, query, documents }),
  },
  {
    // https://api.jina.ai/redoc; vLLM, Infinity, llama.cpp and others take the same
    name: 'jina',
    url: 'https://api.jina.ai/v1/rerank',
    candidates: 50,
    body: (model, query, documents) => ({ model, query, documents, return_documents: false }),
  },
  {
    // https://huggingface.github.io/text-embeddings-inference
    name: 'tei',
    url: undefined,
    // its `--max-client-batch-size`
    candidates: 32,
    body: (_, query, texts) => ({ query, texts, truncate: true }),
  },
];

/**
 * The reranker that `RERANK_MODEL` names, ready.
 * @returns undefined where it names none
 * @throws ConfigError when it cannot be used
 */
export async function createReranker(
  config: AppConfig,
  registry: LanguageModelRegistry,
  caller: ModelCaller,
): Promise<Reranker | undefined> {
  const { model } = config.reranking;
  if (model === undefined) return undefined;
  const reranker = await create(model, config, registry, caller);
  await reranker.load();
  return reranker;
}

async function create(
  id: string,
  { reranking, llm, database }: AppConfig,
  registry: LanguageModelRegistry,
  caller: ModelCaller,
): Promise<Reranker> {
  const slash = id.indexOf('/');
  const [provider, name] = slash === -1 ? [id, ''] : [id.slice(0, slash), id.slice(slash + 1)];
  if (provider === 'llm') return new LlmReranker(rankingModels(name, registry), caller);
  if (provider === 'local') {
    const modelsDir = join(database.dataDir, 'models');
    await downloadWhereMissing(name, modelsDir);
    return new LocalReranker(name, { ...llm, modelsDir });
  }
  const dialect = DIALECTS.find((known) => known.name === provider);
  const url = reranking.url ?? dialect?.url;
  if (dialect === undefined || url === undefined)
    throw new ConfigError(`The reranking model ${id} cannot be used: there is no server to ask.`);
  return new HttpReranker(dialect, name, { ...llm, url, apiKey: reranking.apiKey });
}

/** One that is named, or all that answer, in their order. What runs in this process cannot rank. */
function rankingModels(name: string, registry: LanguageModelRegistry): [LanguageModel, ...LanguageModel[]] {
  const named = name === '' ? registry.all : registry.all.filter(({ id }) => id === name);
  const [first, ...others] = named.filter(({ isMetered }) => isMetered);
  if (first !== undefined) return [first, ...others];
  throw new ConfigError(
    `RERANK_MODEL is llm${name === '' ? '' : `/${name}`}, but LLM_MODELS (${registry.ids.join(', ')}) names ` +
      `${name === '' ? 'no model' : 'no such model'} that could rank passages`,
  );
}
