import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppConfig } from '../../config/index.js';
import { MemoryResponseStore } from './memory-response-store.js';
import { MAX_RESPONSE_BYTES } from './response-store.js';

const storeFor = (seconds: number) =>
  new MemoryResponseStore(new AppConfig({ RESPONSE_CACHE_TTL_S: String(seconds) }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('MemoryResponseStore', () => {
  it('gives back what was set, the newest of a key', async () => {
    const store = storeFor(60);
    expect(await store.get('a')).toBeUndefined();
    await store.set('a', '1');
    await store.set('a', '2');
    await store.set('', '');
    expect(await store.get('a')).toBe('2');
    expect(await store.get('')).toBe('');
  });

  it('forgets an answer when its time is over, however often it was read', async () => {
    // the cache holds the real clock's object, and its reading until a timer of a millisecond
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1_000);
    const store = storeFor(60);
    await store.set('a', '1');
    const getAt = (instant: number) => {
      clock.mockReturnValue(instant);
      vi.runAllTimers();
      return store.get('a');
    };
    expect(await getAt(31_000)).toBe('1');
    expect(await getAt(61_000)).toBe('1');
    expect(await getAt(61_001)).toBeUndefined();
  });

  it('keeps nothing when answers are not to be kept', async () => {
    const store = storeFor(0);
    await store.set('a', '1');
    expect(await store.get('a')).toBeUndefined();
  });

  it('keeps an answer of the largest size, in bytes, and none above it', async () => {
    const store = storeFor(60);
    await store.set('a', 'é'.repeat(MAX_RESPONSE_BYTES / 2));
    await store.set('b', `${'é'.repeat(MAX_RESPONSE_BYTES / 2)}.`);
    expect(await store.get('a')).toHaveLength(MAX_RESPONSE_BYTES / 2);
    expect(await store.get('b')).toBeUndefined();
  });

  it('holds at most 64 MiB, and lets go of what was longest unused', async () => {
    const store = storeFor(60);
    const value = 'x'.repeat(MAX_RESPONSE_BYTES);
    for (let key = 0; key < 31; key++) await store.set(String(key), value);
    expect(await store.get('0')).toBe(value);
    await store.set('31', value);
    expect(await store.get('0')).toBe(value);
    expect(await store.get('1')).toBeUndefined();
    expect(await store.get('2')).toBe(value);
  });
});
