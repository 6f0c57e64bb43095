import { Injectable } from '@nestjs/common';
import { Bulkhead, ModelError } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import type { AttemptReport } from './attempt.js';
import type { BreakerState } from './circuit-breaker.js';
import type { FinishReason, GenerationRequest, LanguageModel, ModelCitation } from './language-model.js';
import { ModelGate } from './model-gate.js';
import { LanguageModelRegistry } from './model-registry.js';
import { withRetry } from './retry.js';

/** How the caller takes part in each attempt at a model. */
export interface CallHooks {
  /** Awaited before each attempt is sent; its rejection ends the call, with no further model tried. */
  beforeAttempt?: () => Promise<void>;
  /** Told of each attempt when it is over: a failed one may have been billed too. Must not throw. */
  onAttempt?: (report: AttemptReport) => void;
}

/** How one call differs from others. */
export interface CallOptions extends CallHooks {
  /** Longest time of the whole call in ms, where that is shorter than `LLM_TIMEOUT_MS`. */
  timeoutMs?: number;
}

export type CallEvent =
  | { type: 'text'; text: string }
  | ModelCitation
  /** @property model the one that has answered */
  | { type: 'finish'; reason: FinishReason; model: string };

/**
 * Calls models so that a caller is never stuck: timeouts, retries, circuit breakers, bulkheads and fallbacks, the same
 * for every provider and for every purpose.
 */
@Injectable()
export class ModelCaller {
  private readonly gates = new Map<string, ModelGate>();

  constructor(
    private readonly config: AppConfig,
    registry: LanguageModelRegistry,
  ) {
    const { maxConcurrency, maxQueue } = config.llm;
    const bulkheads = new Map<string, Bulkhead>();
    // what runs in this process has no provider that could fail or be overrun
    for (const { id } of registry.all.filter(({ isMetered }) => isMetered)) {
      const provider = id.split('/', 1).join();
      const bulkhead = bulkheads.get(provider) ?? new Bulkhead(maxConcurrency, maxQueue);
      bulkheads.set(provider, bulkhead);
      this.gates.set(id, new ModelGate(id, bulkhead, config.llm));
    }
  }

  /** The circuit breaker of each model that has one. */
  get breakerStates(): Record<string, BreakerState> {
    return Object.fromEntries([...this.gates].map(([id, { state }]) => [id, state]));
  }

  /**
   * Streams the answer of the first model that gives one. The next is tried when a model's retries are spent or its
   * breaker is open, and only before the first text: after it the caller has read a part of an answer, and a failure is
   * final. All models share the time of one call: until its first text, each may use an equal part of what is left.
   * @throws ModelError of the last model tried; the signal's reason when aborted; what `hooks.beforeAttempt` throws
   */
  async *stream(
    models: readonly LanguageModel[],
    request: GenerationRequest,
    signal: AbortSignal,
    { timeoutMs = Infinity, ...hooks }: CallOptions,
  ): AsyncGenerator<CallEvent> {
    const { firstTokenTimeoutMs, stallTimeoutMs, maxRetries } = this.config.llm;
    const callMs = Math.min(timeoutMs, this.config.llm.timeoutMs);
    const deadline = performance.now() + callMs;
    const options = {
      maxRetries,
      timeouts: { callMs, firstTokenMs: firstTokenTimeoutMs, stallMs: stallTimeoutMs },
      deadline,
      ...hooks,
    };
    for (const [index, model] of models.entries()) {
      const now = performance.now();
      const firstTokenBy = now + (deadline - now) / (models.length - index);
      let hasBegun = false;
      try {
        const gate = this.gates.get(model.id);
        for await (const event of withRetry(model, request, signal, { ...options, firstTokenBy, gate })) {
          if (event.type === 'usage') continue;
          hasBegun ||= event.type !== 'finish';
          yield event.type === 'finish' ? { ...event, model: model.id } : event;
        }
        return;
      } catch (error) {
        if (!(error instanceof ModelError) || hasBegun || index === models.length - 1) throw error;
      }
    }
  }
}
