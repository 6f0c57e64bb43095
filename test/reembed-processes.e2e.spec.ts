// Real: HTTP, database, job queue, search, ledger, the built service and command as processes. The provider of the
// embeddings that cost is a stand-in that speaks its wire protocol.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createStorage, onServer, startApp } from './support/app.js';
import { answer, FakeProvider, hangBeforeHeaders, status } from './support/fake-providers/index.js';
import {
  addLong,
  answerFirst,
  BATCH,
  begin,
  CHUNKS,
  embeddedPassages,
  environment,
  PATIENCE_MS,
  reembeddingOf,
  semantic,
  SMALL,
  switched,
} from './support/reembedding.js';
import { spawnService } from './support/service-process.js';

let provider: FakeProvider;
beforeAll(async () => {
  provider = await FakeProvider.start();
});
afterEach(() => provider.reset());
afterAll(() => provider.stop());

it(
  'goes on after kill -9, from where it was',
  async () => {
    const storage = await createStorage();
    try {
      const env = { ...environment(provider), ...storage.env };
      answerFirst(provider);
      {
        await using first = spawnService(env);
        const client = await first.ready();
        await addLong(client, 'guide');
        await begin(client, 'guide', SMALL);
        await reembeddingOf(client, 'guide', ({ chunks_done }) => chunks_done > 0);
        first.kill('SIGKILL');
        expect(await first.exit()).toBe('SIGKILL');
      }
      const earlier = embeddedPassages(provider).length;
      expect(earlier).toBeGreaterThanOrEqual(BATCH);
      expect(earlier).toBeLessThan(CHUNKS);
      provider.reset();
      await using second = spawnService(env);
      const client = await second.ready();
      // on a server, a dead worker's job comes back once its heartbeat has been missed
      await switched(client, 'guide', SMALL);
      // only what was under way is paid for again
      expect(embeddedPassages(provider).length).toBeLessThanOrEqual(CHUNKS - BATCH);
      expect((await semantic(client, 'guide', 'topic250'))[0]!.content).toContain('Topic250 ');
    } finally {
      await storage.remove();
    }
  },
  2 * PATIENCE_MS,
);

it.skipIf(!onServer)(
  'is shared by replicas, and done by one of them',
  async () => {
    const storage = await createStorage();
    const replicas = await Promise.all([
      startApp(environment(provider), storage),
      startApp(environment(provider), storage),
    ]);
    const [one, other] = replicas;
    try {
      const names = ['a', 'b', 'c'];
      for (const name of names) await addLong(one, name, 200);
      provider.default(answer('', { headersDelayMs: 300 }));
      for (const name of names) await begin(one, name, SMALL);
      // whoever asks again, or stops and goes on elsewhere, does not make two of one
      for (const name of names) {
        await begin(other, name, SMALL);
        expect((await other.delete(`/collections/${name}/embedding`)).status).toBe(204);
        await begin(other, name, SMALL);
      }
      for (const name of names) await switched(other, name, SMALL);
      expect(embeddedPassages(provider)).toHaveLength(3 * 200);
    } finally {
      await Promise.all(replicas.map((replica) => replica.stop()));
      await storage.remove();
    }
  },
  2 * PATIENCE_MS,
);

describe('npm run reembed', () => {
  const COMMAND = fileURLToPath(new URL('../dist/cli/reembed.js', import.meta.url));

  /** Two batches. */
  const passages = 140;

  /** Where nothing listens. */
  async function unusedPort(): Promise<string> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return String(port);
  }

  interface Run {
    code: number | null;
    out: string;
    err: string;
  }

  function spawnCommand(args: string[], env: Record<string, string> = {}) {
    const child = spawn(process.execPath, [COMMAND, ...args], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended: Promise<Run> = Promise.all([
      once(child, 'close'),
      textOf(child.stdout),
      textOf(child.stderr),
    ]).then(([[code], out, err]) => ({ code: code as number | null, out, err }));
    return { child, ended };
  }

  const run = (args: string[], env?: Record<string, string>): Promise<Run> => spawnCommand(args, env).ended;

  it(
    'talks to a running service, shows how far it is, and is told when it fails',
    async () => {
      const key = 'the-admin-key-of-this-test-0123456789';
      const app = await startApp(
        environment(provider, { ADMIN_API_KEY: key, LLM_FIRST_TOKEN_TIMEOUT_MS: '2000' }),
      );
      try {
        const client = app.with({ authorization: `Bearer ${key}` });
        await addLong(client, 'guide', passages);
        const service = ['--url', app.url];
        const env = { ADMIN_API_KEY: key };
        expect(await run(['guide', '--model', SMALL, ...service])).toMatchObject({ code: 2 });
        provider.default(status(400));
        const failed = await run(['guide', '--model', SMALL, ...service], env);
        expect(failed, failed.err).toMatchObject({ code: 1 });
        expect(failed.out).toMatch(
          /^It has failed: .*invalid_request.* 0 of 140 passages are embedded, and kept\.\n$/,
        );

        provider.default(hangBeforeHeaders());
        const interrupted = spawnCommand(['guide', '--model', SMALL, ...service], env);
        await reembeddingOf(client, 'guide', ({ state }) => state === 'building');
        interrupted.child.kill('SIGINT');
        expect(await interrupted.ended).toMatchObject({
          code: 130,
          out: 'The service goes on by itself; run it again to see how far it is.\n',
        });
        const stopped = await run(['guide', '--stop', ...service], env);
        expect(stopped, stopped.err).toMatchObject({
          code: 0,
          out: 'It is stopped; what has been embedded is kept.\n',
        });

        provider.reset();
        const done = await run(['guide', '--model', SMALL, ...service], env);
        expect(done, done.err).toMatchObject({
          code: 0,
          out: `It is embedded with ${SMALL} now: ${passages} passages.\n`,
        });
        expect(await run(['guide', '--model', SMALL, ...service], env)).toMatchObject({
          code: 0,
          out: `It is embedded with ${SMALL} already.\n`,
        });
        const unknown = await run(['nowhere', '--model', SMALL, ...service], env);
        expect(unknown).toMatchObject({ code: 2, err: 'There is no collection "nowhere".\n' });
      } finally {
        await app.stop();
      }
    },
    2 * PATIENCE_MS,
  );

  it(
    'runs the service itself where none runs, and goes on when it is run again',
    async () => {
      const storage = await createStorage();
      try {
        const app = await startApp(environment(provider), storage);
        await addLong(app, 'guide', passages);
        await app.stop();
        const env = { ...environment(provider), ...storage.env, PORT: await unusedPort() };
        provider.default(answer('', { headersDelayMs: 1500 }));
        const first = spawnCommand(['guide', '--model', SMALL], env);
        await provider.until(({ requests }) => requests.length === 2, PATIENCE_MS);
        first.child.kill('SIGINT');
        const interrupted = await first.ended;
        expect(interrupted, interrupted.err).toMatchObject({ code: 130, out: 'Run it again to go on.\n' });
        provider.default(answer(''));
        const second = await run(['guide', '--model', SMALL], env);
        expect(second, second.err).toMatchObject({ code: 0 });
        // the batch that was under way was waited for
        expect(embeddedPassages(provider)).toHaveLength(passages);
      } finally {
        await storage.remove();
      }
    },
    2 * PATIENCE_MS,
  );

  it(
    'says what is wrong with a command',
    async () => {
      for (const [args, message] of [
        [[], /Name one collection/],
        [['a', 'b', '--stop'], /Name one collection/],
        [['a'], /either --model or --stop/],
        [['a', '--model', 'x/y', '--stop'], /either --model or --stop/],
        [['a', '--modle', 'x'], /--modle/],
        [['a', '--stop', '--url', 'nonsense'], /--url takes/],
      ] as const) {
        const { code, err } = await run([...args]);
        expect(code).toBe(2);
        expect(err).toMatch(message);
        expect(err).toContain('usage: npm run reembed');
      }
      const { code, err } = await run(['a', '--stop', '--url', `http://127.0.0.1:${await unusedPort()}`]);
      expect(code).toBe(2);
      expect(err).toMatch(/ECONNREFUSED/);
    },
    PATIENCE_MS,
  );
});
