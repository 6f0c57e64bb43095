import { register } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { unrestricted } from '../../common/index.js';
import type { AppConfig } from '../../config/index.js';
import type { Question } from '../question.js';
import type { AnswerRecord } from './answer-record.js';
import type { AnswerStore } from './answer-store.js';
import { AnswerTrail } from './answer-trail.js';

const question = { caller: unrestricted('somebody'), question: 'A secret question' } as Question;

/** A trail on a store whose inserts are held until they are let go. */
function heldTrail(retentionDays = 30) {
  const inserts: { ids: string[]; end: (error?: Error) => void }[] = [];
  const insert = vi.fn((records: readonly AnswerRecord[]) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const end = (error?: Error): void => (error === undefined ? resolve() : reject(error));
    inserts.push({ ids: records.map(({ id }) => id), end });
    return promise;
  });
  const config = { answers: { retentionDays, storesText: true } } as AppConfig;
  const trail = new AnswerTrail(config, { insert } as unknown as AnswerStore);
  const told = vi.spyOn(trail['logger'], 'error').mockImplementation(() => {});
  /** Writes so many asks; `done` counts those that go on. */
  const ask = (count: number) => {
    const recordings = Array.from({ length: count }, () => trail.begin(question, []));
    const state = { done: 0 };
    const ends = recordings.map((recording) => recording.finish().then(() => state.done++));
    return { ids: recordings.map(({ id }) => id), ends: Promise.all(ends), state };
  };
  return { trail, inserts, told, ask };
}

const databaseError = (code: string): Error =>
  Object.assign(new Error('failing row'), { code, detail: 'Failing row contains (A secret question).' });

async function lost(): Promise<number> {
  const metric = await register.getSingleMetric('footnote_answers_lost_total')!.get();
  return metric.values[0]?.value ?? 0;
}

describe('AnswerTrail', () => {
  let before = 0;
  beforeEach(async () => {
    before = await lost();
    vi.useFakeTimers({ toFake: ['setTimeout'] });
  });
  afterEach(() => vi.useRealTimers());

  it('writes what comes during a write together, in one statement', async () => {
    const { inserts, ask } = heldTrail();
    const { ids, ends } = ask(30);
    expect(inserts.map((insert) => insert.ids)).toEqual([[ids[0]]]);
    inserts[0]!.end();
    await vi.waitFor(() => expect(inserts).toHaveLength(2));
    expect(inserts[1]!.ids).toEqual(ids.slice(1));
    inserts[1]!.end();
    await ends;
    expect(await lost()).toBe(before);
  });

  it('lets an ask go on only when its row is written', async () => {
    const { inserts, ask } = heldTrail();
    const { ends, state } = ask(1);
    await new Promise(setImmediate);
    expect(state.done).toBe(0);
    inserts[0]!.end();
    await ends;
  });

  it('writes the others alone when one has a value that cannot be written', async () => {
    const { inserts, told, ask } = heldTrail();
    const { ids, ends } = ask(4);
    const bad = ids[2]!;
    inserts[0]!.end();
    for (let next = 1; next < 5; next++) {
      await vi.waitFor(() => expect(inserts.length).toBeGreaterThan(next));
      inserts[next]!.end(inserts[next]!.ids.includes(bad) ? databaseError('22P05') : undefined);
    }
    await ends;
    expect(inserts.map((insert) => insert.ids)).toEqual([
      [ids[0]],
      ids.slice(1),
      ...ids.slice(1).map((id) => [id]),
    ]);
    expect(await lost()).toBe(before + 1);
    expect(told.mock.calls).toEqual([[{ answers: [bad], reason: '22P05' }, expect.any(String)]]);
  });

  it('tries again what may heal, and then tells which are lost, never what was in them', async () => {
    const { inserts, told, ask } = heldTrail();
    const { ids, ends } = ask(1);
    for (let attempt = 0; attempt < 3; attempt++) {
      await vi.waitFor(() => expect(inserts.length).toBeGreaterThan(attempt));
      inserts[attempt]!.end(databaseError('57P01'));
      await new Promise(setImmediate);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    await ends;
    expect(inserts.map((insert) => insert.ids)).toEqual([ids, ids, ids]);
    expect(await lost()).toBe(before + 1);
    expect(JSON.stringify(told.mock.calls)).not.toMatch(/secret/i);
    expect(told.mock.calls[0]![0]).toEqual({ answers: ids, reason: '57P01' });
  });

  it('does not hold up an answer when the database hangs, and writes it when that goes on', async () => {
    vi.useRealTimers();
    const { inserts, ask } = heldTrail();
    const { ids, ends } = ask(3);
    // each after its two seconds
    await ends;
    expect(inserts).toHaveLength(1);
    inserts[0]!.end();
    await vi.waitFor(() => expect(inserts).toHaveLength(2));
    expect(inserts[1]!.ids).toEqual(ids.slice(1));
    inserts[1]!.end();
    expect(await lost()).toBe(before);
  });

  it('keeps a bounded number waiting', async () => {
    const { trail, inserts, told, ask } = heldTrail();
    ask(500);
    const { ids } = ask(1);
    expect(await lost()).toBe(before + 1);
    expect(told.mock.calls).toEqual([[{ answers: ids, reason: '500 others wait' }, expect.any(String)]]);
    // the rest is written, at most a hundred at once
    for (let next = 0; next < 6; next++) {
      await vi.waitFor(() => expect(inserts.length).toBeGreaterThan(next));
      inserts[next]!.end();
    }
    await trail.beforeApplicationShutdown();
    expect(inserts.map((insert) => insert.ids.length)).toEqual([1, 100, 100, 100, 100, 99]);
  });

  it('holds up a stop until what was asked is written', async () => {
    vi.useRealTimers();
    const { trail, inserts } = heldTrail();
    const recording = trail.begin(question, []);
    let isStopped = false;
    const stopped = trail.beforeApplicationShutdown().then(() => (isStopped = true));
    const ended = recording.end();
    await new Promise(setImmediate);
    expect(isStopped).toBe(false);
    inserts[0]!.end();
    await ended;
    await stopped;
  });

  it('keeps nothing where nothing is to be kept', async () => {
    const { trail, inserts, ask } = heldTrail(0);
    await ask(3).ends;
    expect(inserts).toEqual([]);
    await trail.beforeApplicationShutdown();
  });
});
