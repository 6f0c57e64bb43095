// Real: HTTP, database, ingestion, search, the extractive answerer and the response cache. Nothing is faked.
//
// What a key must not see is better in every way: it holds the words of the question, and it is longer and newer.
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerDto } from '../src/ask/dto/answer.dto.js';
import type { BatchResponseDto } from '../src/ask/dto/batch.dto.js';
import type { SearchResponseDto } from '../src/ask/dto/search.dto.js';
import type { CollectionDto, CollectionListDto } from '../src/documents/dto/collection.dto.js';
import type { AcceptedDocumentsDto, DocumentListDto } from '../src/documents/dto/document.dto.js';
import {
  type ApiClient,
  expectProblem,
  type NewDocument,
  type Reply,
  startApp,
  type TestApp,
} from './support/app.js';
import { ADMIN_KEY, makeKey, withSecret } from './support/keys.js';

const OPEN: NewDocument[] = [
  {
    title: 'Handbook salaries',
    text: 'The salary bands are published every spring.',
    metadata: { year: 2025 },
  },
  { title: 'Handbook keys', text: 'API keys are rotated by the platform team.', metadata: { year: 2025 } },
  {
    title: 'Handbook holidays',
    text: 'Everybody has thirty days of holidays a year.',
    metadata: { year: 2025 },
  },
];
/** What no answer to the key below may tell; every text and title has the mark. */
const MARK = 'zebrafish';
const HIDDEN: NewDocument[] = [
  {
    title: `Board salary ${MARK}`,
    text: `The salary of the board is nine million ${MARK}. The salary of the board is paid in gold ${MARK}.`,
    metadata: { year: 2026, secret: MARK },
  },
  {
    title: `Master key ${MARK}`,
    text: `API keys are rotated every 90 days ${MARK}. The master key is rotated by nobody ${MARK}.`,
    metadata: { year: 2026, secret: MARK },
  },
  {
    title: `Holidays of the board ${MARK}`,
    text: `The board has two hundred days of holidays a year ${MARK}.`,
    metadata: { year: 2026, secret: MARK },
  },
];
const QUESTIONS = [
  'What is the salary of the board?',
  'How often is the master key rotated?',
  'How many days of holidays does the board have a year?',
  MARK,
  `salary ${MARK} gold`,
];
const MODES = ['hybrid', 'semantic', 'keyword'] as const;
const NOBODY = '00000000-0000-4000-8000-000000000000';
const FACTOR = 3;
const LOOKS = 200;

/** Nothing of it, wherever it might be. */
function expectNothingOf(hidden: readonly string[], { headers, body }: Reply): void {
  const told = `${JSON.stringify(body)}\n${[...headers].flat().join('\n')}`.toLowerCase();
  for (const word of [MARK, 'nine million', 'two hundred', 'every 90 days', ...hidden])
    expect(told).not.toContain(word.toLowerCase());
}

/** A body without what differs between any two requests, and without what the caller has named itself. */
const bare = ({ status, body }: Reply, ...named: string[]): string =>
  named.reduce(
    (text, name) => text.replaceAll(name, '<named>'),
    JSON.stringify({ ...(body as object), status, request_id: '' }),
  );

/** Two ways to keep the same documents from a key: by collection, and by label inside a collection that it may read. */
const WORLDS = [
  {
    name: 'another collection',
    fields: { collection: 'vault' },
    key: { collections: ['handbook'] },
    hiddenName: 'vault',
  },
  {
    name: 'labels that it does not carry',
    fields: { collection: 'handbook', allowed: ['board'] },
    key: { collections: ['handbook'], write_collections: [], labels: ['sales', 'boards', 'Board'] },
    hiddenName: undefined,
  },
  {
    name: 'labels that nobody carries',
    fields: { collection: 'handbook', allowed: [] },
    key: { write_collections: [], labels: ['board'] },
    hiddenName: undefined,
  },
] as const;

describe.each(WORLDS)('a key that is kept from documents by $name', ({ fields, key, hiddenName }) => {
  let app: TestApp;
  let admin: ApiClient;
  let client: ApiClient;
  let open: string[];
  let hidden: string[];
  beforeAll(async () => {
    app = await startApp({
      ADMIN_API_KEY: ADMIN_KEY,
      RESPONSE_CACHE_TTL_S: '600',
    });
    admin = withSecret(app, ADMIN_KEY);
    const add = async (documents: readonly NewDocument[], rest: object) => {
      const ids: string[] = [];
      for (const document of documents) ids.push((await admin.addDocument({ ...document, ...rest })).id);
      return ids;
    };
    open = await add(OPEN, { collection: 'handbook' });
    hidden = await add(HIDDEN, fields);
    ({ client } = await makeKey(admin, {
      scopes: ['ask', 'search', 'ingest'],
      ...(JSON.parse(JSON.stringify(key)) as object),
    }));
  });
  afterAll(() => app.stop());
  const nothing = (reply: Reply) =>
    expectNothingOf([...hidden, ...(hiddenName === undefined ? [] : [hiddenName])], reply);

  it('the hidden documents are the better ones: who may see them finds them first', async () => {
    for (const query of QUESTIONS)
      for (const search_mode of MODES) {
        const [first] = await admin.search(query, { search_mode });
        expect(first?.title, `${query}, ${search_mode}`).toContain(MARK);
      }
  });

  it.each(MODES)('finds nothing of them in %s search', async (search_mode) => {
    const reply = await client.post<SearchResponseDto>('/search', {
      queries: QUESTIONS,
      search_mode,
      top_k: 50,
      min_similarity: 0,
    });
    expect(reply.status).toBe(200);
    const titles = reply.body.results.flatMap(({ hits }) => hits.map(({ title }) => title));
    expect(new Set(titles)).toEqual(new Set(OPEN.map(({ title }) => title)));
    // but for the queries, which it has sent itself
    nothing({ ...reply, body: reply.body.results.map(({ hits }) => hits) });
  });

  it.each(MODES)('is answered in %s mode from the others only', async (search_mode) => {
    for (const question of QUESTIONS) {
      const body = { question, search_mode, top_k: 50, min_similarity: 0 };
      const reply = await client.post<AnswerDto>('/ask', body);
      expect(reply.status).toBe(200);
      expect(reply.body.sources.every(({ document_id }) => open.includes(document_id))).toBe(true);
      nothing(reply);
      const { headers, ...stream } = await client.askStream(body);
      expect(stream.done).toBeDefined();
      nothing({ status: 200, headers, body: { ...stream, comments: [] } });
    }
    const batch = await client.post<BatchResponseDto>('/ask/batch', {
      questions: QUESTIONS.map((question) => ({ question, search_mode, min_similarity: 0, evaluate: true })),
    });
    expect(batch.body.results.map(({ status }) => status)).toEqual(QUESTIONS.map(() => 200));
    nothing(batch);
  });

  it('has no information where only they have it', async () => {
    const reply = await client.post<AnswerDto>('/ask', {
      question: `Where is the ${MARK}?`,
      search_mode: 'keyword',
    });
    expect(reply.body).toMatchObject({ finish_reason: 'no_context', sources: [] });
  });

  it('cannot ask for more labels than it carries', async () => {
    for (const labels of [['board'], ['board', 'sales'], []]) {
      const reply = await client.post<SearchResponseDto>('/search', {
        queries: QUESTIONS,
        labels,
        min_similarity: 0,
      });
      expect(reply.status).toBe(200);
      nothing({ ...reply, body: reply.body.results.map(({ hits }) => hits) });
    }
  });

  it.each([
    { year: 2026 },
    { year: { gte: 2026 } },
    { secret: { exists: true } },
    { or: [{ year: 2025 }, { secret: { exists: true } }] },
    { not: { year: 2025 } },
    { secret: { ne: 'x' } },
  ])('cannot feel for them with the filter %j', async (filter) => {
    const found = await client.search('salary keys holidays board', { filter, top_k: 50, min_similarity: 0 });
    expect(found.every(({ document_id }) => open.includes(document_id))).toBe(true);
    const { body } = await client.post<AnswerDto>('/ask', { question: 'What of the board?', filter });
    expect(body.sources.every(({ document_id }) => open.includes(document_id))).toBe(true);
    // what is wrong with a filter is told before anything is looked at
    const wrong = expectProblem(
      await client.post('/search', { queries: ['x'], filter: { ...filter, year: { nope: 1 } } }),
      400,
      'INVALID_REQUEST',
    );
    expect(JSON.stringify(wrong)).not.toContain(MARK);
  });

  it('gets no kept answer that was made from them', async () => {
    for (const question of QUESTIONS.slice(0, 3)) {
      const ask = { question, cache: true, top_k: 50, min_similarity: 0 };
      await admin.ask(ask);
      expect(await admin.ask(ask)).toMatchObject({ cached: true });
      const reply = await client.post<AnswerDto>('/ask', ask);
      expect(reply.body.cached).toBe(false);
      nothing(reply);
    }
  });

  it('shares answers with those who see the same, and only the same', async () => {
    const same = await makeKey(admin, JSON.parse(JSON.stringify(key)) as object);
    const ask = {
      question: 'When are the salary bands published?',
      cache: true,
      top_k: 50,
      min_similarity: 0,
    };
    const first = await client.ask(ask);
    expect(first.cached).toBe(false);
    expect(await same.client.ask(ask)).toMatchObject({
      cached: true,
      answer: first.answer,
      sources: first.sources,
    });
    expect(await admin.ask(ask)).toMatchObject({ cached: false });
  });

  it('is not told of answers that others get at the same time', async () => {
    const ask = { question: 'What does the board earn a year?', cache: true, top_k: 50, min_similarity: 0 };
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 === 0 ? admin : client).post<AnswerDto>('/ask', ask),
      ),
    );
    for (const [index, reply] of replies.entries()) {
      expect(reply.status).toBe(200);
      if (index % 2 === 0) expect(JSON.stringify(reply.body)).toContain(MARK);
      else nothing(reply);
    }
  });

  it('counts only its own', async () => {
    const reply = await client.get<CollectionListDto>('/collections');
    expect(reply.body.collections.map(({ name, documents, chunks }) => [name, documents, chunks])).toEqual([
      ['handbook', 3, 3],
    ]);
    nothing(reply);
    const one = await client.get<CollectionDto>('/collections/handbook');
    expect(one.body).toEqual(reply.body.collections[0]);
  });

  it('is told the end of its list at its end', async () => {
    const all = await client.get<DocumentListDto>('/documents?limit=3');
    expect(all.body.documents.map(({ id }) => id).sort()).toEqual(open.toSorted());
    expect(all.body.next_cursor).toBeNull();
    nothing(all);
    const two = await client.get<DocumentListDto>('/documents?limit=2');
    const rest = await client.get<DocumentListDto>(`/documents?limit=2&cursor=${two.body.next_cursor}`);
    expect(rest.body.documents).toHaveLength(1);
    expect(rest.body.next_cursor).toBeNull();
    for (const status of ['ready', 'queued', 'processing', 'failed'])
      nothing(await client.get(`/documents?status=${status}`));
  });

  it('is told of a hidden document as of one that is not there, whatever it does with it', async () => {
    for (const id of hidden)
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/content'],
        ['GET', '/events'],
        ['DELETE', ''],
      ] as const) {
        const [there, nowhere] = [
          await client.send(`/documents/${id}${path}`, { method }),
          await client.send(`/documents/${NOBODY}${path}`, { method }),
        ];
        expectProblem(there, 404, 'NOT_FOUND');
        expect(bare(there, id)).toBe(bare(nowhere, NOBODY));
        expectNothingOf([], there);
      }
    for (const id of hidden) expect((await admin.get(`/documents/${id}`)).status).toBe(200);
  });

  it.runIf(hiddenName !== undefined)(
    'is told of a hidden collection as of one that is not there',
    async () => {
      const name = hiddenName!;
      const calls: ((collection: string) => Promise<Reply>)[] = [
        (collection) => client.post('/ask', { question: 'x', collections: [collection] }),
        (collection) => client.post('/ask', { question: 'x', collections: ['handbook', collection] }),
        (collection) => client.post('/ask/stream', { question: 'x', collections: [collection] }),
        (collection) => client.post('/search', { queries: ['x'], collections: [collection, 'handbook'] }),
        (collection) => client.get(`/documents?collection=${collection}`),
        (collection) => client.get(`/collections/${collection}`),
        (collection) => client.delete(`/collections/${collection}`),
        (collection) => client.post('/collections', { name: collection }),
        (collection) => client.post('/documents', { title: 't', text: 'x', collection }),
        (collection) => client.post('/documents?wait=true', { url: 'http://127.0.0.1:9', collection }),
        (collection) => client.post(`/collections/${collection}/embedding`, { model: 'x' }),
        (collection) => client.delete(`/collections/${collection}/embedding`),
        async (collection) => {
          const questions = [{ question: 'x', collections: [collection] }];
          const { body, headers } = await client.post<BatchResponseDto>('/ask/batch', { questions });
          const [result] = body.results as { status: number; error?: unknown }[];
          return { status: result!.status, headers, body: result!.error };
        },
      ];
      for (const call of calls) {
        const [there, nowhere] = [await call(name), await call('nowhere')];
        expect(there.status).toBe(403);
        expect(bare(there, name)).toBe(bare(nowhere, 'nowhere'));
        expectNothingOf([], there);
      }
      expect((await admin.get<CollectionDto>(`/collections/${name}`)).body.documents).toBe(3);
      expect((await admin.get('/collections/nowhere')).status).toBe(404);
    },
  );

  it('cannot tell by the time that it takes', async () => {
    const times = { there: [] as number[], nowhere: [] as number[] };
    const look = async (kind: keyof typeof times, id: string): Promise<void> => {
      const started = performance.now();
      const reply = await client.get(`/documents/${id}`);
      times[kind].push(performance.now() - started);
      expect(reply.status).toBe(404);
    };
    for (let index = 0; index < LOOKS; index++) {
      await look('there', hidden[index % hidden.length]!);
      await look('nowhere', crypto.randomUUID());
    }
    const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
    const [there, nowhere] = [median(times.there), median(times.nowhere)];
    expect(there).toBeLessThan(nowhere * FACTOR + 1);
    expect(nowhere).toBeLessThan(there * FACTOR + 1);
  });
});

describe('a queue that is full', () => {
  it('does not tell how many of others wait in it', async () => {
    const app = await startApp({
      ADMIN_API_KEY: ADMIN_KEY,
      INGESTION_MAX_QUEUE: '1',
      INGESTION_CONCURRENCY: '1',
    });
    try {
      const admin = withSecret(app, ADMIN_KEY);
      const { client } = await makeKey(admin, { scopes: ['ingest'], collections: ['mine'] });
      // as if it waited
      await admin.addDocument({ title: MARK, text: MARK, collection: 'vault' });
      await app.sql(
        `INSERT INTO document_sources (document_id, revision, title, metadata, media_type, bytes)
         SELECT id, revision + 1, title, '{}', 'text/plain', 'x' FROM documents`,
      );
      const reply = await client.post('/documents', { title: 't', text: 'x', collection: 'mine' });
      const problem = expectProblem(reply, 503, 'SERVICE_UNAVAILABLE');
      expect(problem.detail).not.toMatch(/\d/);
      expectNothingOf(['vault'], reply);
    } finally {
      await app.stop();
    }
  });
});

describe('who writes to a collection', () => {
  let app: TestApp;
  let admin: ApiClient;
  beforeAll(async () => {
    app = await startApp({ ADMIN_API_KEY: ADMIN_KEY, RATE_LIMIT_CONCURRENCY: '0', RATE_LIMIT_TPM: '0' });
    admin = withSecret(app, ADMIN_KEY);
  });
  afterAll(() => app.stop());

  it('keeps its records, and does not read what they say', async () => {
    const { client } = await makeKey(admin, {
      scopes: ['ask', 'search', 'ingest'],
      collections: ['reading'],
      write_collections: ['writing'],
    });
    const { id } = await client.addDocument({
      title: 'Sent',
      text: `It says ${MARK}.`,
      collection: 'writing',
    });
    const secret = await admin.addDocument({ ...HIDDEN[0]!, collection: 'writing', allowed: ['board'] });
    const list = await client.get<DocumentListDto>('/documents?collection=writing');
    expect(list.body.documents.map((document) => document.id).sort()).toEqual([id, secret.id].sort());
    for (const one of [id, secret.id])
      expectProblem(await client.get(`/documents/${one}/content`), 404, 'NOT_FOUND');
    const found = await client.post<SearchResponseDto>('/search', { queries: [MARK], min_similarity: 0 });
    expect(found.body.results[0]!.hits).toEqual([]);
    expectProblem(
      await client.post('/search', { queries: [MARK], collections: ['writing'] }),
      403,
      'FORBIDDEN',
    );
    expect((await client.delete(`/documents/${secret.id}`)).status).toBe(204);
  });

  it('replaces no document of another collection with the same external id or the same text', async () => {
    const fields = { external_id: 'same', text: 'Word for word the same.' };
    const theirs = await admin.addDocument({ title: 'Theirs', collection: 'vault', ...fields });
    const { client } = await makeKey(admin, { scopes: ['ingest'], collections: ['mine'] });
    const reply = await client.post<AcceptedDocumentsDto>('/documents?wait=true', {
      title: 'Mine',
      collection: 'mine',
      ...fields,
    });
    expect(reply.status).toBe(201);
    expect(reply.body.documents[0]!.id).not.toBe(theirs.id);
    expect((await admin.document(theirs.id)).title).toBe('Theirs');
    expect(
      (await client.get<CollectionListDto>('/collections')).body.collections.map(({ name }) => name),
    ).toEqual(['mine']);
  });

  it('may not file under a name that it leaves out: the default is a collection like any other', async () => {
    const { client } = await makeKey(admin, { scopes: ['ingest'], collections: ['mine'] });
    expectProblem(await client.post('/documents', { title: 't', text: 'x' }), 403, 'FORBIDDEN');
    expectProblem(
      await client.post('/documents', { title: 't', text: 'x', collection: null }),
      403,
      'FORBIDDEN',
    );
    expect((await admin.get('/collections/default')).status).toBe(404);
  });
});
