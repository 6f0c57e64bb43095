// Real: the built service as a process of its own, on an embedded database of its own. Nothing is faked.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { embeddedStorage, poll, type Storage } from './support/app.js';
import { spawnService } from './support/service-process.js';

const DOCUMENT = { title: 'Keys', text: 'API keys are rotated every 90 days.' };
const QUESTION = 'How often are API keys rotated?';

describe('the start', () => {
  let own: Storage;
  beforeEach(async () => {
    own = await embeddedStorage({ fresh: true });
  });
  afterEach(() => own.remove());

  it('of a second process on one data folder fails with a clear message, and does no harm', async () => {
    await using first = spawnService(own.env);
    const client = await first.ready();
    await client.addDocument(DOCUMENT);
    await using second = spawnService(own.env);
    expect(await second.exit()).toBe(1);
    expect(second.log).toContain(own.env['DATA_DIR']);
    expect(second.log).toMatch(/in use by another Footnote process/);
    expect(second.log).not.toMatch(/\bat .+:\d+:\d+/);
    expect((await client.ask(QUESTION)).citations).toHaveLength(1);
  }, 60_000);

  it('on a folder whose first start was cut off begins anew, and keeps what was there', async () => {
    await using service = spawnService(own.env);
    await poll('the first start is under way', () => existsSync(join(own.env['DATA_DIR']!, 'postgres')));
    service.kill('SIGKILL');
    await service.exit();
    await using second = spawnService(own.env);
    await (await second.ready()).addDocument(DOCUMENT);
  }, 60_000);

  it.each<[string, Record<string, string>]>([
    ['PORT', { PORT: 'http' }],
    ['DATABASE_URL', { DATABASE_URL: 'mysql://user:hunter2@localhost/x' }],
  ])('with a bad %s exits 1 and names it', async (name, env) => {
    await using service = spawnService({ ...own.env, ...env });
    expect(await service.exit()).toBe(1);
    expect(service.log).toContain(name);
    expect(service.log).not.toMatch(/hunter2|\bat .+:\d+:\d+/);
  });

  it('names every bad variable at once', async () => {
    await using service = spawnService({
      ...own.env,
      PORT: '-1',
      RATE_LIMIT_RPM: 'many',
      SHUTDOWN_GRACE_MS: '1.5',
    });
    expect(await service.exit()).toBe(1);
    for (const name of ['PORT', 'RATE_LIMIT_RPM', 'SHUTDOWN_GRACE_MS']) expect(service.log).toContain(name);
  });

  it('with a server that is not there exits 1', async () => {
    await using service = spawnService({ DATABASE_URL: 'postgresql://user:hunter2@127.0.0.1:1/none' });
    expect(await service.exit()).toBe(1);
    expect(service.log).toMatch(/ECONNREFUSED|cannot be reached/);
    expect(service.log).not.toContain('hunter2');
  });

  it('on a port that is taken exits 1', async () => {
    await using taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    await using service = spawnService({ ...own.env, PORT: String(port) });
    expect(await service.exit()).toBe(1);
    expect(service.log).toContain('EADDRINUSE');
  }, 60_000);

  it('reads .env in the working folder, and the environment comes first', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'footnote-env-'));
    try {
      const lines = [
        'LLM_MODELS=openai/from-the-file,extractive',
        'OPENAI_BASE_URL="http://127.0.0.1:9/v1"',
        'RATE_LIMIT_RPM=bad',
      ];
      await writeFile(join(folder, '.env'), lines.join('\n'));
      await using service = spawnService(own.env, folder);
      await service.ready();
      expect(service.log).toContain('"models":["openai/from-the-file","extractive"]');
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 60_000);

  it('makes its data folder for its owner alone', async () => {
    const folder = join(own.env['DATA_DIR']!, 'new', 'folder');
    await using service = spawnService({ DATA_DIR: folder });
    await service.ready();
    expect((await stat(folder)).mode & 0o077).toBe(0);
  }, 60_000);
});
