import { register } from 'prom-client';
import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../common/index.js';
import type { AppConfig } from '../config/index.js';
import type { Budgets, Reservation } from './budgets.js';
import type { Ledger, LedgerEntry } from './ledger.js';
import { toTrillionths } from './money.js';
import { PriceList, type WorstCase } from './pricing.js';
import { type FinishedCall, Tab } from './tab.js';

// Real: the tab and the prices. Fake: the budgets and the ledger.

/** A dollar a million tokens: a token is a millionth of a dollar. */
const MODEL = 'test/dollar';
const prices = new PriceList({
  modelPrices: { [MODEL]: { input_mtok: 1, output_mtok: 1 } },
} as unknown as AppConfig);
const dollars = (tokens: number): bigint => toTrillionths('0.000001') * BigInt(tokens);
/** A call that costs at most so many tokens. */
const worst = (tokens: number) => (): WorstCase[] => [
  { models: [MODEL], inputTokens: tokens, outputTokens: 0 },
];
const call = (changes: Partial<FinishedCall> = {}): FinishedCall => ({
  operation: 'answer',
  model: MODEL,
  attempt: 1,
  outcome: 'ok',
  estimated: false,
  latencyMs: 1,
  ...changes,
});
const PAYER = { id: 'admin', dailyUsd: undefined, monthlyUsd: undefined };
const refusal = new AppError('BUDGET_EXCEEDED', 'It does not fit.');

function setUp({ isLimited = true } = {}) {
  const written: { entries: readonly LedgerEntry[]; reservation: string | undefined }[] = [];
  /** Amounts that were reserved, each in place of the one before. */
  const reserved: bigint[] = [];
  const answer: ((amount: bigint) => Promise<void> | void)[] = [];
  let id: string | undefined;
  const reserve = vi.fn<Budgets['reserve']>(async (reservation: Reservation, amount) => {
    id ??= reservation.id;
    expect(reservation.id).toBe(id);
    await answer.shift()?.(amount);
    reserved.push(amount);
    reservation.admittedAt = '2026-11-01T23:59:59Z';
  });
  const letGo = vi.fn<Budgets['letGo']>();
  const charged = vi.fn<Budgets['charged']>();
  const record = vi.fn<Ledger['record']>((entries, reservation) => {
    written.push({ entries, reservation });
    return Promise.resolve([]);
  });
  const onSettled = vi.fn<() => void>();
  const limitsOf = () => (isLimited ? [{ scope: 'service', period: 'day', limitUsd: '5' }] : []);
  const checkPrices = vi.fn<Budgets['checkPrices']>();
  const tab = new Tab('the-request', true, PAYER, {
    ledger: { record } as unknown as Ledger,
    budgets: { limitsOf, checkPrices, reserve, letGo, charged } as unknown as Budgets,
    prices,
    onSettled,
  });
  return {
    tab,
    written,
    reserved,
    answer,
    reserve,
    letGo,
    charged,
    checkPrices,
    record,
    onSettled,
    id: () => id,
  };
}

describe('Tab without budgets', () => {
  it('reserves nothing, and does not even count what a call may cost', async () => {
    const { tab, reserve, letGo, written } = setUp({ isLimited: false });
    const worstCases = vi.fn(worst(10));
    const [giveUp] = await tab.hold(worstCases);
    await tab.cover();
    tab.add(call({ inputTokens: 5 }));
    giveUp?.();
    await tab.settle();
    expect(worstCases).not.toHaveBeenCalled();
    expect(reserve).not.toHaveBeenCalled();
    expect(written).toEqual([{ entries: [expect.anything()], reservation: undefined }]);
    expect(written[0]!.entries[0]).toMatchObject({
      createdAt: undefined,
      costUsd: '0.000005000000',
    });
    expect(letGo.mock.calls.length).toBeLessThanOrEqual(1);
  });

  it('reserves nothing after a call that cost something either', async () => {
    const { tab, reserve } = setUp({ isLimited: false });
    await tab.hold(worst(10));
    tab.add(call({ outcome: 'failed', inputTokens: 5 }));
    await tab.cover();
    expect(reserve).not.toHaveBeenCalled();
  });

  it('writes nothing where nothing was called', async () => {
    const { tab, record, onSettled } = setUp({ isLimited: false });
    await tab.settle();
    expect(record).not.toHaveBeenCalled();
    expect(onSettled).toHaveBeenCalledOnce();
  });
});

describe('Tab.hold', () => {
  it('refuses a model whose price is not known, which no budget can hold', async () => {
    const { tab, checkPrices, reserve } = setUp();
    const conflict = new AppError('CONFLICT', 'The price is not known.');
    checkPrices.mockImplementation(() => {
      throw conflict;
    });
    const unknown = { models: ['openai/of-unknown-price'], inputTokens: 1, outputTokens: 1 };
    await expect(tab.hold(() => [unknown])).rejects.toBe(conflict);
    expect(checkPrices).toHaveBeenCalledExactlyOnceWith(unknown.models);
    expect(reserve).not.toHaveBeenCalled();
  });

  it('reserves the worst case, or the sum of several', async () => {
    const { tab, reserved } = setUp();
    await tab.hold(() => [...worst(100)(), ...worst(20)()]);
    expect(reserved).toEqual([dollars(120)]);
  });

  it('reserves beside what is held, and again no less when that is given up', async () => {
    const { tab, reserved } = setUp();
    const [giveUp] = await tab.hold(worst(100));
    await tab.hold(worst(50));
    expect(reserved).toEqual([dollars(100), dollars(150)]);
    giveUp?.();
    giveUp?.();
    // 50 are held, 150 are reserved
    await tab.hold(worst(100));
    expect(reserved).toHaveLength(2);
    await tab.hold(worst(1));
    expect(reserved.at(-1)).toBe(dollars(151));
  });

  it('is refused with the error of the budgets, and then holds nothing', async () => {
    const { tab, answer, reserved, record, letGo, onSettled } = setUp();
    answer.push(() => Promise.reject(refusal));
    await expect(tab.hold(worst(100))).rejects.toBe(refusal);
    await tab.hold(worst(10));
    expect(reserved).toEqual([dollars(10)]);

    const refused = setUp();
    refused.answer.push(() => Promise.reject(refusal));
    await expect(refused.tab.hold(worst(100))).rejects.toBe(refusal);
    await refused.tab.settle();
    expect(refused.record).not.toHaveBeenCalled();
    expect(refused.letGo).not.toHaveBeenCalled();
    expect(refused.onSettled).toHaveBeenCalledOnce();
    for (const untouched of [record, letGo, onSettled]) expect(untouched).not.toHaveBeenCalled();
  });

  it('keeps what was held before when a further hold is refused', async () => {
    const { tab, answer, reserved, written, id } = setUp();
    await tab.hold(worst(100));
    answer.push(() => Promise.reject(refusal));
    await expect(tab.hold(worst(50))).rejects.toBe(refusal);
    await tab.cover();
    expect(reserved).toEqual([dollars(100)]);
    await tab.settle();
    expect(written).toEqual([{ entries: [], reservation: id() }]);
  });
});

describe('Tab.cover', () => {
  it('asks for nothing while the reservation is enough', async () => {
    const { tab, reserve } = setUp();
    await tab.hold(worst(100));
    await tab.cover();
    tab.add(call({ outcome: 'failed' }));
    await tab.cover();
    expect(reserve).toHaveBeenCalledOnce();
  });

  it('extends the reservation by what a failed attempt has cost', async () => {
    const { tab, reserved } = setUp();
    await tab.hold(worst(100));
    tab.add(call({ outcome: 'failed', inputTokens: 30, outputTokens: 1 }));
    await tab.cover();
    expect(reserved).toEqual([dollars(100), dollars(131)]);
    tab.add(call({ outcome: 'failed', inputTokens: 30 }));
    await tab.cover();
    expect(reserved.at(-1)).toBe(dollars(161));
  });

  it('needs no more once the hold is given up than what was spent', async () => {
    const { tab, reserve } = setUp();
    const [giveUp] = await tab.hold(worst(100));
    tab.add(call({ inputTokens: 60 }));
    giveUp?.();
    await tab.cover();
    expect(reserve).toHaveBeenCalledOnce();
  });

  it('reserves one at a time, each the whole amount', async () => {
    const { tab, answer, reserve, reserved } = setUp();
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    answer.push(
      () => first.promise,
      () => second.promise,
    );
    const holds = [tab.hold(worst(100))];
    await vi.waitFor(() => expect(reserve).toHaveBeenCalledOnce());
    holds.push(tab.hold(worst(50)), tab.hold(worst(7)));
    await new Promise(setImmediate);
    expect(reserve).toHaveBeenCalledOnce();
    first.resolve();
    await vi.waitFor(() => expect(reserve).toHaveBeenCalledTimes(2));
    await new Promise(setImmediate);
    expect(reserve).toHaveBeenCalledTimes(2);
    second.resolve();
    await Promise.all(holds);
    expect(reserved).toEqual([dollars(100), dollars(157)]);
  });

  it('does not fail for the failure of the one before', async () => {
    const { tab, answer, reserved } = setUp();
    const first = Promise.withResolvers<void>();
    answer.push(() => first.promise);
    const refused = tab.hold(worst(100));
    await new Promise(setImmediate);
    const second = tab.hold(worst(10));
    first.reject(refusal);
    await expect(refused).rejects.toBe(refusal);
    await second;
    // nor does it reserve for the one that was refused
    expect(reserved).toEqual([dollars(10)]);
  });
});

describe('Tab.add', () => {
  it('prices the call, and gives counts that are absent as 0', () => {
    const { tab } = setUp();
    expect(
      tab.add(call({ inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, embeddingTokens: 4 })),
    ).toEqual({
      inputTokens: 1,
      outputTokens: 2,
      cacheReadTokens: 3,
      cacheWriteTokens: 0,
      embeddingTokens: 4,
      costUsd: '0.000010000000',
    });
    expect(tab.add(call({ model: 'openai/nobody-knows-this', inputTokens: 1 })).costUsd).toBeNull();
  });

  it.each<[string, number, number]>([
    ['NaN', Number.NaN, 0],
    ['infinite', Infinity, 0],
    ['minus infinite', -Infinity, 0],
    ['negative', -1, 0],
    ['a fraction', 2.5, 3],
    ['nearly nothing', 0.4, 0],
    ['more than an integer of the database', 2 ** 31, 2 ** 31 - 1],
    ['far more', 1e300, 2 ** 31 - 1],
    ['the most that fits', 2 ** 31 - 1, 2 ** 31 - 1],
  ])('makes a count whole that is %s, and prices what it writes', async (_, count, whole) => {
    const { tab, written } = setUp();
    const names = [
      'inputTokens',
      'outputTokens',
      'cacheReadTokens',
      'cacheWriteTokens',
      'embeddingTokens',
    ] as const;
    for (const name of names) {
      const billed = tab.add(call({ [name]: count }));
      expect(billed).toMatchObject({ [name]: whole });
      expect(toTrillionths(billed.costUsd ?? '')).toBe(dollars(whole));
    }
    await tab.settle();
    expect(written[0]!.entries.map((entry, index) => entry[names[index]!])).toEqual(names.map(() => whole));
    expect(written[0]!.entries.map(({ costUsd }) => toTrillionths(costUsd ?? ''))).toEqual(
      names.map(() => dollars(whole)),
    );
  });
});

describe('Tab.settle', () => {
  it('writes the calls and ends the reservation together, in the period in which they were admitted', async () => {
    const { tab, written, letGo, charged, id } = setUp();
    await tab.hold(worst(100));
    tab.add(call({ attempt: 1, outcome: 'failed', error: 'overloaded' }));
    tab.add(call({ attempt: 2, inputTokens: 60, firstTokenMs: 3 }));
    await tab.settle();
    expect(written).toHaveLength(1);
    expect(written[0]!.reservation).toBe(id());
    const common = {
      requestId: 'the-request',
      model: MODEL,
      createdAt: '2026-11-01T23:59:59Z',
    };
    expect(written[0]!.entries).toMatchObject([
      {
        ...common,
        isRequest: true,
        attempt: 1,
        error: 'overloaded',
        firstTokenMs: null,
        costUsd: '0.000000000000',
      },
      { ...common, isRequest: false, attempt: 2, error: null, firstTokenMs: 3, costUsd: '0.000060000000' },
    ]);
    expect(new Set(written[0]!.entries.map((entry) => entry.id)).size).toBe(2);
    expect(letGo).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ id: id() }));
    expect(charged).toHaveBeenCalledExactlyOnceWith([]);
  });

  it('happens once', async () => {
    const { tab, record, onSettled } = setUp();
    tab.add(call());
    await Promise.all([tab.settle(), tab.settle()]);
    await tab.settle();
    expect(record).toHaveBeenCalledOnce();
    expect(onSettled).toHaveBeenCalledOnce();
  });

  it('ends a reservation for which nothing was called', async () => {
    const { tab, written, letGo, id } = setUp();
    await tab.hold(worst(100));
    await tab.settle();
    expect(written).toEqual([{ entries: [], reservation: id() }]);
    expect(letGo).toHaveBeenCalledOnce();
  });

  it('waits for a reservation that is just being made', async () => {
    const { tab, answer, record, written, id } = setUp();
    const made = Promise.withResolvers<void>();
    answer.push(() => made.promise);
    const held = tab.hold(worst(100));
    const settled = tab.settle();
    await new Promise(setImmediate);
    expect(record).not.toHaveBeenCalled();
    made.resolve();
    await Promise.all([held, settled]);
    expect(written).toEqual([{ entries: [], reservation: id() }]);
  });

  it('ends a reservation of which nobody knows whether it was made', async () => {
    const { tab, answer, written, letGo, id } = setUp();
    const lost = new Error('the connection broke');
    answer.push(() => Promise.reject(lost));
    await expect(tab.hold(worst(100))).rejects.toBe(lost);
    await tab.settle();
    expect(written).toEqual([{ entries: [], reservation: id() }]);
    expect(letGo).toHaveBeenCalledOnce();
  });

  it('asks anew after such a failure, since what it holds is not known', async () => {
    const { tab, answer, reserved } = setUp();
    answer.push(() => Promise.reject(new Error('the connection broke')));
    await expect(tab.hold(worst(100))).rejects.toThrow('broke');
    await tab.hold(worst(100));
    expect(reserved).toEqual([dollars(100)]);
  });

  it('tells of calls that could not be written, and is over all the same', async () => {
    const { tab, record, letGo, onSettled } = setUp();
    await tab.hold(worst(100));
    tab.add(call());
    record.mockImplementation(() => Promise.reject(new Error('gone')));
    await expect(tab.settle()).rejects.toThrow('gone');
    expect(letGo).toHaveBeenCalledOnce();
    expect(onSettled).toHaveBeenCalledOnce();
  });

  it('counts a tab that cost more than was reserved, and only that', async () => {
    const overruns = async (): Promise<number> => {
      const metric = await register.getSingleMetric('footnote_budget_overruns_total')!.get();
      return metric.values[0]?.value ?? 0;
    };
    const spend = async (tokens: number): Promise<void> => {
      const { tab } = setUp();
      await tab.hold(worst(100));
      tab.add(call({ inputTokens: tokens }));
      await tab.settle();
    };
    const before = await overruns();
    await spend(100);
    expect(await overruns()).toBe(before);
    await spend(101);
    expect(await overruns()).toBe(before + 1);
  });
});
