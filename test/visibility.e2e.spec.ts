// Real: HTTP, database, ingestion and search. Nothing is faked.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedDocumentsDto } from '../src/documents/dto/document.dto.js';
import { HitReader } from '../src/retrieval/hit-reader.js';
import { expectProblem, startApp, type TestApp } from './support/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ RESPONSE_CACHE_TTL_S: '60' });
});
afterAll(() => app.stop());

async function add(title: string, text: string, fields: Record<string, unknown> = {}): Promise<string> {
  const reply = await app.post<AcceptedDocumentsDto>('/documents?wait=true', { title, text, ...fields });
  expect(reply.status, JSON.stringify(reply.body)).toBe(201);
  return reply.body.documents[0]!.id;
}

describe('documents with labels', () => {
  const MODES = ['hybrid', 'semantic', 'keyword'];
  beforeAll(async () => {
    await add('Open salaries', 'The salary bands are published every spring.');
    await add('Secret salaries', 'The salary of the board is nine million.', { allowed: ['board', 'hr'] });
    await add('Hidden salaries', 'The salary of nobody is written here.', { allowed: [] });
  });

  const titles = async (options: Record<string, unknown>): Promise<string[]> =>
    (await app.search('salary of the board', { top_k: 10, ...options })).map(({ title }) => title).sort();

  it.each(MODES)('are found in %s search by who carries one of them', async (search_mode) => {
    expect(await titles({ search_mode, labels: [] })).toEqual(['Open salaries']);
    expect(await titles({ search_mode, labels: ['sales'] })).toEqual(['Open salaries']);
    expect(await titles({ search_mode, labels: ['hr', 'sales'] })).toEqual([
      'Open salaries',
      'Secret salaries',
    ]);
    expect(await titles({ search_mode })).toEqual(['Hidden salaries', 'Open salaries', 'Secret salaries']);
  });

  it('combine with a filter', async () => {
    await add('Bonus', 'The salary bonus is paid in June.', { allowed: ['hr'], metadata: { year: 2026 } });
    const filter = { year: { gte: 2026 } };
    expect(await titles({ filter, labels: ['hr'] })).toEqual(['Bonus']);
    expect(await titles({ filter, labels: ['board'] })).toEqual([]);
  });

  it('never reach an answer, its sources or a kept answer of somebody else', async () => {
    const ask = { question: 'What is the salary of the board?', cache: true };
    const allowed = await app.ask({ ...ask, labels: ['board'] });
    expect(allowed.answer).toContain('nine million');
    const other = await app.ask({ ...ask, labels: [] });
    expect(other.answer).not.toContain('nine million');
    expect(other.sources.map(({ title }) => title)).not.toContain('Secret salaries');
  });

  it('take new labels with a new version, and only then', async () => {
    const fields = { collection: 'moving', external_id: 'x' };
    const id = await add('Plan', 'The plan is to move in May.', { ...fields, allowed: ['a'] });
    expect((await app.document(id)).allowed).toEqual(['a']);
    await add('Plan', 'The plan is to move in June.', { ...fields, allowed: ['b'] });
    const find = async (labels: string[]): Promise<number> =>
      (await app.search('plan to move', { collections: ['moving'], labels })).length;
    expect([await find(['a']), await find(['b'])]).toEqual([0, 1]);
    await add('Plan', 'The plan is to move in July.', fields);
    expect((await app.document(id)).allowed).toBeNull();
    expect(await find([])).toBe(1);
  });

  it('are not read by who may not see them, even when the search has not looked', async () => {
    // as of a document that gets its labels between the search and the reading of what it found
    const [hit] = await app.sql<{ id: string }>(
      `SELECT c.id::text AS id FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.title = 'Secret salaries'`,
    );
    const candidate = { chunkId: hit!.id, similarity: 1, keywordScore: 1, score: 1, minSimilarity: 0 };
    const read = (labels: string[] | undefined) =>
      app.app.get(HitReader, { strict: false }).read(['salary'], [candidate], {
        topK: 5,
        most: 5,
        keepsStrongKeywords: true,
        reranks: false,
        labels,
      });
    expect(await read([])).toEqual({ hits: [], isStale: true });
    for (const labels of [['hr'], undefined])
      expect(await read(labels)).toMatchObject({ hits: [{ title: 'Secret salaries' }], isStale: false });
  });

  it('come with files too, as a JSON list', async () => {
    const form = new FormData();
    form.set('allowed', '["ops"]');
    form.set('collection', 'files');
    form.append('file', new Blob(['The pager number is 4711.']), 'pager.txt');
    const reply = await app.send('/documents?wait=true', { method: 'POST', body: form });
    expect(reply.status).toBe(201);
    const find = async (labels: string[]): Promise<number> =>
      (await app.search('pager number', { collections: ['files'], labels })).length;
    expect([await find([]), await find(['ops'])]).toEqual([0, 1]);
  });

  it.each([
    ['/documents', { title: 't', text: 'x', allowed: 'hr' }, 'allowed'],
    ['/documents', { title: 't', text: 'x', allowed: [''] }, 'allowed'],
    ['/documents', { title: 't', text: 'x', allowed: ['a\0b'] }, 'allowed'],
    ['/documents', { title: 't', text: 'x', allowed: Array.from({ length: 101 }, String) }, 'allowed'],
    ['/search', { queries: ['x'], labels: [1] }, 'labels'],
    ['/ask', { question: 'x', labels: ['a'.repeat(101)] }, 'labels'],
  ])('%s refuses %j', async (path, body, field) => {
    const problem = expectProblem(await app.post(path, body), 400, 'INVALID_REQUEST');
    expect(problem.errors?.[0]?.field).toBe(field);
  });
});

describe('metadata', () => {
  it('is refused where it is too deep or too long', async () => {
    let deep: Record<string, unknown> = {};
    for (let level = 0; level < 21; level++) deep = { deep };
    for (const metadata of [deep, { long: 'x'.repeat(70_000) }]) {
      const problem = expectProblem(
        await app.post('/documents', { title: 't', text: 'x', metadata }),
        400,
        'INVALID_REQUEST',
      );
      expect(problem.errors?.[0]?.field).toBe('metadata');
    }
    const form = new FormData();
    form.set('metadata', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`);
    form.append('file', new Blob(['x']), 'x.txt');
    expectProblem(await app.send('/documents', { method: 'POST', body: form }), 400, 'INVALID_REQUEST');
  });

  it('filters with every operator, also values that look like jsonpath', async () => {
    const collection = 'operators';
    const odd = '" || true || $."x" == "';
    for (const [title, metadata] of [
      ['one', { n: 1, s: 'a', tags: ['x', 'y'], flag: true, 'odd "key"': odd }],
      ['two', { n: 2.5, s: 'b', tags: ['y'], nothing: null }],
      ['three', { n: -3, s: odd }],
    ] as const)
      await add(title, `Something about ${title} things.`, { collection, metadata });
    const find = async (filter: Record<string, unknown>): Promise<string> =>
      (await app.search('something things', { collections: [collection], filter }))
        .map(({ title }) => title)
        .sort()
        .join(' ');
    expect(await find({ n: 1 })).toBe('one');
    expect(await find({ n: { eq: -3 } })).toBe('three');
    expect(await find({ n: { gt: 1 } })).toBe('two');
    expect(await find({ n: { gte: 1, lt: 3 } })).toBe('one two');
    expect(await find({ n: { lte: -3 } })).toBe('three');
    expect(await find({ s: { ne: 'a' } })).toBe('three two');
    expect(await find({ s: { in: ['a', odd] } })).toBe('one three');
    expect(await find({ tags: 'y' })).toBe('one two');
    expect(await find({ flag: { exists: true } })).toBe('one');
    expect(await find({ flag: { exists: false } })).toBe('three two');
    expect(await find({ nothing: null })).toBe('two');
    expect(await find({ 'odd "key"': odd })).toBe('one');
    expect(await find({ s: odd })).toBe('three');
    expect(await find({ or: [{ n: 1 }, { and: [{ s: 'b' }, { tags: 'y' }] }] })).toBe('one two');
    expect(await find({ not: { tags: 'y' } })).toBe('three');
  });
});
