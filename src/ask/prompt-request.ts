import { countTokens } from '../common/index.js';
import { type GenerationRequest, type LanguageModel, worstUsage } from '../llm/index.js';
import { answerV1 } from '../prompts/index.js';
import type { SearchHit } from '../retrieval/index.js';
import type { Question } from './question.js';
import { ShownSource } from './citation-verifier.js';

/** Most tokens of a prompt's passages and of its earlier turns. */
const SOURCE_TOKENS = 16_000;
const HISTORY_TOKENS = 4_000;

/** Tokens as reservations count them, twice and with frames: of one passage, and of all that a prompt takes. */
const WORST_PASSAGE_TOKENS = 1_200;
const WORST_SOURCE_TOKENS = 36_000;

/** What is sent to a model for a question, and the passages that it is shown. */
export interface PreparedPrompt {
  version: string;
  sources: ShownSource[];
  request: GenerationRequest;
}

/**
 * Builds the prompt from the passages that were found.
 * @param standalone what was searched in place of the question
 */
export function preparePrompt(
  question: Question,
  hits: readonly SearchHit[],
  standalone: string | null = null,
): PreparedPrompt {
  const prompt = answerV1({
    question: question.question,
    history: question.history,
    passages: hits.map(({ title, headingPath, content }) => ({ title, headingPath, text: content })),
    sourceTokens: SOURCE_TOKENS,
    historyTokens: HISTORY_TOKENS,
    countTokens,
  });
  const sources = prompt.sources.flatMap(({ passage, text }) => {
    const hit = hits[passage];
    return hit === undefined ? [] : [new ShownSource(hit, text)];
  });
  const request: GenerationRequest = {
    instructions: prompt.instructions,
    markerInstructions: prompt.markerInstructions,
    sources: sources.map((source) => ({
      title: source.hit.title,
      url: source.hit.url,
      text: source.text,
      get sentences() {
        return source.sentences;
      },
    })),
    sourcesText: prompt.sourcesText,
    history: prompt.history,
    question: question.question,
    ...(standalone === null ? {} : { standaloneQuestion: standalone }),
    questionText: prompt.questionText,
    maxTokens: question.maxTokens,
    ...(question.temperature === undefined ? {} : { temperature: question.temperature }),
  };
  return { version: prompt.version, sources, request };
}

/** About the most that the answer to a question may use, before its passages are known: for each call that it takes. */
export function worstAnswers(question: Question, models: readonly LanguageModel[]) {
  if (!models.some(({ isMetered }) => isMetered)) return [];
  const { inputTokens, outputTokens } = worstUsage(preparePrompt(question, []).request);
  const sourceTokens = Math.min(question.search.topK * WORST_PASSAGE_TOKENS, WORST_SOURCE_TOKENS);
  const usage = { inputTokens: inputTokens + sourceTokens, outputTokens };
  const ids = models.map(({ id }) => id);
  const calls = question.models === undefined ? [ids] : ids.map((id) => [id]);
  return calls.map((called) => ({ models: called, ...usage }));
}
