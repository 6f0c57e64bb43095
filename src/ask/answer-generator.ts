import { Injectable } from '@nestjs/common';
import { AppError, ModelError, modelProblem } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import {
  type FinishReason,
  type GenerationRequest,
  type LanguageModel,
  LanguageModelRegistry,
  type ModelCitation,
  UnknownModelError,
  withRetry,
} from '../llm/index.js';
import type { CallLog } from './call-log.js';

export type GenerationEvent =
  { type: 'text'; text: string } | ModelCitation | { type: 'finish'; reason: FinishReason; model: string };

/** Generates with the first model that answers, and logs every call to any of them. */
@Injectable()
export class AnswerGenerator {
  constructor(
    private readonly config: AppConfig,
    private readonly registry: LanguageModelRegistry,
  ) {}

  /** The models to try, in order. @throws AppError INVALID_REQUEST for a model that is not configured */
  models(id: string | undefined): LanguageModel[] {
    try {
      return this.registry.withFallbacks(id);
    } catch (error) {
      if (!(error instanceof UnknownModelError)) throw error;
      const message = `model takes one of ${error.known.join(', ')}`;
      throw new AppError('INVALID_REQUEST', message, { errors: [{ field: 'model', message }] });
    }
  }

  /**
   * Streams an answer. A model whose retries are spent is followed by the next one, until the first token has been
   * passed on: after that a failure is final, because the caller has read a part of an answer already.
   * @throws AppError PROVIDER_…; the signal's reason when aborted
   */
  async *generate(
    models: readonly LanguageModel[],
    request: GenerationRequest,
    calls: CallLog,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent> {
    const { timeoutMs, firstTokenTimeoutMs, stallTimeoutMs, maxRetries } = this.config.llm;
    const options = {
      maxRetries,
      timeouts: { callMs: timeoutMs, firstTokenMs: firstTokenTimeoutMs, stallMs: stallTimeoutMs },
      onAttempt: calls.attempted.bind(calls),
    };
    for (const [index, model] of models.entries()) {
      let hasBegun = false;
      try {
        for await (const event of withRetry(model, request, signal, options)) {
          if (event.type === 'usage') continue;
          if (event.type === 'finish') yield { ...event, model: model.id };
          else {
            hasBegun = true;
            yield event;
          }
        }
        return;
      } catch (error) {
        if (!(error instanceof ModelError)) throw error;
        if (hasBegun || index === models.length - 1)
          throw modelProblem(error, 'The answer could not be generated');
      }
    }
  }
}
