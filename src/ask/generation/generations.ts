import { Injectable } from '@nestjs/common';
import type { LanguageModel } from '../../llm/index.js';
import type { PreparedPrompt } from '../prompt-request.js';
import type { Question } from '../question.js';
import { AnswerGenerator } from './answer-generator.js';
import { CachedGenerator } from './cached-generator.js';
import { Comparison } from './comparison.service.js';
import type { Alternative, Generation, GenerationEvent } from './generation.js';

/** Decides how a question's answer is generated: by one model, by several beside each other, or by none, because it is known. */
@Injectable()
export class Generations {
  constructor(
    private readonly generator: AnswerGenerator,
    private readonly cached: CachedGenerator,
    private readonly comparison: Comparison,
  ) {}

  /**
   * The models that are to answer: those that are compared, or one and its fallbacks, in order.
   * @throws AppError INVALID_REQUEST for one that is not configured
   */
  modelsOf({ model, models }: Question): LanguageModel[] {
    return models === undefined ? this.generator.withFallbacks(model) : this.generator.exactly(models);
  }

  /** @throws AppError BUDGET_EXCEEDED before anything is sent, PROVIDER_…; the signal's reason when aborted */
  generate(
    question: Question,
    prompt: PreparedPrompt,
    generation: Omit<Generation, 'request' | 'payer'>,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent | Alternative> {
    const whole = { ...generation, request: prompt.request, payer: question.caller };
    if (question.models !== undefined) return this.comparison.compare(whole, signal);
    if (!question.cache || !this.cached.isEnabled) return this.generator.generate(whole, signal);
    const passages = prompt.sources.map(({ hit }) => hit.id);
    return this.cached.generate(whole, [prompt.version, ...passages], signal);
  }
}
