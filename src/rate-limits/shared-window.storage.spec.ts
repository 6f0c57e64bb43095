import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { RedisConnection } from '../redis/index.js';
import { SharedWindowStorage } from './shared-window.storage.js';
import { SlidingWindowStorage } from './sliding-window.storage.js';

const { TEST_REDIS_URL } = process.env;
const MINUTE = 60_000;

async function connect(url: string | undefined): Promise<RedisConnection> {
  const connection = new RedisConnection(new AppConfig({ REDIS_URL: url, LOG_LEVEL: 'silent' }));
  await connection.onModuleInit();
  return connection;
}

describe.skipIf(TEST_REDIS_URL === undefined)('SharedWindowStorage', () => {
  const replicas: { connection: RedisConnection; storage: SharedWindowStorage }[] = [];
  const key = (): string => `test:${Math.random()}`;
  beforeAll(async () => {
    for (let i = 0; i < 3; i++) {
      const connection = await connect(TEST_REDIS_URL);
      const storage = new SharedWindowStorage(connection, new SlidingWindowStorage(), 'closed');
      replicas.push({ connection, storage });
    }
  });
  afterAll(() => Promise.all(replicas.map(({ connection }) => connection.onModuleDestroy())));

  it('admits exactly the limit of what several replicas are asked at once', async () => {
    const caller = key();
    const records = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        replicas[index % replicas.length]!.storage.increment(caller, MINUTE, 100),
      ),
    );
    const admitted = records.filter(({ isBlocked }) => !isBlocked);
    expect(admitted.map(({ totalHits }) => totalHits).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    for (const { isBlocked, totalHits, timeToBlockExpire } of records)
      if (isBlocked) {
        expect(totalHits).toBe(100);
        expect(timeToBlockExpire).toBeGreaterThan(50);
        expect(timeToBlockExpire).toBeLessThanOrEqual(60);
      }
  });

  it('never admits more than the limit in any window, and the wait that it names is enough', async () => {
    const caller = key();
    const [{ storage } = { storage: undefined }] = replicas;
    const admitted: number[] = [];
    const until = Date.now() + 2500;
    while (Date.now() < until) {
      const sent = performance.now();
      const record = await storage!.increment(caller, 1000, 5);
      if (record.isBlocked) await new Promise((resolve) => setTimeout(resolve, 40));
      else admitted.push(sent);
    }
    expect(admitted.length).toBeGreaterThanOrEqual(10);
    for (const [index, at] of admitted.entries()) {
      const sixth = admitted[index + 5];
      // what is measured here is up to a way to Redis and back from what Redis saw
      if (sixth !== undefined) expect(sixth - at).toBeGreaterThan(900);
    }
  });

  it('keeps callers apart, and leaves nothing behind after the window', async () => {
    const [first, second] = [key(), key()];
    const { storage, connection } = replicas[0]!;
    expect((await storage.increment(first, 1000, 1)).isBlocked).toBe(false);
    expect((await storage.increment(first, 1000, 1)).isBlocked).toBe(true);
    expect((await storage.increment(second, 1000, 1)).isBlocked).toBe(false);
    const ttl = await connection.run((client) => client.pTTL(`footnote:limit:{${first}}`));
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(1000);
  });
});

describe('SharedWindowStorage without Redis', () => {
  it('limits by itself when it is open', async () => {
    const connection = await connect('redis://127.0.0.1:1');
    try {
      const storage = new SharedWindowStorage(connection, new SlidingWindowStorage(), 'open');
      expect((await storage.increment('a', MINUTE, 1)).isBlocked).toBe(false);
      expect((await storage.increment('a', MINUTE, 1)).isBlocked).toBe(true);
    } finally {
      await connection.onModuleDestroy();
    }
  });

  it('refuses when it is closed', async () => {
    const connection = await connect('redis://127.0.0.1:1');
    try {
      const storage = new SharedWindowStorage(connection, new SlidingWindowStorage(), 'closed');
      const refused = await storage.increment('a', MINUTE, 1).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(AppError);
      expect(refused).toMatchObject({ code: 'SERVICE_UNAVAILABLE', headers: { 'Retry-After': '5' } });
    } finally {
      await connection.onModuleDestroy();
    }
  });
});
