import { countTokens } from '../common/index.js';
import type { GenerationRequest } from '../llm/index.js';
import { answerV1 } from '../prompts/index.js';
import type { SearchHit } from '../retrieval/index.js';
import type { Question } from './question.js';
import { ShownSource } from './citation-verifier.js';

/** Most tokens of a prompt's passages and of its earlier turns. */
const SOURCE_TOKENS = 16_000;
const HISTORY_TOKENS = 4_000;

/** What is sent to a model for a question, and the passages that it is shown. */
export interface PreparedPrompt {
  version: string;
  sources: ShownSource[];
  request: GenerationRequest;
}

/** Builds the prompt from the passages that were found. */
export function preparePrompt(question: Question, hits: readonly SearchHit[]): PreparedPrompt {
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
    questionText: prompt.questionText,
    maxTokens: question.maxTokens,
    ...(question.temperature === undefined ? {} : { temperature: question.temperature }),
  };
  return { version: prompt.version, sources, request };
}
