// Real: HTTP, database and the built service as a process. Nothing is faked.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient, expectProblem, type Reply, startApp, type TestApp } from './support/app.js';
import { spawnService } from './support/service-process.js';

const KEY = 'the-admin-key-of-this-test-0123456789';

interface Operation {
  security?: Record<string, unknown>[];
  responses: Record<string, unknown>;
}

let app: TestApp;
let operations: { method: string; path: string; operation: Operation }[];
beforeAll(async () => {
  app = await startApp({ ADMIN_API_KEY: KEY });
  const { body } = await app.get<{ paths: Record<string, Record<string, Operation>> }>('/openapi.json');
  operations = Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
});
afterAll(() => app.stop());

function call(client: ApiClient, method: string, path: string): Promise<Reply> {
  const filled = path.replaceAll(/\{\w+\}/g, '00000000-0000-4000-8000-000000000000');
  return method === 'POST' ? client.post(filled, {}) : client.send(filled, { method });
}

describe('with ADMIN_API_KEY', () => {
  it('every operation but health needs a key, and says so in the documentation', () => {
    const open = operations
      .filter(({ operation }) => (operation.security ?? []).length === 0)
      .map(({ path }) => path);
    expect(open.sort()).toEqual(['/health/live', '/health/ready']);
    const secured = operations.filter(({ operation }) => (operation.security ?? []).length > 0);
    expect(secured.length).toBeGreaterThanOrEqual(12);
    for (const { operation, path } of secured) {
      expect(operation.security!.flatMap((scheme) => Object.keys(scheme)).sort(), path).toEqual([
        'api-key',
        'bearer',
      ]);
      expect(Object.keys(operation.responses), path).toContain('401');
    }
  });

  it('every such operation answers 401 without a key and with a wrong one, and not with the right one', async () => {
    for (const { method, path, operation } of operations) {
      if ((operation.security ?? []).length === 0) continue;
      const name = `${method} ${path}`;
      for (const headers of [
        {},
        { authorization: 'Bearer wrong' },
        { authorization: `Basic ${Buffer.from(`admin:${KEY}`).toString('base64')}` },
        { authorization: KEY },
        { authorization: 'Bearer ' },
        { authorization: `Bearer ${KEY.slice(0, -1)}` },
        { authorization: `Bearer ${KEY}x` },
        { 'x-api-key': 'wrong' },
        { 'x-api-key': '' },
        { authorization: 'Bearer wrong', 'x-api-key': KEY },
      ] as Record<string, string>[]) {
        const reply = await call(app.with(headers), method, path);
        const problem = expectProblem(reply, 401, 'UNAUTHENTICATED');
        expect(reply.headers.get('www-authenticate'), name).toBe('Bearer');
        expect(JSON.stringify(problem)).not.toContain(KEY);
      }
      for (const headers of [
        { authorization: `Bearer ${KEY}` },
        { authorization: `bearer ${KEY}` },
        { 'X-API-Key': KEY },
      ] as Record<string, string>[]) {
        const reply = await call(app.with(headers), method, path);
        expect([200, 400, 404], name).toContain(reply.status);
        // what one key is told is no other's
        expect(reply.headers.get('cache-control'), name).toMatch(/no-store|no-cache/);
      }
    }
  });

  it('is asked for before anything is said about what exists or is wrong', async () => {
    expectProblem(await app.get('/documents/nope'), 401, 'UNAUTHENTICATED');
    expectProblem(await app.get('/documents?limit=0'), 401, 'UNAUTHENTICATED');
    expectProblem(await app.post('/ask', { question: '' }), 401, 'UNAUTHENTICATED');
  });

  it('leaves health and documentation open', async () => {
    for (const path of ['/health/live', '/health/ready', '/openapi.json', '/docs', '/docs/swagger-ui.css'])
      expect((await app.get(path)).status, path).toBe(200);
  });

  it('shows nothing of the database or the models in the open', async () => {
    const ready = JSON.stringify((await app.get('/health/ready')).body);
    expect(ready).not.toMatch(/postgres(ql)?:\/\/|password|\/tmp/);
  });
});

describe('without ADMIN_API_KEY', () => {
  it('a key that is sent all the same does no harm', async () => {
    const open = await startApp();
    try {
      expect((await open.with({ authorization: 'Bearer whatever' }).get('/documents')).status).toBe(200);
    } finally {
      await open.stop();
    }
  });

  it.each(['0.0.0.0', '::', '192.168.1.2'])('it refuses to listen on %s', async (HOST) => {
    await using service = spawnService({ HOST, DATA_DIR: '/nonexistent' });
    expect(await service.exit()).toBe(1);
    expect(service.log).toMatch(/HOST is .* ADMIN_API_KEY/);
    expect(service.log).not.toMatch(/\bat .+:\d+:\d+/);
  });

  it('a short key is refused, and not repeated', async () => {
    await using service = spawnService({ ADMIN_API_KEY: 'hunter2', DATA_DIR: '/nonexistent' });
    expect(await service.exit()).toBe(1);
    expect(service.log).toContain('ADMIN_API_KEY takes');
    expect(service.log).not.toContain('hunter2');
  });
});
