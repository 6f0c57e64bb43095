import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { ErrorReply } from '@redis/client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppConfig, ConfigError } from '../config/index.js';
import { RedisConnection } from './redis-connection.js';
import { RedisUnavailableError } from './redis-unavailable.error.js';

// Real: the client and its sockets. Fake: the server, which speaks just enough of the protocol to fail at will.

const { TEST_REDIS_URL } = process.env;
const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  vi.restoreAllMocks();
});

/** A server that answers PING, and GET with its key, until it is told to be silent. */
class FakeRedis {
  isSilent = false;
  connections = 0;
  readonly sockets = new Set<Socket>();
  private unanswered: (() => void)[] = [];
  private readonly server: Server = createServer((socket) => this.serve(socket));

  async listen(port = 0): Promise<number> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.drop();
    await closed;
  }

  drop(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  speak(): void {
    this.isSilent = false;
    for (const answer of this.unanswered.splice(0)) answer();
  }

  private serve(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
    socket.on('data', (data) => {
      // commands are never split here: they are short, and the way is
      for (const [, command = ''] of data.toString().matchAll(/\*\d+\r\n((?:\$\d+\r\n.*\r\n)+)/g)) {
        const words = [...command.matchAll(/\$\d+\r\n(.*)\r\n/g)].map(([, word = '']) => word);
        const answer = () => socket.write(replyTo(words));
        if (this.isSilent) this.unanswered.push(answer);
        else answer();
      }
    });
  }
}

function replyTo([name, key = '']: string[]): string {
  if (name === 'HELLO') return '%1\r\n$5\r\nproto\r\n:3\r\n';
  if (name === 'PING') return '+PONG\r\n';
  if (name === 'GET') return `$${key.length}\r\n${key}\r\n`;
  if (name === 'CLIENT') return '+OK\r\n';
  return '-ERR not known\r\n';
}

async function fakeRedis(): Promise<{ redis: FakeRedis; port: number }> {
  const redis = new FakeRedis();
  const port = await redis.listen();
  cleanUps.push(() => redis.stop());
  return { redis, port };
}

async function freePort(): Promise<number> {
  const redis = new FakeRedis();
  const port = await redis.listen();
  await redis.stop();
  return port;
}

async function connect(url: string | undefined): Promise<RedisConnection> {
  const connection = new RedisConnection(new AppConfig({ REDIS_URL: url }));
  cleanUps.push(() => connection.onModuleDestroy());
  await connection.onModuleInit();
  return connection;
}

function watchLogs() {
  return {
    warn: vi.spyOn(Logger.prototype, 'warn').mockReturnValue(),
    log: vi.spyOn(Logger.prototype, 'log').mockReturnValue(),
  };
}

const get = (connection: RedisConnection, key: string) => connection.run((client) => client.get(key));
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('RedisConnection', () => {
  it('does nothing without REDIS_URL', async () => {
    const connection = await connect(undefined);
    expect([connection.isConfigured, connection.isUp]).toEqual([false, false]);
    await expect(get(connection, 'a')).rejects.toBeInstanceOf(RedisUnavailableError);
  });

  it('is up once the start is over, and runs commands', async () => {
    const { warn, log } = watchLogs();
    const { port } = await fakeRedis();
    const connection = await connect(`redis://127.0.0.1:${port}`);
    expect([connection.isConfigured, connection.isUp]).toEqual([true, true]);
    expect(await get(connection, 'a')).toBe('a');
    expect(warn).not.toHaveBeenCalled();
    expect(log).not.toHaveBeenCalled();
  });

  it.each(['redis://127.0.0.1/not-a-number', 'redis://:%zz@127.0.0.1', 'redis://:secret@127.0.0.1/x'])(
    'refuses %s at the start, without repeating it',
    async (url) => {
      const error = await failure(connect(url));
      expect(error).toBeInstanceOf(ConfigError);
      expect(`${String(error)} ${String((error as Error).cause)}`).not.toMatch(/secret|%zz|not-a/);
    },
  );

  it('starts when nothing listens, refuses work at once, tells of it once, and comes when Redis comes', async () => {
    const { warn, log } = watchLogs();
    const port = await freePort();
    const started = performance.now();
    const connection = await connect(`redis://:secret@127.0.0.1:${port}`);
    expect(performance.now() - started).toBeLessThan(900);
    expect([connection.isConfigured, connection.isUp]).toEqual([true, false]);
    const work = vi.fn();
    await expect(connection.run(work)).rejects.toBeInstanceOf(RedisUnavailableError);
    expect(work).not.toHaveBeenCalled();

    const redis = new FakeRedis();
    cleanUps.push(() => redis.stop());
    await redis.listen(port);
    await vi.waitFor(() => expect(connection.isUp).toBe(true), { timeout: 10_000 });
    expect(await get(connection, 'a')).toBe('a');
    expect(warn).toHaveBeenCalledTimes(1);
    expect(String(warn.mock.calls[0]?.[0])).toContain('ECONNREFUSED');
    expect(JSON.stringify(warn.mock.calls)).not.toContain('secret');
    expect(log).toHaveBeenCalledTimes(1);
  });

  it('does not wait long for a server that accepts and says nothing', async () => {
    const { redis, port } = await fakeRedis();
    redis.isSilent = true;
    const started = performance.now();
    const connection = await connect(`redis://127.0.0.1:${port}`);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(connection.isUp).toBe(false);
    redis.speak();
    await vi.waitFor(() => expect(connection.isUp).toBe(true));
  });

  it('gives a command that is not answered up, and refuses more until there is an answer', async () => {
    const { warn, log } = watchLogs();
    const { redis, port } = await fakeRedis();
    const connection = await connect(`redis://127.0.0.1:${port}`);
    redis.isSilent = true;
    const errors = await Promise.all([failure(get(connection, 'a')), failure(get(connection, 'b'))]);
    for (const error of errors) expect(error).toBeInstanceOf(RedisUnavailableError);
    expect(connection.isUp).toBe(false);
    const work = vi.fn();
    await expect(connection.run(work)).rejects.toThrow('not connected');
    expect(work).not.toHaveBeenCalled();

    redis.speak();
    await vi.waitFor(() => expect(connection.isUp).toBe(true));
    expect(await get(connection, 'd')).toBe('d');
    expect([redis.connections, warn.mock.calls.length, log.mock.calls.length]).toEqual([1, 1, 1]);
  });

  it('leaves a connection on which nothing moves for a new one', { timeout: 30_000 }, async () => {
    watchLogs();
    const { redis, port } = await fakeRedis();
    const connection = await connect(`redis://127.0.0.1:${port}`);
    redis.isSilent = true;
    await expect(get(connection, 'a')).rejects.toBeInstanceOf(RedisUnavailableError);
    await vi.waitFor(() => expect(redis.connections).toBe(2), { timeout: 10_000 });
    redis.isSilent = false;
    redis.drop();
    await vi.waitFor(() => expect(connection.isUp).toBe(true), { timeout: 10_000 });
    expect(await get(connection, 'b')).toBe('b');
  });

  it('fails what is under way when the connection is lost, and connects again', async () => {
    const { warn, log } = watchLogs();
    const { redis, port } = await fakeRedis();
    const connection = await connect(`redis://127.0.0.1:${port}`);
    redis.isSilent = true;
    const error = failure(get(connection, 'a'));
    setImmediate(() => redis.drop());
    expect(await error).toMatchObject({ message: 'the connection to Redis was lost' });
    expect(await error).toBeInstanceOf(RedisUnavailableError);
    expect(connection.isUp).toBe(false);
    redis.isSilent = false;
    await vi.waitFor(() => expect(connection.isUp).toBe(true), { timeout: 10_000 });
    expect([warn.mock.calls.length, log.mock.calls.length]).toEqual([1, 1]);
  });

  it('passes on what Redis refuses and what the work throws', async () => {
    const { port } = await fakeRedis();
    const connection = await connect(`redis://127.0.0.1:${port}`);
    await expect(connection.run((client) => client.dbSize())).rejects.toBeInstanceOf(ErrorReply);
    const bug = new TypeError('bug');
    await expect(connection.run(() => Promise.reject(bug))).rejects.toBe(bug);
    await expect(
      connection.run(() => {
        throw bug;
      }),
    ).rejects.toBe(bug);
    expect(connection.isUp).toBe(true);
  });

  it('closes in time although a command is not answered, and tells of no outage', async () => {
    const { warn } = watchLogs();
    const { redis, port } = await fakeRedis();
    const connection = await connect(`redis://127.0.0.1:${port}`);
    redis.isSilent = true;
    const error = failure(get(connection, 'a'));
    const started = performance.now();
    await connection.onModuleDestroy();
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(await error).toBeInstanceOf(RedisUnavailableError);
    await vi.waitFor(() => expect(redis.sockets.size).toBe(0));
    expect(warn).not.toHaveBeenCalled();
  });

  it('answers what is under way before it closes', async () => {
    const { port } = await fakeRedis();
    const connection = await connect(`redis://127.0.0.1:${port}`);
    const answer = get(connection, 'a');
    await connection.onModuleDestroy();
    expect(await answer).toBe('a');
  });

  it('leaves no connection behind that was being made when it closed', async () => {
    const { redis, port } = await fakeRedis();
    const connection = new RedisConnection(new AppConfig({ REDIS_URL: `redis://127.0.0.1:${port}` }));
    const started = connection.onModuleInit();
    await connection.onModuleDestroy();
    await started;
    await vi.waitFor(() => expect([redis.connections, redis.sockets.size]).toEqual([1, 0]));
    expect(connection.isUp).toBe(false);
  });

  it('stops trying when it closes', async () => {
    watchLogs();
    const port = await freePort();
    const connection = await connect(`redis://127.0.0.1:${port}`);
    await connection.onModuleDestroy();
    const redis = new FakeRedis();
    cleanUps.push(() => redis.stop());
    await redis.listen(port);
    // longer than the wait before the second attempt
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(redis.connections).toBe(0);
  });
});

describe.skipIf(TEST_REDIS_URL === undefined)('RedisConnection to a real Redis', () => {
  it('runs commands and Lua scripts', async () => {
    const connection = await connect(TEST_REDIS_URL);
    expect(connection.isUp).toBe(true);
    const key = `footnote:test:${randomUUID()}`;
    await connection.run((client) => client.set(key, 'é', { expiration: { type: 'PX', value: 60_000 } }));
    const script = "return redis.call('GET', KEYS[1]) .. ARGV[1]";
    expect(await connection.run((client) => client.eval(script, { keys: [key], arguments: ['!'] }))).toBe(
      'é!',
    );
    expect(await connection.run((client) => client.del(key))).toBe(1);
  });

  it('connects again when the server ends the connection', async () => {
    watchLogs();
    const connection = await connect(TEST_REDIS_URL);
    const id = await connection.run((client) => client.clientId());
    await failure(
      connection.run((client) => client.sendCommand(['CLIENT', 'KILL', 'ID', String(id), 'SKIPME', 'no'])),
    );
    await vi.waitFor(async () => {
      expect(await connection.run((client) => client.clientId())).not.toBe(id);
    });
  });
});
