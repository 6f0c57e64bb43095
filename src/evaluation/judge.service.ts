import { Injectable } from '@nestjs/common';
import { countTokens } from '../common/index.js';
import {
  type CallHooks,
  type GenerationRequest,
  type LanguageModel,
  LanguageModelRegistry,
  ModelCaller,
} from '../llm/index.js';
import { judgeV1 } from '../prompts/index.js';
import type { JudgedAnswer } from './judged-answer.js';
import { InvalidJudgementError, type Judgement, parseJudgement } from './judgement.js';
import { judgeLexically } from './lexical-judge.js';

/** What will be sent, and to whom: known beforehand, so that its worst cost can be reserved. */
export interface Judging {
  /** The models to try, in order: all metered, or all unmetered and then none of them is called. */
  models: readonly LanguageModel[];
  /** Sent once, and once more when what comes back is no judgement. */
  request: GenerationRequest;
}

/** Most tokens of the passages in the prompt: what an answer's own prompt takes of them. */
const SOURCE_TOKENS = 16_000;
/** The object needs less than half of it; the rest is for languages that take more tokens. */
const MAX_TOKENS = 600;
/** Most characters read of a judge that ignores that bound. */
const LONGEST_TEXT = 20_000;

/** Judges finished answers: by the default model or its fallbacks, or by words alone where no such model is configured. */
@Injectable()
export class Judge {
  constructor(
    private readonly registry: LanguageModelRegistry,
    private readonly caller: ModelCaller,
  ) {}

  /** What {@link run} is going to send. Calls nothing. */
  prepare({ question, answer, passages }: JudgedAnswer): Judging {
    const models = this.registry.withFallbacks();
    const metered = models.filter((model) => model.isMetered);
    const prompt = judgeV1({ question, answer, passages, sourceTokens: SOURCE_TOKENS, countTokens });
    return {
      models: metered.length > 0 ? metered : models,
      request: {
        instructions: prompt.instructions,
        markerInstructions: '',
        sources: [],
        // in the question's text instead: an adapter with native source blocks sends no other text for sources
        sourcesText: '',
        history: [],
        question,
        questionText: `${prompt.sourcesText}\n\n${prompt.questionText}`,
        maxTokens: MAX_TOKENS,
        temperature: 0,
      },
    };
  }

  /**
   * Judges an answer. A model's answer that is no judgement is asked for once more.
   * @param judging what `prepare` made of the same input
   * @returns the judgement, and the id of the model that gave it; of an unmetered one, the reasons say that no model did
   * @throws ModelError when all models fail; InvalidJudgementError when the second answer is no judgement either; the
   *   signal's reason when aborted
   */
  async run(
    judging: Judging,
    input: JudgedAnswer,
    signal: AbortSignal,
    hooks: CallHooks,
  ): Promise<Judgement & { model: string }> {
    signal.throwIfAborted();
    const unmetered = judging.models.find((model) => !model.isMetered);
    if (unmetered !== undefined) return { ...judgeLexically(input), model: unmetered.id };
    try {
      return await this.ask(judging, signal, hooks);
    } catch (error) {
      if (!(error instanceof InvalidJudgementError)) throw error;
      return this.ask(judging, signal, hooks);
    }
  }

  private async ask(
    { models, request }: Judging,
    signal: AbortSignal,
    hooks: CallHooks,
  ): Promise<Judgement & { model: string }> {
    let text = '';
    let model: string | undefined;
    for await (const event of this.caller.stream(models, request, signal, hooks)) {
      if (event.type === 'finish') model = event.model;
      else if (event.type === 'text') text += event.text;
      // leaving the loop stops the call
      if (text.length > LONGEST_TEXT)
        throw new InvalidJudgementError(`is longer than ${LONGEST_TEXT} characters`);
    }
    if (model === undefined) throw new InvalidJudgementError('was not finished');
    return { ...parseJudgement(text), model };
  }
}
