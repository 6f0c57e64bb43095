import { Injectable, Logger } from '@nestjs/common';
import { AppError, countTokens, ModelError } from '../../common/index.js';
import type { BilledCall, Tab } from '../../costs/index.js';
import { type GenerationRequest, type LanguageModel, ModelCaller } from '../../llm/index.js';
import { condenseV1, rephraseV1, type RewritingPrompt } from '../../prompts/index.js';
import { billAttempts } from '../bill.js';
import { worstCase } from '../generation/answer-generator.js';
import { worstAnswers } from '../prompt-request.js';
import type { Question } from '../question.js';
import { condenseByWords } from './follow-up.js';
import { parseCondensed, parseRephrasings } from './rewriting.js';

/** An ask whose question may be rewritten. */
export interface Asked {
  question: Question;
  /** Those that may answer, in order. The first decides: where it runs in this process, no other is called. */
  models: readonly LanguageModel[];
  tab: Tab;
  /** Takes each call that it takes, billed. */
  calls: BilledCall[];
}

/** The search waits for a rewriting, and is the better for it, but not worth more than this. */
const LONGEST_MS = 5_000;
/** Of the earlier turns: as much as says what a question is about. */
const HISTORY_TOKENS = 2_000;
const TURN_TOKENS = 400;
/** Most tokens of a condensed question, and of each rephrasing. */
const CONDENSED_TOKENS = 300;
const REPHRASING_TOKENS = 120;
/** Most characters read of a model that ignores its bound. */
const LONGEST_TEXT = 20_000;

/**
 * Rewrites questions for the search, with the model that is to answer and its fallbacks. A rewriting fails no ask: when
 * it fails, takes longer than five seconds or has no room in a budget beside the answer, the ask goes on without it.
 */
@Injectable()
export class QueryRewriter {
  private readonly logger = new Logger('QueryRewriter');

  constructor(private readonly caller: ModelCaller) {}

  /**
   * Makes of a question that goes on with a conversation one that can be understood by itself.
   * @returns undefined where it can be already, or could not be condensed
   * @throws the signal's reason when aborted
   */
  async condense(asked: Asked, signal: AbortSignal): Promise<string | undefined> {
    const { question, history } = asked.question;
    if (!history.some(({ role }) => role === 'user')) return undefined;
    if (!isMetered(asked)) return condenseByWords(question, history);
    const prompt = condenseV1({
      question,
      history,
      historyTokens: HISTORY_TOKENS,
      turnTokens: TURN_TOKENS,
      countTokens,
    });
    const text = await this.write('condense', requestOf(prompt, CONDENSED_TOKENS), asked, signal);
    return parseCondensed(text, question);
  }

  /**
   * Puts a question into other words, as many times as the ask wants: fewer or none where that fails, none without a model
   * that could.
   * @param question the one that is searched, to be understood by itself
   * @throws the signal's reason when aborted
   */
  async rephrase(asked: Asked, question: string, signal: AbortSignal): Promise<string[]> {
    const count = asked.question.multiQuery;
    if (count === 0 || !isMetered(asked)) return [];
    const request = requestOf(rephraseV1({ question, count }), REPHRASING_TOKENS * count);
    return parseRephrasings(await this.write('multi_query', request, asked, signal), question, count);
  }

  /** What a model writes; nothing where it fails. */
  private async write(
    operation: 'condense' | 'multi_query',
    request: GenerationRequest,
    asked: Asked,
    signal: AbortSignal,
  ): Promise<string> {
    const calls: BilledCall[] = [];
    try {
      return await this.call(operation, request, asked, calls, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ModelError || error instanceof AppError)
        this.logger.debug(`${operation} is left out: ${error.message}`);
      else this.logger.error({ err: error }, `${operation} failed unexpectedly`);
      return '';
    } finally {
      asked.calls.push(...calls);
    }
  }

  private async call(
    operation: 'condense' | 'multi_query',
    request: GenerationRequest,
    { question, models, tab }: Asked,
    calls: BilledCall[],
    signal: AbortSignal,
  ): Promise<string> {
    const metered = models.filter((model) => model.isMetered);
    // the answer's too, so that no answer is refused for what its rewriting has cost
    const giveUps = await tab.hold(() => [worstCase(metered, request), ...worstAnswers(question, models)]);
    let text = '';
    try {
      const events = this.caller.stream(metered, request, signal, {
        beforeAttempt: () => tab.cover(),
        onAttempt: billAttempts(tab, operation, calls),
        timeoutMs: LONGEST_MS,
      });
      for await (const event of events) {
        if (event.type === 'text') text += event.text;
        // leaving the loop stops the call
        if (text.length > LONGEST_TEXT) return '';
      }
      return text;
    } finally {
      for (const giveUp of giveUps) giveUp();
    }
  }
}

function isMetered({ models }: Asked): boolean {
  return models[0]?.isMetered ?? false;
}

function requestOf({ instructions, questionText }: RewritingPrompt, maxTokens: number): GenerationRequest {
  return {
    instructions,
    markerInstructions: '',
    sources: [],
    sourcesText: '',
    history: [],
    question: questionText,
    questionText,
    maxTokens,
    temperature: 0,
  };
}
