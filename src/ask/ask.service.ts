import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { countTokens } from '../common/index.js';
import { Ledger } from '../costs/index.js';
import type { FinishReason, GenerationRequest } from '../llm/index.js';
import { type AnswerPrompt, answerV1, type Turn } from '../prompts/index.js';
import { type SearchHit, type SearchRequest, SearchService } from '../retrieval/index.js';
import type { AnswerEvent, Timings } from './answer-event.js';
import { CallLog } from './call-log.js';
import { ShownSource, verifyCitation } from './citation-verifier.js';
import { AnswerGenerator, type GenerationEvent } from './answer-generator.js';

/** What is asked, dialect-neutral. */
export interface Question {
  question: string;
  history: readonly Turn[];
  search: Omit<SearchRequest, 'queries'>;
  maxTokens: number;
  temperature: number | undefined;
  /** One of `LLM_MODELS`; absent: the first. */
  model: string | undefined;
}

/** The answer when nothing in the knowledge base has to do with the question. */
export const NO_CONTEXT_ANSWER = "I don't have information about this in my knowledge base.";
/** Most tokens of a prompt's passages and of its earlier turns. */
const SOURCE_TOKENS = 16_000;
const HISTORY_TOKENS = 4_000;

/** The pipeline: search, prompt, generate, cite, record. Knows no HTTP, no provider and no dialect. */
@Injectable()
export class AskService {
  constructor(
    private readonly searches: SearchService,
    private readonly generator: AnswerGenerator,
    private readonly ledger: Ledger,
  ) {}

  /**
   * Answers a question as a stream of events. Leaving the loop early, or aborting the signal, stops the provider call;
   * what the calls had used by then is recorded in either case.
   * @throws AppError as search and generation do; the signal's reason when aborted
   */
  async *ask(question: Question, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
    const id = randomUUID();
    const started = performance.now();
    const models = this.generator.models(question.model);
    const calls = new CallLog(id, this.ledger);
    try {
      const found = await this.search(question, calls, signal);
      const { prompt, sources } = preparePrompt(question, found.hits);
      yield { type: 'sources', sources: sources.map(({ hit }) => hit), timings: found.timings };
      const outcome = new Outcome();
      if (sources.length === 0) yield* outcome.noContext();
      else {
        const generation = this.generator.generate(models, request(question, prompt, sources), calls, signal);
        for await (const event of generation) {
          const out = outcome.take(event, sources);
          if (out !== undefined) yield out;
        }
      }
      const costUsd = await calls.record();
      yield {
        type: 'done',
        summary: {
          id,
          model: outcome.model ?? models[0]?.id ?? '',
          promptVersion: prompt.version,
          finishReason: outcome.finishReason,
          usage: calls.usage,
          costUsd,
          latencyMs: performance.now() - started,
          timings: { ...found.timings, ...outcome.timings() },
          attempts: calls.attempts,
        },
      };
    } finally {
      // failed, aborted or abandoned: what was used is recorded all the same
      await calls.record();
    }
  }

  private async search(question: Question, calls: CallLog, signal: AbortSignal) {
    const result = await this.searches.search(
      { ...question.search, queries: [question.question] },
      signal,
      (call) => calls.embedded(call),
    );
    return { hits: result.hits[0] ?? [], timings: result.timings };
  }
}

function preparePrompt(
  question: Question,
  hits: readonly SearchHit[],
): { prompt: AnswerPrompt; sources: ShownSource[] } {
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
  return { prompt, sources };
}

function request(
  question: Question,
  prompt: AnswerPrompt,
  sources: readonly ShownSource[],
): GenerationRequest {
  return {
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
}

/** What came out of the generation so far. */
class Outcome {
  model: string | undefined;
  finishReason: FinishReason | 'no_context' = 'other';
  private answer = '';
  private readonly started = performance.now();
  private firstTokenMs: number | null = null;
  private generateMs = 0;

  *noContext(): Generator<AnswerEvent> {
    this.finishReason = 'no_context';
    yield { type: 'token', text: NO_CONTEXT_ANSWER };
  }

  take(event: GenerationEvent, sources: readonly ShownSource[]): AnswerEvent | undefined {
    switch (event.type) {
      case 'text':
        this.firstTokenMs ??= performance.now() - this.started;
        this.answer += event.text;
        return { type: 'token', text: event.text };
      case 'citation': {
        const citation = verifyCitation(event, this.answer, sources);
        return citation === undefined ? undefined : { type: 'citation', citation };
      }
      case 'finish':
        this.finishReason = event.reason;
        this.model = event.model;
        this.generateMs = performance.now() - this.started;
    }
    return undefined;
  }

  timings(): Pick<Timings, 'firstTokenMs' | 'generateMs'> {
    return { firstTokenMs: this.firstTokenMs, generateMs: this.generateMs };
  }
}
