// Real: HTTP over loopback, and files. The service is a stand-in that answers what a test tells it to.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FileRefusedError, StopError } from '../errors.js';
import { ServiceClient } from './service-client.js';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;
interface Seen {
  line: string;
  at: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

let folder: string;
let server: Server;
let seen: Seen[];
let answers: Answer[];
const signal = AbortSignal.timeout(120_000);

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const accepted = json(202, { documents: [{ id: 'd1', title: 't', collection: 'c', status: 'queued' }] });
const hangUp: Answer = (response) => response.socket?.destroy();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footnote-client-'));
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const line = `${request.method} ${request.url}`;
      seen.push({ line, at: performance.now(), headers: request.headers, body: Buffer.concat(chunks) });
      (answers.shift() ?? json(500, { detail: 'no answer was told' }))(response, request);
    });
  }).listen(0, '127.0.0.1');
});
beforeEach(() => {
  seen = [];
  answers = [];
});
afterEach(() => expect(answers).toEqual([]));
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

function client(apiKey?: string): ServiceClient {
  return new ServiceClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, apiKey, 20);
}

async function send(content: string | Buffer, id = 'docs/ä "b".md', apiKey?: string): Promise<string> {
  const path = join(folder, 'ü.md');
  await writeFile(path, content);
  return client(apiKey).send({ path, id }, 'c', signal);
}

describe('sending a file', () => {
  it('sends its bytes, id, collection and key', async () => {
    answers = [accepted];
    const content = randomBytes(300_000);
    expect(await send(content, undefined, 'secret')).toBe('d1');
    const [{ line, headers, body }] = seen as [Seen];
    expect(line).toBe('POST /documents');
    expect(headers.authorization).toBe('Bearer secret');
    const form = await new Response(new Uint8Array(body), {
      headers: { 'content-type': headers['content-type']! },
    }).formData();
    expect([...form.keys()]).toEqual(['collection', 'external_id', 'file']);
    expect(form.get('external_id')).toBe('docs/ä "b".md');
    expect(form.get('collection')).toBe('c');
    const file = form.get('file') as File;
    expect(file.name).toBe('ü.md');
    expect(Buffer.from(await file.arrayBuffer()).equals(content)).toBe(true);
  });

  it.each([429, 503])('waits as long as a %i asks, and sends it again', async (status) => {
    answers = [json(status, { detail: 'later' }, { 'retry-after': '2' }), accepted];
    await send('text');
    expect(seen).toHaveLength(2);
    expect(seen[1]!.at - seen[0]!.at).toBeGreaterThanOrEqual(1_990);
    expect(seen[1]!.body.toString()).toContain('text');
  });

  it('keeps all senders waiting', async () => {
    answers = [json(429, {}, { 'retry-after': '5' }), accepted, accepted];
    const path = join(folder, 'a.md');
    await writeFile(path, 'a');
    const service = client();
    const first = service.send({ path, id: 'a' }, 'c', signal);
    await expect.poll(() => service.pauseMs, { timeout: 30_000 }).toBeGreaterThan(0);
    await Promise.all([first, service.send({ path, id: 'b' }, 'c', signal)]);
    expect(seen[1]!.at - seen[0]!.at).toBeGreaterThanOrEqual(4_990);
    expect(service.pauseMs).toBe(0);
  });

  it('tries again when the connection is lost, or a proxy finds no service', async () => {
    answers = [hangUp, json(502, {}), accepted];
    expect(await send('text')).toBe('d1');
  });

  it('gives the file up when only that cannot be sent', async () => {
    answers = [hangUp, hangUp, hangUp, hangUp, hangUp, json(200, { status: 'ok' })];
    await expect(send('text')).rejects.toThrow(FileRefusedError);
    expect(seen.at(-1)!.line).toBe('GET /health/live');
  });

  it('gives everything up when the service is gone', async () => {
    answers = Array.from({ length: 10 }, () => hangUp);
    await expect(send('text')).rejects.toThrow(StopError);
  });

  it.each([400, 413, 415, 422, 500])('tells why a file is refused with %i', async (status) => {
    answers = [json(status, { detail: 'Too many words.' })];
    const sent = send('text');
    await expect(sent).rejects.toThrow(FileRefusedError);
    await expect(sent).rejects.toThrow('Too many words.');
  });

  it.each([
    json(409, { detail: 'Another model.' }),
    json(400, { detail: 'Another name.', errors: [{ field: 'collection', message: 'Another name.' }] }),
  ])('ends at a collection that is refused', async (answer) => {
    answers = [answer];
    const sent = send('text');
    await expect(sent).rejects.toThrow(StopError);
    await expect(sent).rejects.toThrow(/Another/);
  });

  it('says at once that a file cannot be opened', async () => {
    const file = { path: join(folder, 'nowhere.md'), id: 'x' };
    await expect(client().send(file, 'c', signal)).rejects.not.toThrow(StopError);
    expect(seen).toEqual([]);
  });

  it('ends at a refused key, and says what to do', async () => {
    answers = [json(401, { detail: 'Bad.' }), json(403, { detail: 'Bad.' })];
    await expect(send('text', 'x', 'secret')).rejects.toThrow(
      /refuses the key: Bad\. Name one with --api-key/,
    );
    await expect(send('text')).rejects.toThrow(/needs a key/);
  });
});

describe('looking', () => {
  it('reads all pages of a collection', async () => {
    answers = [
      json(200, { documents: [{ id: '1' }, { id: '2' }], next_cursor: 'abc' }),
      json(200, { documents: [{ id: '3' }], next_cursor: null }),
    ];
    const ids: string[] = [];
    for await (const { id } of client().documents('my-docs', signal)) ids.push(id);
    expect(ids).toEqual(['1', '2', '3']);
    expect(seen.map(({ line }) => line)).toEqual([
      'GET /documents?collection=my-docs&limit=200',
      'GET /documents?collection=my-docs&limit=200&cursor=abc',
    ]);
  });

  it('finds a document, or none', async () => {
    answers = [json(200, { id: '1', status: 'ready' }), json(404, {})];
    expect(await client().document('1', signal)).toMatchObject({ status: 'ready' });
    expect(await client().document('1', signal)).toBeUndefined();
  });

  it.each<[string, Answer]>([
    ['a page', (response) => response.end('<html>')],
    ['another service', json(200, { items: [] })],
  ])('does not take %s for Footnote', async (_name, answer) => {
    answers = [answer];
    await expect(client().documents('c', signal).next()).rejects.toThrow(/is not Footnote/);
  });

  it('ends at a failure of the service', async () => {
    answers = [json(500, { detail: 'Broken.' })];
    await expect(client().document('1', signal)).rejects.toThrow(/Broken\./);
  });
});
