// Real: HTTP and database. Nothing is faked.
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem, startApp, type TestApp } from './support/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('errors', () => {
  it.each([
    '/',
    '/nope',
    '/ask/nope',
    '/documents/a/b/c',
    '/%',
    '/%E0%A4%A',
    '/..%2f..%2fetc%2fpasswd',
    '/favicon.ico',
  ])('GET %s, which does not exist, is a problem', async (path) => {
    const reply = await app.get(path);
    expect([400, 404]).toContain(reply.status);
    const problem = expectProblem(
      reply,
      reply.status,
      reply.status === 404 ? 'NOT_FOUND' : 'INVALID_REQUEST',
    );
    expect(JSON.stringify(problem)).not.toContain('passwd');
  });

  it.each([
    ['GET', '/ask'],
    ['PUT', '/documents'],
    ['PATCH', '/documents/x'],
    ['DELETE', '/ask/stream'],
    ['POST', '/metrics'],
    ['POST', '/health/live'],
  ])('%s %s, which is not supported, is a 404', async (method, path) => {
    expectProblem(await app.send(path, { method }), 404, 'NOT_FOUND');
  });

  it.each(['/ask', '/ask/stream', '/search', '/documents', '/collections'])(
    'POST %s with malformed JSON is a 400',
    async (path) => {
      for (const body of [
        '{',
        '{"question": "secret-text',
        'null',
        '"a"',
        '{"a":1}}',
        '\0',
        '{"a": NaN}',
        "{'a': 1}",
      ]) {
        const problem = expectProblem(await app.post(path, body), 400, 'INVALID_REQUEST');
        expect(JSON.stringify(problem)).not.toContain('secret-text');
      }
    },
  );

  it.each([
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/xml',
    'application/octet-stream',
    'json',
  ])('a body of type %s is a 415', async (type) => {
    for (const path of ['/ask', '/ask/stream', '/search', '/documents', '/collections'])
      expectProblem(
        await app.post(path, 'question=a', { headers: { 'content-type': type } }),
        415,
        'UNSUPPORTED_MEDIA_TYPE',
      );
  });

  it('multipart where JSON is wanted is refused', async () => {
    const form = new FormData();
    form.set('question', 'a');
    for (const path of ['/ask', '/search', '/collections']) {
      const reply = await app.send(path, { method: 'POST', body: form });
      expect([400, 415], path).toContain(reply.status);
      expectProblem(reply, reply.status, reply.status === 400 ? 'INVALID_REQUEST' : 'UNSUPPORTED_MEDIA_TYPE');
    }
  });

  it('an unknown charset or content encoding is a 415', async () => {
    const charset = { headers: { 'content-type': 'application/json; charset=klingon' } };
    expectProblem(await app.post('/ask', '{"question":"a"}', charset), 415, 'UNSUPPORTED_MEDIA_TYPE');
    const encoding = { headers: { 'content-encoding': 'zstandard' } };
    expectProblem(await app.post('/ask', '{"question":"a"}', encoding), 415, 'UNSUPPORTED_MEDIA_TYPE');
  });

  it('a body that is no gzip although it says so is a 400', async () => {
    expectProblem(
      await app.post('/ask', '{"question":"a"}', { headers: { 'content-encoding': 'gzip' } }),
      400,
      'INVALID_REQUEST',
    );
  });

  it('no body at all is a 400', async () => {
    for (const path of ['/ask', '/ask/stream', '/search', '/documents', '/collections'])
      expectProblem(await app.send(path, { method: 'POST' }), 400, 'INVALID_REQUEST');
  });

  it('a body that is too large is a 413', async () => {
    for (const path of ['/ask', '/ask/stream', '/search', '/collections'])
      expectProblem(await app.post(path, { question: 'x'.repeat(1.2e6) }), 413, 'TOO_LARGE');
  });

  it('a field called constructor, anywhere, is a 400', async () => {
    const cases: [string, string][] = [
      ['/ask', '{"question": "a", "filter": {"constructor": 1}}'],
      [
        '/ask',
        '{"question": "a", "history": [{"role": "user", "content": "a", "constructor": {"prototype": {}}}]}',
      ],
      ['/documents', '{"title": "a", "text": "b", "metadata": {"constructor": 1}}'],
      ['/documents', '{"title": "a", "text": "b", "metadata": {"deep": [{"constructor": null}]}}'],
    ];
    for (const [path, body] of cases) expectProblem(await app.post(path, body), 400, 'INVALID_REQUEST');
    const harmless = await app.post(
      '/documents?wait=true',
      '{"title": "a", "text": "bcd", "metadata": {"__proto__": {"x": 1}, "toString": 1, "hasOwnProperty": 2}}',
    );
    expect([201, 400]).toContain(harmless.status);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('DELETE with an empty body is no error', async () => {
    expectProblem(
      await app.send('/documents/x', { method: 'DELETE', headers: { 'content-length': '0' } }),
      404,
      'NOT_FOUND',
    );
  });

  it('bytes that are no HTTP are answered with 400 and do no harm', async () => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
    socket.end('GARBAGE\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
    expect((await app.get('/health/live')).status).toBe(200);
  });

  it('sends security headers, and nothing about what it is made of', async () => {
    const { headers } = await app.get('/nope');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
  });

  it('lets no other origin in unless it is told to', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    const reply = await app.send('/ask', { method: 'OPTIONS', headers });
    expect(reply.headers.get('access-control-allow-origin')).toBeNull();
    const other = await startApp({ CORS_ORIGINS: 'https://chat.example.com' });
    try {
      const from = async (origin: string): Promise<string | null> =>
        (await other.send('/ask', { method: 'OPTIONS', headers: { ...headers, origin } })).headers.get(
          'access-control-allow-origin',
        );
      expect(await from('https://chat.example.com')).toBe('https://chat.example.com');
      expect(await from('https://evil.example')).not.toBe('https://evil.example');
    } finally {
      await other.stop();
    }
  });
});

describe('GET /health', () => {
  it('tells that the process is alive and that it can answer', async () => {
    expect((await app.get('/health/live')).body).toEqual({ status: 'ok' });
    const ready = await app.get('/health/ready');
    expect(ready.status).toBe(200);
    expect(ready.body).toMatchObject({
      status: 'ok',
      details: { database: { status: 'up' }, migrations: { status: 'up' }, search: { status: 'up' } },
    });
  });
});
