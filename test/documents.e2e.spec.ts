// Real: HTTP, database, job queue, loaders, chunking, embedding and search. Nothing is faked.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SearchHitDto } from '../src/ask/dto/search.dto.js';
import type { CollectionDto, CollectionListDto } from '../src/documents/dto/collection.dto.js';
import type {
  AcceptedDocumentsDto,
  DocumentDto,
  DocumentListDto,
} from '../src/documents/dto/document.dto.js';
import { expectProblem, type Reply, startApp, type TestApp } from './support/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ MAX_UPLOAD_MB: '3' });
});
afterAll(() => app.stop());

/** A collection that no other test uses. */
const ownCollection = (): string => `c-${randomUUID()}`;

/** A file of a multipart request, its name in the bytes that a browser or curl would send. */
interface File {
  name: string;
  type?: string;
  content: string | Uint8Array<ArrayBuffer>;
  field?: string;
}

function upload(
  files: File[],
  fields: Record<string, string> = {},
  query = '?wait=true',
): Promise<Reply<AcceptedDocumentsDto>> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  for (const { name, type = '', content, field = 'file' } of files)
    form.append(field, new Blob([content], { type }), name);
  return app.send<AcceptedDocumentsDto>(`/documents${query}`, { method: 'POST', body: form });
}

async function list(query: string): Promise<DocumentListDto> {
  const reply = await app.get<DocumentListDto>(`/documents?${query}`);
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  return reply.body;
}

/** Every hit is a piece of its document's text, at the offsets that it names. */
async function verifyOffsets(hits: readonly SearchHitDto[]): Promise<void> {
  for (const hit of hits) {
    const content = await app.content(hit.document_id);
    expect(content.slice(hit.start, hit.end)).toBe(hit.content);
  }
}

describe('POST /documents with JSON', () => {
  it('answers 201 with wait when the document is searchable', async () => {
    const collection = ownCollection();
    const reply = await app.post<AcceptedDocumentsDto>('/documents?wait=true', {
      title: 'Coffee',
      text: 'The coffee machine on the third floor is descaled on Mondays.',
      url: 'https://wiki.example.com/coffee',
      collection,
      metadata: { floor: 3, tags: ['a', 'b'], nested: { deep: [1, null, true] } },
      external_id: 'wiki-1',
    });
    expect(reply.status).toBe(201);
    const [accepted] = reply.body.documents;
    expect(reply.body).toEqual({
      documents: [{ id: accepted!.id, title: 'Coffee', collection, status: 'ready' }],
    });
    const document = await app.document(accepted!.id);
    expect(Object.keys(document)).toEqual([
      'id',
      'external_id',
      'title',
      'collection',
      'url',
      'metadata',
      'allowed',
      'content_sha256',
      'status',
      'progress',
      'chunks',
      'error',
      'created_at',
      'updated_at',
    ]);
    expect(document).toMatchObject({
      external_id: 'wiki-1',
      title: 'Coffee',
      collection,
      url: 'https://wiki.example.com/coffee',
      metadata: { floor: 3, tags: ['a', 'b'], nested: { deep: [1, null, true] } },
      status: 'ready',
      progress: 1,
      chunks: 1,
      error: null,
    });
    expect(new Date(document.created_at).toISOString()).toBe(document.created_at);
    const hits = await app.search('coffee machine', { collections: [collection] });
    expect(hits.map(({ document_id }) => document_id)).toEqual([accepted!.id]);
  });

  it('answers 202 without wait, and the document becomes ready', async () => {
    for (const query of ['', '?wait=false']) {
      const collection = ownCollection();
      const body = { title: 'Later', text: 'Patience is a virtue of pollers.', collection };
      const reply = await app.post<AcceptedDocumentsDto>(`/documents${query}`, body);
      expect(reply.status).toBe(202);
      const [accepted] = reply.body.documents;
      expect(accepted).toEqual({ id: accepted!.id, title: 'Later', collection, status: 'queued' });
      const document = await app.finished(accepted!.id);
      expect(document).toMatchObject({
        status: 'ready',
        progress: 1,
        chunks: 1,
        url: null,
        external_id: null,
        metadata: {},
      });
      expect(await app.search('virtue of pollers', { collections: [collection] })).toHaveLength(1);
    }
  });

  it('files a document under default when no collection is named', async () => {
    expect((await app.addDocument({ title: 'Default', text: 'Filed by default.' })).collection).toBe(
      'default',
    );
  });

  it('takes a document of 2 MB, whose every passage is where it says', async () => {
    const collection = ownCollection();
    const paragraphs = Array.from(
      { length: 10_500 },
      (_, index) =>
        `Paragraph ${index} of the long report – “quoted” 😀 and so on. It names the code word w${index * 7919} once. ` +
        `Whoever reads ${index} pages needs patience, coffee, and ${index % 97} pencils; the rest is silence.`,
    );
    const text = paragraphs.join('\n\n');
    expect(Buffer.byteLength(text)).toBeGreaterThan(1.9e6);
    const { id } = await app.addDocument({ title: 'A long report', text, collection });
    expect(await app.content(id)).toBe(text);
    const document = await app.document(id);
    expect(document.chunks).toBeGreaterThan(300);
    for (const index of [0, 4321, 10_499]) {
      const hits = await app.search(`code word w${index * 7919}`, { collections: [collection] });
      expect(hits[0]!.content).toContain(`w${index * 7919} `);
      await verifyOffsets(hits);
    }
  }, 240_000);
});

describe('POST /documents with files', () => {
  it('reads text, Markdown and HTML, each by its own title or file name', async () => {
    const collection = ownCollection();
    const reply = await upload(
      [
        { name: 'Müsli & Käse – 日本.txt', type: 'text/plain', content: 'Plain müsli is served at eight.' },
        {
          name: 'guide.md',
          type: 'text/markdown',
          content: '# The guide\n\nMarmots whistle when an eagle comes.',
        },
        {
          name: 'page.html',
          type: 'text/html',
          content:
            '<!doctype html><title>The page</title><script>secret()</script><h1>Otters</h1><p>Otters hold hands &amp; float.</p>',
        },
      ],
      { collection, url: 'https://example.com/x', metadata: '{"team": "zoo"}' },
    );
    expect(reply.status, JSON.stringify(reply.body)).toBe(201);
    expect(reply.body.documents.map(({ title, status }) => [title, status])).toEqual([
      ['Müsli & Käse – 日本.txt', 'ready'],
      ['The guide', 'ready'],
      ['The page', 'ready'],
    ]);
    for (const { id } of reply.body.documents)
      expect(await app.document(id)).toMatchObject({
        url: 'https://example.com/x',
        metadata: { team: 'zoo' },
        collection,
      });
    const html = await app.content(reply.body.documents[2]!.id);
    expect(html).toContain('Otters hold hands & float.');
    expect(html).not.toMatch(/secret|</);
    for (const [query, index] of [
      ['müsli', 0],
      ['marmots whistle', 1],
      ['otters float', 2],
    ] as const) {
      const hits = await app.search(query, { collections: [collection], filter: { team: 'zoo' } });
      expect(hits[0]!.document_id).toBe(reply.body.documents[index]!.id);
      await verifyOffsets(hits);
    }
  });

  it('takes title and external_id with one file, and answers 202 without wait', async () => {
    const collection = ownCollection();
    const fields = { collection, title: 'My title', external_id: 'file-1' };
    const reply = await upload([{ name: 'a.md', content: '# Other\n\nBody of the file.' }], fields, '');
    expect(reply.status).toBe(202);
    expect(await app.finished(reply.body.documents[0]!.id)).toMatchObject({
      title: 'My title',
      external_id: 'file-1',
    });
  });

  it('tells which documents of several failed', async () => {
    const reply = await upload(
      [
        { name: 'good.txt', content: 'This one is fine.' },
        {
          name: 'bad.txt',
          type: 'text/plain',
          content: Uint8Array.from({ length: 500 }, (_, index) => index % 7),
        },
      ],
      { collection: ownCollection() },
    );
    expect(reply.status).toBe(201);
    expect(reply.body.documents.map(({ status }) => status)).toEqual(['ready', 'failed']);
    expect(reply.body.documents[1]!.error).not.toBe('');
    expect(await app.document(reply.body.documents[1]!.id)).toMatchObject({
      status: 'failed',
      error: reply.body.documents[1]!.error,
    });
  });

  it('answers 415 for a PNG, and stores nothing of the request', async () => {
    const collection = ownCollection();
    const png = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    );
    const reply = await upload(
      [
        { name: 'fine.txt', content: 'Fine.' },
        { name: 'logo.png', type: 'image/png', content: png },
      ],
      { collection },
    );
    const problem = expectProblem(reply, 415, 'UNSUPPORTED_MEDIA_TYPE');
    expect(problem.detail).toContain('logo.png');
    expect((await list(`collection=${collection}`)).documents).toEqual([]);
  });

  it('answers 422 for binary data that is named .txt', async () => {
    const content = Uint8Array.from({ length: 2000 }, (_, index) => (index * 31) % 256);
    const reply = await upload([{ name: 'notes.txt', type: 'text/plain', content }]);
    expect(expectProblem(reply, 422, 'UNREADABLE_DOCUMENT').detail).toContain('notes.txt');
  });

  it('answers 422 for a document without text', async () => {
    expectProblem(
      await upload([{ name: 'blank.txt', type: 'text/plain', content: ' \n\t\n' }]),
      422,
      'UNREADABLE_DOCUMENT',
    );
    const html = '<html><body><script>1</script></body></html>';
    expectProblem(
      await upload([{ name: 'blank.html', type: 'text/html', content: html }]),
      422,
      'UNREADABLE_DOCUMENT',
    );
  });

  it.each<[string, File[], Record<string, string>, string]>([
    ['no file', [], {}, 'file'],
    ['a file under another name', [{ name: 'a.txt', content: 'a', field: 'upload' }], {}, 'upload'],
    ['an unknown field', [{ name: 'a.txt', content: 'a' }], { author: 'me' }, 'author'],
    ['text instead of a file', [{ name: 'a.txt', content: 'a' }], { text: 'b' }, 'text'],
    ['metadata that is no JSON', [{ name: 'a.txt', content: 'a' }], { metadata: '{team' }, 'metadata'],
    ['metadata that is a list', [{ name: 'a.txt', content: 'a' }], { metadata: '[1]' }, 'metadata'],
    ['a bad collection', [{ name: 'a.txt', content: 'a' }], { collection: '../etc' }, 'collection'],
    ['an empty title', [{ name: 'a.txt', content: 'a' }], { title: '' }, 'title'],
    [
      'one external_id for two files',
      [
        { name: 'a.txt', content: 'a' },
        { name: 'b.txt', content: 'b' },
      ],
      { external_id: 'x' },
      'external_id',
    ],
  ])('refuses %s', async (_name, files, fields, field) => {
    const problem = expectProblem(await upload(files, fields), 400, 'INVALID_REQUEST');
    expect(problem.errors?.map((error) => error.field)).toContain(field);
  });

  it('refuses a body that ends too early', async () => {
    const reply = await app.send('/documents', {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=xyz' },
      body: '--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf',
    });
    expectProblem(reply, 400, 'INVALID_REQUEST');
  });
});

describe('too large', () => {
  it('answers 413 to JSON and to a file over MAX_UPLOAD_MB, and goes on serving', async () => {
    const text = 'a word and '.repeat(400_000);
    expectProblem(await app.post('/documents', { title: 'Big', text }), 413, 'TOO_LARGE');
    const file = await upload([{ name: 'big.txt', content: text }]);
    expect(expectProblem(file, 413, 'TOO_LARGE').detail).toContain('MAX_UPLOAD_MB');
    const question = await app.post('/ask', { question: 'x'.repeat(1_100_000) });
    expect(expectProblem(question, 413, 'TOO_LARGE').detail).toContain('the 1048576 bytes');
    expectProblem(await app.post('/collections', { name: 'x'.repeat(1_100_000) }), 413, 'TOO_LARGE');
    expect((await app.get('/health/live')).status).toBe(200);
  });

  it('takes what is just within it', async () => {
    const reply = await upload(
      [{ name: 'ok.txt', content: 'word '.repeat(550_000) }],
      { collection: ownCollection() },
      '',
    );
    expect(reply.status).toBe(202);
    await app.delete(`/documents/${reply.body.documents[0]!.id}`);
  });
});

describe('replacement', () => {
  it('by external_id: the id stays, content and search change, nothing is there twice', async () => {
    const collection = ownCollection();
    const first = await app.addDocument({
      title: 'Opening hours',
      text: 'The library opens at nine.',
      collection,
      external_id: 'hours',
      metadata: { v: 1 },
    });
    const created = await app.document(first.id);
    const second = await app.addDocument({
      title: 'New opening hours',
      text: 'The reading room is open around the clock.',
      collection,
      external_id: 'hours',
      metadata: { v: 2 },
      url: 'https://example.com/hours',
    });
    expect(second.id).toBe(first.id);
    expect(await app.document(first.id)).toMatchObject({
      title: 'New opening hours',
      metadata: { v: 2 },
      url: 'https://example.com/hours',
      status: 'ready',
      created_at: created.created_at,
    });
    expect(await app.content(first.id)).toBe('The reading room is open around the clock.');
    const hits = await app.search('library reading room open', { collections: [collection], top_k: 50 });
    expect(hits.map(({ content }) => content)).toEqual(['The reading room is open around the clock.']);
    expect((await list(`collection=${collection}`)).documents).toHaveLength(1);
    expect((await app.get<CollectionDto>(`/collections/${collection}`)).body).toMatchObject({
      documents: 1,
      chunks: 1,
    });
  });

  it('by the same content: never a second document', async () => {
    const collection = ownCollection();
    const text = 'The same words, sent twice.';
    const first = await app.addDocument({ title: 'One', text, collection, metadata: { v: 1 } });
    const second = await app.addDocument({ title: 'Two', text, collection, metadata: { v: 2 } });
    const file = await upload([{ name: 'three.txt', type: 'text/plain', content: text }], { collection });
    expect(second.id).toBe(first.id);
    expect(file.body.documents[0]!.id).toBe(first.id);
    expect((await list(`collection=${collection}`)).documents).toHaveLength(1);
    expect(await app.search('same words', { collections: [collection] })).toHaveLength(1);
  });

  it('keeps documents of different external ids apart, though their content is the same', async () => {
    const collection = ownCollection();
    const text = 'A template that many use.';
    const a = await app.addDocument({ title: 'A', text, collection, external_id: 'a' });
    const b = await app.addDocument({ title: 'B', text, collection, external_id: 'b' });
    expect(a.id).not.toBe(b.id);
    expect((await list(`collection=${collection}`)).documents).toHaveLength(2);
  });

  it('gives a document that was sent without an external_id the one that comes later', async () => {
    const collection = ownCollection();
    const text = 'First anonymous, then known.';
    const anonymous = await app.addDocument({ title: 'X', text, collection });
    const named = await app.addDocument({ title: 'X', text, collection, external_id: 'x' });
    expect(named.id).toBe(anonymous.id);
    expect(await app.document(named.id)).toMatchObject({ external_id: 'x' });
  });

  it('keeps the same external_id of two collections apart', async () => {
    const one = await app.addDocument({
      title: 'X',
      text: 'In one.',
      collection: ownCollection(),
      external_id: 'same',
    });
    const two = await app.addDocument({
      title: 'X',
      text: 'In two.',
      collection: ownCollection(),
      external_id: 'same',
    });
    expect(one.id).not.toBe(two.id);
  });

  it('keeps the searchable version when the new one cannot be read', async () => {
    const collection = ownCollection();
    const fields = { collection, external_id: 'doc' };
    const good = await upload([{ name: 'a.txt', content: 'Swallows return in April.' }], fields);
    const bad = await upload(
      [
        {
          name: 'a.txt',
          type: 'text/plain',
          content: Uint8Array.from({ length: 4096 }, (_, at) => (at * 31) % 256),
        },
      ],
      fields,
    );
    expectProblem(bad, 422, 'UNREADABLE_DOCUMENT');
    const { id } = good.body.documents[0]!;
    expect(await app.document(id)).toMatchObject({ status: 'failed', chunks: 1 });
    expect(await app.content(id)).toBe('Swallows return in April.');
    expect(await app.search('swallows', { collections: [collection] })).toHaveLength(1);
  });

  it('leaves one document when 20 send the same external_id at once', async () => {
    const collection = ownCollection();
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        app.post<AcceptedDocumentsDto>('/documents?wait=true', {
          title: `Version ${index}`,
          text: `This is version number ${index}.`,
          collection,
          external_id: 'contested',
        }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 201));
    const ids = new Set(replies.map(({ body }) => body.documents[0]!.id));
    expect(ids.size).toBe(1);
    const [id] = ids;
    const { documents } = await list(`collection=${collection}`);
    expect(documents.map((document) => document.id)).toEqual([id]);
    const final = await app.finished(id!);
    const version = /\d+/.exec(final.title)![0];
    expect(await app.content(id!)).toBe(`This is version number ${version}.`);
    const hits = await app.search('version number', { collections: [collection], top_k: 50 });
    expect(hits.map(({ content }) => content)).toEqual([`This is version number ${version}.`]);
  });

  it('leaves one document when 20 send the same content at once into a new collection', async () => {
    const collection = ownCollection();
    const body = { title: 'Twin', text: 'Twenty of a kind.', collection };
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => app.post<AcceptedDocumentsDto>('/documents', body)),
    );
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 202));
    expect(new Set(replies.map((reply) => reply.body.documents[0]!.id)).size).toBe(1);
    await app.finished(replies[0]!.body.documents[0]!.id);
    expect((await list(`collection=${collection}`)).documents).toHaveLength(1);
  });
});

describe('GET /documents', () => {
  it('pages through all, newest first, without gap or repeat, also while documents come and go', async () => {
    const collection = ownCollection();
    const ids: string[] = [];
    for (let index = 0; index < 7; index++)
      ids.unshift(
        (await app.addDocument({ title: `D${index}`, text: `Document number ${index}.`, collection })).id,
      );
    const seen: string[] = [];
    const sizes: number[] = [];
    let cursor: string | null = null;
    do {
      const page: DocumentListDto = await list(
        `collection=${collection}&limit=2${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...page.documents.map(({ id }) => id));
      sizes.push(page.documents.length);
      cursor = page.next_cursor;
      if (sizes.length === 1)
        await app.addDocument({ title: 'New', text: 'Arrived while paging.', collection });
      // the one that the cursor points at
      if (sizes.length === 2) await app.delete(`/documents/${seen.at(-1)!}`);
    } while (cursor !== null);
    expect(seen).toEqual(ids);
    expect(sizes).toEqual([2, 2, 2, 1]);
  });

  it('has no next_cursor when a page is just full', async () => {
    const collection = ownCollection();
    for (const text of ['One.', 'Two.']) await app.addDocument({ title: text, text, collection });
    expect((await list(`collection=${collection}&limit=2`)).next_cursor).toBeNull();
  });

  it('filters by collection and status', async () => {
    const collection = ownCollection();
    const { id } = await app.addDocument({ title: 'Ready', text: 'It is ready.', collection });
    const failed = await upload([{ name: 'x.txt', type: 'text/plain', content: Uint8Array.of(0, 0, 0, 0) }], {
      collection,
    });
    expect(failed.status).toBe(422);
    const titles = async (query: string): Promise<string[]> =>
      (await list(`collection=${collection}${query}`)).documents.map(({ title }) => title);
    expect(await titles('')).toEqual(['x.txt', 'Ready']);
    expect(await titles('&status=ready')).toEqual(['Ready']);
    expect(await titles('&status=failed')).toEqual(['x.txt']);
    expect(await titles('&status=queued')).toEqual([]);
    expect((await list('status=ready&limit=200')).documents.some((document) => document.id === id)).toBe(
      true,
    );
    expect((await list('collection=no-such-collection')).documents).toEqual([]);
  });

  it.each([
    ['cursor=%21%21', 'cursor'],
    ['cursor=abc', 'cursor'],
    [`cursor=${Buffer.from('s-1').toString('base64url')}`, 'cursor'],
    [`cursor=${'a'.repeat(65)}`, 'cursor'],
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=', 'limit'],
    ['status=done', 'status'],
    ['page=2', 'page'],
    ['limit=1&limit=2', 'limit'],
    ['collection=a&collection=b', 'collection'],
  ])('refuses ?%s', async (query, field) => {
    const problem = expectProblem(await app.get(`/documents?${query}`), 400, 'INVALID_REQUEST');
    expect(problem.errors?.map((error) => error.field)).toContain(field);
  });
});

describe('one document', () => {
  it('gives its text as plain text', async () => {
    const { id } = await app.addDocument({
      title: 'Line ends',
      text: 'One\r\ntwo  \n\n\n\n\n\nthree é <b>\u00ad',
    });
    const reply = await app.get<string>(`/documents/${id}/content`);
    expect(reply.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(reply.body).toBe('One\ntwo\n\n\nthree \u00e9 <b>');
  });

  it('is gone from everywhere once deleted', async () => {
    const collection = ownCollection();
    const { id } = await app.addDocument({
      title: 'Short-lived',
      text: 'Mayflies live for a day.',
      collection,
    });
    expect(await app.search('mayflies', { collections: [collection] })).toHaveLength(1);
    const deleted = await app.delete(`/documents/${id}`);
    expect(deleted.status).toBe(204);
    expect(deleted.body).toBe('');
    expect(await app.search('mayflies', { collections: [collection] })).toEqual([]);
    expect(
      (await app.ask({ question: 'How long do mayflies live?', collections: [collection] })).finish_reason,
    ).toBe('no_context');
    for (const path of [`/documents/${id}`, `/documents/${id}/content`])
      expectProblem(await app.get(path), 404, 'NOT_FOUND');
    expectProblem(await app.delete(`/documents/${id}`), 404, 'NOT_FOUND');
    expect((await app.get<CollectionDto>(`/collections/${collection}`)).body).toMatchObject({
      documents: 0,
      chunks: 0,
    });
    // and can come again
    const again = await app.addDocument({
      title: 'Short-lived',
      text: 'Mayflies live for a day.',
      collection,
    });
    expect(again.id).not.toBe(id);
  });

  it('can be deleted while it is being processed', async () => {
    const collection = ownCollection();
    const text = Array.from({ length: 2000 }, (_, index) => `Sentence number ${index} about herons.`).join(
      ' ',
    );
    const reply = await app.post<AcceptedDocumentsDto>('/documents', { title: 'Herons', text, collection });
    expect((await app.delete(`/documents/${reply.body.documents[0]!.id}`)).status).toBe(204);
    // the queue works in order, so this one comes after
    await app.addDocument({ title: 'After', text: 'Storks came after.', collection });
    const hits = await app.search('herons', { collections: [collection] });
    expect(hits.filter(({ title }) => title === 'Herons')).toEqual([]);
    expect((await app.get<CollectionDto>(`/collections/${collection}`)).body).toMatchObject({
      documents: 1,
      chunks: 1,
    });
  });

  it.each([
    '/documents/nope',
    `/documents/${randomUUID()}`,
    `/documents/${randomUUID()}/content`,
    '/documents/a%00b',
    '/documents/%F0%9F%98%80',
  ])('GET %s is a 404', async (path) => {
    expectProblem(await app.get(path), 404, 'NOT_FOUND');
  });
});

describe('collections', () => {
  it('are made, shown, listed and deleted with their documents, and can be made again', async () => {
    const name = ownCollection();
    const made = await app.post<CollectionDto>('/collections', { name, description: 'How we work' });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      name,
      description: 'How we work',
      language: null,
      documents: 0,
      chunks: 0,
      embedding_model: 'lexical-hash',
      dimensions: null,
      created_at: made.body.created_at,
      reembedding: null,
    });
    expectProblem(await app.post('/collections', { name }), 409, 'CONFLICT');
    // an empty one is searched like any other
    expect(await app.search('anything', { collections: [name] })).toEqual([]);
    const { id } = await app.addDocument({
      title: 'Otters',
      text: 'Sea otters sleep in kelp.',
      collection: name,
    });
    expect((await app.get<CollectionDto>(`/collections/${name}`)).body).toMatchObject({
      documents: 1,
      chunks: 1,
      dimensions: 1024,
    });
    const listed = await app.get<CollectionListDto>('/collections');
    expect(listed.body.collections.find((collection) => collection.name === name)).toMatchObject({
      documents: 1,
      description: 'How we work',
    });
    const names = listed.body.collections.map((collection) => collection.name);
    expect(names).toContain('default');

    expect((await app.delete(`/collections/${name}`)).status).toBe(204);
    expectProblem(await app.get(`/collections/${name}`), 404, 'NOT_FOUND');
    expectProblem(await app.get(`/documents/${id}`), 404, 'NOT_FOUND');
    expectProblem(await app.delete(`/collections/${name}`), 404, 'NOT_FOUND');
    expectProblem(await app.post('/search', { queries: ['otters'], collections: [name] }), 404, 'NOT_FOUND');

    expect((await app.post('/collections', { name })).status).toBe(201);
    expect((await app.get<CollectionDto>(`/collections/${name}`)).body).toMatchObject({
      documents: 0,
      chunks: 0,
    });
    await app.addDocument({ title: 'Otters', text: 'Sea otters sleep in kelp.', collection: name });
    expect(await app.search('otters', { collections: [name] })).toHaveLength(1);
  });

  it.each<[string, unknown, string]>([
    ['no name', {}, 'name'],
    ['an empty name', { name: '' }, 'name'],
    ['a name with a slash', { name: 'a/b' }, 'name'],
    ['a name that begins with a dot', { name: '.a' }, 'name'],
    ['a name of 101 characters', { name: 'a'.repeat(101) }, 'name'],
    ['a name with a line end', { name: 'a\n' }, 'name'],
    ['a number', { name: 1 }, 'name'],
    ['a list', { name: ['a'] }, 'name'],
    ['a description of 1,001 characters', { name: 'a', description: 'a'.repeat(1001) }, 'description'],
    ['an unknown field', { name: 'a', colour: 'red' }, 'colour'],
  ])('refuse %s', async (_name, body, field) => {
    const problem = expectProblem(await app.post('/collections', body), 400, 'INVALID_REQUEST');
    expect(problem.errors?.map((error) => error.field)).toContain(field);
  });

  it.each([
    '/collections/nope',
    '/collections/a%00b',
    '/collections/%ED%A0%80',
    `/collections/${'x'.repeat(500)}`,
  ])('GET and DELETE %s are no server errors', async (path) => {
    for (const reply of [await app.get(path), await app.delete(path)]) {
      expect([400, 404]).toContain(reply.status);
      expectProblem(reply, reply.status, reply.status === 404 ? 'NOT_FOUND' : 'INVALID_REQUEST');
    }
  });
});

describe('a bad document', () => {
  const good = { title: 'T', text: 'Some text.' };

  it.each<[string, unknown, string]>([
    ['no title', { text: 'a' }, 'title'],
    ['an empty title', { ...good, title: '' }, 'title'],
    ['a title of 501 characters', { ...good, title: 'x'.repeat(501) }, 'title'],
    ['a number as title', { ...good, title: 1 }, 'title'],
    ['no text', { title: 'a' }, 'text'],
    ['an empty text', { ...good, text: '' }, 'text'],
    ['a list as text', { ...good, text: ['a'] }, 'text'],
    ['a url without a scheme', { ...good, url: 'example.com' }, 'url'],
    ['a javascript url', { ...good, url: 'javascript:alert(1)' }, 'url'],
    ['a file url', { ...good, url: 'file:///etc/passwd' }, 'url'],
    ['a long url', { ...good, url: `https://example.com/${'x'.repeat(2000)}` }, 'url'],
    ['metadata as text', { ...good, metadata: '{"a": 1}' }, 'metadata'],
    ['metadata as a list', { ...good, metadata: [1] }, 'metadata'],
    ['an empty external_id', { ...good, external_id: '' }, 'external_id'],
    ['an external_id of 501 characters', { ...good, external_id: 'x'.repeat(501) }, 'external_id'],
    ['a number as external_id', { ...good, external_id: 4711 }, 'external_id'],
    ['a collection with a space', { ...good, collection: 'my docs' }, 'collection'],
    ['a collection of 101 characters', { ...good, collection: 'x'.repeat(101) }, 'collection'],
    ['an empty collection', { ...good, collection: '' }, 'collection'],
    ['an unknown field', { ...good, body: 'a' }, 'body'],
    ['a list', [good], 'text'],
  ])('%s is a 400 that names the field', async (_name, body, field) => {
    const problem = expectProblem(await app.post('/documents?wait=true', body), 400, 'INVALID_REQUEST');
    expect(problem.errors?.map((error) => error.field)).toContain(field);
  });

  it('a blank text or title is refused', async () => {
    const text = await app.post('/documents?wait=true', { title: 'Blank', text: ' \n \t' });
    expect([400, 422]).toContain(text.status);
    const title = await app.post('/documents?wait=true', {
      title: ' \t ',
      text: 'A text under a blank title.',
    });
    expectProblem(title, 400, 'INVALID_REQUEST');
  });

  it.each(['maybe', '', '1', 'TRUE', 'true&wait=false'])('wait=%s is a 400', async (wait) => {
    const problem = expectProblem(await app.post(`/documents?wait=${wait}`, good), 400, 'INVALID_REQUEST');
    expect(problem.errors?.[0]?.field).toBe('wait');
  });

  it('malformed JSON is a 400 that does not repeat it', async () => {
    const problem = expectProblem(
      await app.post('/documents', '{"title": "secret", '),
      400,
      'INVALID_REQUEST',
    );
    expect(problem.detail).not.toContain('secret');
  });

  it.each(['application/x-www-form-urlencoded', 'text/plain', 'application/xml'])(
    '%s is a 415',
    async (type) => {
      const init = { headers: { 'content-type': type } };
      expectProblem(await app.post('/documents', 'title=a&text=b', init), 415, 'UNSUPPORTED_MEDIA_TYPE');
    },
  );
});

describe('characters that PostgreSQL cannot hold', () => {
  it.each<[string, Record<string, unknown>]>([
    ['NUL in the title', { title: 'a\0b' }],
    ['only NUL in the title', { title: '\0' }],
    ['NUL in the text', { text: 'before\0after, and more words' }],
    ['only NUL in the text', { text: '\0\0' }],
    ['NUL in metadata', { metadata: { a: 'x\0y', 'k\0': ['\0', { '\0': '\0' }] } }],
    ['NUL in external_id', { external_id: 'a\0b' }],
    ['only NUL in external_id', { external_id: '\0' }],
    ['NUL in the url', { url: 'https://example.com/\0' }],
    ['NUL in the collection', { collection: 'a\0b' }],
    ['a lone surrogate in the title', { title: 'a\uD800b' }],
    ['a lone surrogate in the text', { text: 'before \uDC00 after, and more words' }],
    ['a lone surrogate in metadata', { metadata: { a: '\uD800', '\uDFFF': 1, list: ['\uDC00\uD800'] } }],
    ['a lone surrogate in external_id', { external_id: 'a\uD800' }],
    ['a lone surrogate in the url', { url: 'https://example.com/\uD800' }],
    ['a huge number in metadata', { metadata: { n: 1e308, tiny: 5e-324 } }],
    [
      'a prototype in metadata',
      { metadata: JSON.parse('{"__proto__": {"admin": true}, "constructor": 1}') as unknown },
    ],
    ['a deep metadata', { metadata: { a: JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) as unknown } }],
  ])('%s: stored or refused, but never a server error', async (name, fields) => {
    const body = { title: name, text: `Text of the case: ${name}.`, collection: 'characters', ...fields };
    const reply = await app.post<AcceptedDocumentsDto>('/documents?wait=true', body);
    expect([201, 400, 422], JSON.stringify(reply.body)).toContain(reply.status);
    if (reply.status !== 201) return;
    const document: DocumentDto = await app.document(reply.body.documents[0]!.id);
    expect(document.status).toBe('ready');
    expect(document.title.isWellFormed()).toBe(true);
    const content = await app.content(document.id);
    expect(content).not.toContain('\0');
    await verifyOffsets(await app.search(content.slice(0, 200), { collections: ['characters'] }));
  });

  it('file names and multipart fields too', async () => {
    const cases: Record<string, string>[] = [
      { title: 'a\0b' },
      { external_id: 'a\0b' },
      { metadata: '{"a": "\\u0000\\ud800"}' },
    ];
    for (const fields of cases) {
      const text = `Text with ${JSON.stringify(fields)}.`;
      const reply = await upload([{ name: 'na\u0001me.txt', content: text }], fields);
      expect([201, 400], JSON.stringify(reply.body)).toContain(reply.status);
    }
  });

  it('in the query of a list', async () => {
    for (const query of ['collection=a%00b', 'collection=%ED%A0%80', 'status=%00', 'cursor=%00', 'wait=%00'])
      expect((await app.get(`/documents?${query}`)).status).toBeLessThan(500);
  });
});
