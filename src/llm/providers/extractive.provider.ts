import { setImmediate } from 'node:timers/promises';
import {
  type GenerationRequest,
  LanguageModel,
  type ModelCitation,
  type ModelEvent,
  type SourcePassage,
} from '../language-model.js';
import { countTokens } from '../../common/text/index.js';
import { NO_USAGE } from '../usage.js';
import type { LanguageModelProvider } from './provider.js';
import { type RankedSentence, rankSentences } from './sentence-ranking.js';

/** What is answered when the sources do not answer the question. */
export const NO_ANSWER = "I don't have information about this in my knowledge base.";

const MOST_SENTENCES = 3;
/** Less of the question's weight than this in a sentence is a coincidence. */
const COVERAGE_FLOOR = 0.2;
/** A further sentence is quoted when it scores at least this share of the best one … */
const CLOSE_TO_BEST = 0.65;
/** … and at least this share of its terms has not been said yet. */
const NEW_TERMS = 0.4;
const WORDS_PER_EVENT = 4;

/**
 * Answers without a model: quotes, word for word, the sentences of the sources that best match the question. It runs in
 * this process, needs no key and invents nothing; it also finds nothing that the question words do not point at.
 * Temperature has no effect on it.
 */
export class ExtractiveLanguageModel extends LanguageModel {
  override readonly id = 'extractive';
  override readonly isMetered = false;

  override async *stream(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    signal.throwIfAborted();
    yield { type: 'usage', usage: { ...NO_USAGE } };
    const { question, standaloneQuestion } = request;
    let chosen = chooseSentences(question, request);
    // "Why?" has no word that a sentence could match
    if (chosen.length === 0 && standaloneQuestion !== undefined)
      chosen = chooseSentences(standaloneQuestion, request);
    if (chosen.length === 0) yield* say(NO_ANSWER, signal);
    let length = 0;
    for (const { source, span } of chosen) {
      const separator = length === 0 ? '' : ' ';
      const text = flattened(request.sources[source], span);
      yield* say(separator + text, signal);
      signal.throwIfAborted();
      const start = length + separator.length;
      length = start + text.length;
      yield { type: 'citation', start, end: length, source, quote: span } satisfies ModelCitation;
    }
    yield { type: 'usage', usage: { ...NO_USAGE } };
    yield { type: 'finish', reason: 'stop' };
  }
}

/** Every line break becomes one space, so that the quote has the length of its span. */
function flattened(passage: SourcePassage | undefined, span: { start: number; end: number }): string {
  return passage === undefined ? '' : passage.text.slice(span.start, span.end).replace(/[\r\n]/g, ' ');
}

async function* say(text: string, signal: AbortSignal): AsyncGenerator<ModelEvent> {
  const groups = text.match(new RegExp(`(?:\\s*\\S+){1,${WORDS_PER_EVENT}}\\s*`, 'g')) ?? [];
  for (const group of groups) {
    // lets an abort and other requests in between
    await setImmediate();
    signal.throwIfAborted();
    yield { type: 'text', text: group };
  }
}

/** The best sentence, and up to two that come close and add something; those of one source in their own order. */
function chooseSentences(question: string, { sources, maxTokens }: GenerationRequest): RankedSentence[] {
  const ranked = rankSentences(question, sources);
  const chosen: RankedSentence[] = [];
  const said = new Set<string>();
  let tokens = 0;
  for (const sentence of ranked) {
    const best = chosen[0];
    if (chosen.length === MOST_SENTENCES || sentence.score < CLOSE_TO_BEST * (best?.score ?? 0)) break;
    if (sentence.coverage < COVERAGE_FLOOR) continue;
    const fresh = [...sentence.terms].filter((term) => !said.has(term)).length;
    if (fresh < NEW_TERMS * sentence.terms.size) continue;
    const cost = countTokens(flattened(sources[sentence.source], sentence.span)) + 1;
    if (best !== undefined && tokens + cost > maxTokens) continue;
    tokens += cost;
    chosen.push(sentence);
    for (const term of sentence.terms) said.add(term);
  }
  return inReadingOrder(chosen);
}

/** Sources by their best sentence. */
function inReadingOrder(chosen: readonly RankedSentence[]): RankedSentence[] {
  const order = [...new Set(chosen.map((sentence) => sentence.source))];
  return [...chosen].sort(
    (a, b) => order.indexOf(a.source) - order.indexOf(b.source) || a.span.start - b.span.start,
  );
}

export const extractiveProvider: LanguageModelProvider = {
  name: 'extractive',
  takesModelName: false,
  create: () => new ExtractiveLanguageModel(),
};
