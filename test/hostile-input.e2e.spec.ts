// Real: the application and its database. Input that once broke something, or looks as if it could.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from './support/app.js';

describe('hostile input is an error of the caller, never of the service', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
    await app.addDocument({ title: 'Mixed', text: 'The heron waits.', metadata: { year: '2024' } });
  });
  afterAll(() => app.stop());

  const post = (path: string, body: string) =>
    fetch(`${app.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

  it.each([
    ['history of lists', '/ask', '{"question":"x","history":[[{"role":"user","content":"x"}]]}'],
    [
      'a deep filter',
      '/search',
      `{"queries":["x"],"filter":${'{"not":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
    ],
    [
      'deep metadata',
      '/documents',
      `{"title":"t","text":"x","metadata":${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}}`,
    ],
    ['a constructor', '/ask', '{"question":"x","history":[{"constructor":{}}]}'],
  ])('%s', async (_name, path, body) => {
    const response = await post(path, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('the end of time', async () => {
    const response = await fetch(`${app.url}/metrics?from=9999-12-31T23:59:59-23:00`);
    expect(response.status).toBe(400);
  });

  it.each([{ year: { ne: 2024 } }, { not: { year: 2024 } }])(
    'a negation holds where the types differ: %j',
    async (filter) => {
      const response = await post('/search', JSON.stringify({ queries: ['heron'], filter }));
      const { results } = (await response.json()) as { results: { hits: unknown[] }[] };
      expect(results[0]!.hits).toHaveLength(1);
    },
  );
});
