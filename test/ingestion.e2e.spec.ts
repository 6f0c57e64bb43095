// Real: HTTP, database, job queue, parser processes and search. The embedding provider is a stand-in that speaks the
// wire protocol.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CollectionDto } from '../src/documents/dto/collection.dto.js';
import type {
  AcceptedDocumentsDto,
  DocumentDto,
  DocumentListDto,
  DocumentProgressDto,
} from '../src/documents/dto/document.dto.js';
import { expectProblem, poll, startApp, type TestApp } from './support/app.js';
import { FakeProvider, hangBeforeHeaders, status } from './support/fake-providers/index.js';
import { parseSse } from './support/sse.js';

let provider: FakeProvider;
let app: TestApp;
beforeAll(async () => {
  provider = await FakeProvider.start();
  app = await startApp({
    EMBEDDING_MODEL: 'openai/text-embedding-3-small',
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: provider.openaiBaseUrl,
    LLM_MODELS: 'extractive',
    LLM_MAX_RETRIES: '0',
    LLM_FIRST_TOKEN_TIMEOUT_MS: '10000',
    INGESTION_MAX_QUEUE: '12',
  });
});
afterEach(() => provider.reset());
afterAll(async () => {
  await app.stop();
  await provider.stop();
});

/** A text of so many passages. */
const textOf = (passages: number, word: string): string =>
  Array.from(
    { length: passages },
    (_, part) => `# Part ${part}\n\n${`The ${word} of part ${part} is described here. `.repeat(35)}`,
  ).join('\n\n');

async function send(fields: Record<string, unknown>): Promise<string> {
  const reply = await app.post<AcceptedDocumentsDto>('/documents', fields);
  expect(reply.status, JSON.stringify(reply.body)).toBe(202);
  return reply.body.documents[0]!.id;
}

async function progressOf(id: string): Promise<DocumentProgressDto[]> {
  const response = await app.fetch(`/documents/${id}/events`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const seen: DocumentProgressDto[] = [];
  for await (const item of parseSse(response.body!)) {
    if (item.type === 'comment') continue;
    expect(item.event).toBe('progress');
    seen.push(JSON.parse(item.data) as DocumentProgressDto);
  }
  return seen;
}

describe('a large document', () => {
  it('is written bit by bit, seen by no search until it is whole, and its progress can be followed', async () => {
    const collection = 'large';
    const old = await send({ title: 'Old', text: 'The zebra of yesterday.', collection, external_id: 'z' });
    await app.finished(old);
    const id = await send({ title: 'New', text: textOf(220, 'zebra'), collection, external_id: 'z' });
    expect(id).toBe(old);
    const events = progressOf(id);
    const titles = new Set<string>();
    await poll(
      'the new version is ready',
      async () => {
        const hits = await app.search('zebra', { collections: [collection], top_k: 50 });
        const found = new Set(hits.map(({ title }) => title));
        expect(found.size).toBe(1);
        for (const title of found) titles.add(title);
        return found.has('New');
      },
      60_000,
    );
    const seen = await events;
    expect(seen.at(-1)).toMatchObject({ id, status: 'ready', progress: 1, error: null });
    expect(seen.at(-1)!.chunks).toBeGreaterThan(128);
    const shares = seen.map(({ progress }) => progress);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    const [row] = await app.sql<{ chunks: number; revisions: number }>(
      'SELECT count(*)::int AS chunks, count(DISTINCT revision)::int AS revisions FROM chunks WHERE document_id = $1',
      [id],
    );
    expect(row).toEqual({ chunks: seen.at(-1)!.chunks, revisions: 1 });
    const listed = await app.get<CollectionDto>(`/collections/${collection}`);
    expect(listed.body.chunks).toBe(seen.at(-1)!.chunks);
  }, 90_000);

  it('goes on where it was when its provider failed in between', async () => {
    const id = await send({ title: 'Long', text: textOf(300, 'heron'), collection: 'resumed' });
    await poll('the first bit is written', async () => (await app.document(id)).progress > 0);
    provider.next(status(500));
    const document = await app.finished(id, 60_000);
    expect(document).toMatchObject({ status: 'ready', error: null });
    const texts = provider.requests.flatMap(({ body }) => (body as { input?: string[] }).input ?? []);
    const heron = texts.filter((text) => text.includes('heron'));
    // nothing that was written is embedded again; the failed call's texts are
    expect(heron.length).toBeLessThanOrEqual(document.chunks + 128);
  }, 90_000);
});

describe('a provider that is down', () => {
  it('keeps documents queued, with the reason, until it is back', async () => {
    provider.next(...Array.from({ length: 2 }, () => status(503)));
    const id = await send({ title: 'Patience', text: 'Patience is rewarded.', collection: 'patient' });
    const waiting = await poll('it has failed once', async () => {
      const document = await app.document(id);
      return document.error === null ? undefined : document;
    });
    expect(waiting).toMatchObject({ status: 'queued' });
    expect(waiting.error).toContain('embedding provider');
    expect(await app.finished(id, 60_000)).toMatchObject({ status: 'ready', error: null });
  }, 90_000);

  it('is not asked again for what it refuses', async () => {
    provider.next(status(400));
    const id = await send({ title: 'Refused', text: 'This is refused.', collection: 'refused' });
    expect(await app.finished(id)).toMatchObject({ status: 'failed' });
    const [row] = await app.sql('SELECT FROM document_sources WHERE document_id = $1', [id]);
    expect(row).toBeUndefined();
  });
});

describe('the queue', () => {
  it('lets collections take turns, and refuses what it has no room for', async () => {
    // both workers are held by the provider, so that what is sent meanwhile waits
    provider.next(...Array.from({ length: 2 }, hangBeforeHeaders));
    const held = await Promise.all(
      [0, 1].map((index) => send({ title: `H${index}`, text: `Held ${index}.`, collection: 'held' })),
    );
    await poll('both are being worked on', async () => {
      const documents = await Promise.all(held.map((id) => app.document(id)));
      return documents.every(({ status: state }) => state === 'processing');
    });
    for (let index = 0; index < 8; index++)
      await send({ title: `Many ${index}`, text: `Many of them, ${index}.`, collection: 'many' });
    await send({ title: 'Few 0', text: 'Few of them, 0.', collection: 'few' });
    await send({ title: 'Few 1', text: 'Few of them, 1.', collection: 'few' });
    const refused = await app.post('/documents', {
      title: 'One too many',
      text: 'No room.',
      collection: 'few',
    });
    expectProblem(refused, 503, 'SERVICE_UNAVAILABLE');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);

    const rows = await app.sql<{ title: string; turn: number }>(
      "SELECT title, turn FROM documents WHERE status = 'queued' ORDER BY turn, seq",
    );
    const order = rows.map(({ title }) => title);
    expect(order.indexOf('Few 0')).toBeLessThan(3);
    expect(order.indexOf('Few 1')).toBeLessThan(5);
    provider.reset();
    await poll(
      'all are ready',
      async () => {
        const { body } = await app.get<DocumentListDto>('/documents?limit=200');
        return body.documents.every(
          ({ status: state }: DocumentDto) => state === 'ready' || state === 'failed',
        );
      },
      120_000,
    );
  }, 150_000);
});

describe('GET /documents/:id/events', () => {
  it('ends at once for a document that is done, and 404 for one that is not there', async () => {
    const id = await send({ title: 'Done', text: 'It is done.', collection: 'done' });
    await app.finished(id);
    expect(await progressOf(id)).toEqual([{ id, status: 'ready', progress: 1, chunks: 1, error: null }]);
    expectProblem(await app.get('/documents/9f4c1c5e-4f0e-4f0e-9d2b-7a5f0c1d2e3f/events'), 404, 'NOT_FOUND');
  });
});
