// Real: HTTP, database, and for the log the built service as a process. Nothing is faked.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyDto, KeyListDto, KeyWithSecretDto } from '../src/auth/keys/keys.dto.js';
import {
  type ApiClient,
  createStorage,
  expectProblem,
  onServer,
  poll,
  startApp,
  type TestApp,
} from './support/app.js';
import { ADMIN_KEY, makeKey, withSecret } from './support/keys.js';
import { spawnService } from './support/service-process.js';

const SECRET = /^fn_[\w-]{12}_[\w-]{43}$/;
const NOBODY = '00000000-0000-4000-8000-000000000000';

let app: TestApp;
let admin: ApiClient;
beforeAll(async () => {
  app = await startApp({ ADMIN_API_KEY: ADMIN_KEY });
  admin = withSecret(app, ADMIN_KEY);
});
afterAll(() => app.stop());

/** Something that every key may ask for that has the scopes which a new key has. */
const use = (secret: string, client: ApiClient = app) => withSecret(client, secret).get('/documents?limit=1');

async function expectTaken(secret: string): Promise<void> {
  expect((await use(secret)).status).toBe(200);
}

async function expectRefused(secret: string, why: RegExp): Promise<void> {
  const problem = expectProblem(await use(secret), 401, 'UNAUTHENTICATED');
  expect(problem.detail).toMatch(why);
}

async function getKey(id: string): Promise<KeyDto> {
  const reply = await admin.get<KeyDto>(`/keys/${id}`);
  expect(reply.status).toBe(200);
  return reply.body;
}

/** As the list and `GET /keys/:id` show it. */
function shownOf(key: KeyWithSecretDto): KeyDto {
  return Object.fromEntries(
    Object.entries(key).filter(([field]) => field !== 'secret' && field !== 'client'),
  ) as unknown as KeyDto;
}

const EVERYTHING = {
  name: 'everything ✓',
  note: 'owner: somebody\n"quoted"',
  scopes: ['ask', 'ingest', 'metrics'],
  collections: ['handbook', 'wiki'],
  write_collections: ['wiki'],
  labels: ['hr', 'größe'],
  rpm: 7,
  tpm: 0,
  concurrency: 3,
  daily_usd: 1.234,
  monthly_usd: 0.0000000001,
  expires_at: '2099-12-31T23:59:59.000Z',
};
const DEFAULTS = {
  note: null,
  scopes: ['ask', 'search'],
  collections: null,
  write_collections: null,
  labels: [],
  rpm: null,
  tpm: null,
  concurrency: null,
  daily_usd: null,
  monthly_usd: null,
  expires_at: null,
};
const UNUSED = { last_used_at: null, revoked_at: null, previous_secret_expires_at: null };

describe('POST /keys', () => {
  it('makes a key that may ask and search, in every collection', async () => {
    const before = Date.now();
    const reply = await admin.post<KeyWithSecretDto>('/keys', { name: 'plain' });
    expect(reply.status).toBe(201);
    const { id, secret, prefix, created_at, ...rest } = reply.body;
    expect(rest).toEqual({ name: 'plain', ...DEFAULTS, ...UNUSED });
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(secret).toMatch(SECRET);
    expect(secret.startsWith(`${prefix}_`)).toBe(true);
    expect(Math.abs(Date.parse(created_at) - before)).toBeLessThan(60_000);
    await expectTaken(secret);
  });

  it('takes every field, and tells it again as it was', async () => {
    const key = await makeKey(admin, EVERYTHING as never);
    expect(key).toMatchObject({ ...EVERYTHING, ...UNUSED });
    expect(await getKey(key.id)).toEqual(shownOf(key));
  });

  it('takes null for whatever has a default', async () => {
    expect(await makeKey(admin, DEFAULTS as never)).toMatchObject(DEFAULTS);
    const nulls = Object.fromEntries(Object.keys(DEFAULTS).map((field) => [field, null]));
    expect(await makeKey(admin, nulls)).toMatchObject(DEFAULTS);
  });

  it('makes a key for nothing but administration', async () => {
    const { client, labels } = await makeKey(admin, { scopes: ['admin'] });
    expect(labels).toEqual([]);
    expect((await client.get('/keys')).status).toBe(200);
    expect((await client.get('/metrics')).status).toBe(200);
    expect((await client.post('/search', { queries: ['x'] })).status).toBe(200);
  });

  it('never makes the same secret twice', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => makeKey(admin)));
    for (const part of ['id', 'secret', 'prefix'] as const)
      expect(new Set(keys.map((key) => key[part])).size).toBe(20);
  });

  const soon = () => new Date(Date.now() + 3_600_000).toISOString();
  it.each<[field: string, body: Record<string, unknown>]>([
    ['name', {}],
    ['name', { name: null }],
    ['name', { name: 1 }],
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(101) }],
    ['name', { name: 'a\0b' }],
    ['name', { name: 'a\ud800b' }],
    ['note', { note: 1 }],
    ['note', { note: 'x'.repeat(1001) }],
    ['note', { note: 'a\0b' }],
    ['scopes', { scopes: 'ask' }],
    ['scopes', { scopes: [] }],
    ['scopes', { scopes: ['everything'] }],
    ['scopes', { scopes: ['ASK'] }],
    ['scopes', { scopes: ['ask', 'ask'] }],
    ['scopes', { scopes: [null] }],
    ['collections', { collections: 'a' }],
    ['collections', { collections: [1] }],
    ['collections', { collections: [''] }],
    ['collections', { collections: ['a', 'a'] }],
    ['collections', { collections: ['a\0'] }],
    ['collections', { collections: ['x'.repeat(101)] }],
    ['collections', { collections: Array.from({ length: 1001 }, String) }],
    ['write_collections', { write_collections: { 0: 'a' } }],
    ['write_collections', { write_collections: [['a']] }],
    ['write_collections', { write_collections: ['a\udc00'] }],
    ['labels', { labels: 'hr' }],
    ['labels', { labels: [1] }],
    ['labels', { labels: [''] }],
    ['labels', { labels: Array.from({ length: 101 }, String) }],
    ...['rpm', 'tpm', 'concurrency'].flatMap((field): [string, Record<string, unknown>][] => [
      [field, { [field]: '5' }],
      [field, { [field]: -1 }],
      [field, { [field]: 1.5 }],
      [field, { [field]: true }],
      [field, { [field]: 1e12 }],
    ]),
    ...['daily_usd', 'monthly_usd'].flatMap((field): [string, Record<string, unknown>][] => [
      [field, { [field]: '5' }],
      [field, { [field]: -0.01 }],
      [field, { [field]: 1_000_001 }],
      [field, { [field]: 0.12345678901 }],
      [field, { [field]: 1e-11 }],
      [field, { [field]: 1.5e-10 }],
      [field, { [field]: 1e-300 }],
      [field, { [field]: [1] }],
    ]),
    ['expires_at', { expires_at: 1_900_000_000 }],
    ['expires_at', { expires_at: 'tomorrow' }],
    ['expires_at', { expires_at: '2099-02-30T00:00:00Z' }],
    ['expires_at', { expires_at: '2099-W05' }],
    ['expires_at', { expires_at: '2020-01-01T00:00:00Z' }],
    ['expires_at', { expires_at: new Date(Date.now() - 1000).toISOString() }],
    ['expires_at', { expires_at: '+012099-01-01T00:00:00Z' }],
    ['id', { id: NOBODY }],
    ['secret', { secret: 'fn_mine' }],
    ['revoked_at', { revoked_at: null }],
    ['last_used_at', { last_used_at: soon() }],
    ['seq', { seq: 1 }],
    ['__proto__x', { __proto__x: 1 }],
    ['collections', { scopes: ['admin'], collections: ['a'] }],
    ['collections', { scopes: ['admin', 'ask'], collections: [] }],
    ['write_collections', { scopes: ['admin'], write_collections: ['a'] }],
    ['labels', { scopes: ['admin'], labels: ['hr'] }],
  ])('names %s in %j', async (field, body) => {
    const sent = 'name' in body || Object.keys(body).length === 0 ? body : { name: 'bad', ...body };
    const problem = expectProblem(await admin.post('/keys', sent), 400, 'INVALID_REQUEST');
    expect(problem.errors?.map((error) => error.field)).toEqual([field]);
    if (field !== 'name' && Object.keys(body).length === 1 && field in EVERYTHING) {
      const patched = await admin.patch(`/keys/${(await anyKey()).id}`, body);
      expect(expectProblem(patched, 400, 'INVALID_REQUEST').errors?.[0]?.field).toBe(field);
    }
  });

  let shared: KeyDto | undefined;
  async function anyKey(): Promise<KeyDto> {
    return (shared ??= await makeKey(admin));
  }

  it.each(['', 'null', '[]', '"x"', '1', '{"name":'])('refuses the body %j', async (body) => {
    expectProblem(await admin.post('/keys', body), 400, 'INVALID_REQUEST');
  });

  it.each([0, 0.001, 0.1, 1e-10, 1e-7, 1.5e-9, 123_456.123_456_789_1, 1_000_000])(
    'keeps a budget of $%d exactly',
    async (usd) => {
      const { id } = await makeKey(admin, { daily_usd: usd, monthly_usd: usd });
      expect(await getKey(id)).toMatchObject({ daily_usd: usd, monthly_usd: usd });
    },
  );

  it('takes a time without a zone for UTC, wherever the service runs', async () => {
    const zone = process.env['TZ'];
    process.env['TZ'] = 'Asia/Tokyo';
    try {
      const { expires_at } = await makeKey(admin, { expires_at: '2099-06-30T12:00:00' });
      expect(expires_at).toBe('2099-06-30T12:00:00.000Z');
      const day = await makeKey(admin, { expires_at: '2099-06-30' });
      expect(day.expires_at).toBe('2099-06-30T00:00:00.000Z');
      const zoned = await makeKey(admin, { expires_at: '2099-06-30T12:00:00+02:00' });
      expect(zoned.expires_at).toBe('2099-06-30T10:00:00.000Z');
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });
});

describe('GET /keys', () => {
  async function list(query: string): Promise<KeyListDto> {
    const reply = await admin.get<KeyListDto>(`/keys${query}`);
    expect(reply.status, JSON.stringify(reply.body)).toBe(200);
    return reply.body;
  }

  it('lists all pages, newest first, each key once, also those that are made meanwhile not at all', async () => {
    const made: string[] = [];
    for (let index = 0; index < 7; index++) made.unshift((await makeKey(admin)).id);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { keys, next_cursor } = await list(`?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(keys.length).toBeGreaterThan(0);
      expect(keys.length).toBeLessThanOrEqual(3);
      seen.push(...keys.map(({ id }) => id));
      cursor = next_cursor;
      await makeKey(admin);
    }
    expect(seen.slice(0, 7)).toEqual(made);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('ends where a page is just full', async () => {
    const { keys } = await list('?limit=200');
    expect((await list(`?limit=${keys.length}`)).next_cursor).toBeNull();
    expect((await list(`?limit=${keys.length - 1}`)).next_cursor).not.toBeNull();
  });

  it('leaves out what was revoked unless it is asked for', async () => {
    const { id } = await makeKey(admin);
    expect((await admin.delete(`/keys/${id}`)).status).toBe(204);
    const ids = async (query: string) => (await list(query)).keys.map((key) => key.id);
    expect(await ids('?limit=200')).not.toContain(id);
    expect(await ids('?limit=200&include_revoked=false')).not.toContain(id);
    expect(await ids('?limit=200&include_revoked=true')).toContain(id);
    expect((await getKey(id)).revoked_at).not.toBeNull();
  });

  it.each([
    ['limit', 'limit=0'],
    ['limit', 'limit=201'],
    ['limit', 'limit=x'],
    ['limit', 'limit=1.5'],
    ['cursor', 'cursor='],
    ['cursor', 'cursor=nope'],
    ['cursor', "cursor=';DROP%20TABLE%20api_keys"],
    ['cursor', `cursor=${Buffer.from(`s${'9'.repeat(19)}`).toString('base64url')}`],
    ['cursor', `cursor=${Buffer.from('s-1').toString('base64url')}`],
    ['include_revoked', 'include_revoked=yes'],
    ['offset', 'offset=1'],
  ])('names %s in ?%s', async (field, query) => {
    const problem = expectProblem(await admin.get(`/keys?${query}`), 400, 'INVALID_REQUEST');
    expect(problem.errors?.map((error) => error.field)).toEqual([field]);
  });
});

const HOSTILE_IDS = [
  NOBODY,
  NOBODY.slice(1),
  'service',
  'admin',
  'null',
  '%00',
  "'%20OR%201=1--",
  '..%2fkeys',
  '__proto__',
  `${NOBODY}%0a`,
  'x'.repeat(2000),
];

describe('/keys/:id', () => {
  it.each(HOSTILE_IDS)('is 404 for %s, whatever is done with it', async (id) => {
    expectProblem(await admin.get(`/keys/${id}`), 404, 'NOT_FOUND');
    expectProblem(await admin.patch(`/keys/${id}`, { name: 'x' }), 404, 'NOT_FOUND');
    expectProblem(await admin.post(`/keys/${id}/rotate`, {}), 404, 'NOT_FOUND');
    expectProblem(await admin.delete(`/keys/${id}`), 404, 'NOT_FOUND');
  });

  it('takes an id in capitals for the same', async () => {
    const { id } = await makeKey(admin);
    expect((await getKey(id.toUpperCase())).id).toBe(id);
  });
});

describe('PATCH /keys/:id', () => {
  it('changes what it names, and leaves the rest', async () => {
    const { id, secret } = await makeKey(admin, EVERYTHING as never);
    for (const [field, value] of Object.entries({
      name: 'another',
      note: 'other',
      scopes: ['search'],
      collections: [],
      write_collections: ['a'],
      labels: [],
      rpm: 0,
      tpm: 9,
      concurrency: 1,
      daily_usd: 0,
      monthly_usd: 2.5,
      expires_at: '2098-01-01T00:00:00.000Z',
    })) {
      const before = await getKey(id);
      const reply = await admin.patch<KeyDto>(`/keys/${id}`, { [field]: value });
      expect(reply.status).toBe(200);
      expect(reply.body).toEqual({ ...before, [field]: value });
      expect(await getKey(id)).toEqual(reply.body);
    }
    expect(JSON.stringify(await getKey(id))).not.toContain(secret.slice(15));
  });

  it('sets every field back to its default with null, but keeps the name, which has none', async () => {
    const { id } = await makeKey(admin, EVERYTHING as never);
    for (const [field, value] of Object.entries(DEFAULTS)) {
      const { status, body } = await admin.patch<KeyDto>(`/keys/${id}`, { [field]: null });
      expect(status).toBe(200);
      expect(body[field as keyof KeyDto]).toEqual(value);
    }
    expect(await getKey(id)).toMatchObject({ name: EVERYTHING.name, ...DEFAULTS });
    const problem = expectProblem(await admin.patch(`/keys/${id}`, { name: null }), 400, 'INVALID_REQUEST');
    expect(problem.errors?.[0]?.field).toBe('name');
  });

  it('changes nothing when it names nothing, and nothing at all when one field is wrong', async () => {
    const { id } = await makeKey(admin, EVERYTHING as never);
    const before = await getKey(id);
    expect((await admin.patch<KeyDto>(`/keys/${id}`, {})).body).toEqual(before);
    expectProblem(await admin.patch(`/keys/${id}`, { name: 'new', rpm: -1 }), 400, 'INVALID_REQUEST');
    expectProblem(
      await admin.patch(`/keys/${id}`, { name: 'new', scopes: ['admin'] }),
      400,
      'INVALID_REQUEST',
    );
    expect(await getKey(id)).toEqual(before);
  });

  it('names what an admin key cannot have, also where the key had it before', async () => {
    const { id } = await makeKey(admin, { collections: ['a'] });
    const one = expectProblem(
      await admin.patch(`/keys/${id}`, { scopes: ['admin'] }),
      400,
      'INVALID_REQUEST',
    );
    expect(one.errors?.[0]?.field).toBe('collections');
    expect((await admin.patch(`/keys/${id}`, { scopes: ['admin'], collections: null })).status).toBe(200);
    const two = expectProblem(await admin.patch(`/keys/${id}`, { labels: ['hr'] }), 400, 'INVALID_REQUEST');
    expect(two.errors?.[0]?.field).toBe('labels');
  });

  it('holds from the next request on', async () => {
    const { id, client } = await makeKey(admin);
    expect((await client.post('/search', { queries: ['x'] })).status).toBe(200);
    await admin.patch(`/keys/${id}`, { scopes: ['ask'] });
    expectProblem(await client.post('/search', { queries: ['x'] }), 403, 'FORBIDDEN');
    await admin.patch(`/keys/${id}`, { scopes: null });
    expect((await client.post('/search', { queries: ['x'] })).status).toBe(200);
  });

  it('loses no change of several that come together', async () => {
    const { id } = await makeKey(admin);
    const changes = { note: 'n', rpm: 1, tpm: 2, concurrency: 3, labels: ['l'], collections: ['c'] };
    await Promise.all(
      Object.entries(changes).map(([field, value]) => admin.patch(`/keys/${id}`, { [field]: value })),
    );
    expect(await getKey(id)).toMatchObject(changes);
  });

  it('gives an expired key more time, and is 404 for a revoked one', async () => {
    const { id, secret } = await makeKey(admin);
    await app.sql(`UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = $1`, [id]);
    await expectRefused(secret, /expired/);
    expect((await admin.patch(`/keys/${id}`, { name: 'renamed' })).status).toBe(200);
    await expectRefused(secret, /expired/);
    expect((await admin.patch(`/keys/${id}`, { expires_at: '2099-01-01T00:00:00Z' })).status).toBe(200);
    await expectTaken(secret);
    await admin.delete(`/keys/${id}`);
    expectProblem(await admin.patch(`/keys/${id}`, { name: 'x' }), 404, 'NOT_FOUND');
    expect((await getKey(id)).name).toBe('renamed');
  });
});

describe('POST /keys/:id/rotate', () => {
  async function rotate(id: string, body: unknown, init: RequestInit = {}): Promise<KeyWithSecretDto> {
    const reply = await admin.post<KeyWithSecretDto>(`/keys/${id}/rotate`, body, init);
    expect(reply.status, JSON.stringify(reply.body)).toBe(200);
    return reply.body;
  }

  /** The end of an older secret's grace, in seconds from now. */
  const leftOf = ({ previous_secret_expires_at: end }: KeyDto) => (Date.parse(end!) - Date.now()) / 1000;

  it('takes both secrets during the grace, and the old one no longer after it', async () => {
    const key = await makeKey(admin, EVERYTHING as never);
    const rotated = await rotate(key.id, { grace_s: 600 });
    expect(rotated.secret).toMatch(SECRET);
    expect(rotated.secret).not.toBe(key.secret);
    expect(rotated.prefix).not.toBe(key.prefix);
    expect(leftOf(rotated)).toBeGreaterThan(500);
    expect(leftOf(rotated)).toBeLessThanOrEqual(601);
    const { prefix } = key;
    const { previous_secret_expires_at, last_used_at } = rotated;
    expect({ ...shownOf(rotated), prefix }).toEqual({
      ...shownOf(key),
      previous_secret_expires_at,
      last_used_at,
    });
    await expectTaken(key.secret);
    await expectTaken(rotated.secret);
    await app.sql(
      `UPDATE api_key_secrets SET expires_at = now() - interval '1 second' WHERE key_id = $1 AND expires_at IS NOT NULL`,
      [key.id],
    );
    await expectRefused(key.secret, /expired/);
    await expectTaken(rotated.secret);
    expect((await getKey(key.id)).previous_secret_expires_at).toBeNull();
  });

  it('ends the old secret at once with grace 0', async () => {
    const key = await makeKey(admin);
    const { secret, previous_secret_expires_at } = await rotate(key.id, { grace_s: 0 });
    expect(previous_secret_expires_at).toBeNull();
    await expectRefused(key.secret, /expired/);
    await expectTaken(secret);
  });

  it.each<[string, (id: string) => Promise<KeyWithSecretDto>]>([
    [
      'without a body',
      async (id) => (await admin.send<KeyWithSecretDto>(`/keys/${id}/rotate`, { method: 'POST' })).body,
    ],
    ['with an empty object', (id) => rotate(id, {})],
  ])('%s gives a day', async (_, rotateSo) => {
    const key = await makeKey(admin);
    const rotated = await rotateSo(key.id);
    expect(rotated.secret).toMatch(SECRET);
    expect(leftOf(rotated)).toBeGreaterThan(86_000);
    expect(leftOf(rotated)).toBeLessThanOrEqual(86_401);
    await expectTaken(key.secret);
  });

  it('never leaves an older secret longer than it had', async () => {
    const key = await makeKey(admin);
    const second = await rotate(key.id, { grace_s: 60 });
    const third = await rotate(key.id, { grace_s: 2_592_000 });
    const rows = await app.sql<{ left: number }>(
      `SELECT extract(epoch FROM expires_at - now())::float8 AS left FROM api_key_secrets WHERE key_id = $1 ORDER BY created_at`,
      [key.id],
    );
    expect(rows.map(({ left }) => (left === null ? null : Math.ceil(left / 60)))).toEqual([1, 43_200, null]);
    for (const { secret } of [key, second, third]) await expectTaken(secret);
    await rotate(key.id, { grace_s: 0 });
    for (const { secret } of [key, second, third]) await expectRefused(secret, /expired/);
  });

  it('of several at once leaves one secret that does not end', async () => {
    const key = await makeKey(admin);
    await Promise.all(Array.from({ length: 5 }, () => rotate(key.id, { grace_s: 60 })));
    const [{ lasting, all }] = (await app.sql<{ lasting: number; all: number }>(
      `SELECT count(*) FILTER (WHERE expires_at IS NULL)::int AS lasting, count(*)::int AS all
       FROM api_key_secrets WHERE key_id = $1`,
      [key.id],
    )) as [{ lasting: number; all: number }];
    expect([lasting, all]).toEqual([1, 6]);
  });

  it('forgets secrets that ended long ago', async () => {
    const key = await makeKey(admin);
    await rotate(key.id, { grace_s: 0 });
    await app.sql(
      `UPDATE api_key_secrets SET expires_at = now() - interval '31 days' WHERE key_id = $1 AND expires_at IS NOT NULL`,
      [key.id],
    );
    await rotate(key.id, { grace_s: 0 });
    const rows = await app.sql('SELECT prefix FROM api_key_secrets WHERE key_id = $1', [key.id]);
    expect(rows).toHaveLength(2);
    await expectRefused(key.secret, /not valid/);
  });

  it.each<[string, unknown]>([
    ['grace_s', { grace_s: -1 }],
    ['grace_s', { grace_s: 2_592_001 }],
    ['grace_s', { grace_s: 1.5 }],
    ['grace_s', { grace_s: '60' }],
    ['grace', { grace: 60 }],
  ])('names %s in %j, and leaves the key as it was', async (field, body) => {
    const key = await makeKey(admin);
    const problem = expectProblem(await admin.post(`/keys/${key.id}/rotate`, body), 400, 'INVALID_REQUEST');
    expect(problem.errors?.map((error) => error.field)).toEqual([field]);
    await expectTaken(key.secret);
    expect((await getKey(key.id)).prefix).toBe(key.prefix);
  });

  it('never makes the old secret last with a grace of null', async () => {
    const key = await makeKey(admin);
    await admin.post(`/keys/${key.id}/rotate`, { grace_s: null });
    const rows = await app.sql(
      'SELECT prefix FROM api_key_secrets WHERE key_id = $1 AND expires_at IS NULL',
      [key.id],
    );
    expect(rows).toHaveLength(1);
  });

  it('does not revive a key: not one that has expired, and none that was revoked', async () => {
    const key = await makeKey(admin);
    await app.sql(`UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = $1`, [key.id]);
    const { secret } = await rotate(key.id, {});
    await expectRefused(secret, /expired/);
    await admin.delete(`/keys/${key.id}`);
    expectProblem(await admin.post(`/keys/${key.id}/rotate`, {}), 404, 'NOT_FOUND');
  });
});

describe('DELETE /keys/:id', () => {
  it('refuses the key from the next request on, with all its secrets, and again is no error', async () => {
    const key = await makeKey(admin);
    const { body } = await admin.post<KeyWithSecretDto>(`/keys/${key.id}/rotate`, { grace_s: 600 });
    await expectTaken(key.secret);
    await expectTaken(body.secret);
    expect((await admin.delete(`/keys/${key.id}`)).status).toBe(204);
    await expectRefused(key.secret, /revoked/);
    await expectRefused(body.secret, /revoked/);
    const { revoked_at } = await getKey(key.id);
    expect((await admin.delete(`/keys/${key.id}`)).status).toBe(204);
    expect((await getKey(key.id)).revoked_at).toBe(revoked_at);
  });

  it('holds for requests that come while others are looked up', async () => {
    const key = await makeKey(admin);
    const over = new AbortController();
    const flood = Promise.all(
      Array.from({ length: 8 }, async () => {
        while (!over.signal.aborted) await use(key.secret);
      }),
    );
    await admin.delete(`/keys/${key.id}`);
    const after = await Promise.all(Array.from({ length: 20 }, () => use(key.secret)));
    over.abort();
    await flood;
    expect(new Set(after.map(({ status }) => status))).toEqual(new Set([401]));
  });

  it('an admin key may revoke itself, and is out then', async () => {
    const { id, client } = await makeKey(admin, { scopes: ['admin'] });
    expect((await client.delete(`/keys/${id}`)).status).toBe(204);
    expectProblem(await client.get('/keys'), 401, 'UNAUTHENTICATED');
  });
});

describe.runIf(onServer)('a second replica', () => {
  it('knows what the first one has made, changed, rotated and revoked at once', async () => {
    const storage = await createStorage();
    const [one, two] = [
      await startApp({ ADMIN_API_KEY: ADMIN_KEY }, storage),
      await startApp({ ADMIN_API_KEY: ADMIN_KEY }, storage),
    ];
    try {
      const key = await makeKey(withSecret(one, ADMIN_KEY));
      expect((await use(key.secret, two)).status).toBe(200);
      await withSecret(one, ADMIN_KEY).patch(`/keys/${key.id}`, { scopes: ['metrics'] });
      expectProblem(await use(key.secret, two), 403, 'FORBIDDEN');
      await withSecret(one, ADMIN_KEY).patch(`/keys/${key.id}`, { scopes: null });
      const { body } = await withSecret(one, ADMIN_KEY).post<KeyWithSecretDto>(`/keys/${key.id}/rotate`, {
        grace_s: 0,
      });
      expectProblem(await use(key.secret, two), 401, 'UNAUTHENTICATED');
      expect((await use(body.secret, two)).status).toBe(200);
      await withSecret(one, ADMIN_KEY).delete(`/keys/${key.id}`);
      expectProblem(await use(body.secret, two), 401, 'UNAUTHENTICATED');
    } finally {
      await Promise.all([one.stop(), two.stop()]);
      await storage.remove();
    }
  });
});

describe('a secret', () => {
  it('is taken in both headers, and expires with its key', async () => {
    const key = await makeKey(admin, { expires_at: '2099-01-01T00:00:00Z' });
    expect((await app.with({ 'x-api-key': key.secret }).get('/documents')).status).toBe(200);
    expect((await app.with({ authorization: `bearer  ${key.secret}` }).get('/documents')).status).toBe(200);
    await app.sql(`UPDATE api_keys SET expires_at = now() WHERE id = $1`, [key.id]);
    await expectRefused(key.secret, /expired/);
  });

  it('of another form, or with another rest, is no key, whatever becomes of the true one', async () => {
    const { id, secret } = await makeKey(admin);
    const swap = (text: string, at: number) =>
      text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
    const wrong = [
      swap(secret, secret.length - 10),
      swap(secret, 16),
      swap(secret, 5),
      secret.slice(0, -1),
      `${secret}A`,
      secret.slice(0, 15),
      secret.slice(0, 16),
      secret.toUpperCase(),
      secret.replace('fn_', 'fn-'),
      secret.slice(3),
      `fn_${'A'.repeat(12)}_${'A'.repeat(43)}`,
      'fn_',
      'fn__',
    ];
    const expectAllRefused = async () => {
      for (const text of wrong) await expectRefused(text, /not valid/);
    };
    await expectAllRefused();
    // who does not know the secret is not told what became of it
    await app.sql(`UPDATE api_keys SET expires_at = now() WHERE id = $1`, [id]);
    await expectAllRefused();
    await admin.delete(`/keys/${id}`);
    await expectAllRefused();
    await expectRefused(secret, /revoked/);
  });

  it('beside another credential does not help it', async () => {
    const { secret } = await makeKey(admin);
    const both = app.with({ authorization: 'Bearer wrong', 'x-api-key': secret });
    expectProblem(await both.get('/documents'), 401, 'UNAUTHENTICATED');
    expectProblem(await app.get(`/documents?api_key=${secret}`), 401, 'UNAUTHENTICATED');
    expectProblem(
      await app.with({ cookie: `x-api-key=${secret}` }).get('/documents'),
      401,
      'UNAUTHENTICATED',
    );
  });

  it('is in no list, and in no row of the database', async () => {
    const key = await makeKey(admin, { note: 'kept' });
    const { body } = await admin.post<KeyWithSecretDto>(`/keys/${key.id}/rotate`, {});
    await use(body.secret);
    await admin.get(`/keys/${key.id}`);
    const { body: list } = await admin.get('/keys?limit=200&include_revoked=true');
    const columns = await app.sql<{ table_name: string; column_name: string }>(
      `SELECT table_name, column_name FROM information_schema.columns
       WHERE table_schema = 'public' AND table_name IN ('api_keys', 'api_key_secrets')`,
    );
    expect(columns.length).toBeGreaterThan(15);
    for (const secret of [key.secret, body.secret]) {
      const rest = secret.slice(-43);
      expect(JSON.stringify(list)).not.toContain(rest);
      for (const table of ['api_keys', 'api_key_secrets']) {
        const rows = await app.sql<{ row: string }>(`SELECT t::text AS row FROM ${table} t`);
        expect(rows.length).toBeGreaterThan(0);
        const all = rows.map(({ row }) => row).join('\n');
        expect(all).not.toContain(rest);
        expect(all).not.toContain(Buffer.from(rest, 'base64url').toString('hex'));
        expect(all).not.toContain(Buffer.from(rest).toString('hex'));
        expect(all).not.toContain(Buffer.from(secret).toString('hex'));
      }
    }
  });

  it('is in no line of the log', async () => {
    const storage = await createStorage();
    try {
      await using service = spawnService({ ...storage.env, ADMIN_API_KEY: ADMIN_KEY, LOG_LEVEL: 'trace' });
      const client = await service.ready();
      const own = withSecret(client, ADMIN_KEY);
      const key = await makeKey(own);
      const { body } = await own.post<KeyWithSecretDto>(`/keys/${key.id}/rotate`, {});
      await use(key.secret, client);
      await use(body.secret, client);
      await client.get(`/documents/${body.secret.slice(0, 15)}`, { 'x-api-key': body.secret });
      await own.delete(`/keys/${key.id}`);
      await use(body.secret, client);
      await own.post('/keys', '{"name": "');
      await own.post('/keys', { name: 'x', secret: key.secret });
      service.kill('SIGTERM');
      await service.exit();
      expect(service.log).toContain('"path":"/keys"');
      for (const secret of [key.secret, body.secret, ADMIN_KEY])
        expect(service.log).not.toContain(secret.slice(-40));
    } finally {
      await storage.remove();
    }
  });
});

describe('last_used_at', () => {
  it('is kept to the minute, and not written at each request', async () => {
    const key = await makeKey(admin);
    expect((await getKey(key.id)).last_used_at).toBeNull();
    await expectRefused(`${key.secret.slice(0, -1)}${key.secret.endsWith('A') ? 'B' : 'A'}`, /not valid/);
    expect((await getKey(key.id)).last_used_at).toBeNull();
    await expectTaken(key.secret);
    const { last_used_at } = await getKey(key.id);
    expect(Math.abs(Date.parse(last_used_at!) - Date.now())).toBeLessThan(60_000);
    const version = async () =>
      (await app.sql<{ xmin: string }>('SELECT xmin::text FROM api_keys WHERE id = $1', [key.id]))[0]!.xmin;
    const before = await version();
    await Promise.all(Array.from({ length: 50 }, () => expectTaken(key.secret)));
    expect((await getKey(key.id)).last_used_at).toBe(last_used_at);
    expect(await version()).toBe(before);
  });

  it('is written by itself too', async () => {
    const key = await makeKey(admin);
    await expectTaken(key.secret);
    const read = async () =>
      (
        await app.sql<{ at: Date | null }>('SELECT last_used_at AS at FROM api_keys WHERE id = $1', [key.id])
      )[0]!.at;
    await poll('the use of a key is written', read);
  });

  it('is not told of a key that is refused', async () => {
    const key = await makeKey(admin);
    await app.sql(`UPDATE api_keys SET expires_at = now() WHERE id = $1`, [key.id]);
    await expectRefused(key.secret, /expired/);
    expect((await getKey(key.id)).last_used_at).toBeNull();
  });
});

describe('without ADMIN_API_KEY', () => {
  let open: TestApp;
  beforeAll(async () => {
    open = await startApp();
  });
  afterAll(() => open.stop());

  it('a key that is sent is held to what it may do, and anything else is ignored', async () => {
    const key = await makeKey(open, { scopes: ['search'], collections: ['a'] });
    const client = withSecret(open, key.secret);
    expectProblem(await client.get('/keys'), 403, 'FORBIDDEN');
    expectProblem(await client.post('/search', { queries: ['x'], collections: ['b'] }), 403, 'FORBIDDEN');
    expect((await client.post('/search', { queries: ['x'] })).status).toBe(200);
    await open.delete(`/keys/${key.id}`);
    expectProblem(await use(key.secret, open), 401, 'UNAUTHENTICATED');
    expectProblem(await use(`fn_${'A'.repeat(12)}_${'A'.repeat(43)}`, open), 401, 'UNAUTHENTICATED');
    for (const text of ['whatever', ADMIN_KEY, 'fn_', 'a.b.c'])
      expect((await use(text, open)).status).toBe(200);
    expect((await open.get('/keys')).status).toBe(200);
  });
});

describe('an ADMIN_API_KEY that looks like something else', () => {
  it.each([`fn_${'A'.repeat(12)}_${'b'.repeat(43)}`, 'the.admin.key-of-this-test'])(
    '%s is taken',
    async (key) => {
      const other = await startApp({
        ADMIN_API_KEY: key,
        AUTH_JWKS_URL: 'http://127.0.0.1:9/jwks',
        AUTH_ISSUER: 'https://issuer.example',
        AUTH_AUDIENCE: 'footnote',
      });
      try {
        expect((await withSecret(other, key).get('/keys')).status).toBe(200);
      } finally {
        await other.stop();
      }
    },
  );
});

describe('a budget of a key', () => {
  it('is 409 while the price of a model in use is not known, and only then', async () => {
    const unpriced = await startApp({
      ADMIN_API_KEY: ADMIN_KEY,
      LLM_MODELS: 'openai/of-unknown-price',
      OPENAI_API_KEY: 'k',
    });
    try {
      const own = withSecret(unpriced, ADMIN_KEY);
      for (const field of ['daily_usd', 'monthly_usd']) {
        const problem = expectProblem(await own.post('/keys', { name: 'x', [field]: 1 }), 409, 'CONFLICT');
        expect(problem.detail).toMatch(/openai\/of-unknown-price.*MODEL_PRICES/);
      }
      const { id } = await makeKey(own);
      expectProblem(await own.patch(`/keys/${id}`, { daily_usd: 1 }), 409, 'CONFLICT');
      expect((await own.patch<KeyDto>(`/keys/${id}`, { daily_usd: null })).body.daily_usd).toBeNull();
      // a key that had its budget before the model was there
      await unpriced.sql('UPDATE api_keys SET daily_usd = 1 WHERE id = $1', [id]);
      expect((await own.patch(`/keys/${id}`, { name: 'still mine' })).status).toBe(200);
      expectProblem(await own.patch(`/keys/${id}`, { daily_usd: 2 }), 409, 'CONFLICT');
      expect((await own.patch(`/keys/${id}`, { daily_usd: null })).status).toBe(200);
    } finally {
      await unpriced.stop();
    }
  });
});
