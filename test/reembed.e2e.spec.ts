// Real: HTTP, database, job queue, search, ledger. The provider of the embeddings that cost is a stand-in that speaks its
// wire protocol.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CollectionListDto } from '../src/documents/dto/collection.dto.js';
import type { AcceptedDocumentsDto, DocumentDto } from '../src/documents/dto/document.dto.js';
import { createStorage, expectProblem, poll, startApp, type Storage, type TestApp } from './support/app.js';
import { answer, FakeProvider, status } from './support/fake-providers/index.js';
import {
  addLong,
  answerFirst,
  BATCH,
  begin,
  CHUNKS,
  collectionOf,
  embeddedPassages,
  environment,
  longText,
  PATIENCE_MS,
  reembeddingOf,
  semantic,
  SMALL,
  start,
  switched,
} from './support/reembedding.js';

const LARGE = 'openai/text-embedding-3-large';
const LEXICAL = 'lexical-hash';

let provider: FakeProvider;
beforeAll(async () => {
  provider = await FakeProvider.start();
});
afterEach(() => provider.reset());
afterAll(() => provider.stop());

describe('a collection that is searched', () => {
  let app: TestApp;
  let storage: Storage;
  const name = 'guide';
  beforeAll(async () => {
    storage = await createStorage();
    app = await startApp(environment(provider), storage);
    await addLong(app, name);
  }, PATIENCE_MS);
  afterAll(async () => {
    await app.stop();
    await storage.remove();
  });

  it(
    'changes its model in one moment, while every search is answered, by one model or the other',
    async () => {
      const ranking = async (): Promise<string> =>
        JSON.stringify(
          (await semantic(app, name, 'topic17 topic170')).map(({ id, similarity_score }) => [
            id,
            similarity_score,
          ]),
        );
      const before = await ranking();
      provider.default(answer('', { headersDelayMs: 1000 }));
      const begun = await begin(app, name, SMALL);
      expect(begun).toMatchObject({ embedding_model: LEXICAL, dimensions: 1024, chunks: CHUNKS });
      expect(begun.reembedding).toEqual({
        model: SMALL,
        state: 'building',
        progress: 0,
        chunks: CHUNKS,
        chunks_done: 0,
        error: null,
      });
      const seen: string[] = [];
      const fractions: number[] = [];
      for (;;) {
        seen.push(await ranking());
        const { reembedding } = await collectionOf(app, name);
        if (reembedding === null) break;
        fractions.push(reembedding.progress);
        expect(reembedding.chunks_done / CHUNKS).toBeCloseTo(reembedding.progress, 12);
      }
      const after = await ranking();
      expect(after).not.toBe(before);
      expect(seen.length).toBeGreaterThan(3);
      expect(seen[0]).toBe(before);
      const firstNew = [...seen, after].findIndex((result) => result !== before);
      expect([...seen, after].slice(firstNew)).toEqual([...seen, after].slice(firstNew).map(() => after));
      expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
      expect(fractions.some((fraction) => fraction > 0 && fraction < 1)).toBe(true);
      expect(await collectionOf(app, name)).toMatchObject({
        embedding_model: SMALL,
        dimensions: 1536,
        reembedding: null,
      });
    },
    PATIENCE_MS,
  );

  it('has paid for each passage once', async () => {
    const ledger = await app.sql<{ tokens: number; cost: string; calls: number }>(
      `SELECT sum(embedding_tokens)::int AS tokens, sum(cost_usd)::text AS cost, count(*)::int AS calls
       FROM llm_calls WHERE request_id = $1 AND operation = 'document_embedding' AND model = $2`,
      [`reembed:${name}`, SMALL],
    );
    const [{ tokens, cost, calls }] = ledger as [(typeof ledger)[0]];
    expect(calls).toBe(3);
    expect(tokens).toBeGreaterThan(CHUNKS * 100);
    expect(Number(cost)).toBeCloseTo((tokens * 0.02) / 1e6, 12);
  });

  it(
    'finds what was added, replaced and deleted on the way',
    async () => {
      const other = 'moving';
      await addLong(app, other, 140);
      const gone = await app.addDocument({ title: 'Gone', text: 'Walruses yawn.', collection: other });
      await app.addDocument({
        title: 'Old',
        text: 'Narwhals hum.',
        collection: other,
        external_id: 'narwhal',
      });
      answerFirst(provider);
      await begin(app, other, SMALL);
      await reembeddingOf(app, other, ({ chunks_done }) => chunks_done > 0);
      expect((await app.delete(`/documents/${gone.id}`)).status).toBe(204);
      for (let index = 0; index < 5; index++)
        await app.addDocument({
          title: `New ${index}`,
          text: `Puffin${index} colonies sleep.`,
          collection: other,
        });
      await app.addDocument({
        title: 'New',
        text: 'Narwhals sing.',
        collection: other,
        external_id: 'narwhal',
      });
      provider.default(answer(''));
      // the old model still finds what it always found
      expect((await app.search('puffin3 colonies', { collections: [other] }))[0]!.title).toBe('New 3');
      const { chunks } = await switched(app, other, SMALL);
      expect(chunks).toBe(140 + 5 + 1);
      for (let index = 0; index < 5; index++)
        expect((await semantic(app, other, `puffin${index} colonies`))[0]!.title).toBe(`New ${index}`);
      const [narwhal] = await semantic(app, other, 'narwhals sing');
      expect(narwhal!.content).toBe('Narwhals sing.');
      const [counts] = await app.sql<{ chunks: number; vectors: number }>(
        `SELECT c.chunk_count::int AS chunks, count(e.chunk_id)::int AS vectors
         FROM collections c JOIN embedding_spaces s ON s.collection_id = c.id AND s.active
         LEFT JOIN chunk_embeddings e ON e.space_id = s.id WHERE c.name = $1 GROUP BY c.id`,
        [other],
      );
      expect(counts).toEqual({ chunks: 146, vectors: 146 });
    },
    PATIENCE_MS,
  );

  it(
    'embeds a document anew that was half done when the model changed',
    async () => {
      const other = 'moving';
      provider.default(answer('', { headersDelayMs: 10_000 }));
      const sent = await app.post<AcceptedDocumentsDto>('/documents', {
        title: 'Late',
        text: 'Ospreys dive.',
        collection: other,
      });
      const { id } = sent.body.documents[0]!;
      const isAsked = (): boolean =>
        provider.requests.some(({ body }) => String(body['input']).includes('Ospreys'));
      await poll('its text is with the provider', async () => isAsked(), PATIENCE_MS);
      await begin(app, other, LEXICAL);
      await switched(app, other, LEXICAL);
      expect((await app.get<DocumentDto>(`/documents/${id}`)).body).toMatchObject({
        status: 'processing',
        error: null,
      });
      provider.reset();
      const ready = await poll(
        'it is ready',
        async () => {
          const { body } = await app.get<DocumentDto>(`/documents/${id}`);
          expect(body.error).toBeNull();
          return body.status === 'ready' ? body : undefined;
        },
        PATIENCE_MS,
      );
      expect(ready.chunks).toBe(1);
      expect((await semantic(app, other, 'ospreys dive'))[0]!.title).toBe('Late');
    },
    PATIENCE_MS,
  );

  it(
    'changes back to the built-in model on a service without a provider, and old vectors go after a minute',
    async () => {
      await app.stop();
      app = await startApp({}, storage);
      expectProblem(
        await app.post('/search', { queries: ['topic17'], collections: [name] }),
        409,
        'CONFLICT',
      );
      await begin(app, name, LEXICAL);
      await switched(app, name, LEXICAL);
      expect((await semantic(app, name, 'topic17'))[0]!.content).toContain('Topic17 ');
      /** How many vectors each space of the collection has, oldest first. */
      const spaces = (): Promise<{ model: string; state: string; vectors: number }[]> =>
        app.sql(
          `SELECT s.model, s.state, count(e.chunk_id)::int AS vectors
           FROM collections c JOIN embedding_spaces s ON s.collection_id = c.id
           LEFT JOIN chunk_embeddings e ON e.space_id = s.id WHERE c.name = $1 GROUP BY s.id ORDER BY s.id`,
          [name],
        );
      const [first, second, third] = [
        { model: LEXICAL, state: 'retired', vectors: CHUNKS },
        { model: SMALL, state: 'retired', vectors: CHUNKS },
        { model: LEXICAL, state: 'complete', vectors: CHUNKS },
      ];
      // searches that have begun just before the switch may need them for a minute, however long this takes
      await app.sql(
        `UPDATE embedding_spaces SET retired_at = now() + CASE model WHEN $1 THEN interval '10 minutes' ELSE '0' END
         WHERE state = 'retired'`,
        [SMALL],
      );
      expect(await spaces()).toEqual([first, second, third]);
      await app.sql(
        "UPDATE embedding_spaces SET retired_at = now() - interval '61 seconds' WHERE state = 'retired' AND model = $1",
        [LEXICAL],
      );
      await app.stop();
      app = await startApp({}, storage);
      await poll('old vectors are gone', async () => (await spaces()).length < 3, PATIENCE_MS);
      expect(await spaces()).toEqual([second, third]);
    },
    PATIENCE_MS,
  );
});

describe('embedding with another model', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(environment(provider));
  });
  afterAll(() => app.stop());

  /** A collection of its own with as many passages. */
  async function fill(chunks = CHUNKS): Promise<string> {
    const name = `c-${randomUUID()}`;
    await addLong(app, name, chunks);
    return name;
  }

  /** The jobs that are not over. */
  const openJobs = (): Promise<object[]> =>
    app.sql(
      "SELECT id FROM pgboss.job WHERE name = 'reembedding' AND state IN ('created', 'retry', 'active')",
    );

  it('refuses models that cannot be used, and collections that there are not', async () => {
    const name = await fill(1);
    for (const [model, message] of [
      ['unknown/model', /unknown/],
      ['lexical-hash/x', /lexical-hash/],
      ['openai', /openai/],
      ['OpenAI/x', /model takes/],
      ['', /model takes/],
      ['openai/a b', /model takes/],
      ['openai/\0', /model/],
      [7, /model/],
    ] as const) {
      const reply = await app.post(`/collections/${name}/embedding`, { model });
      const problem = expectProblem(reply, 400, 'INVALID_REQUEST');
      expect(problem.errors!.map(({ field }) => field)).toEqual(['model']);
      expect(problem.errors![0]!.message).toMatch(message);
    }
    expectProblem(await start(app, 'nowhere', SMALL), 404, 'NOT_FOUND');
    expectProblem(await start(app, 'a%00b', SMALL), 404, 'NOT_FOUND');
    expectProblem(await start(app, name, LEXICAL), 409, 'CONFLICT');
    expectProblem(await app.delete('/collections/nowhere/embedding'), 404, 'NOT_FOUND');
    expectProblem(await app.delete(`/collections/${name}/embedding`), 404, 'NOT_FOUND');
    expect((await collectionOf(app, name)).reembedding).toBeNull();
  });

  it('switches an empty collection at once', async () => {
    const name = `c-${randomUUID()}`;
    await app.post('/collections', { name });
    const begun = await begin(app, name, SMALL);
    expect(begun).toMatchObject({ embedding_model: SMALL, reembedding: null });
    await app.addDocument({ title: 'First', text: 'Herons wait.', collection: name });
    expect(await semantic(app, name, 'herons')).toHaveLength(1);
    expect(await collectionOf(app, name)).toMatchObject({ dimensions: 1536 });
  });

  it(
    'is stopped and goes on later, without paying twice for anything',
    async () => {
      const name = await fill();
      answerFirst(provider);
      await begin(app, name, SMALL);
      await reembeddingOf(app, name, ({ chunks_done }) => chunks_done > 0);
      expect((await app.delete(`/collections/${name}/embedding`)).status).toBe(204);
      expect((await collectionOf(app, name)).reembedding).toMatchObject({ state: 'stopped', model: SMALL });
      await poll('its job is over', async () => (await openJobs()).length === 0, PATIENCE_MS);
      const { reembedding } = await collectionOf(app, name);
      expect(reembedding!.chunks_done).toBeGreaterThanOrEqual(BATCH);
      expect(reembedding!.chunks_done).toBeLessThan(CHUNKS);
      // what was under way is kept, because it is paid for
      expect(embeddedPassages(provider)).toHaveLength(reembedding!.chunks_done);
      const { collections } = (await app.get<CollectionListDto>('/collections')).body;
      expect(collections.find((collection) => collection.name === name)!.reembedding).toEqual(reembedding);
      expect((await app.delete(`/collections/${name}/embedding`)).status).toBe(204);

      provider.default(answer(''));
      const begun = await begin(app, name, SMALL);
      expect(begun.reembedding).toMatchObject({
        state: 'building',
        chunks_done: reembedding!.chunks_done,
      });
      await switched(app, name, SMALL);
      const passages = embeddedPassages(provider);
      expect(passages).toHaveLength(CHUNKS);
      expect(new Set(passages).size).toBe(CHUNKS);
    },
    PATIENCE_MS,
  );

  it(
    'goes on by itself when the provider is back, and pays for nothing twice',
    async () => {
      const name = await fill();
      provider.next(answer('')).default(status(503));
      await begin(app, name, SMALL);
      const stuck = await reembeddingOf(app, name, ({ error }) => error !== null);
      expect(stuck).toMatchObject({ state: 'building', chunks_done: BATCH });
      expect(stuck.error).toBe('The embedding provider could not be used (overloaded).');
      // a search is answered all the while
      expect((await app.search('topic3', { collections: [name] }))[0]!.content).toContain('Topic3 ');
      provider.reset();
      await switched(app, name, SMALL);
      expect(embeddedPassages(provider)).toHaveLength(CHUNKS - BATCH);
    },
    PATIENCE_MS,
  );

  it(
    'fails where trying again cannot help, and goes on when it is started again',
    async () => {
      const name = await fill(10);
      provider.default(status(400));
      await begin(app, name, SMALL);
      const failed = await reembeddingOf(app, name, ({ state }) => state === 'failed');
      expect(failed).toMatchObject({
        error: 'The embedding provider could not be used (invalid_request).',
        chunks_done: 0,
      });
      expect(await openJobs()).toEqual([]);
      expect((await collectionOf(app, name)).embedding_model).toBe(LEXICAL);
      provider.reset();
      await begin(app, name, SMALL);
      await switched(app, name, SMALL);
    },
    PATIENCE_MS,
  );

  it(
    'drops a partial one of another model',
    async () => {
      const name = await fill(140);
      answerFirst(provider);
      await begin(app, name, LARGE);
      await reembeddingOf(app, name, ({ chunks_done }) => chunks_done > 0);
      const begun = await begin(app, name, SMALL);
      expect(begun.reembedding).toMatchObject({ model: SMALL, state: 'building', chunks_done: 0 });
      await switched(app, name, SMALL);
      expect(embeddedPassages(provider, SMALL)).toHaveLength(140);
      await poll('no job is left', async () => (await openJobs()).length === 0, PATIENCE_MS);
      expect((await collectionOf(app, name)).embedding_model).toBe(SMALL);
    },
    PATIENCE_MS,
  );

  it(
    'ends quietly when the collection is deleted',
    async () => {
      const name = await fill();
      answerFirst(provider);
      await begin(app, name, SMALL);
      await reembeddingOf(app, name, ({ chunks_done }) => chunks_done > 0);
      expect((await app.delete(`/collections/${name}`)).status).toBe(204);
      await poll('its job is over', async () => (await openJobs()).length === 0, PATIENCE_MS);
      const jobs = await app.sql<{ state: string }>(
        "SELECT state::text AS state FROM pgboss.job WHERE name = 'reembedding' AND state NOT IN ('completed')",
      );
      expect(jobs).toEqual([]);
      expect(await app.sql("SELECT FROM embedding_spaces WHERE state = 'building'")).toEqual([]);
    },
    PATIENCE_MS,
  );

  it(
    'counts in the budgets, waits while one is spent, and needs a price then',
    async () => {
      const storage = await createStorage();
      let limited = await startApp(environment(provider, { BUDGET_DAILY_USD: '0.0000001' }), storage);
      try {
        await addLong(limited, 'dear', 3);
        const problem = expectProblem(
          await start(limited, 'dear', 'openai/of-unknown-price'),
          409,
          'CONFLICT',
        );
        expect(problem.detail).toMatch(/price of openai\/of-unknown-price is not known.*MODEL_PRICES/);
        await begin(limited, 'dear', SMALL);
        const { error, state } = await reembeddingOf(limited, 'dear', (found) => found.error !== null);
        expect(state).toBe('building');
        expect(error).toMatch(/does not fit into what is left of the service's daily budget/);
        expect(embeddedPassages(provider)).toEqual([]);
        await limited.stop();
        limited = await startApp(environment(provider, { BUDGET_DAILY_USD: '1' }), storage);
        // it need not wait for its next try
        await begin(limited, 'dear', SMALL);
        await switched(limited, 'dear', SMALL);
        const [day] = (await limited.costs()).budgets;
        expect(day!.spent_usd).toBeGreaterThan(0);
        expect(day!.reserved_usd).toBe(0);
      } finally {
        await limited.stop();
        await storage.remove();
      }
    },
    PATIENCE_MS,
  );
});

describe('a document that is on its way when the model changes', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(environment(provider, { EMBEDDING_MODEL: SMALL }));
  });
  afterAll(() => app.stop());

  it(
    'is embedded with the new one',
    async () => {
      await app.addDocument({ title: 'There', text: 'Otters float.', collection: 'pond' });
      answerFirst(provider);
      const { body } = await app.post<AcceptedDocumentsDto>('/documents', {
        title: 'Long',
        text: longText(CHUNKS),
        collection: 'pond',
      });
      const { id } = body.documents[0]!;
      await poll('a part is written', async () => (await app.document(id)).progress > 0, PATIENCE_MS);
      await begin(app, 'pond', LEXICAL);
      await switched(app, 'pond', LEXICAL);
      expect((await app.document(id)).status).not.toBe('ready');
      expect(await app.finished(id, PATIENCE_MS)).toMatchObject({ status: 'ready', chunks: CHUNKS });
      expect((await semantic(app, 'pond', 'topic299'))[0]!.content).toContain('Topic299 ');
      const [counts] = await app.sql<{ vectors: number }>(
        `SELECT count(*)::int AS vectors FROM chunk_embeddings e JOIN embedding_spaces s ON s.id = e.space_id
         WHERE s.active AND s.model = $1`,
        [LEXICAL],
      );
      expect(counts!.vectors).toBe(CHUNKS + 1);
    },
    PATIENCE_MS,
  );
});
