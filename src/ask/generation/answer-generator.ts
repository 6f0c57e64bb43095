import { Injectable } from '@nestjs/common';
import { invalidField, ModelError, modelProblem } from '../../common/index.js';
import type { BilledCall } from '../../costs/index.js';
import {
  type CallEvent,
  type LanguageModel,
  LanguageModelRegistry,
  ModelCaller,
  UnknownModelError,
  worstUsage,
} from '../../llm/index.js';
import { billAttempts } from '../bill.js';
import type { Generation, GenerationEvent } from './generation.js';

/** Generates answers within the budgets, with every call on the tab. */
@Injectable()
export class AnswerGenerator {
  constructor(
    private readonly registry: LanguageModelRegistry,
    private readonly caller: ModelCaller,
  ) {}

  /** A model and its fallbacks, in order. @throws AppError INVALID_REQUEST for a model that is not configured */
  withFallbacks(id: string | undefined): LanguageModel[] {
    return this.known('model', () => this.registry.withFallbacks(id));
  }

  /** Exactly these models. @throws AppError INVALID_REQUEST for one that is not configured */
  exactly(ids: readonly string[]): LanguageModel[] {
    return this.known('models', () => ids.map((id) => this.registry.get(id)));
  }

  /**
   * Reserves the worst case, then streams an answer of the first model that gives one.
   * @throws AppError BUDGET_EXCEEDED before anything is sent, PROVIDER_…; the signal's reason when aborted
   */
  async *generate(generation: Generation, signal: AbortSignal): AsyncGenerator<GenerationEvent> {
    const { models, request, tab } = generation;
    const [giveUp] = await tab.hold(() => [worstCase(models, request)]);
    try {
      yield { type: 'admitted' };
      yield* this.run(generation, [], signal);
    } finally {
      giveUp?.();
    }
  }

  /**
   * Streams an answer within what is reserved already.
   * @param calls takes each call of this answer when it is over, as the generation's own does of all
   * @throws AppError PROVIDER_…, or BUDGET_EXCEEDED where a failed attempt has used up what a further one needs; the
   *   signal's reason when aborted
   */
  async *run(
    { models, request, tab, calls: all }: Generation,
    calls: BilledCall[],
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent> {
    let finish: Extract<CallEvent, { type: 'finish' }> | undefined;
    const bill = billAttempts(tab, 'answer', calls);
    try {
      const events = this.caller.stream(models, request, signal, {
        beforeAttempt: () => tab.cover(),
        onAttempt: (report) => all.push(bill(report)),
      });
      for await (const event of events)
        if (event.type === 'finish') finish = event;
        else yield event;
    } catch (error) {
      throw error instanceof ModelError ? modelProblem(error, 'The answer could not be generated') : error;
    }
    // last, because only now the bill is complete
    if (finish !== undefined) yield { ...finish, calls, cached: false };
  }

  private known<T>(field: string, get: () => T): T {
    try {
      return get();
    } catch (error) {
      if (!(error instanceof UnknownModelError)) throw error;
      const message = `${field} takes ${field === 'model' ? 'one' : 'some'} of ${error.known.join(', ')}`;
      throw invalidField(field, message);
    }
  }
}

/** The most that one answer of one of the models may use. */
export function worstCase(models: readonly LanguageModel[], request: Generation['request']) {
  const ids = models.map(({ id }) => id);
  // counting takes time, and what runs in this process uses nothing
  if (models.length > 0 && !models.some(({ isMetered }) => isMetered))
    return { models: ids, inputTokens: 0, outputTokens: 0 };
  return { models: ids, ...worstUsage(request) };
}
