import { describe, expect, it, vi } from 'vitest';
import { AppConfig } from '../config/index.js';
import type { Database } from '../database/index.js';
import { Ledger, type LedgerEntry } from './ledger.js';
import { PriceList } from './pricing.js';

const entry = (requestId: string): LedgerEntry => ({
  requestId,
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
  const ledger = new Ledger({ query } as unknown as Database, new PriceList(new AppConfig({})));
  return { ledger, writes, release: (error) => settle?.(error) };
}

describe('Ledger', () => {
  it('resolves only when its entries are written, and tells what they cost', async () => {
    const { ledger, release } = heldLedger();
    let isDone = false;
    const recorded = ledger.record([entry('a')]).finally(() => (isDone = true));
    await new Promise(setImmediate);
    expect(isDone).toBe(false);
    release();
    expect(await recorded).toEqual(['0.003000000000']);
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
    const ledger = new Ledger({ query } as unknown as Database, new PriceList(new AppConfig({})));
    await ledger.record([entry('a')]);
    expect(ids).toHaveLength(2);
    expect(ids[1]).toEqual(ids[0]);
  });

  it('takes nonsense counts for what they can mean, in the row and in the price', async () => {
    const query = vi.fn((_sql: string, _values: [string]) => Promise.resolve([]));
    const ledger = new Ledger({ query } as unknown as Database, new PriceList(new AppConfig({})));
    const nonsense = { ...entry('a'), inputTokens: Number.NaN, outputTokens: 100.4, cacheReadTokens: -5 };
    expect(await ledger.record([nonsense])).toEqual(['0.001000000000']);
    const [row] = JSON.parse(query.mock.calls[0]![1][0]) as LedgerEntry[];
    expect(row).toMatchObject({ inputTokens: 0, outputTokens: 100, cacheReadTokens: 0 });
  });

  it('tells the caller when nothing could be written', async () => {
    const query = vi.fn(() => Promise.reject(new Error('gone')));
    const ledger = new Ledger({ query } as unknown as Database, new PriceList(new AppConfig({})));
    vi.spyOn(ledger['logger'], 'error').mockImplementation(() => {});
    await expect(ledger.record([entry('a')])).rejects.toThrow('gone');
    // and works again when the database does
    query.mockImplementation(() => Promise.resolve([]) as never);
    await expect(ledger.record([entry('b')])).resolves.toHaveLength(1);
  });
});
