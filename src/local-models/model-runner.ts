import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Bulkhead, BulkheadFullError, ModelError, type ModelErrorKind, orAborted } from '../common/index.js';
import type { LocalModel } from './local-model.js';
import type { ModelReply, ModelTask } from './model-messages.js';

/** Bounds of the work on one model. */
export interface RunnerLimits {
  /** Longest time of one task, in ms; that of the first is counted from when the model is loaded. */
  timeoutMs: number;
  /** Longest time in which a model is loaded, in ms. */
  loadTimeoutMs: number;
  /** Tasks that may wait for the one under way. */
  maxQueue: number;
}

/** A model of a gigabyte from a slow disk. */
export const LOAD_TIMEOUT_MS = 120_000;

const PROVIDER = 'local';
const FULL_RETRY_AFTER_MS = 1000;
// beside this file where the service was built; run from source, the built one
const ENTRY = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../dist/local-models/model-process.js' : './model-process.js',
    import.meta.url,
  ),
);

/**
 * Runs one model in a process of its own, which is started with the first task, and anew after it has ended. One task
 * is under way at a time; the others wait in their order.
 */
export class ModelRunner {
  private readonly bulkhead: Bulkhead;
  private child: ChildProcess | undefined;
  private isClosed = false;

  constructor(
    private readonly model: LocalModel,
    private readonly limits: RunnerLimits,
  ) {
    this.bulkhead = new Bulkhead(1, limits.maxQueue);
  }

  /** Loads the model, unless that is done. @throws ModelError when it cannot be loaded */
  async load(): Promise<void> {
    const leave = await this.bulkhead.enter(new AbortController().signal, Infinity);
    try {
      await this.start();
    } finally {
      leave();
    }
  }

  /**
   * Computes one task. One that is aborted in the middle is computed to its end, because starting the process anew would
   * take longer: keep tasks small.
   * @param waitMs longest wait for the tasks before it
   * @throws ModelError: `overloaded` when too many wait, `timeout`, `server_error` when the process ended (the next task
   * starts it anew), `not_found` when the model cannot be loaded, `malformed_response` when it cannot be run; the
   * signal's reason when aborted
   */
  async run(task: ModelTask, signal: AbortSignal, waitMs: number): Promise<ModelReply> {
    const leave = await this.place(signal, waitMs);
    const work = this.compute(task).finally(leave);
    return orAborted(work, signal);
  }

  /** Ends the process; what it computes is given up. */
  close(): void {
    this.isClosed = true;
    this.child?.kill('SIGKILL');
  }

  private async place(signal: AbortSignal, waitMs: number): Promise<() => void> {
    try {
      return await this.bulkhead.enter(signal, waitMs);
    } catch (error) {
      if (!(error instanceof BulkheadFullError)) throw error;
      throw new ModelError('the local model has more to compute than this service lets wait', {
        kind: 'overloaded',
        provider: PROVIDER,
        retryAfterMs: FULL_RETRY_AFTER_MS,
      });
    }
  }

  private async compute(task: ModelTask): Promise<ModelReply> {
    const child = await this.start();
    const reply = await this.answerOf(child, this.limits.timeoutMs, () => child.send(task));
    if ('failure' in reply) throw failed('malformed_response', `could not be run: ${reply.failure}`);
    return reply;
  }

  private async start(): Promise<ChildProcess> {
    if (this.child?.connected === true) return this.child;
    if (this.isClosed) throw failed('server_error', 'is not run any more: the service is stopping');
    const child = fork(ENTRY, [JSON.stringify(this.model)], {
      env: {},
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    // a process that could not be started tells so several times, also when nobody asks it any more
    child.on('error', () => undefined);
    this.child = child;
    const reply = await this.answerOf(child, this.limits.loadTimeoutMs);
    if (!('failure' in reply)) return child;
    child.kill('SIGKILL');
    this.child = undefined;
    throw failed('not_found', `could not be loaded: ${reply.failure}`);
  }

  private async answerOf(child: ChildProcess, timeoutMs: number, ask?: () => void): Promise<ModelReply> {
    child.ref();
    child.channel?.ref();
    try {
      return await nextReply(child, timeoutMs, ask);
    } catch (error) {
      child.kill('SIGKILL');
      this.child = undefined;
      throw error;
    } finally {
      // an idle process does not keep this one from ending
      child.unref();
      child.channel?.unref();
    }
  }
}

function nextReply(child: ChildProcess, timeoutMs: number, ask?: () => void): Promise<ModelReply> {
  return new Promise<ModelReply>((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      child.off('message', onReply).off('exit', onExit).off('error', onError);
      settle();
    };
    const onReply = (reply: ModelReply): void => end(() => resolve(reply));
    const onExit = (code: number | null, killedBy: NodeJS.Signals | null): void =>
      end(() => reject(failed('server_error', `lost its process, which ended with ${killedBy ?? code}`)));
    const onError = (error: Error): void =>
      end(() => reject(failed('server_error', `lost its process: ${error.message}`)));
    const timer = setTimeout(
      () => end(() => reject(failed('timeout', `took longer than ${timeoutMs / 1000} s`))),
      timeoutMs,
    );
    child.on('message', onReply).on('exit', onExit).on('error', onError);
    try {
      ask?.();
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function failed(kind: ModelErrorKind, what: string): ModelError {
  // what cannot be run today cannot be run tomorrow
  const isFinal = kind === 'malformed_response';
  return new ModelError(`the local model ${what}`, {
    kind,
    provider: PROVIDER,
    ...(isFinal ? { shouldRetry: false } : {}),
  });
}
