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
