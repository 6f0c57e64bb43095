import { expect } from 'vitest';
import type { SearchHitDto } from '../../src/ask/dto/search.dto.js';
import type { CollectionDto } from '../../src/documents/dto/collection.dto.js';
import type { ReembeddingDto } from '../../src/documents/reembedding/reembedding.dto.js';
import { type ApiClient, poll, type Reply } from './app.js';
import { answer, type FakeProvider } from './fake-providers/index.js';

export const SMALL = 'openai/text-embedding-3-small';
/** Enough for several batches. */
export const CHUNKS = 300;
export const BATCH = 128;
export const PATIENCE_MS = 120_000;

/** Answers the first call at once, and others late, so that something can be done in between. */
export function answerFirst(provider: FakeProvider): void {
  provider.next(answer('')).default(answer('', { headersDelayMs: 5000 }));
}

export function environment(
  provider: FakeProvider,
  more: Record<string, string> = {},
): Record<string, string> {
  return {
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    LLM_MODELS: 'extractive',
    LLM_MAX_RETRIES: '0',
    MODEL_PRICES: JSON.stringify({ [SMALL]: { input_mtok: 0.02, output_mtok: 0 } }),
    ...more,
  };
}

/** Paragraphs of which each becomes a passage; `topicN` is in one of them. */
export function longText(paragraphs: number, from = 0): string {
  return Array.from(
    { length: paragraphs },
    (_, index) =>
      `Topic${from + index} begins here. ` +
      Array.from({ length: 60 }, (__, word) => `word${(index * 7 + word) % 997} says more`).join(', ') +
      `. Topic${from + index} ends here.`,
  ).join('\n\n');
}

/** Adds a document of as many passages. */
export async function addLong(client: ApiClient, collection: string, chunks = CHUNKS): Promise<void> {
  await client.addDocument({ title: 'Long', text: longText(chunks), collection, external_id: 'long' });
  expect((await collectionOf(client, collection)).chunks).toBe(chunks);
}

export async function collectionOf(client: ApiClient, name: string): Promise<CollectionDto> {
  const reply = await client.get<CollectionDto>(`/collections/${name}`);
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  return reply.body;
}

export function start(client: ApiClient, name: string, model: string): Promise<Reply<CollectionDto>> {
  return client.post<CollectionDto>(`/collections/${name}/embedding`, { model });
}

export async function begin(client: ApiClient, name: string, model: string): Promise<CollectionDto> {
  const reply = await start(client, name, model);
  expect(reply.status, JSON.stringify(reply.body)).toBe(202);
  return reply.body;
}

/** Waits until it is embedded with the model. */
export function switched(client: ApiClient, name: string, model: string): Promise<CollectionDto> {
  const look = async (): Promise<CollectionDto | undefined> => {
    const collection = await collectionOf(client, name);
    return collection.embedding_model === model && collection.reembedding === null ? collection : undefined;
  };
  return poll(`${name} is embedded with ${model}`, look, PATIENCE_MS);
}

/** Waits until something is true of how far it is. */
export function reembeddingOf(
  client: ApiClient,
  name: string,
  isWanted: (state: ReembeddingDto) => boolean,
): Promise<ReembeddingDto> {
  const look = async (): Promise<ReembeddingDto | undefined> => {
    const { reembedding } = await collectionOf(client, name);
    return reembedding !== null && isWanted(reembedding) ? reembedding : undefined;
  };
  return poll(`${name} gets there`, look, PATIENCE_MS);
}

/** The passages that the provider has been sent, in order; questions are shorter. */
export function embeddedPassages(provider: FakeProvider, model = SMALL): string[] {
  return provider.requests
    .filter(({ path, body }) => path.endsWith('/embeddings') && `openai/${String(body['model'])}` === model)
    .flatMap(({ body }) => body['input'] as string[])
    .filter((input) => input.startsWith('Long\n'));
}

export async function semantic(
  client: ApiClient,
  collection: string,
  query: string,
): Promise<SearchHitDto[]> {
  return client.search(query, {
    collections: [collection],
    search_mode: 'semantic',
    top_k: 5,
    min_similarity: 0,
  });
}
