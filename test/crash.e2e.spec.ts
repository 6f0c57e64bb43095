// Real: the built service as a process of its own, and its database. Killed with SIGKILL at random moments while it
// makes documents searchable. The provider of the embeddings is a stand-in. `npm run crash` does it at full size; otherwise a smaller one of the same shape is done.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  AcceptedDocumentsDto,
  DocumentDto,
  DocumentListDto,
} from '../src/documents/dto/document.dto.js';
import { type ApiClient, createStorage, poll, type Storage } from './support/app.js';
import { FakeProvider } from './support/fake-providers/index.js';
import { type ServiceProcess, spawnService } from './support/service-process.js';

const DOCUMENTS = Number(process.env['CRASH_DOCUMENTS'] ?? 18);
const KILLS = Number(process.env['CRASH_KILLS'] ?? 2);
/** Every so many documents one is so large that it is written in several transactions. */
const LARGE_EVERY = 15;
const WORDS = 400;

let seed = 4711;
function random(): number {
  // a linear congruential generator (Numerical Recipes): the same documents and moments in every run
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

const word = (): string => `w${Math.floor(random() * WORDS)}x`;
const sentence = (): string => `${Array.from({ length: 12 }, word).join(' ')}.`;

interface Sample {
  title: string;
  text: string;
  external_id: string;
  metadata: { group: number };
}

const samples: Sample[] = Array.from({ length: DOCUMENTS }, (_, index) => ({
  title: `Document ${index}`,
  external_id: `d${index}`,
  metadata: { group: Math.floor(index / LARGE_EVERY) },
  text: Array.from(
    { length: index % LARGE_EVERY === 0 ? 400 : 6 },
    (_item, part) =>
      `# Part ${part} of ${index}\n\nOnly${index}part${part}. ${Array.from({ length: 12 }, sentence).join(' ')}`,
  ).join('\n\n'),
}));
/** One for each group of documents. */
const queries = Array.from({ length: Math.ceil(DOCUMENTS / LARGE_EVERY) }, () =>
  Array.from({ length: 4 }, word).join(' '),
);

/** Sends all documents, some at a time; those that a crash kept from being answered are sent again. */
async function sendAll(client: ApiClient, toSend: Sample[]): Promise<void> {
  while (toSend.length > 0) {
    const batch = toSend.slice(0, 8);
    const replies = await Promise.all(
      batch.map((sample) => client.post<AcceptedDocumentsDto>('/documents', sample)),
    );
    expect(replies.map(({ status }) => status)).toEqual(batch.map(() => 202));
    toSend.splice(0, batch.length);
  }
}

async function all(client: ApiClient): Promise<DocumentDto[]> {
  const documents: DocumentDto[] = [];
  for (let cursor = ''; ;) {
    const { body } = await client.get<DocumentListDto>(`/documents?limit=200${cursor}`);
    documents.push(...body.documents);
    if (body.next_cursor === null) return documents;
    cursor = `&cursor=${body.next_cursor}`;
  }
}

/** The nearest passages of each group, but for ids, which differ between two databases. Among so few, it is exact. */
async function nearest(client: ApiClient): Promise<string[][]> {
  const found: string[][] = [];
  for (const [group, query] of queries.entries()) {
    const hits = await client.search(query, {
      top_k: 20,
      min_similarity: 0,
      search_mode: 'semantic',
      filter: { group },
    });
    // among equals, ids decide on the order, and on who still is among the first 20
    const last = hits.at(-1)?.similarity_score;
    const places = hits
      .filter(({ similarity_score }) => similarity_score !== last)
      .map(({ title, start, end, similarity_score }) => [similarity_score, title, start, end].join(' '));
    found.push([...places.sort(), `${hits.length - places.length} of ${last}`]);
  }
  return found;
}

/** Which document each word leads to that only one has: once to each of two of its passages. */
async function owners(client: ApiClient): Promise<string[]> {
  const found: string[] = [];
  for (let index = 0; index < DOCUMENTS; index++)
    for (const part of [0, 5]) {
      const hits = await client.search(`Only${index}part${part}`, { search_mode: 'keyword' });
      found.push(hits.map(({ title }) => title).join(' + '));
    }
  return found;
}

async function untilReady(client: ApiClient): Promise<DocumentDto[]> {
  const look = async (): Promise<DocumentDto[] | undefined> => {
    const documents = await all(client);
    const isDone = documents.every(({ status }) => status === 'ready' || status === 'failed');
    return documents.length === DOCUMENTS && isDone ? documents : undefined;
  };
  return poll('all documents are ready or failed', look, 900_000);
}

describe('kill -9 while documents are made searchable', () => {
  let provider: FakeProvider;
  let storages: Storage[];
  let undisturbed: string[][];
  const start = (storage: Storage): ServiceProcess =>
    spawnService({
      ...storage.env,
      EMBEDDING_MODEL: 'openai/text-embedding-3-small',
      LLM_MODELS: 'extractive',
      OPENAI_API_KEY: 'k',
      OPENAI_BASE_URL: provider.openaiBaseUrl,
    });
  beforeAll(async () => {
    provider = await FakeProvider.start();
    storages = await Promise.all([createStorage(), createStorage()]);
    await using service = start(storages[0]!);
    const client = await service.ready();
    await sendAll(client, [...samples]);
    await untilReady(client);
    undisturbed = await nearest(client);
  }, 900_000);
  afterAll(async () => {
    for (const storage of storages) await storage.remove();
    await provider.stop();
  });

  it(`${KILLS} times: all ${DOCUMENTS} are ready exactly once, and searches find the same as without`, async () => {
    const storage = storages[1]!;
    const toSend = [...samples];
    for (let kill = 0; kill < KILLS; kill++) {
      await using service = start(storage);
      const client = await service.ready();
      const sending = sendAll(client, toSend).catch(() => undefined);
      await sleep(200 + random() * 2500);
      service.kill('SIGKILL');
      await sending;
    }
    await using last = start(storage);
    const client = await last.ready();
    await sendAll(client, toSend);
    const documents = await untilReady(client);
    expect(documents.map(({ status, error }) => error ?? status)).toEqual(documents.map(() => 'ready'));
    expect(new Set(documents.map(({ external_id }) => external_id)).size).toBe(DOCUMENTS);
    expect(await nearest(client)).toEqual(undisturbed);
    expect(undisturbed.map((places) => places.length > 5)).toEqual(queries.map(() => true));
    expect(await owners(client)).toEqual(samples.flatMap(({ title }) => [title, title]));
    const counts = await client.get<{ chunks: number }>('/collections/default');
    expect(counts.body.chunks).toBe(documents.reduce((sum, { chunks }) => sum + chunks, 0));
  }, 1_800_000);
});
