import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { Database } from '../database/index.js';
import { Ledger, type LedgerEntry } from './ledger.js';

const entry = (requestId: string): LedgerEntry => ({
  id: randomUUID(),
  requestId,
  keyId: 'admin',
  isRequest: true,
  operation: 'answer',
  model: 'anthropic/claude-sonnet-5',
  attempt: 1,
  outcome: 'ok',
  inputTokens: 1000,
  outputTokens: 100,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  embeddingTokens: 0,
  estimated: false,
  costUsd: '0.003000000000',
  latencyMs: 1,
  firstTokenMs: null,
  error: null,
});

/** A ledger on a database whose writes are held until they are let go. */
function heldLedger(): { ledger: Ledger; writes: string[][]; release: (error?: Error) => void } {
  const writes: string[][] = [];
  let settle: ((error?: Error) => void) | undefined;
  const query = vi.fn(
    (_sql: string, [json]: [string]) =>
      new Promise<never[]>((resolve, reject) => {
        writes.push((JSON.parse(json) as LedgerEntry[]).map(({ requestId }) => requestId));
        settle = (error) => (error === undefined ? resolve([]) : reject(error));
      }),
  );
  const ledger = new Ledger({ query } as unknown as Database);
  return { ledger, writes, release: (error) => settle?.(error) };
}

describe('Ledger', () => {
  it('resolves only when its entries are written', async () => {
    const { ledger, release } = heldLedger();
    let isDone = false;
    const recorded = ledger.record([entry('a')]).finally(() => (isDone = true));
    await new Promise(setImmediate);
    expect(isDone).toBe(false);
    release();
    expect(await recorded).toEqual([]);
  });

  it('writes what comes during a write together, next', async () => {
    const { ledger, writes, release } = heldLedger();
    const all = ['a', 'b', 'c'].map((id) => ledger.record([entry(id)]));
    expect(writes).toEqual([['a']]);
    release();
    await all[0];
    await vi.waitFor(() => expect(writes).toHaveLength(2));
    expect(writes[1]).toEqual(['b', 'c']);
    release();
    await Promise.all(all);
  });

  it('tries a failed write again, with the same ids', async () => {
    const ids: string[][] = [];
    const query = vi.fn((_sql: string, [json]: [string]) => {
      ids.push((JSON.parse(json) as { id: string }[]).map(({ id }) => id));
      return ids.length === 1 ? Promise.reject(new Error('gone')) : Promise.resolve([]);
    });
    const ledger = new Ledger({ query } as unknown as Database);
    await ledger.record([entry('a')]);
    expect(ids).toHaveLength(2);
    expect(ids[1]).toEqual(ids[0]);
  });

  it('tells the caller when nothing could be written', async () => {
    const query = vi.fn(() => Promise.reject(new Error('gone')));
    const ledger = new Ledger({ query } as unknown as Database);
    vi.spyOn(ledger['logger'], 'error').mockImplementation(() => {});
    await expect(ledger.record([entry('a')])).rejects.toThrow('gone');
    // and works again when the database does
    query.mockImplementation(() => Promise.resolve([]) as never);
    await expect(ledger.record([entry('b')])).resolves.toEqual([]);
  });

  it('keeps what could not be written, and writes it when the database is back', async () => {
    // the waits between the three tries are real: they are short
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      let isDown = true;
      const written: string[] = [];
      const query = vi.fn((_sql: string, [json]: [string]) => {
        if (isDown) return Promise.reject(new Error('gone'));
        written.push(...(JSON.parse(json) as LedgerEntry[]).map(({ requestId }) => requestId));
        return Promise.resolve([]);
      });
      const ledger = new Ledger({ query } as unknown as Database);
      vi.spyOn(ledger['logger'], 'error').mockImplementation(() => {});
      vi.spyOn(ledger['logger'], 'log').mockImplementation(() => {});
      const failed = ledger.record([entry('a')], randomUUID()).catch((error: unknown) => error);
      expect(await failed).toMatchObject({ message: 'gone' });
      isDown = false;
      await vi.advanceTimersByTimeAsync(5_000);
      expect(written).toEqual(['a']);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(written).toEqual(['a']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('does not keep what the database will never take', async () => {
    // the waits between the three tries are real: they are short
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      const invalid = Object.assign(new Error('out of range'), { code: '22003' });
      const query = vi.fn(() => Promise.reject(invalid));
      const ledger = new Ledger({ query } as unknown as Database);
      const told = vi.spyOn(ledger['logger'], 'error').mockImplementation(() => {});
      const failed = ledger.record([entry('a')]).catch((error: unknown) => error);
      expect(await failed).toBe(invalid);
      await vi.advanceTimersByTimeAsync(60_000);
      // it is in the log, and nowhere else
      expect(told).toHaveBeenCalledOnce();
      expect(query).toHaveBeenCalledTimes(3);
    } finally {
      vi.useRealTimers();
    }
  });
});
