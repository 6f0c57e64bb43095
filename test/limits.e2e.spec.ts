// Real: HTTP, database and the limiter. Nothing is faked.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Reply } from './support/app.js';
import { expectProblem, startApp, type TestApp } from './support/app.js';

const RPM = 8;
const KEY = 'a-key-of-more-than-16-characters';

describe('RATE_LIMIT_RPM', () => {
  let app: TestApp;
  let replies: Reply[];
  beforeAll(async () => {
    app = await startApp({ RATE_LIMIT_RPM: String(RPM) });
    replies = await Promise.all(
      Array.from({ length: RPM + 5 }, (_, index) =>
        [
          () => app.post('/ask', { question: 'Anything?' }),
          () => app.post('/ask/stream', { question: 'Anything?' }),
          () => app.post('/search', { queries: ['anything'] }),
          () => app.post('/documents', { title: 'T', text: `Text ${index}.` }),
        ][index % 4]!(),
      ),
    );
  });
  afterAll(() => app.stop());

  it('admits exactly so many of more at once, over all routes that cost something', () => {
    const admitted = replies.filter(({ status }) => status < 300);
    expect(admitted).toHaveLength(RPM);
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(5);
  });

  it('tells what is left, down to nothing', () => {
    const left = replies
      .filter(({ status }) => status < 300)
      .map(({ headers }) => {
        expect(headers.get('ratelimit-policy')).toBe(`"requests";q=${RPM};w=60`);
        const [, r, t] = /^"requests";r=(\d+);t=(\d+)$/.exec(headers.get('ratelimit')!)!;
        expect(Number(t)).toBeGreaterThan(0);
        expect(Number(t)).toBeLessThanOrEqual(60);
        return Number(r);
      });
    expect(left.sort((a, b) => a - b)).toEqual(Array.from({ length: RPM }, (_, index) => index));
  });

  it('refuses the others with the registered problem type, and says when to come back', () => {
    for (const reply of replies.filter(({ status }) => status === 429)) {
      const problem = expectProblem(reply, 429, 'RATE_LIMITED');
      expect(problem.type).toBe('https://iana.org/assignments/http-problem-types#quota-exceeded');
      const after = Number(reply.headers.get('retry-after'));
      expect(after).toBeGreaterThan(0);
      expect(after).toBeLessThanOrEqual(60);
      expect(reply.headers.get('ratelimit')).toBe(`"requests";r=0;t=${after}`);
      expect(reply.headers.get('ratelimit-policy')).toBe(`"requests";q=${RPM};w=60`);
    }
  });

  it('leaves alone what only reads or is asked by machines', async () => {
    for (const path of [
      '/health/live',
      '/health/ready',
      '/documents',
      '/collections',
      '/metrics',
      '/openapi.json',
    ])
      for (let index = 0; index < 3; index++) {
        const reply = await app.get(path);
        expect(reply.status).toBe(200);
        expect(reply.headers.get('ratelimit')).toBeNull();
      }
    expect((await app.post('/collections', { name: 'free' })).status).toBe(201);
  });

  it('does not believe a client that says it is somebody else', async () => {
    for (const header of ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'X-API-Key', 'Authorization'])
      expectProblem(
        await app.post('/ask', { question: 'Anything?' }, { headers: { [header]: '10.1.2.3' } }),
        429,
        'RATE_LIMITED',
      );
  });
});

describe('with a key', () => {
  it('the limit is the key’s, and a caller without one uses nothing of it', async () => {
    const app = await startApp({ RATE_LIMIT_RPM: '3', ADMIN_API_KEY: KEY });
    try {
      for (let index = 0; index < 10; index++)
        expectProblem(await app.post('/ask', { question: 'Anything?' }), 401, 'UNAUTHENTICATED');
      const known = app.with({ authorization: `Bearer ${KEY}` });
      const other = app.with({ 'x-api-key': KEY });
      const statuses = [];
      for (const client of [known, other, known, other])
        statuses.push((await client.post('/ask', { question: 'Anything?' })).status);
      expect(statuses).toEqual([200, 200, 200, 429]);
    } finally {
      await app.stop();
    }
  });
});

describe('RATE_LIMIT_RPM=0', () => {
  it('is no limit', async () => {
    const app = await startApp({ RATE_LIMIT_RPM: '0' });
    try {
      const replies = await Promise.all(
        Array.from({ length: 80 }, () => app.post('/ask', { question: 'Anything?' })),
      );
      expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
      expect(replies[0]!.headers.get('ratelimit')).toBeNull();
    } finally {
      await app.stop();
    }
  });
});

describe('TRUSTED_PROXIES', () => {
  const ask = (app: TestApp, from: string) =>
    app.post('/ask', { question: 'Anything?' }, { headers: { 'X-Forwarded-For': from } });

  it('are believed, so that each of their clients has a limit of its own', async () => {
    const app = await startApp({ RATE_LIMIT_RPM: '1', TRUSTED_PROXIES: '10.0.0.0/8,loopback' });
    try {
      expect((await ask(app, '203.0.113.1')).status).toBe(200);
      expect((await ask(app, '203.0.113.2')).status).toBe(200);
      // what a client says of itself, before the first proxy that is trusted, is not believed
      expectProblem(await ask(app, '198.51.100.7, 203.0.113.1, 10.1.1.1'), 429, 'RATE_LIMITED');
    } finally {
      await app.stop();
    }
  });

  it.each(['10.0.0.0/33', 'everybody', '1.2.3', '10.0.0.1/8/8'])(
    'are refused at the start: %s',
    async (proxies) => {
      await expect((async () => startApp({ TRUSTED_PROXIES: proxies }))()).rejects.toThrow(
        /TRUSTED_PROXIES is .* but takes a comma list of addresses/,
      );
    },
  );
});

describe.skipIf(process.env['TEST_REDIS_URL'] === undefined)('RATE_LIMIT_RPM on several replicas', () => {
  it('is the limit of all of them together', async () => {
    const env = {
      RATE_LIMIT_RPM: '25',
      TRUSTED_PROXIES: 'loopback',
      REDIS_URL: process.env['TEST_REDIS_URL'] ?? '',
    };
    const replicas = await Promise.all([startApp(env), startApp(env), startApp(env)]);
    try {
      // one that no other run has
      const from = `2001:db8::${process.pid.toString(16)}:${(Date.now() % 65_536).toString(16)}`;
      const replies = await Promise.all(
        Array.from({ length: 90 }, (_, index) =>
          replicas[index % replicas.length]!.post(
            '/search',
            { queries: ['anything'] },
            { headers: { 'X-Forwarded-For': from } },
          ),
        ),
      );
      const admitted = replies.filter(({ status }) => status === 200);
      expect(admitted).toHaveLength(25);
      const left = admitted.map(({ headers }) => Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]));
      expect(left.sort((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, index) => index));
      for (const reply of replies) if (reply.status !== 200) expectProblem(reply, 429, 'RATE_LIMITED');
      const ready = await replicas[0].get<{ details: object }>('/health/ready');
      expect(ready.body.details).toMatchObject({ limits: { counted_in: 'redis' } });
    } finally {
      for (const app of replicas) await app.stop();
    }
  });
});

describe('LIMITS_ON_REDIS_FAILURE', () => {
  const env = { RATE_LIMIT_RPM: '2', REDIS_URL: 'redis://127.0.0.1:1' };

  it.each<[string, Record<string, string>, number[]]>([
    ['by default, each replica limits by itself', {}, [200, 200, 429]],
    ['closed: nothing is admitted', { LIMITS_ON_REDIS_FAILURE: 'closed' }, [503, 503, 503]],
  ])('%s', async (_, more, statuses) => {
    const app = await startApp({ ...env, ...more });
    try {
      const seen = [];
      for (let index = 0; index < statuses.length; index++) {
        const reply = await app.post('/ask', { question: 'Anything?' });
        seen.push(reply.status);
        if (reply.status === 503) {
          expectProblem(reply, 503, 'SERVICE_UNAVAILABLE');
          expect(reply.headers.get('retry-after')).toBe('5');
        }
      }
      expect(seen).toEqual(statuses);
      const ready = await app.get<{ details: object }>('/health/ready');
      expect(ready.status).toBe(200);
      expect(ready.body.details).toMatchObject({ limits: { counted_in: 'redis_unavailable' } });
      const metrics = await app.get<string>('/metrics', { accept: 'text/plain' });
      expect(metrics.body).toContain('footnote_limits_redis_failures_total');
    } finally {
      await app.stop();
    }
  });
});
