import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppConfig } from '../../config/index.js';
import { RedisConnection, RedisUnavailableError } from '../../redis/index.js';
import { RedisResponseStore } from './redis-response-store.js';
import { MAX_RESPONSE_BYTES } from './response-store.js';

const { TEST_REDIS_URL } = process.env;
const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  vi.restoreAllMocks();
});

async function connect(url: string, seconds = 60) {
  const config = new AppConfig({ REDIS_URL: url, RESPONSE_CACHE_TTL_S: String(seconds) });
  const redis = new RedisConnection(config);
  cleanUps.push(() => redis.onModuleDestroy());
  await redis.onModuleInit();
  return { redis, store: new RedisResponseStore(redis, config) };
}

describe('RedisResponseStore without its Redis', () => {
  it('has nothing, and drops what is set', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    // nothing listens on the port of tcpmux
    const { store } = await connect('redis://127.0.0.1:1');
    await store.set('a', '1');
    expect(await store.get('a')).toBeUndefined();
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['lost', new RedisUnavailableError('lost'), 0],
    ['refused', new Error('OOM command not allowed'), 1],
  ])('is without answers when a command is %s', async (_, error, warnings) => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const config = new AppConfig({ RESPONSE_CACHE_TTL_S: '60' });
    const redis = new RedisConnection(config);
    vi.spyOn(redis, 'run').mockRejectedValue(error);
    const store = new RedisResponseStore(redis, config);
    await store.set('a', '1');
    expect(await store.get('a')).toBeUndefined();
    expect(warn).toHaveBeenCalledTimes(warnings);
  });
});

describe.skipIf(TEST_REDIS_URL === undefined)('RedisResponseStore', () => {
  const url = TEST_REDIS_URL ?? '';
  const redisKey = (key: string) => `footnote:answer:${key}`;

  it('gives back what was set, to another process too, for the configured time', async () => {
    const { redis, store } = await connect(url);
    const key = randomUUID();
    expect(await store.get(key)).toBeUndefined();
    await store.set(key, 'Ja: “é” 😀');
    expect(await (await connect(url)).store.get(key)).toBe('Ja: “é” 😀');
    const left = await redis.run((client) => client.pTTL(redisKey(key)));
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
    await redis.run((client) => client.del(redisKey(key)));
  });

  it('keeps an answer of the largest size, in bytes, and none above it', async () => {
    const { redis, store } = await connect(url);
    const [key, above] = [randomUUID(), randomUUID()];
    await store.set(key, 'é'.repeat(MAX_RESPONSE_BYTES / 2));
    await store.set(above, `${'é'.repeat(MAX_RESPONSE_BYTES / 2)}.`);
    expect(await store.get(key)).toHaveLength(MAX_RESPONSE_BYTES / 2);
    expect(await store.get(above)).toBeUndefined();
    await redis.run((client) => client.del(redisKey(key)));
  });

  it('keeps nothing when answers are not to be kept', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const { store } = await connect(url, 0);
    const key = randomUUID();
    await store.set(key, '1');
    expect(await store.get(key)).toBeUndefined();
    expect(warn).not.toHaveBeenCalled();
  });

  it('has nothing under a key that holds something else', async () => {
    vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const { redis, store } = await connect(url);
    const key = randomUUID();
    await redis.run((client) => client.lPush(redisKey(key), 'x'));
    expect(await store.get(key)).toBeUndefined();
    await redis.run((client) => client.del(redisKey(key)));
  });
});
