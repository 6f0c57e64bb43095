import { describe, expect, it } from 'vitest';
import { retryAfterMs, toModelError } from './sdk-errors.js';

describe('retryAfterMs', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each<[Record<string, string>, number | undefined]>([
    [{}, undefined],
    [{ 'retry-after': '3' }, 3000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:10 GMT' }, 10_000],
    [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, 0],
    [{ 'retry-after-ms': '250', 'retry-after': '3' }, 250],
    [{ 'retry-after-ms': 'soon', 'retry-after': '3' }, 3000],
    [{ 'retry-after': 'soon' }, undefined],
  ])('reads %j as %s', (headers, ms) => expect(retryAfterMs(new Headers(headers), now)).toBe(ms));
});

describe('toModelError', () => {
  const { signal } = new AbortController();
  it('finds the code of a lost connection in the causes', () => {
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    expect(toModelError(new Error('terminated', { cause: reset }), 'openai', signal)).toMatchObject({
      kind: 'connection',
      message: 'the connection to openai failed (ECONNRESET)',
    });
  });

  it('takes everything else for an answer that could not be read', () => {
    expect(toModelError(new TypeError('x is undefined'), 'openai', signal).kind).toBe('malformed_response');
    expect(toModelError(Object.assign(new Error(), { code: 'HPE_INVALID' }), 'openai', signal).kind).toBe(
      'malformed_response',
    );
  });

  it('throws the reason of an abort', () => {
    const reason = new Error('gone');
    expect(() => toModelError(new Error('x'), 'openai', AbortSignal.abort(reason))).toThrow(reason);
  });
});
