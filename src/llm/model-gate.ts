import { Logger } from '@nestjs/common';
import { type Bulkhead, BulkheadFullError, ModelError } from '../common/index.js';
import { type BreakerPassage, type BreakerState, CircuitBreaker } from './circuit-breaker.js';
import { countBreaker, countPlaces, countRefusal } from './llm-metrics.js';

/** A provider whose queue is full is worth another look after this long. */
const FULL_RETRY_AFTER_MS = 1000;

/** One attempt's way through the gate. `left` must be called when it is over, however it ended. */
export interface GatePass {
  /** The first token came. */
  begun(): void;
  /** Absent error: it worked. */
  ended(error?: unknown): void;
  left(): void;
}

/** When a model is left alone: failed attempts within a minute (0: never), and for how long in ms. */
export interface BreakerSettings {
  breakerFailures: number;
  breakerOpenMs: number;
}

/** What stands before every attempt at a model: its circuit breaker, and the bulkhead of its provider. */
export class ModelGate {
  private readonly logger = new Logger('Models');
  private readonly provider: string;
  private readonly breaker: CircuitBreaker;

  /**
   * @param model its id
   * @param bulkhead of its provider
   */
  constructor(
    private readonly model: string,
    private readonly bulkhead: Bulkhead,
    { breakerFailures, breakerOpenMs }: BreakerSettings,
  ) {
    this.provider = model.split('/', 1).join();
    this.breaker = new CircuitBreaker({
      failures: breakerFailures,
      openMs: breakerOpenMs,
      onChange: (state) => this.changed(state),
    });
    countBreaker(model, 'closed');
  }

  /** The state of the model's circuit breaker. */
  get state(): BreakerState {
    return this.breaker.state;
  }

  /** True when an attempt would be refused now. */
  get isShut(): boolean {
    return this.breaker.refusedForMs !== undefined;
  }

  /**
   * Waits for a place and lets an attempt through.
   * @param waitMs longest wait for a place
   * @param beforeAttempt awaited once there is a place; its rejection gives the place back
   * @throws ModelError `overloaded`, not worth a retry, when the breaker is open or there is no place; the signal's
   *   reason; what `beforeAttempt` throws
   */
  async enter(signal: AbortSignal, waitMs: number, beforeAttempt?: () => Promise<void>): Promise<GatePass> {
    this.refuseIfShut();
    const leave = await this.place(signal, waitMs);
    let passage: BreakerPassage | undefined;
    try {
      await beforeAttempt?.();
      passage = this.breaker.enter();
      // it opened, or another call probes, since this one began to wait
      if (passage === undefined) throw this.shut(this.breaker.refusedForMs ?? 1);
    } finally {
      if (passage === undefined) leave();
    }
    return {
      begun: () => passage?.begun(),
      ended: (error) =>
        passage?.ended(outcomeOf(error), error instanceof ModelError ? error.retryAfterMs : 0),
      left: () => {
        // a caller that left says nothing about the model
        passage?.ended('neutral');
        leave();
      },
    };
  }

  private changed(state: BreakerState): void {
    countBreaker(this.model, state);
    if (state === 'open') this.logger.warn(`${this.model} keeps failing: its circuit breaker is open`);
    if (state === 'closed') this.logger.log(`${this.model} answers again: its circuit breaker is closed`);
  }

  private refuseIfShut(): void {
    const refusedForMs = this.breaker.refusedForMs;
    if (refusedForMs !== undefined) throw this.shut(refusedForMs);
  }

  private shut(forMs: number): ModelError {
    return this.refusal(`${this.model} has been failing and is left alone for a moment`, forMs);
  }

  private async place(signal: AbortSignal, waitMs: number): Promise<() => void> {
    try {
      const entered = this.bulkhead.enter(signal, waitMs);
      countPlaces(this.provider, this.bulkhead);
      const leave = await entered;
      countPlaces(this.provider, this.bulkhead);
      return () => {
        leave();
        countPlaces(this.provider, this.bulkhead);
      };
    } catch (error) {
      countPlaces(this.provider, this.bulkhead);
      if (!(error instanceof BulkheadFullError)) throw error;
      countRefusal(this.provider);
      throw this.refusal(
        `${this.provider} has as many calls under way and waiting as this service allows`,
        FULL_RETRY_AFTER_MS,
      );
    }
  }

  private refusal(message: string, retryAfterMs: number): ModelError {
    return new ModelError(message, {
      kind: 'overloaded',
      provider: this.provider,
      retryAfterMs,
      shouldRetry: false,
    });
  }
}

/**
 * An answer that the provider gave on purpose, such as a 400 or a 401, shows that it works. One that calls come too fast
 * says neither: they wait as it asks, and are not all turned away.
 */
function outcomeOf(error: unknown): 'ok' | 'failed' | 'neutral' {
  if (error === undefined) return 'ok';
  if (!(error instanceof ModelError) || error.kind === 'rate_limited') return 'neutral';
  return error.isProviderFault ? 'failed' : 'ok';
}
