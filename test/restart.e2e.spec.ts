// Real: the built service as a process of its own, and its database. The provider is a stand-in that speaks the wire
// protocol.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CollectionDto } from '../src/documents/dto/collection.dto.js';
import type { AcceptedDocumentsDto, DocumentListDto } from '../src/documents/dto/document.dto.js';
import { type ApiClient, createStorage, poll, type Storage } from './support/app.js';
import { answer, FakeProvider } from './support/fake-providers/index.js';
import { collectStream } from './support/api-client.js';
import { spawnService } from './support/service-process.js';

const DOCUMENT = { title: 'Keys', text: 'API keys are rotated every 90 days.', external_id: 'keys' };
const QUESTION = 'How often are API keys rotated?';

let provider: FakeProvider;
let storage: Storage;
beforeAll(async () => {
  provider = await FakeProvider.start();
});
beforeEach(async () => {
  storage = await createStorage();
});
afterEach(async () => {
  provider.reset();
  await storage.remove();
});
afterAll(() => provider.stop());

const withProvider = (): Record<string, string> => ({
  ...storage.env,
  LLM_MODELS: 'anthropic/claude-sonnet-5',
  ANTHROPIC_API_KEY: 'k',
  ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
});

describe('a restart', () => {
  it('after SIGTERM loses nothing', async () => {
    let id: string;
    {
      await using first = spawnService(storage.env);
      const client = await first.ready();
      ({ id } = await client.addDocument(DOCUMENT));
      await client.ask(QUESTION);
      first.kill('SIGTERM');
      expect(await first.exit(), first.log).toBe(0);
    }
    await using second = spawnService(storage.env);
    const client = await second.ready();
    expect(await client.content(id)).toBe(DOCUMENT.text);
    expect((await client.ask(QUESTION)).citations[0]!.quote).toBe(DOCUMENT.text);
    expect((await client.costs()).total_requests).toBe(2);
    expect((await client.addDocument({ ...DOCUMENT, text: 'Now every 30 days.' })).id).toBe(id);
    second.kill('SIGINT');
    expect(await second.exit()).toBe(0);
  }, 60_000);

  it('after kill -9 takes up unfinished documents, each exactly once', async () => {
    const count = 8;
    const text = (index: number): string =>
      Array.from(
        { length: 250 },
        (_, line) => `Document number${index} says in line ${line} that it is document number${index}.`,
      ).join('\n\n');
    let ids: string[];
    {
      await using first = spawnService(storage.env);
      const client = await first.ready();
      const replies = await Promise.all(
        Array.from({ length: count }, (_, index) =>
          client.post<AcceptedDocumentsDto>('/documents', {
            title: `D${index}`,
            text: text(index),
            external_id: `d${index}`,
          }),
        ),
      );
      expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 202));
      ids = replies.map(({ body }) => body.documents[0]!.id);
      await poll('the work has begun', async () =>
        (await statuses(client)).some((status) => status !== 'queued'),
      );
      first.kill('SIGKILL');
      expect(await first.exit()).toBe('SIGKILL');
    }
    await using second = spawnService(storage.env);
    const client = await second.ready();
    // on a server, a dead worker's job comes back once its heartbeat has been missed
    await poll(
      'all are ready',
      async () => (await statuses(client)).every((status) => status === 'ready'),
      90_000,
    );
    const { documents } = (await client.get<DocumentListDto>('/documents')).body;
    expect(documents.map(({ id }) => id).sort()).toEqual([...ids].sort());
    const chunks = new Set(documents.map((document) => document.chunks));
    expect(chunks.size).toBe(1);
    const collection = (await client.get<CollectionDto>('/collections/default')).body;
    expect(collection).toMatchObject({ documents: count, chunks: count * [...chunks][0]! });
    for (const [index, id] of ids.entries()) {
      const hits = (await client.search(`number${index}`, { top_k: 50, search_mode: 'keyword' })).filter(
        ({ document_id }) => document_id === id,
      );
      expect(hits.length).toBeGreaterThan(0);
      expect(new Set(hits.map(({ start }) => start)).size).toBe(hits.length);
      expect(await client.content(id)).toBe(text(index));
    }
  }, 150_000);
});

async function statuses(client: ApiClient): Promise<string[]> {
  return (await client.get<DocumentListDto>('/documents')).body.documents.map(({ status }) => status);
}

describe('SIGTERM with an open stream', () => {
  it('lets it finish within the grace, takes no new connection, and exits 0', async () => {
    provider.default(
      answer('word '.repeat(20).trimEnd(), { delayMs: 50, usage: { inputTokens: 10, outputTokens: 20 } }),
    );
    await using service = spawnService(withProvider());
    const client = await service.ready();
    await client.addDocument(DOCUMENT);
    const stream = await client.openStream(QUESTION);
    await provider.until(({ requests }) => (requests[0]?.billed.outputTokens ?? 0) > 0);
    service.kill('SIGTERM');
    await poll('new connections are refused', () =>
      client.get('/health/live', { connection: 'close' }).then(
        () => false,
        () => true,
      ),
    );
    const { text, done } = await collectStream(stream);
    expect(text).toBe('word '.repeat(20).trimEnd());
    expect(done).toMatchObject({ finish_reason: 'stop', usage: { input_tokens: 10, output_tokens: 20 } });
    expect(await service.exit(), service.log).toBe(0);
  }, 60_000);

  it('ends it after the grace with an error event, records it, and exits 0', async () => {
    provider.default(answer('word '.repeat(100_000), { delayMs: 20, usage: { inputTokens: 10 } }));
    {
      await using service = spawnService({ ...withProvider(), SHUTDOWN_GRACE_MS: '500' });
      const client = await service.ready();
      await client.addDocument(DOCUMENT);
      const stream = await client.openStream(QUESTION);
      const whole = client.post('/ask', { question: QUESTION });
      await provider.until(
        ({ requests }) => requests.length === 2 && requests.every(({ billed }) => billed.outputTokens > 0),
      );
      service.kill('SIGTERM');
      const { text, error, done } = await collectStream(stream);
      expect(text).toMatch(/^word/);
      expect(done).toBeUndefined();
      expect(error).toMatchObject({
        status: 503,
        code: 'SERVICE_UNAVAILABLE',
        request_id: stream.headers.get('x-request-id'),
      });
      const reply = await whole;
      expect(reply).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
      expect(reply.headers.get('retry-after')).toBe('5');
      expect(await service.exit(), service.log).toBe(0);
      await provider.settled();
      expect(provider.requests.every(({ aborted }) => aborted)).toBe(true);
    }
    await using again = spawnService(withProvider());
    const { total_tokens } = await (await again.ready()).costs();
    expect(total_tokens.output_tokens).toBeGreaterThan(0);
    expect(total_tokens.input_tokens).toBeGreaterThan(0);
  }, 60_000);

  it('a second signal ends it at once', async () => {
    provider.default(answer('word '.repeat(100_000), { delayMs: 20 }));
    await using service = spawnService(withProvider());
    const client = await service.ready();
    await client.addDocument(DOCUMENT);
    const stream = await client.openStream(QUESTION);
    await provider.until(({ requests }) => (requests[0]?.billed.outputTokens ?? 0) > 0);
    service.kill('SIGTERM');
    await poll('new connections are refused', () =>
      client.get('/health/live', { connection: 'close' }).then(
        () => false,
        () => true,
      ),
    );
    service.kill('SIGTERM');
    expect(await service.exit()).not.toBe(0);
    await stream.body!.cancel().catch(() => undefined);
  }, 60_000);
});
