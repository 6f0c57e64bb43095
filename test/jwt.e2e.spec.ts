// Real: HTTP, database, search and jose. The identity provider is a stand-in on a loopback port.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SearchResponseDto } from '../src/ask/dto/search.dto.js';
import { type ApiClient, expectProblem, startApp, type TestApp } from './support/app.js';
import { IdentityProvider, signingKey } from './support/identity-provider.js';
import { ADMIN_KEY, makeKey, withSecret } from './support/keys.js';

const QUESTION = 'What does the handbook say of salaries?';

let provider: IdentityProvider;
let app: TestApp;
let admin: ApiClient;
beforeAll(async () => {
  provider = await IdentityProvider.start();
  app = await startApp({ ADMIN_API_KEY: ADMIN_KEY, ...provider.env });
  admin = withSecret(app, ADMIN_KEY);
  const text = (who: string) => `The handbook says of salaries what ${who} may know.`;
  await admin.addDocument({ title: 'For all', text: text('everybody') });
  await admin.addDocument({ title: 'For hr', text: text('the hr team'), allowed: ['hr'] });
  await admin.addDocument({ title: 'For the board', text: text('the board'), allowed: ['board'] });
});
afterEach(() => {
  provider.behaviour = undefined;
});
afterAll(async () => {
  await app.stop();
  await provider[Symbol.asyncDispose]();
});

const signedIn = async (claims: Record<string, unknown>) => withSecret(app, await provider.token(claims));

async function titles(client: ApiClient, options: object = {}): Promise<string[]> {
  const reply = await client.post<SearchResponseDto>('/search', {
    queries: [QUESTION],
    top_k: 50,
    min_similarity: 0,
    ...options,
  });
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  return reply.body.results[0]!.hits.map(({ title }) => title).sort();
}

describe('who is signed in', () => {
  it.each([
    [{ scope: 'search' }, ['For all']],
    [{ scope: 'search', groups: ['hr'] }, ['For all', 'For hr']],
    [{ scope: 'search', groups: 'board hr' }, ['For all', 'For hr', 'For the board']],
    [{ scope: 'search', groups: ['sales', 'HR', 'h', '%', ''] }, ['For all']],
    [{ scope: 'search', groups: 'hr\0 board\ud800 sales' }, ['For all']],
    [{ scope: ['footnote:admin'] }, ['For all', 'For hr', 'For the board']],
  ])('by %j finds %j', async (claims, found) => {
    const client = await signedIn(claims);
    expect(await titles(client)).toEqual(found);
    expect(await titles(client, { labels: ['hr', 'board'] })).toEqual(
      'groups' in claims || claims.scope === 'search' ? found : ['For all', 'For hr', 'For the board'],
    );
    expect(await titles(client, { labels: [] })).toEqual(['For all']);
  });

  it('may do what the scopes say, in both headers', async () => {
    const token = await provider.token({ scope: 'openid footnote:ask' });
    for (const client of [withSecret(app, token), app.with({ 'x-api-key': token })]) {
      expect((await client.post('/ask', { question: QUESTION })).status).toBe(200);
      expectProblem(await client.post('/search', { queries: [QUESTION] }), 403, 'FORBIDDEN');
      expectProblem(await client.post('/documents', { title: 't', text: 'x' }), 403, 'FORBIDDEN');
      expectProblem(await client.get('/metrics'), 403, 'FORBIDDEN');
      expectProblem(await client.get('/keys'), 403, 'FORBIDDEN');
    }
    const none = await signedIn({});
    for (const path of ['/documents', '/collections', '/keys', '/metrics'])
      expectProblem(await none.get(path), 403, 'FORBIDDEN');
  });

  it('as an administrator may do everything', async () => {
    const client = await signedIn({ sub: 'root', scope: 'footnote:admin' });
    const { id } = await makeKey(client);
    expect((await client.get(`/keys/${id}`)).status).toBe(200);
    expect((await client.get('/metrics')).status).toBe(200);
    expect((await client.delete(`/keys/${id}`)).status).toBe(204);
  });

  it('is in the bill by the subject, and is nobody else, whatever that says', async () => {
    const key = await makeKey(admin, { daily_usd: 0 });
    const subjects = ['alice', 'admin', 'service', key.id, "Robert'); DROP TABLE llm_calls;--", 'Jürgen "Ä"'];
    const before = new Map((await admin.costs()).by_key.map(({ key_id, requests }) => [key_id, requests]));
    for (const sub of subjects) {
      const client = await signedIn({ sub, scope: 'ask' });
      await client.ask(QUESTION);
    }
    const { by_key } = await admin.costs();
    const grown = by_key.filter(({ key_id, requests }) => requests > (before.get(key_id) ?? 0));
    expect(grown.map(({ key_id }) => key_id).sort()).toEqual(subjects.map((sub) => `jwt:${sub}`).sort());
  });

  it.each<[string, () => Promise<string>]>([
    ['expired', () => provider.token({ exp: Math.floor(Date.now() / 1000) - 60 })],
    ['of another issuer', () => provider.token({ iss: 'https://evil.example.com/' })],
    ['for another audience', () => provider.token({ aud: 'others' })],
    ['of another key', async () => provider.token({ scope: 'admin' }, await signingKey('first'))],
    ['of nobody', () => provider.token({ sub: undefined })],
    ['that is none', () => Promise.resolve('a.b.c')],
  ])('by a token %s is 401, and told no more', async (_, make) => {
    const token = await make();
    const reply = await withSecret(app, token).get('/documents');
    const problem = expectProblem(reply, 401, 'UNAUTHENTICATED');
    expect(problem.detail).toBe('The key is not valid.');
    expect(reply.headers.get('www-authenticate')).toBe('Bearer');
  });
});

describe('an identity provider that cannot be asked', () => {
  it.each<[string, IdentityProvider['behaviour']]>([
    ['down', (response) => response.destroy()],
    ['hanging', () => undefined],
  ])('%s is 503 with Retry-After, and keys are taken all the same', async (_, behaviour) => {
    // one that has never had its keys
    const other = await startApp({ ADMIN_API_KEY: ADMIN_KEY, ...provider.env });
    try {
      provider.behaviour = behaviour;
      const token = await provider.token({ scope: 'ask' });
      const signingIn = withSecret(other, token).get('/documents');
      const key = await makeKey(withSecret(other, ADMIN_KEY));
      expect((await key.client.get('/documents')).status).toBe(200);
      expectProblem(await withSecret(other, 'a.b.c').get('/documents'), 401, 'UNAUTHENTICATED');
      const reply = await signingIn;
      const problem = expectProblem(reply, 503, 'SERVICE_UNAVAILABLE');
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(problem.detail).not.toMatch(/127\.0\.0\.1|jwks/i);
      provider.behaviour = undefined;
      expect((await withSecret(other, token).get('/documents')).status).toBe(200);
    } finally {
      await other.stop();
    }
  });
});
