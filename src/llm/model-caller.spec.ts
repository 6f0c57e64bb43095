import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bulkhead, ModelError, type ModelErrorKind } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import type { AttemptReport } from './attempt.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { type GenerationRequest, LanguageModel, type ModelEvent } from './language-model.js';
import { type CallEvent, type CallOptions, ModelCaller } from './model-caller.js';
import { ModelGate } from './model-gate.js';
import type { LanguageModelRegistry } from './model-registry.js';

// Real: fallbacks, retries, breakers, bulkheads and timeouts. Fake: the models, and the clock where time matters.

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
/** Worth a retry, at once. */
const failure = (kind: ModelErrorKind = 'overloaded') =>
  new ModelError(`it is ${kind}`, { kind, provider: 'test', retryAfterMs: 0 });
const text = (words: string): ModelEvent => ({ type: 'text', text: words });
const finish: ModelEvent = { type: 'finish', reason: 'stop' };
const works = [text('Yes.'), finish];
/** Never answers. */
const HANGS = Symbol('hangs');
type Step = ModelEvent | Error | typeof HANGS;

/** Plays one list of steps a call; the last one for all further calls. */
class ScriptedModel extends LanguageModel {
  readonly signals: AbortSignal[] = [];
  /** When each call began, on the clock of `performance.now()`. */
  readonly startedAt: number[] = [];

  constructor(
    override readonly id: string,
    public calls: Step[][],
    override readonly isMetered = true,
  ) {
    super();
  }

  override async *stream(_request: GenerationRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    this.startedAt.push(performance.now());
    this.signals.push(signal);
    for (const step of this.calls[this.signals.length - 1] ?? this.calls.at(-1) ?? []) {
      if (step instanceof Error) throw step;
      if (step !== HANGS) yield step;
      else
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
    }
  }
}

function callerOf(models: LanguageModel[], env: Record<string, string> = {}): ModelCaller {
  const config = new AppConfig({ LLM_MAX_RETRIES: '0', LLM_BREAKER_FAILURES: '0', ...env });
  return new ModelCaller(config, { all: models } as LanguageModelRegistry);
}

/** Calls, and takes down all that comes of it. */
function start(caller: ModelCaller, models: LanguageModel[], hooks: CallOptions = {}) {
  const controller = new AbortController();
  const events: CallEvent[] = [];
  const reports: AttemptReport[] = [];
  const error = (async () => {
    const stream = caller.stream(models, request, controller.signal, {
      onAttempt: (report) => reports.push(report),
      ...hooks,
    });
    for await (const event of stream) events.push(event);
  })().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { events, reports, error, abort: (reason: Error) => controller.abort(reason) };
}

const answerOf = (model: string): CallEvent[] => [
  text('Yes.') as CallEvent,
  { type: 'finish', reason: 'stop', model },
];
const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

beforeEach(() => {
  vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  vi.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('ModelCaller, falling back', () => {
  it('tries the next model when the retries of one are spent, and says which has answered', async () => {
    const a = new ScriptedModel('a/one', [[failure()]]);
    const b = new ScriptedModel('b/one', [[failure()], works]);
    const c = new ScriptedModel('c/one', [works]);
    const run = start(callerOf([a, b, c], { LLM_MAX_RETRIES: '2' }), [a, b, c]);
    expect(await run.error).toBeUndefined();
    expect(run.events).toEqual(answerOf('b/one'));
    expect(run.reports.map(({ model, attempt, outcome }) => [model, attempt, outcome])).toEqual([
      ['a/one', 1, 'failed'],
      ['a/one', 2, 'failed'],
      ['a/one', 3, 'failed'],
      ['b/one', 1, 'failed'],
      ['b/one', 2, 'ok'],
    ]);
    expect(c.signals).toEqual([]);
  });

  it('tries the next model at once when one refuses', async () => {
    const a = new ScriptedModel('a/one', [[failure('authentication')]]);
    const b = new ScriptedModel('b/one', [works]);
    const run = start(callerOf([a, b], { LLM_MAX_RETRIES: '5' }), [a, b]);
    expect(await run.error).toBeUndefined();
    expect(run.events).toEqual(answerOf('b/one'));
    expect(a.signals).toHaveLength(1);
  });

  it('throws the error of the last model when all fail', async () => {
    const last = failure('server_error');
    const a = new ScriptedModel('a/one', [[failure()]]);
    const b = new ScriptedModel('b/one', [[last]]);
    expect(await start(callerOf([a, b]), [a, b]).error).toBe(last);
  });

  it.each<[string, ModelEvent]>([
    ['text', text('One')],
    ['citation', { type: 'citation', start: 0, end: 1, source: 0 }],
  ])('does not fall back after the first %s', async (_, event) => {
    const broken = failure('connection');
    const a = new ScriptedModel('a/one', [[event, broken]]);
    const b = new ScriptedModel('b/one', [works]);
    const run = start(callerOf([a, b], { LLM_MAX_RETRIES: '2' }), [a, b]);
    expect(await run.error).toBe(broken);
    expect(run.events).toEqual([event]);
    expect([a.signals.length, b.signals.length]).toEqual([1, 0]);
  });

  it('does not fall back from a programming error', async () => {
    const bug = new TypeError('x');
    const a = new ScriptedModel('a/one', [[bug]]);
    const b = new ScriptedModel('b/one', [works]);
    expect(await start(callerOf([a, b]), [a, b]).error).toBe(bug);
    expect(b.signals).toEqual([]);
  });

  it('shares the time that one call is given, where that is less than LLM_TIMEOUT_MS', async () => {
    vi.useFakeTimers();
    const a = new ScriptedModel('a/one', [[HANGS]]);
    const b = new ScriptedModel('b/one', [[text('Yes.'), HANGS]]);
    const run = start(callerOf([a, b], { LLM_MAX_RETRIES: '2' }), [a, b], { timeoutMs: 5_000 });
    await vi.advanceTimersByTimeAsync(2_501);
    expect([a.signals[0]!.aborted, b.signals.length]).toEqual([true, 1]);
    await vi.advanceTimersByTimeAsync(2_501);
    expect(await run.error).toMatchObject({ kind: 'timeout', message: 'b/one took longer than 5000 ms' });
    expect(run.reports.map(({ model, outcome }) => [model, outcome])).toEqual([
      ['a/one', 'failed'],
      ['b/one', 'cut'],
    ]);
  });

  it('does not fall back for a caller that has left', async () => {
    const a = new ScriptedModel('a/one', [[HANGS]]);
    const b = new ScriptedModel('b/one', [works]);
    const run = start(callerOf([a, b]), [a, b]);
    await settle();
    const reason = new Error('gone');
    run.abort(reason);
    expect(await run.error).toBe(reason);
    expect(a.signals[0]!.aborted).toBe(true);
    expect(b.signals).toEqual([]);
  });

  it('passes over a model whose breaker is open, without an attempt', async () => {
    const a = new ScriptedModel('a/one', [[failure()]]);
    const b = new ScriptedModel('b/one', [works]);
    const caller = callerOf([a, b], { LLM_BREAKER_FAILURES: '3', LLM_MAX_RETRIES: '2' });
    await start(caller, [a, b]).error;
    expect(caller.breakerStates).toEqual({ 'a/one': 'open', 'b/one': 'closed' });
    const run = start(caller, [a, b]);
    expect(await run.error).toBeUndefined();
    expect(run.events).toEqual(answerOf('b/one'));
    expect(run.reports.map(({ model }) => model)).toEqual(['b/one']);
    expect(a.signals).toHaveLength(3);
  });

  it('fails with how long the breaker stays open, where there is no other model', async () => {
    const a = new ScriptedModel('a/one', [[failure()]]);
    const caller = callerOf([a], { LLM_BREAKER_FAILURES: '1', LLM_BREAKER_OPEN_MS: '600000' });
    await start(caller, [a]).error;
    const error = await start(caller, [a]).error;
    expect(error).toMatchObject({ kind: 'overloaded', provider: 'a', isRetryable: false });
    expect((error as ModelError).retryAfterMs).toBeGreaterThan(500_000);
    expect((error as ModelError).retryAfterMs).toBeLessThanOrEqual(600_000);
    expect(a.signals).toHaveLength(1);
  });

  it('makes no further attempt at a model once its breaker opens', async () => {
    const a = new ScriptedModel('a/one', [[failure()]]);
    const b = new ScriptedModel('b/one', [works]);
    const run = start(callerOf([a, b], { LLM_BREAKER_FAILURES: '2', LLM_MAX_RETRIES: '9' }), [a, b]);
    expect(await run.error).toBeUndefined();
    expect(a.signals).toHaveLength(2);
    expect(run.events).toEqual(answerOf('b/one'));
  });

  it('passes over a provider that has no place, models of the same provider included', async () => {
    const [a1, a2] = [new ScriptedModel('a/one', [[HANGS]]), new ScriptedModel('a/two', [works])];
    const b = new ScriptedModel('b/one', [works]);
    const caller = callerOf([a1, a2, b], { LLM_MAX_CONCURRENCY: '1', LLM_MAX_QUEUE: '0' });
    const holding = start(caller, [a1]);
    await settle();
    const run = start(caller, [a1, a2, b]);
    expect(await run.error).toBeUndefined();
    expect(run.events).toEqual(answerOf('b/one'));
    expect([a1.signals.length, a2.signals.length]).toEqual([1, 0]);
    expect(await start(caller, [a1, a2]).error).toMatchObject({ kind: 'overloaded', retryAfterMs: 1_000 });
    holding.abort(new Error('gone'));
    await holding.error;
    expect(await start(caller, [a2]).error).toBeUndefined();
  });
});

describe('ModelCaller, what counts against a model', () => {
  const env = { LLM_BREAKER_FAILURES: '1' };

  it.each<ModelErrorKind>(['overloaded', 'server_error', 'connection', 'timeout', 'malformed_response'])(
    '%s does',
    async (kind) => {
      const a = new ScriptedModel('a/one', [[failure(kind)]]);
      const caller = callerOf([a], env);
      await start(caller, [a]).error;
      expect(caller.breakerStates).toEqual({ 'a/one': 'open' });
    },
  );

  it.each<ModelErrorKind>(['rate_limited', 'invalid_request', 'authentication', 'not_found'])(
    '%s does not',
    async (kind) => {
      const a = new ScriptedModel('a/one', [[failure(kind)]]);
      const caller = callerOf([a], env);
      await start(caller, [a]).error;
      expect(caller.breakerStates).toEqual({ 'a/one': 'closed' });
    },
  );

  it.each<[ModelErrorKind, string]>([
    ['rate_limited', 'half_open'],
    ['authentication', 'closed'],
  ])('%s, to a probe, leaves the breaker %s', async (kind, state) => {
    vi.useFakeTimers();
    const a = new ScriptedModel('a/one', [[failure('connection')], [failure(kind)]]);
    const caller = callerOf([a], { ...env, LLM_BREAKER_OPEN_MS: '1000' });
    await start(caller, [a]).error;
    await vi.advanceTimersByTimeAsync(1_000);
    await start(caller, [a]).error;
    expect(caller.breakerStates).toEqual({ 'a/one': state });
  });

  it('a break after the first text does, a caller that leaves does not', async () => {
    const a = new ScriptedModel('a/one', [
      [text('One'), HANGS],
      [HANGS],
      [text('One'), failure('connection')],
    ]);
    const caller = callerOf([a], env);
    for (let index = 0; index < 2; index++) {
      const leaving = start(caller, [a]);
      await settle();
      leaving.abort(new Error('gone'));
      await leaving.error;
      expect(caller.breakerStates).toEqual({ 'a/one': 'closed' });
    }
    await start(caller, [a]).error;
    expect(caller.breakerStates).toEqual({ 'a/one': 'open' });
  });

  it('what runs in this process has neither breaker nor bulkhead', async () => {
    const local = new ScriptedModel('local', [[HANGS]], false);
    const caller = callerOf([local], { ...env, LLM_MAX_CONCURRENCY: '1', LLM_MAX_QUEUE: '0' });
    expect(caller.breakerStates).toEqual({});
    const runs = [start(caller, [local]), start(caller, [local])];
    await settle();
    expect(local.signals).toHaveLength(2);
    for (const run of runs) run.abort(new Error('gone'));
    await Promise.all(runs.map(({ error }) => error));
  });
});

describe('ModelCaller, the time of a call', () => {
  const env = { LLM_TIMEOUT_MS: '400', LLM_FIRST_TOKEN_TIMEOUT_MS: '100000' };
  beforeEach(() => void vi.useFakeTimers());

  it('leaves a model that hangs half of it, and the next the other half', async () => {
    const a = new ScriptedModel('a/one', [[HANGS]]);
    const b = new ScriptedModel('b/one', [works]);
    const began = performance.now();
    const run = start(callerOf([a, b], env), [a, b]);
    await vi.advanceTimersByTimeAsync(199);
    expect(b.signals).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await run.error).toBeUndefined();
    expect(run.events).toEqual(answerOf('b/one'));
    expect(b.startedAt[0]! - began).toBe(200);
    expect(a.signals[0]!.aborted).toBe(true);
    expect(run.reports[0]).toMatchObject({ model: 'a/one', outcome: 'failed', error: { kind: 'timeout' } });
  });

  it('shares what is left, equally, when a model fails early', async () => {
    const models = [
      new ScriptedModel('a/one', [[failure()]]),
      new ScriptedModel('b/one', [[HANGS]]),
      new ScriptedModel('c/one', [[HANGS]]),
    ];
    const began = performance.now();
    const run = start(callerOf(models, env), models);
    await vi.advanceTimersByTimeAsync(400);
    expect(await run.error).toMatchObject({ kind: 'timeout', message: 'c/one took longer than 400 ms' });
    expect(models.map(({ startedAt }) => startedAt[0]! - began)).toEqual([0, 0, 200]);
    expect(run.reports.map(({ durationMs }) => durationMs)).toEqual([0, 200, 200]);
  });

  it('gives all of it to a model that has begun to answer', async () => {
    const a = new ScriptedModel('a/one', [[text('One'), HANGS]]);
    const b = new ScriptedModel('b/one', [works]);
    const run = start(callerOf([a, b], env), [a, b]);
    await vi.advanceTimersByTimeAsync(399);
    expect(a.signals[0]!.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await run.error).toMatchObject({ kind: 'timeout', message: 'a/one took longer than 400 ms' });
    expect(run.reports).toMatchObject([{ outcome: 'cut' }]);
    expect(b.signals).toEqual([]);
  });

  it('counts the wait for a place, and goes on to the next model when that takes too long', async () => {
    const a = new ScriptedModel('a/one', [[HANGS], works]);
    const b = new ScriptedModel('b/one', [works]);
    const caller = callerOf([a, b], { ...env, LLM_MAX_CONCURRENCY: '1', LLM_MAX_QUEUE: '5' });
    const holding = start(caller, [a]);
    await vi.advanceTimersByTimeAsync(0);
    const [patient, waiting] = [start(caller, [a]), start(caller, [a, b])];
    // half of its share: the other half is for the answer
    await vi.advanceTimersByTimeAsync(99);
    expect(b.signals).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await waiting.error).toBeUndefined();
    expect(waiting.events).toEqual(answerOf('b/one'));
    expect(a.signals).toHaveLength(1);
    holding.abort(new Error('gone'));
    await vi.advanceTimersByTimeAsync(0);
    expect(await patient.error).toBeUndefined();
    expect(patient.events).toEqual(answerOf('a/one'));
  });

  it('does not hold a caller that leaves while it waits for a place', async () => {
    const a = new ScriptedModel('a/one', [[HANGS]]);
    const caller = callerOf([a], { ...env, LLM_MAX_CONCURRENCY: '1', LLM_MAX_QUEUE: '1' });
    const holding = start(caller, [a]);
    await vi.advanceTimersByTimeAsync(0);
    const waiting = start(caller, [a]);
    await vi.advanceTimersByTimeAsync(0);
    const reason = new Error('gone');
    waiting.abort(reason);
    expect(await waiting.error).toBe(reason);
    expect(waiting.reports).toEqual([]);
    holding.abort(reason);
    await holding.error;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('ModelCaller, hooks', () => {
  it('awaits beforeAttempt before each attempt, and tells onAttempt of each', async () => {
    const log: string[] = [];
    const a = new ScriptedModel('a/one', [[failure()]]);
    const b = new ScriptedModel('b/one', [works]);
    const attempts = () => a.signals.length + b.signals.length;
    const run = start(callerOf([a, b], { LLM_MAX_RETRIES: '1' }), [a, b], {
      beforeAttempt: async () => {
        const before = attempts();
        await settle();
        log.push(`before ${before} ${attempts() === before}`);
      },
      onAttempt: ({ model, outcome }) => log.push(`${model} ${outcome}`),
    });
    expect(await run.error).toBeUndefined();
    expect(log).toEqual([
      'before 0 true',
      'a/one failed',
      'before 1 true',
      'a/one failed',
      'before 2 true',
      'b/one ok',
    ]);
  });

  it('ends the call with the rejection of beforeAttempt: no attempt, no retry, no other model', async () => {
    const a = new ScriptedModel('a/one', [[failure()]]);
    const b = new ScriptedModel('b/one', [works]);
    const refusal = new Error('no budget');
    const beforeAttempt = vi.fn<() => Promise<void>>().mockRejectedValue(refusal);
    const run = start(callerOf([a, b], { LLM_MAX_RETRIES: '3' }), [a, b], { beforeAttempt });
    expect(await run.error).toBe(refusal);
    expect(beforeAttempt).toHaveBeenCalledOnce();
    expect([a.signals, b.signals, run.reports]).toEqual([[], [], []]);
  });

  it('asks beforeAttempt also for a model that runs in this process', async () => {
    const local = new ScriptedModel('local', [works], false);
    const beforeAttempt = vi.fn<() => Promise<void>>().mockResolvedValue();
    await start(callerOf([local]), [local], { beforeAttempt }).error;
    expect(beforeAttempt).toHaveBeenCalledOnce();
  });

  it('gives the place back when beforeAttempt rejects', async () => {
    const a = new ScriptedModel('a/one', [works]);
    const caller = callerOf([a], { LLM_MAX_CONCURRENCY: '1', LLM_MAX_QUEUE: '0' });
    const refusal = new Error('no budget');
    expect(await start(caller, [a], { beforeAttempt: () => Promise.reject(refusal) }).error).toBe(refusal);
    expect(await start(caller, [a]).error).toBeUndefined();
  });

  it('holds the place, but not the probe, while it waits for beforeAttempt', async () => {
    vi.useFakeTimers();
    const a = new ScriptedModel('a/one', [[failure()], works]);
    const caller = callerOf([a], {
      LLM_BREAKER_FAILURES: '1',
      LLM_BREAKER_OPEN_MS: '1000',
      LLM_MAX_CONCURRENCY: '2',
      LLM_MAX_QUEUE: '0',
    });
    await start(caller, [a]).error;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(caller.breakerStates).toEqual({ 'a/one': 'half_open' });
    const budget = Promise.withResolvers<void>();
    const slow = start(caller, [a], { beforeAttempt: () => budget.promise });
    await vi.advanceTimersByTimeAsync(0);
    // the probe is free: another call takes it and closes the breaker
    expect(await start(caller, [a]).error).toBeUndefined();
    expect(caller.breakerStates).toEqual({ 'a/one': 'closed' });
    budget.reject(new Error('no budget'));
    expect(await slow.error).toMatchObject({ message: 'no budget' });
  });

  it('leaves the probe to the next call when beforeAttempt rejects', async () => {
    vi.useFakeTimers();
    const a = new ScriptedModel('a/one', [[failure()], works]);
    const caller = callerOf([a], { LLM_BREAKER_FAILURES: '1', LLM_BREAKER_OPEN_MS: '1000' });
    await start(caller, [a]).error;
    await vi.advanceTimersByTimeAsync(1_000);
    const refusal = new Error('no budget');
    expect(await start(caller, [a], { beforeAttempt: () => Promise.reject(refusal) }).error).toBe(refusal);
    expect(caller.breakerStates).toEqual({ 'a/one': 'half_open' });
    expect(await start(caller, [a]).error).toBeUndefined();
    expect(caller.breakerStates).toEqual({ 'a/one': 'closed' });
  });

  it('lets only one call probe, and others past it once it has its first token', async () => {
    vi.useFakeTimers();
    const a = new ScriptedModel('a/one', [[failure()], [HANGS], [text('One'), HANGS], works]);
    const caller = callerOf([a], { LLM_BREAKER_FAILURES: '1', LLM_BREAKER_OPEN_MS: '1000' });
    await start(caller, [a]).error;
    await vi.advanceTimersByTimeAsync(1_000);
    const abandoned = start(caller, [a]);
    await vi.advanceTimersByTimeAsync(0);
    expect(await start(caller, [a]).error).toMatchObject({ kind: 'overloaded' });
    expect(a.signals).toHaveLength(2);
    abandoned.abort(new Error('gone'));
    await abandoned.error;
    // the probe that was abandoned told nothing: the next call is one
    const probe = start(caller, [a]);
    await vi.advanceTimersByTimeAsync(0);
    expect(caller.breakerStates).toEqual({ 'a/one': 'closed' });
    expect(await start(caller, [a]).error).toBeUndefined();
    probe.abort(new Error('gone'));
    await probe.error;
  });
});

describe('ModelGate', () => {
  // `enter` asks the breaker twice, and its time may run out in between
  it('lets no attempt through that has no place', async () => {
    vi.spyOn(CircuitBreaker.prototype, 'refusedForMs', 'get').mockReturnValue(undefined);
    vi.spyOn(CircuitBreaker.prototype, 'enter').mockReturnValue(undefined);
    const bulkhead = new Bulkhead(1, 0);
    const gate = new ModelGate('a/one', bulkhead, { breakerFailures: 1, breakerOpenMs: 1000 });
    await gate.enter(new AbortController().signal, Infinity).then(
      () => expect(bulkhead.inFlight).toBe(1),
      (error: unknown) => expect(error).toBeInstanceOf(ModelError),
    );
    vi.restoreAllMocks();
  });
});
