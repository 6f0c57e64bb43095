// Real: the built command and the built service, each a process of its own, HTTP, the database and the file system. Where
// a test says so, the service is a stand-in.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DocumentDto, DocumentListDto } from '../src/documents/dto/document.dto.js';
import { type ApiClient, createStorage, embeddedStorage, poll, type Storage } from './support/app.js';
import { type ServiceProcess, spawnService } from './support/service-process.js';

const COMMAND = fileURLToPath(new URL('../dist/cli/ingest.js', import.meta.url));
const LONG = 240_000;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'footnote-cli-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

/** The command, running. */
class Command {
  out = '';
  err = '';
  readonly exit: Promise<number | string>;

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.err += text));
    this.exit = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  }

  /** @param env all that it sees of the environment; as npm does, it runs elsewhere and is told of the folder */
  static start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
    return new Command(
      spawn(process.execPath, [COMMAND, ...args], {
        cwd: tmpdir(),
        env: { PATH: process.env['PATH'] ?? '', PORT: '0', INIT_CWD: root, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  /** Waits until it has written something. */
  async says(text: string, ms = 120_000): Promise<void> {
    await poll(
      `the command says ${JSON.stringify(text)}`,
      () => (this.out + this.err).includes(text),
      ms,
    ).catch((error: Error) => {
      throw new Error(`${error.message}; it said: ${this.out}${this.err}`);
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null) this.child.kill('SIGKILL');
    await this.exit;
  }
}

/** Runs the command to its end. @returns its exit code and counts, and all that it wrote */
async function ingest(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | string; ready: number; unchanged: number; failed: number; text: string }> {
  await using command = Command.start(args, env);
  const code = await command.exit;
  const count = (name: string): number => Number(new RegExp(`^${name} +(\\d+)$`, 'm').exec(command.out)?.[1]);
  return {
    code,
    ready: count('ready'),
    unchanged: count('unchanged'),
    failed: count('failed'),
    text: command.err + command.out,
  };
}

async function documentsOf(client: ApiClient, collection: string): Promise<DocumentDto[]> {
  const { body } = await client.get<DocumentListDto>(`/documents?collection=${collection}&limit=200`);
  return body.documents.toSorted((a, b) => (a.external_id! < b.external_id! ? -1 : 1));
}

const HANDBOOK = {
  'handbook/about.txt': 'The handbook is kept by the office.',
  'handbook/keys/lost.md': '# Lost keys\n\nA lost key is revoked at once by the security team.',
  'handbook/keys/deep/rotation.html': '<h1>Rotation</h1><p>Keys are rotated every 90 days.</p>',
  'handbook/.git/config.md': 'hidden',
  'handbook/node_modules/package/readme.md': 'installed',
  'handbook/photo.raw': 'no document',
};
const IDS = ['handbook/about.txt', 'handbook/keys/deep/rotation.html', 'handbook/keys/lost.md'];

describe('with a running service', () => {
  let storage: Storage;
  let service: ServiceProcess;
  let client: ApiClient;
  beforeAll(async () => {
    storage = await createStorage();
    service = spawnService(storage.env);
    client = await service.ready();
  }, LONG);
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await storage.remove();
  });

  it(
    'brings a folder in, skips what is unchanged, and replaces what has changed',
    async () => {
      await write(HANDBOOK);
      const args = ['handbook', '--url', client.url, '--collection', 'folder'];
      expect(await ingest(args)).toMatchObject({ code: 0, ready: 3, unchanged: 0, failed: 0 });
      const before = await documentsOf(client, 'folder');
      expect(before.map(({ external_id, status }) => [external_id, status])).toEqual(
        IDS.map((id) => [id, 'ready']),
      );
      expect(await client.content(before[2]!.id)).toBe(HANDBOOK['handbook/keys/lost.md']);

      await write({ 'handbook/keys/lost.md': '# Lost keys\n\nThe front desk revokes them.' });
      // from another folder, the same names
      const again = await ingest(['.', ...args.slice(1)], { INIT_CWD: join(root, 'handbook') });
      expect(again).toMatchObject({ code: 0, ready: 1, unchanged: 2, failed: 0 });
      const after = await documentsOf(client, 'folder');
      expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
      expect(await client.content(after[2]!.id)).toContain('The front desk revokes them.');
      expect(after[0]!.updated_at).toBe(before[0]!.updated_at);
    },
    LONG,
  );

  it(
    'finds the service where the environment says that it listens; takes globs and files',
    async () => {
      await write({ ...HANDBOOK, 'notes.txt': 'Notes of today.' });
      const { port } = new URL(client.url);
      const args = ['handbook/**/*.md', 'notes.txt', 'handbook/keys/lost.md', '--collection', 'globs'];
      const found = await ingest(args, {
        PORT: port,
        HOST: '0.0.0.0',
        ADMIN_API_KEY: 'unused-but-long-enough',
      });
      expect(found).toMatchObject({ code: 0, ready: 2, failed: 0 });
      expect(found.text).toContain(`at ${client.url}`);
      const documents = await documentsOf(client, 'globs');
      expect(documents.map(({ external_id }) => external_id)).toEqual(['handbook/keys/lost.md', 'notes.txt']);
    },
    LONG,
  );

  it(
    'tells what failed and why, and tries that again',
    async () => {
      await write({
        'mixed/good.md': 'This one is fine.',
        'mixed/empty.md': '',
        'junk.bin': Uint8Array.from({ length: 3000 }, (_, index) => (index * 31) % 256),
      });
      const args = ['mixed', 'junk.bin', '--url', client.url, '--collection', 'failing'];
      const first = await ingest(args);
      expect(first).toMatchObject({ code: 1, ready: 1, failed: 2 });
      expect(first.text).toMatch(/^mixed\/empty\.md: There is no text in it\.$/m);
      expect(first.text).toMatch(/^junk\.bin: .*cannot be read/m);
      expect(await ingest(args)).toMatchObject({ code: 1, ready: 0, unchanged: 1, failed: 2 });
      await write({ 'mixed/empty.md': 'No longer.' });
      expect(await ingest(args)).toMatchObject({ code: 1, ready: 1, unchanged: 1, failed: 1 });
      const documents = await documentsOf(client, 'failing');
      expect(documents.map(({ status }) => status)).toEqual(['ready', 'ready']);
    },
    LONG,
  );

  it(
    'refuses a collection that cannot be, before it sends much',
    async () => {
      await write({ 'a.md': 'Alpha.' });
      const refused = await ingest(['a.md', '--url', client.url, '--collection', 'my docs']);
      expect(refused.code).toBe(2);
      expect(refused.text).toMatch(/^collection takes up to 100 letters/m);
    },
    LONG,
  );

  it(
    'watches on, until SIGINT',
    async () => {
      await write({ 'wiki/old.md': 'Old page.' });
      await using command = Command.start([
        'wiki',
        '--url',
        client.url,
        '--collection',
        'watched',
        '--watch',
      ]);
      await command.says('Watching for changes');
      expect(command.out).toMatch(/^ready +1$/m);

      await write({ 'wiki/new/page.md': 'A new page.', 'wiki/new/.page.md.swp': 'x', 'wiki/empty.md': '' });
      await command.says('ready       wiki/new/page.md\n');
      await command.says('failed      wiki/empty.md: There is no text in it.\n');
      await write({ 'wiki/old.md': 'An old page, edited.' });
      await command.says('ready       wiki/old.md\n');
      await write({ 'wiki/new/page.md': 'A new page.' });
      await command.says('unchanged   wiki/new/page.md\n');
      await rm(join(root, 'wiki/new/page.md'));

      command.kill('SIGINT');
      expect(await command.exit, command.err).toBe(0);
      const documents = await documentsOf(client, 'watched');
      expect(documents.map(({ external_id, status }) => [external_id, status])).toEqual([
        ['wiki/empty.md', 'failed'],
        ['wiki/new/page.md', 'ready'],
        ['wiki/old.md', 'ready'],
      ]);
      expect(await client.content(documents[2]!.id)).toBe('An old page, edited.');
    },
    LONG,
  );
});

describe('without a running service', () => {
  it(
    'opens the configured database, and leaves it ready for the service',
    async () => {
      const storage = await createStorage();
      try {
        await write(HANDBOOK);
        const first = await ingest(['handbook'], storage.env);
        expect(first, first.text).toMatchObject({ code: 0, ready: 3, failed: 0 });
        await using service = spawnService(storage.env);
        const client = await service.ready();
        expect((await documentsOf(client, 'default')).map(({ external_id }) => external_id)).toEqual(IDS);
        expect((await client.ask('Who revokes a lost key?')).citations).toHaveLength(1);
        expect(await ingest(['handbook', '--url', client.url])).toMatchObject({
          code: 0,
          ready: 0,
          unchanged: 3,
        });
      } finally {
        await storage.remove();
      }
    },
    LONG,
  );

  it(
    'says that a service has the database open whose address it does not know',
    async () => {
      const storage = await embeddedStorage();
      // what answers at the configured port is healthy, but not Footnote
      const stranger = await fakeService((_request, response) => response.end('{"status":"ok"}'));
      try {
        await write(HANDBOOK);
        await using service = spawnService(storage.env);
        await service.ready();
        const refused = await ingest(['handbook'], { ...storage.env, PORT: new URL(stranger.url).port });
        expect(refused.code).toBe(2);
        expect(refused.text).toContain(`does not answer at ${stranger.url}: name that service with --url`);
      } finally {
        await stranger.stop();
        await storage.remove();
      }
    },
    LONG,
  );
});

describe('the key', () => {
  it(
    'is the one that is named, else ADMIN_API_KEY; a wrong one ends with 2',
    async () => {
      const storage = await createStorage();
      const key = 'a-key-of-more-than-16-characters';
      try {
        await write({ 'a.md': 'Alpha.', 'b.md': 'Beta.' });
        await using service = spawnService({ ...storage.env, ADMIN_API_KEY: key });
        const { url } = await service.ready();
        const refused = await ingest(['a.md', '--url', url, '--api-key', 'wrong'], { ADMIN_API_KEY: key });
        expect(refused.code).toBe(2);
        expect(refused.text).toContain('refuses the key');
        expect(await ingest(['a.md', '--url', url])).toMatchObject({ code: 2 });
        expect(await ingest(['a.md', '--url', url, '--api-key', key])).toMatchObject({ code: 0, ready: 1 });
        expect(await ingest(['a.md', 'b.md', '--url', url], { ADMIN_API_KEY: key })).toMatchObject({
          code: 0,
          ready: 1,
          unchanged: 1,
        });
      } finally {
        await storage.remove();
      }
    },
    LONG,
  );
});

describe('with a stand-in for the service', () => {
  it(
    'waits as long as Retry-After says',
    async () => {
      const sentAt: number[] = [];
      const service = await fakeService((request, response) => {
        if (request.method !== 'POST') return answer(response, 200, document('1', 'ready'));
        sentAt.push(performance.now());
        if (sentAt.length > 1) return answer(response, 202, { documents: [document('1', 'queued')] });
        response.setHeader('retry-after', '3');
        return answer(response, 503, { detail: 'Too much waits already.' });
      });
      try {
        await write({ 'a.md': 'Alpha.' });
        expect(await ingest(['a.md', '--url', service.url])).toMatchObject({ code: 0, ready: 1 });
        expect(sentAt).toHaveLength(2);
        expect(sentAt[1]! - sentAt[0]!).toBeGreaterThanOrEqual(2_990);
      } finally {
        await service.stop();
      }
    },
    LONG,
  );

  it(
    'is interrupted by SIGINT with 130, and says that running it again resumes',
    async () => {
      const service = await fakeService((request, response) =>
        request.method === 'POST'
          ? answer(response, 202, { documents: [document('1', 'queued')] })
          : answer(response, 200, document('1', 'processing')),
      );
      try {
        await write({ 'a.md': 'Alpha.' });
        await using command = Command.start(['a.md', '--url', service.url]);
        await command.says('0 of 1 files, 1 being made searchable');
        command.kill('SIGINT');
        expect(await command.exit, command.err).toBe(130);
        expect(command.err).toContain('run the command again');
        expect(command.out).toMatch(/^unfinished +1$/m);
      } finally {
        await service.stop();
      }
    },
    LONG,
  );
});

describe('wrong usage', () => {
  it.each<[string[], string]>([
    [[], 'usage: npm run ingest'],
    [['.', '--colour'], 'usage: npm run ingest'],
    [['nowhere'], 'There is no "nowhere"'],
    [['.'], 'Nothing that can be read was found'],
    [['*.md'], 'Nothing that can be read was found'],
  ])(
    '%j ends with 2',
    async (args, message) => {
      const { code, text } = await ingest(args);
      expect(code).toBe(2);
      expect(text).toContain(message);
    },
    LONG,
  );

  it(
    'a service that cannot be reached ends with 2',
    async () => {
      await write({ 'a.md': 'Alpha.' });
      const gone = await fakeService(() => undefined);
      await gone.stop();
      const { code, text } = await ingest(['a.md', '--url', gone.url]);
      expect(code).toBe(2);
      expect(text).toContain(`The service at ${gone.url} cannot be reached`);
    },
    LONG,
  );

  it(
    'help is no error',
    async () => {
      const { code, text } = await ingest(['--help']);
      expect(code).toBe(0);
      expect(text).toContain('usage: npm run ingest');
    },
    LONG,
  );
});

/** A server that is healthy, has no documents yet, and answers everything else as a test wants. */
async function fakeService(listener: RequestListener): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url === '/health/live') return answer(response, 200, { status: 'ok' });
    if (request.url?.startsWith('/documents?') === true)
      return answer(response, 200, { documents: [], next_cursor: null });
    request.on('end', () => listener(request, response)).resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function answer(response: Parameters<RequestListener>[1], status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function document(id: string, status: string): object {
  return { id, status, title: 't', collection: 'c', content_sha256: 'x', error: null };
}
