import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AttemptReport } from './attempt.js';
import { delayBeforeRetry, ModelError, type ModelErrorKind } from '../common/providers/index.js';
import { type GenerationRequest, LanguageModel, type ModelEvent, type TokenUsage } from './language-model.js';
import { type RetryOptions, withRetry } from './retry.js';

// Real: retries, timeouts and reports. Fake: the model and the clock.

const request: GenerationRequest = {
  instructions: 'Answer.',
  markerInstructions: '',
  sources: [],
  sourcesText: '',
  history: [],
  question: 'Why?',
  questionText: 'Why?',
  maxTokens: 10,
};
const usage = (outputTokens: number): TokenUsage => ({
  inputTokens: 10,
  outputTokens,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  estimated: false,
});
const failure = (kind: ModelErrorKind, retryAfterMs?: number) =>
  new ModelError(kind, { kind, provider: 'test', retryAfterMs });
const text = (words: string): ModelEvent => ({ type: 'text', text: words });
const done: ModelEvent[] = [
  { type: 'usage', usage: usage(3) },
  { type: 'finish', reason: 'stop' },
];

/** Yields events, waits for numbers of milliseconds, throws errors; Infinity hangs until aborted. */
type Step = ModelEvent | number | Error;

class ScriptedModel extends LanguageModel {
  override readonly id = 'test/scripted';
  readonly signals: AbortSignal[] = [];
  constructor(private readonly attempts: Step[][]) {
    super();
  }
  override async *stream(_request: GenerationRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    this.signals.push(signal);
    for (const step of this.attempts[this.signals.length - 1] ?? []) {
      if (step instanceof Error) throw step;
      if (typeof step !== 'number') yield step;
      else {
        await new Promise<void>((resolve, reject) => {
          if (step !== Infinity) setTimeout(resolve, step);
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
      }
    }
  }
}

function start(attempts: Step[][], options: Partial<RetryOptions> = {}) {
  const model = new ScriptedModel(attempts);
  const controller = new AbortController();
  const reports: AttemptReport[] = [];
  const sleeps: number[] = [];
  const events: ModelEvent[] = [];
  const stream = withRetry(model, request, controller.signal, {
    maxRetries: 3,
    timeouts: { callMs: 120_000, firstTokenMs: 30_000, stallMs: 20_000 },
    random: () => 0.5,
    sleep: async (ms) => void sleeps.push(ms),
    onAttempt: (report) => reports.push(report),
    ...options,
  });
  const result = (async () => {
    for await (const event of stream) events.push(event);
  })();
  const error = result.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { model, controller, reports, sleeps, events, error, stream };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('withRetry', () => {
  it('passes a call that works straight on and reports it', async () => {
    const run = start([[{ type: 'usage', usage: usage(1) }, 5, text('So it is.'), 7, ...done]]);
    await vi.runAllTimersAsync();
    expect(await run.error).toBeUndefined();
    expect(run.events.map((event) => event.type)).toEqual(['usage', 'text', 'usage', 'finish']);
    expect(run.reports).toEqual([
      {
        model: 'test/scripted',
        attempt: 1,
        outcome: 'ok',
        usage: usage(3),
        outputText: 'So it is.',
        error: undefined,
        startedAt: expect.any(Date),
        durationMs: 12,
        firstTokenMs: 5,
      },
    ]);
  });

  it('retries with growing jittered waits until one attempt works', async () => {
    const run = start([
      [failure('overloaded')],
      [failure('connection')],
      [failure('server_error')],
      [text('Yes.'), ...done],
    ]);
    expect(await run.error).toBeUndefined();
    expect(run.sleeps).toEqual([250, 500, 1000]);
    expect(run.reports.map((report) => [report.attempt, report.outcome, report.usage])).toEqual([
      [1, 'failed', undefined],
      [2, 'failed', undefined],
      [3, 'failed', undefined],
      [4, 'ok', usage(3)],
    ]);
  });

  it('gives up after the last retry with its error', async () => {
    const last = failure('overloaded');
    const run = start([[failure('overloaded')], [last]], { maxRetries: 1 });
    expect(await run.error).toBe(last);
    expect(run.reports).toHaveLength(2);
  });

  it.each(['invalid_request', 'authentication', 'not_found'] as const)('never retries %s', async (kind) => {
    const run = start([[failure(kind)]]);
    expect(await run.error).toMatchObject({ kind });
    expect(run.model.signals).toHaveLength(1);
  });

  it('never retries a programming error', async () => {
    const bug = new TypeError('x');
    expect(await start([[bug]]).error).toBe(bug);
  });

  it.each<[string, ModelEvent]>([
    ['text', text('One')],
    ['citation', { type: 'citation', start: 0, end: 1, source: 0 }],
  ])('never retries after the first %s', async (_, event) => {
    const run = start([[event, failure('connection')], [...done]]);
    expect(await run.error).toMatchObject({ kind: 'connection' });
    expect(run.model.signals).toHaveLength(1);
  });

  it('retries after mere usage, and reports what the failed attempt cost', async () => {
    const run = start([
      [{ type: 'usage', usage: usage(1) }, failure('overloaded')],
      [text('Yes.'), ...done],
    ]);
    expect(await run.error).toBeUndefined();
    expect(run.reports.map((report) => report.usage)).toEqual([usage(1), usage(3)]);
  });

  it('counts the output of a call that broke off', async () => {
    const run = start([
      [{ type: 'usage', usage: usage(1) }, text('one two three four'), failure('connection')],
    ]);
    await run.error;
    expect(run.reports[0]?.usage).toEqual({ ...usage(4), estimated: true });
  });

  it('waits as long as the provider asks, but not over a minute', async () => {
    const patient = start([[failure('rate_limited', 60_000)], [text('Yes.'), ...done]]);
    expect(await patient.error).toBeUndefined();
    expect(patient.sleeps).toEqual([60_000]);
    const impatient = start([[failure('rate_limited', 60_001)]]);
    expect(await impatient.error).toMatchObject({ kind: 'rate_limited' });
    expect(impatient.sleeps).toEqual([]);
  });

  it('does not wait past the end of the call', async () => {
    const timeouts = { callMs: 5_000, firstTokenMs: 0, stallMs: 0 };
    const run = start([[failure('rate_limited', 6_000)]], { timeouts });
    expect(await run.error).toMatchObject({ kind: 'rate_limited' });
  });

  it('retries when no text comes in time, whatever usage says, and stops the attempt', async () => {
    const run = start([
      [20_000, { type: 'usage', usage: usage(1) }, Infinity],
      [text('Yes.'), ...done],
    ]);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(run.model.signals).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await run.error).toBeUndefined();
    expect(run.model.signals[0]?.aborted).toBe(true);
    expect(run.reports[0]).toMatchObject({
      outcome: 'failed',
      error: { kind: 'timeout' },
      durationMs: 30_000,
    });
  });

  it('fails a call that stalls', async () => {
    const run = start([[text('One'), 19_999, text('two'), Infinity]]);
    await vi.advanceTimersByTimeAsync(39_999);
    expect(await run.error).toMatchObject({
      kind: 'timeout',
      message: 'test/scripted stalled for 20000 ms',
      provider: 'test',
    });
    expect(run.reports[0]).toMatchObject({ outcome: 'cut', outputText: 'Onetwo' });
  });

  it.each<[string, Step]>([
    ['stays open', Infinity],
    ['breaks', failure('connection')],
  ])('takes an answer for complete when only its connection %s', async (_name, end) => {
    const run = start([[text('One'), ...done, end]]);
    await vi.advanceTimersByTimeAsync(500);
    expect(await run.error).toBeUndefined();
    expect(run.events).toEqual([text('One'), ...done]);
    expect(run.reports).toMatchObject([{ outcome: 'ok', usage: usage(3) }]);
    expect(run.model.signals).toHaveLength(1);
  });

  it('does not count a slow reader as a stall', async () => {
    const model = new ScriptedModel([[text('One'), text('two'), ...done]]);
    const timeouts = { callMs: 0, firstTokenMs: 100, stallMs: 100 };
    const stream = withRetry(model, request, new AbortController().signal, { maxRetries: 0, timeouts });
    await stream.next();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await stream.next()).toEqual({ done: false, value: text('two') });
  });

  it('ends the whole call in time, without another retry', async () => {
    const timeouts = { callMs: 50_000, firstTokenMs: 30_000, stallMs: 0 };
    const run = start([[Infinity], [Infinity], [...done]], { timeouts });
    await vi.advanceTimersByTimeAsync(50_000);
    expect(await run.error).toMatchObject({
      kind: 'timeout',
      message: 'test/scripted took longer than 50000 ms',
    });
    expect(run.reports.map((report) => report.durationMs)).toEqual([30_000, 20_000]);
  });

  it('ends with the caller’s reason, at once, even if the model ignores its signal', async () => {
    class DeafModel extends LanguageModel {
      override readonly id = 'deaf';
      // oxlint-disable-next-line require-yield
      override async *stream(): AsyncGenerator<ModelEvent> {
        await new Promise(() => undefined);
      }
    }
    const controller = new AbortController();
    const reports: AttemptReport[] = [];
    const stream = withRetry(new DeafModel(), request, controller.signal, {
      maxRetries: 3,
      timeouts: { callMs: 0, firstTokenMs: 0, stallMs: 0 },
      onAttempt: (report) => reports.push(report),
    });
    const next = stream.next();
    const reason = new Error('gone');
    controller.abort(reason);
    await expect(next).rejects.toBe(reason);
    expect(reports).toMatchObject([{ outcome: 'aborted', error: undefined }]);
  });

  it('is aborted in its wait before a retry', async () => {
    const run = start([[failure('overloaded')], [...done]], { sleep: undefined });
    await vi.advanceTimersByTimeAsync(100);
    const reason = new Error('gone');
    run.controller.abort(reason);
    expect(await run.error).toBe(reason);
    expect(run.model.signals).toHaveLength(1);
  });

  it('reports a reader that left, and stops the model', async () => {
    const model = new ScriptedModel([
      [{ type: 'usage', usage: usage(1) }, text('one two three four'), Infinity],
    ]);
    const reports: AttemptReport[] = [];
    const { signal } = new AbortController();
    const timeouts = { callMs: 100, firstTokenMs: 100, stallMs: 100 };
    for await (const event of withRetry(model, request, signal, {
      maxRetries: 3,
      timeouts,
      onAttempt: (r) => reports.push(r),
    })) {
      if (event.type === 'text') break;
    }
    expect(model.signals[0]?.aborted).toBe(true);
    expect(reports).toMatchObject([{ outcome: 'aborted', usage: { outputTokens: 4, estimated: true } }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no listener and no timer behind', async () => {
    const run = start([[failure('overloaded')], [text('One'), 5, ...done]]);
    await vi.runAllTimersAsync();
    await run.error;
    expect(getEventListeners(run.controller.signal, 'abort')).toHaveLength(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('delayBeforeRetry', () => {
  it('grows to its cap', () => {
    const delays = [1, 2, 3, 4, 5, 6, 20].map((attempt) =>
      delayBeforeRetry(failure('overloaded'), attempt, () => 1),
    );
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000]);
    expect(delayBeforeRetry(failure('overloaded'), 3, () => 0)).toBe(0);
  });
});
