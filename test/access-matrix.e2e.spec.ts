// Real: HTTP, database, ingestion, search and the extractive answerer. Nothing is faked.
//
// Who may do what, written down once more by hand: every route, every kind of caller, every kind of collection,
// document and label. What is expected is worked out here, from nothing that the service says of itself.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SearchResponseDto } from '../src/ask/dto/search.dto.js';
import type { BatchResponseDto } from '../src/ask/dto/batch.dto.js';
import type { KeyWithSecretDto } from '../src/auth/keys/keys.dto.js';
import { mapLimit } from '../src/common/index.js';
import type { CollectionListDto } from '../src/documents/dto/collection.dto.js';
import type { DocumentListDto } from '../src/documents/dto/document.dto.js';
import { type ApiClient, expectProblem, type Reply, startApp, type TestApp } from './support/app.js';
import { ADMIN_KEY, makeKey, withSecret } from './support/keys.js';

type Scope = 'ask' | 'search' | 'ingest' | 'metrics' | 'admin';

/** A route, and who may use it. */
interface Route {
  /** Of which a key needs one; empty: any key will do; absent: it takes no key at all. */
  anyOf?: Scope[];
  /** What is sent, so that nothing changes whoever sends it. */
  body?: unknown;
}

/** Every operation of the service. A new one is a new line; what it does with collections is a line further below. */
const ROUTES: Record<string, Route> = {
  'GET /health/live': {},
  'GET /health/ready': {},
  'POST /ask': { anyOf: ['ask'], body: { question: 'What is a ledger?' } },
  'POST /ask/stream': { anyOf: ['ask'], body: { question: 'What is a ledger?' } },
  'POST /ask/batch': { anyOf: ['ask'], body: { questions: [{ question: 'What is a ledger?' }] } },
  'GET /answers': { anyOf: ['ask'] },
  'GET /answers/{id}': { anyOf: ['ask'] },
  'POST /answers/{id}/feedback': { anyOf: ['ask'], body: { thumb: 'up' } },
  'POST /search': { anyOf: ['search'], body: { queries: ['ledger'] } },
  'POST /documents': { anyOf: ['ingest'], body: { title: 'without a text' } },
  'GET /documents': { anyOf: ['ask', 'search', 'ingest'] },
  'GET /documents/{id}': { anyOf: ['ask', 'search', 'ingest'] },
  'GET /documents/{id}/events': { anyOf: ['ask', 'search', 'ingest'] },
  'GET /documents/{id}/content': { anyOf: ['ask', 'search'] },
  'DELETE /documents/{id}': { anyOf: ['ingest'] },
  'GET /collections': { anyOf: ['ask', 'search', 'ingest'] },
  'POST /collections': { anyOf: ['ingest'], body: { name: '?' } },
  'GET /collections/{name}': { anyOf: ['ask', 'search', 'ingest'] },
  'DELETE /collections/{name}': { anyOf: ['ingest'] },
  'POST /collections/{name}/embedding': { anyOf: ['admin'], body: { model: 'none/such' } },
  'DELETE /collections/{name}/embedding': { anyOf: ['admin'] },
  'GET /metrics': { anyOf: ['metrics'] },
  'GET /usage': { anyOf: [] },
  'POST /keys': { anyOf: ['admin'], body: { name: '' } },
  'GET /keys': { anyOf: ['admin'] },
  'GET /keys/{id}': { anyOf: ['admin'] },
  'PATCH /keys/{id}': { anyOf: ['admin'], body: { name: 'x' } },
  'POST /keys/{id}/rotate': { anyOf: ['admin'], body: {} },
  'DELETE /keys/{id}': { anyOf: ['admin'] },
};

const EVERYDAY: Scope[] = ['ask', 'search', 'ingest', 'metrics'];
const NOBODY = '00000000-0000-4000-8000-000000000000';
const LET_IN = [200, 201, 202, 204, 400, 404, 409];
const AT_ONCE = 8;

/** Who may do what of the documents is told by these; the words are in every document, the numbers in one each. */
interface Document {
  collection: 'alpha' | 'beta';
  title: string;
  /** Absent: everybody who may read the collection. */
  allowed?: string[];
}
const DOCUMENTS: Document[] = [
  { collection: 'alpha', title: 'Alpha for all' },
  { collection: 'alpha', title: 'Alpha for hr', allowed: ['hr'] },
  { collection: 'alpha', title: 'Alpha for nobody', allowed: [] },
  { collection: 'beta', title: 'Beta for all' },
  { collection: 'beta', title: 'Beta for hr', allowed: ['hr'] },
  { collection: 'beta', title: 'Beta for nobody', allowed: [] },
  { collection: 'beta', title: 'Beta for hr too', allowed: ['legal', 'hr'] },
];
/** One that a key may know of, one that another key's documents are in, and one that is not there. */
const COLLECTIONS = ['alpha', 'beta', 'nowhere'] as const;
type Collection = (typeof COLLECTIONS)[number];

/** What a key was given. */
interface Grant {
  scopes: Scope[];
  /** Absent: all. */
  collections?: Collection[];
  /** Absent: as `collections`. */
  write_collections?: Collection[];
  labels?: string[];
}

// What is meant, in as few words as possible.
const has = ({ scopes }: Grant, ...anyOf: Scope[]) => anyOf.some((scope) => scopes.includes(scope));
const mayRead = ({ collections }: Grant, name: Collection) => collections?.includes(name) ?? true;
const mayWrite = ({ collections, write_collections = collections }: Grant, name: Collection) =>
  write_collections?.includes(name) ?? true;
const reads = (grant: Grant, name: Collection) => has(grant, 'ask', 'search') && mayRead(grant, name);
const keeps = (grant: Grant, name: Collection) => has(grant, 'ingest') && mayWrite(grant, name);
const readsDocument = (grant: Grant, { collection, allowed }: Document) =>
  reads(grant, collection) &&
  (allowed === undefined || allowed.some((label) => grant.labels?.includes(label) ?? false));
const seesDocument = (grant: Grant, document: Document) =>
  readsDocument(grant, document) || keeps(grant, document.collection);

/** Cells that were looked at. */
let cells = 0;

let app: TestApp;
let admin: ApiClient;
/** Of {@link DOCUMENTS}, in order. */
let ids: string[];
beforeAll(async () => {
  app = await startApp({
    ADMIN_API_KEY: ADMIN_KEY,
  });
  admin = withSecret(app, ADMIN_KEY);
  ids = [];
  for (const document of DOCUMENTS) ids.push(await addDocument(document));
});
afterAll(() => app.stop());

let added = 0;
async function addDocument({ collection, title, allowed }: Document): Promise<string> {
  const text = `A ledger is a book of accounts. This one is number ${++added}.`;
  const { id } = await admin.addDocument({ collection, title, text, ...(allowed && { allowed }) });
  return id;
}

/** Expects problem details that tell nothing of what the other key's collection holds. */
function expectRefusal(reply: Reply, status: number): void {
  const codes: Record<number, string> = { 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN', 404: 'NOT_FOUND' };
  const problem = expectProblem(reply, status, codes[status]!);
  expect(JSON.stringify(problem)).not.toMatch(/Beta for|ledger|accounts/);
  expect([...reply.headers].flat().join('\n')).not.toMatch(/Beta for|ledger|accounts/);
}

/** A refusal without what differs between any two requests, and without what the caller has named itself. */
function bareRefusal({ status, headers, body }: Reply, named: string): unknown {
  const ofItself = ['date', 'x-request-id', 'etag', 'content-length', 'keep-alive', 'connection'];
  const text = JSON.stringify({ ...(body as object), request_id: '' });
  return {
    status,
    headers: [...headers].filter(([name]) => !ofItself.includes(name)),
    body: text.replaceAll(named, '<named>'),
  };
}

describe('the table', () => {
  it('has every operation of /openapi.json, no other, and the scopes that the documentation tells', async () => {
    interface Operation {
      security?: object[];
      'x-required-scopes'?: Scope[];
    }
    const { body } = await app.get<{ paths: Record<string, Record<string, Operation>> }>('/openapi.json');
    const documented = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
      ),
    );
    expect(documented.map(([name]) => name).sort()).toEqual(Object.keys(ROUTES).sort());
    for (const [name, operation] of documented) {
      expect(operation['x-required-scopes']?.toSorted(), name).toEqual(ROUTES[name]?.anyOf?.toSorted());
      expect((operation.security ?? []).length > 0, name).toBe(ROUTES[name]?.anyOf !== undefined);
    }
  });
});

const CALLERS = 16;
const HEADERS: ((secret: string) => Record<string, string>)[] = [
  (secret) => ({ authorization: `Bearer ${secret}` }),
  (secret) => ({ 'x-api-key': secret }),
];

describe('scopes', () => {
  /** What is sent, and the scopes that it stands for; null: it is nobody's. */
  const callers: { name: string; secret: string | undefined; scopes: Scope[] | null }[] = [];
  beforeAll(async () => {
    const of = async (...scopes: Scope[]) => (await makeKey(admin, { scopes })).secret;
    const [revoked, expired, rotated] = [
      await makeKey(admin, { scopes: ['admin'] }),
      await makeKey(admin, { scopes: ['admin'] }),
      await makeKey(admin, { scopes: ['admin'] }),
    ];
    await admin.delete(`/keys/${revoked.id}`);
    await app.sql('UPDATE api_keys SET expires_at = now() WHERE id = $1', [expired.id]);
    const { body } = await admin.post<KeyWithSecretDto>(`/keys/${rotated.id}/rotate`, { grace_s: 0 });
    callers.push(
      { name: 'nobody', secret: undefined, scopes: null },
      { name: 'garbage', secret: 'wrong', scopes: null },
      { name: 'something of the right form', secret: `fn_${'A'.repeat(12)}_${'A'.repeat(43)}`, scopes: null },
      { name: 'most of a key', secret: (await of('admin')).slice(0, -1), scopes: null },
      { name: 'most of the admin key', secret: ADMIN_KEY.slice(0, -1), scopes: null },
      { name: 'a revoked key', secret: revoked.secret, scopes: null },
      { name: 'an expired key', secret: expired.secret, scopes: null },
      { name: 'a secret that was rotated out', secret: rotated.secret, scopes: null },
      { name: 'the one that came for it', secret: body.secret, scopes: ['admin'] },
      ...(await Promise.all(
        EVERYDAY.map(async (scope) => ({ name: scope, secret: await of(scope), scopes: [scope] })),
      )),
      { name: 'all but admin', secret: await of(...EVERYDAY), scopes: EVERYDAY },
      { name: 'admin', secret: await of('admin'), scopes: ['admin'] },
      { name: 'ADMIN_API_KEY', secret: ADMIN_KEY, scopes: ['admin'] },
    );
  });
  it.each(Object.entries(ROUTES))('%s', async (name, { anyOf, body }) => {
    expect(callers).toHaveLength(CALLERS);
    const [method, path] = name.split(' ') as [string, string];
    const filled = path.replace('{id}', NOBODY).replace('{name}', 'nowhere');
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    // what is read is read by HEAD, too
    const methods = method === 'GET' ? ['GET', 'HEAD'] : [method];
    const all = methods.flatMap((by) =>
      callers.flatMap((caller) => HEADERS.map((header) => ({ ...caller, by, header }))),
    );
    await mapLimit(all, AT_ONCE, async ({ name: who, secret, scopes, by, header }) => {
      const reply = await app.send(filled, {
        method: by,
        ...init,
        headers: { 'content-type': 'application/json', ...(secret === undefined ? {} : header(secret)) },
      });
      const cell = `${by} ${path} by ${who}: ${JSON.stringify(reply.body).slice(0, 200)}`;
      const isEnough = scopes?.some(
        (scope) => scope === 'admin' || anyOf?.length === 0 || anyOf?.includes(scope),
      );
      if (anyOf === undefined || isEnough) expect(LET_IN, cell).toContain(reply.status);
      else {
        const refused = scopes === null ? 401 : 403;
        expect(reply.status, cell).toBe(refused);
        if (by !== 'HEAD') expectRefusal(reply, refused);
        if (refused === 401) expect(reply.headers.get('www-authenticate'), cell).toBe('Bearer');
      }
      cells++;
    });
  });
});

/** Scopes and bounds of the keys below: each with each. */
const SCOPES: Scope[][] = [['ask'], ['search'], ['ingest'], ['metrics'], EVERYDAY];
const BOUNDS: Omit<Grant, 'scopes'>[] = [
  {},
  { collections: [] },
  { collections: ['alpha'] },
  { collections: ['alpha'], write_collections: [] },
  { collections: [], write_collections: ['alpha'] },
  { collections: ['alpha'], write_collections: ['beta'] },
  { collections: ['alpha', 'nowhere'] },
  { collections: ['alpha'], labels: ['hr'] },
  { collections: ['alpha'], write_collections: [], labels: ['hr'] },
  { write_collections: [], labels: ['legal', 'other'] },
  { write_collections: [], labels: ['HR', 'h', 'hr ', ''.padEnd(100, 'x')] },
];
const GRANTS: Grant[] = SCOPES.flatMap((scopes) => BOUNDS.map((bounds) => ({ scopes, ...bounds })));

interface Holder {
  name: string;
  grant: Grant;
  client: ApiClient;
}
let holders: Holder[];
beforeAll(async () => {
  holders = await mapLimit(GRANTS, AT_ONCE, async (grant) => ({
    name: JSON.stringify(grant),
    grant,
    client: (await makeKey(admin, grant)).client,
  }));
});

const multipart = (collection: string): RequestInit => {
  const form = new FormData();
  form.set('collection', collection);
  return { method: 'POST', body: form };
};

/** A route that names a collection: what it takes to name it, and what is answered then. */
interface CollectionRoute {
  name: string;
  anyOf: Scope[];
  may: (grant: Grant, collection: Collection) => boolean;
  call: (client: ApiClient, collection: Collection) => Promise<Reply>;
  /** Statuses where there is such a collection, and where there is none. */
  there: number;
  missing: number;
}
const QUESTION = { question: 'What is a ledger?' };
const COLLECTION_ROUTES: CollectionRoute[] = [
  ...['/ask', '/ask/stream'].map((path) => ({
    name: `POST ${path}`,
    anyOf: ['ask' as const],
    may: mayRead,
    call: (client: ApiClient, name: Collection) => client.post(path, { ...QUESTION, collections: [name] }),
    there: 200,
    missing: 404,
  })),
  {
    name: 'POST /ask with others that it may read',
    anyOf: ['ask'],
    may: (grant, name) => mayRead(grant, 'alpha') && mayRead(grant, name),
    call: (client, name) => client.post('/ask', { ...QUESTION, collections: [...new Set(['alpha', name])] }),
    there: 200,
    missing: 404,
  },
  {
    name: 'POST /ask/batch',
    anyOf: ['ask'],
    may: mayRead,
    // as its one result is told
    call: async (client, name) => {
      const reply = await client.post<BatchResponseDto>('/ask/batch', {
        questions: [{ ...QUESTION, collections: [name] }],
      });
      const [result] = reply.status === 200 ? reply.body.results : [];
      if (result === undefined) return reply;
      const type = result.status === 200 ? 'application/json' : 'application/problem+json';
      const headers = new Headers({ ...Object.fromEntries(reply.headers), 'content-type': type });
      return {
        status: result.status,
        headers,
        body: result.status === 200 ? result : (result as { error: unknown }).error,
      };
    },
    there: 200,
    missing: 404,
  },
  ...['hybrid', 'semantic', 'keyword'].map((search_mode) => ({
    name: `POST /search, ${search_mode}`,
    anyOf: ['search' as const],
    may: mayRead,
    call: (client: ApiClient, name: Collection) =>
      client.post('/search', { queries: ['ledger'], search_mode, collections: [name] }),
    there: 200,
    missing: 404,
  })),
  {
    name: 'GET /documents?collection=',
    anyOf: ['ask', 'search', 'ingest'],
    may: (grant, name) => reads(grant, name) || keeps(grant, name),
    call: (client, name) => client.get(`/documents?collection=${name}`),
    there: 200,
    missing: 200,
  },
  {
    name: 'GET /collections/{name}',
    anyOf: ['ask', 'search', 'ingest'],
    may: (grant, name) => reads(grant, name) || keeps(grant, name),
    call: (client, name) => client.get(`/collections/${name}`),
    there: 200,
    missing: 404,
  },
  {
    name: 'POST /documents',
    anyOf: ['ingest'],
    may: mayWrite,
    // without a text: looked at after the collection
    call: (client, collection) => client.post('/documents', { title: 'x', collection }),
    there: 400,
    missing: 400,
  },
  {
    name: 'POST /documents with a URL',
    anyOf: ['ingest'],
    may: mayWrite,
    call: (client, collection) => client.post('/documents', { url: 'http://127.0.0.1:9/', collection }),
    there: 400,
    missing: 400,
  },
  {
    name: 'POST /documents with files',
    anyOf: ['ingest'],
    may: mayWrite,
    // without a file: looked at after the collection
    call: (client, collection) => client.send('/documents', multipart(collection)),
    there: 400,
    missing: 400,
  },
  {
    name: 'POST /collections',
    anyOf: ['ingest'],
    may: mayWrite,
    call: async (client, name) => {
      const reply = await client.post('/collections', { name });
      if (reply.status === 201) await admin.delete(`/collections/${name}`);
      return reply;
    },
    there: 409,
    missing: 201,
  },
];

describe('a collection that is named', () => {
  /** @returns the reply where it is a refusal */
  async function look(route: CollectionRoute, { name: who, grant, client }: Holder, collection: Collection) {
    const reply = await route.call(client, collection);
    const cell = `${route.name} ${collection} by ${who}: ${JSON.stringify(reply.body).slice(0, 200)}`;
    const mayBe = has(grant, ...route.anyOf) && route.may(grant, collection);
    const expected = !mayBe ? 403 : collection === 'nowhere' ? route.missing : route.there;
    expect(reply.status, cell).toBe(expected);
    // an item of a batch has the headers of the whole
    if (expected === 403 || expected === 404) expectRefusal(reply, expected);
    cells++;
    return mayBe ? undefined : reply;
  }

  it.each(COLLECTION_ROUTES.map((route) => [route.name, route] as const))('%s', async (_, route) => {
    // one of them makes it for a moment
    const atOnce = route.name === 'POST /collections' ? 1 : AT_ONCE;
    await mapLimit(holders, atOnce, async (holder) => {
      const refusals = new Map<Collection, unknown>();
      for (const collection of COLLECTIONS) {
        const refusal = await look(route, holder, collection);
        if (refusal !== undefined) refusals.set(collection, bareRefusal(refusal, collection));
      }
      // there or not, it is told the same
      if (refusals.has('beta') && refusals.has('nowhere'))
        expect(refusals.get('beta'), `${route.name} by ${holder.name}`).toEqual(refusals.get('nowhere'));
    });
  });

  it('DELETE /collections/{name}', async () => {
    for (const { name: who, grant, client } of holders)
      for (const collection of COLLECTIONS) {
        const mayBe = has(grant, 'ingest') && mayWrite(grant, collection);
        // what may really be deleted is put back, and has other documents then
        const isThere = collection !== 'nowhere';
        const reply = await client.delete(`/collections/${collection}`);
        const cell = `DELETE ${collection} by ${who}: ${JSON.stringify(reply.body)}`;
        expect(reply.status, cell).toBe(!mayBe ? 403 : isThere ? 204 : 404);
        if (reply.status !== 204) expectRefusal(reply, reply.status);
        else await putBack(collection as Document['collection']);
        cells++;
      }
  }, 60_000);

  async function putBack(collection: Document['collection']): Promise<void> {
    for (const [index, document] of DOCUMENTS.entries())
      if (document.collection === collection) ids[index] = await addDocument(document);
  }
});

/** A route that names a document. */
interface DocumentRoute {
  name: string;
  call: (client: ApiClient, id: string) => Promise<Reply>;
  expected: (grant: Grant, document: Document | undefined) => number;
}
const isSeen = (grant: Grant, document: Document | undefined) =>
  document !== undefined && seesDocument(grant, document);
const DOCUMENT_ROUTES: DocumentRoute[] = [
  ...['', '/events'].map((path) => ({
    name: `GET /documents/{id}${path}`,
    call: (client: ApiClient, id: string) => client.get(`/documents/${id}${path}`),
    expected: (grant: Grant, document: Document | undefined) =>
      !has(grant, 'ask', 'search', 'ingest') ? 403 : isSeen(grant, document) ? 200 : 404,
  })),
  {
    name: 'GET /documents/{id}/content',
    call: (client, id) => client.get(`/documents/${id}/content`),
    expected: (grant, document) =>
      !has(grant, 'ask', 'search')
        ? 403
        : document !== undefined && readsDocument(grant, document)
          ? 200
          : 404,
  },
  {
    name: 'DELETE /documents/{id}',
    call: (client, id) => client.delete(`/documents/${id}`),
    expected: (grant, document) => {
      if (!has(grant, 'ingest')) return 403;
      if (document === undefined || !seesDocument(grant, document)) return 404;
      return mayWrite(grant, document.collection) ? 204 : 403;
    },
  },
];

describe('a document that is named', () => {
  it.each(DOCUMENT_ROUTES.map((route) => [route.name, route] as const))(
    '%s',
    async (_, { name, call, expected }) => {
      const documents = [...DOCUMENTS, undefined];
      // what may really be deleted is put back
      const isDelete = name.startsWith('DELETE');
      await mapLimit(holders, isDelete ? 1 : AT_ONCE, async ({ name: who, grant, client }) => {
        const hidden: unknown[] = [];
        for (const [index, document] of documents.entries()) {
          const id = ids[index] ?? NOBODY;
          const reply = await call(client, id);
          const cell = `${name} of ${document?.title ?? 'none'} by ${who}: ${JSON.stringify(reply.body).slice(0, 200)}`;
          const status = expected(grant, document);
          expect(reply.status, cell).toBe(status);
          if (status === 403 || status === 404) expectRefusal(reply, status);
          if (status === 404) hidden.push(bareRefusal(reply, id));
          if (isDelete && status === 204 && document !== undefined) ids[index] = await addDocument(document);
          cells++;
        }
        // there or not, it is told the same
        for (const refusal of hidden) expect(refusal, `${name} by ${who}`).toEqual(hidden[0]);
      });
    },
    60_000,
  );
});

/** A route that lists what it finds: which titles, or names and counts, and what it takes to be told any. */
interface ListRoute {
  name: string;
  anyOf: Scope[];
  call: (client: ApiClient) => Promise<Reply>;
  told: (body: never) => string[];
  expected: (grant: Grant) => string[];
}
const titlesOf = (grant: Grant, sees: typeof seesDocument) =>
  DOCUMENTS.filter((document) => sees(grant, document)).map(({ title }) => title);
const LIST_ROUTES: ListRoute[] = [
  {
    name: 'GET /documents',
    anyOf: ['ask', 'search', 'ingest'],
    call: (client) => client.get('/documents?limit=200'),
    told: ({ documents }: DocumentListDto) => documents.map(({ title }) => title),
    expected: (grant) => titlesOf(grant, seesDocument),
  },
  {
    name: 'GET /documents, all pages of one',
    anyOf: ['ask', 'search', 'ingest'],
    call: async (client) => {
      const documents: DocumentListDto['documents'] = [];
      for (let query = ''; ;) {
        const reply = await client.get<DocumentListDto>(`/documents?limit=1${query}`);
        if (reply.status !== 200) return reply;
        documents.push(...reply.body.documents);
        if (reply.body.next_cursor === null) return { ...reply, body: { documents } };
        // the end is told at once: nothing that is not seen makes a page
        expect(reply.body.documents).toHaveLength(1);
        query = `&cursor=${reply.body.next_cursor}`;
      }
    },
    told: ({ documents }: DocumentListDto) => documents.map(({ title }) => title),
    expected: (grant) => titlesOf(grant, seesDocument),
  },
  {
    name: 'GET /collections',
    anyOf: ['ask', 'search', 'ingest'],
    call: (client) => client.get('/collections'),
    told: ({ collections }: CollectionListDto) =>
      collections.map(({ name, documents, chunks }) => `${name} ${documents} ${chunks}`),
    expected: (grant) =>
      (['alpha', 'beta'] as const)
        .filter((name) => reads(grant, name) || keeps(grant, name))
        .map((name) => {
          const seen = DOCUMENTS.filter((one) => one.collection === name && seesDocument(grant, one)).length;
          return `${name} ${seen} ${seen}`;
        }),
  },
  ...['hybrid', 'semantic', 'keyword'].map((search_mode) => ({
    name: `POST /search, ${search_mode}`,
    anyOf: ['search' as const],
    call: (client: ApiClient) =>
      client.post('/search', { queries: ['ledger of accounts'], search_mode, top_k: 50, min_similarity: 0 }),
    told: ({ results }: SearchResponseDto) => results[0]!.hits.map(({ title }) => title),
    expected: (grant: Grant) => titlesOf(grant, readsDocument),
  })),
  {
    name: 'POST /ask',
    anyOf: ['ask'],
    call: (client) => client.post('/ask', { ...QUESTION, top_k: 50, min_similarity: 0 }),
    told: ({ sources }: { sources: { title: string }[] }) => sources.map(({ title }) => title),
    expected: (grant) => titlesOf(grant, readsDocument),
  },
];

describe('what is listed', () => {
  it.each(LIST_ROUTES.map((route) => [route.name, route] as const))(
    '%s',
    async (name, { anyOf, call, told, expected }) => {
      await mapLimit(holders, AT_ONCE, async ({ name: who, grant, client }) => {
        const reply = await call(client);
        if (has(grant, ...anyOf)) {
          expect(reply.status, `${name} by ${who}`).toBe(200);
          expect(told(reply.body as never).sort(), `${name} by ${who}`).toEqual(expected(grant).sort());
        } else expectRefusal(reply, 403);
        cells++;
      });
    },
  );
});

it('has looked at every cell', () => {
  const requests = Object.keys(ROUTES).map(
    (name) => (name.startsWith('GET ') ? 2 : 1) * CALLERS * HEADERS.length,
  );
  const implied =
    requests.reduce((sum, count) => sum + count) +
    // and one that deletes it
    (COLLECTION_ROUTES.length + 1) * GRANTS.length * COLLECTIONS.length +
    // and one that is not there
    DOCUMENT_ROUTES.length * GRANTS.length * (DOCUMENTS.length + 1) +
    LIST_ROUTES.length * GRANTS.length;
  console.log(`access matrix: ${cells} cells`);
  expect(cells).toBe(implied);
  // and the tables have not become smaller
  expect(implied).toBeGreaterThanOrEqual(5_500);
});
