import { Logger } from '@nestjs/common';
import { ErrorReply, type RedisClientType } from '@redis/client';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppConfig } from '../config/index.js';
import { type RedisConnection, RedisUnavailableError } from '../redis/index.js';
import { Limits } from './limits.service.js';

const CALLER = { key: 'c', limits: { rpm: 0, tpm: 100, concurrency: 1 } };
const ADMITTED = [1, 0, 0, 1, 0, 0, 0];

// Stand-in: Redis, as far as what it answers goes.
const evalSha = vi.fn<(sha1: string, options: { arguments: string[] }) => Promise<unknown>>();
const zRem = vi.fn<(key: string, id: string) => Promise<number>>();

function limitsWith(onFailure: 'open' | 'closed'): Limits {
  const client = { evalSha, zRem } as unknown as RedisClientType;
  const redis = { isConfigured: true, run: (work: (it: RedisClientType) => unknown) => work(client) };
  const config = new AppConfig({ LIMITS_ON_REDIS_FAILURE: onFailure, REDIS_URL: 'redis://127.0.0.1:1' });
  return new Limits(config, redis as unknown as RedisConnection);
}

describe('limits that Redis', () => {
  beforeAll(() => Logger.overrideLogger(false));
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.resetAllMocks();
  });

  it.each(["READONLY You can't write against a read only replica.", 'OOM command not allowed'])(
    'refuses to decide about are decided about as if it was gone: %s',
    async (message) => {
      evalSha.mockRejectedValue(new ErrorReply(message));
      const open = limitsWith('open');
      expect((await open.admit('a', [CALLER])).isAdmitted).toBe(true);
      expect((await open.admit('b', [CALLER])).isAdmitted).toBe(false);
      expect((await open.hold('w', 60, [CALLER])).isHeld).toBe(true);
      expect((await open.hold('x', 60, [CALLER])).isHeld).toBe(false);
      await expect(limitsWith('closed').admit('a', [CALLER])).rejects.toMatchObject({
        code: 'SERVICE_UNAVAILABLE',
      });
    },
  );

  it('did not answer about in time hold no place there', async () => {
    evalSha.mockRejectedValue(new RedisUnavailableError('no answer in time'));
    zRem.mockResolvedValue(1);
    const limits = limitsWith('open');
    expect((await limits.admit('a', [CALLER])).isAdmitted).toBe(true);
    await expect(limitsWith('closed').admit('b', [CALLER])).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
    });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(zRem.mock.calls.map((call) => call.at(-1))).toEqual(['a', 'b']);
    // it is in flight here
    expect((await limits.admit('c', [CALLER])).isAdmitted).toBe(false);
    await limits.release('a');
    expect((await limits.admit('c', [CALLER])).isAdmitted).toBe(true);
  });

  it('counts are renewed for who comes while what is over is still being told', async () => {
    evalSha.mockResolvedValue(ADMITTED);
    const limits = limitsWith('open');
    await limits.admit('first', [CALLER]);
    zRem.mockRejectedValueOnce(new RedisUnavailableError('lost'));
    await limits.release('first');
    const told = Promise.withResolvers<number>();
    zRem.mockReturnValueOnce(told.promise);
    await vi.advanceTimersByTimeAsync(10_000);
    await limits.admit('second', [CALLER]);
    told.resolve(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(evalSha.mock.lastCall?.[1].arguments).toEqual(['30000000', 'second']);
    limits.onApplicationShutdown();
  });
});
