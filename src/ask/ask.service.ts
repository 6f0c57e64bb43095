import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type BilledCall, type Tab, Tabs } from '../costs/index.js';
import type { LanguageModel } from '../llm/index.js';
import type { AlternativeAnswer, AnswerEvent, Evaluation } from './answer-event.js';
import { AnswerEvaluator } from './answer-evaluator.js';
import { billOf } from './bill.js';
import { AnswerGenerator } from './generation/answer-generator.js';
import { CachedGenerator } from './generation/cached-generator.js';
import { Comparison } from './generation/comparison.service.js';
import type { Alternative, GenerationEvent } from './generation/generation.js';
import { Outcome } from './outcome.js';
import { type PreparedPrompt, preparePrompt } from './prompt-request.js';
import { SourceFinder } from './query-understanding/source-finder.js';
import type { Question } from './question.js';

/** What one ask has come to until now. */
interface Ask {
  id: string;
  question: Question;
  models: readonly LanguageModel[];
  prompt: PreparedPrompt;
  tab: Tab;
}

/** The pipeline: find sources, prompt, generate, cite, record. Knows no HTTP, no provider and no dialect. */
@Injectable()
export class AskService {
  constructor(
    private readonly finder: SourceFinder,
    private readonly generator: AnswerGenerator,
    private readonly cached: CachedGenerator,
    private readonly comparison: Comparison,
    private readonly evaluator: AnswerEvaluator,
    private readonly tabs: Tabs,
  ) {}

  /**
   * Answers a question as a stream of events. Leaving the loop early, or aborting the signal, stops the provider call;
   * what the calls had used by then is recorded in either case.
   * @throws AppError as search and generation do; the signal's reason when aborted
   */
  async *ask(question: Question, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
    const id = randomUUID();
    const started = performance.now();
    const models = this.modelsOf(question);
    const tab = this.tabs.openTab(id, true, question.caller);
    // the judge is nobody's but this ask's: it ends with it
    const judging = new AbortController();
    let generation: ReturnType<AskService['generation']> | undefined;
    let evaluation: Promise<Evaluation> | undefined;
    try {
      const calls: BilledCall[] = [];
      const found = await this.finder.find({ question, models, tab, calls }, signal);
      const prompt = preparePrompt(question, found.hits, found.standaloneQuestion);
      const ask: Ask = { id, question, models, prompt, tab };
      if (prompt.sources.length > 0) generation = this.generation(ask, signal);
      // a call that no budget allows fails here, before anything has been told or sent
      await generation?.next();
      yield { type: 'sources', sources: prompt.sources.map(({ hit }) => hit), timings: found.timings };
      const outcome = new Outcome(prompt.sources);
      if (generation === undefined) yield* outcome.noContext();
      else yield* this.tell(generation, outcome, calls, ask);
      await tab.settle();
      // now, because what was reserved for the answer and not spent may be the judge's
      if (question.evaluate && generation !== undefined) {
        evaluation = this.evaluate(ask, outcome, AbortSignal.any([signal, judging.signal]));
        // read later
        evaluation.catch(() => undefined);
      }
      const { usage, costUsd } = billOf(calls);
      yield {
        type: 'done',
        summary: {
          id,
          model: outcome.finish?.model ?? models[0]?.id ?? '',
          promptVersion: prompt.version,
          finishReason: outcome.finishReason,
          usage,
          costUsd,
          latencyMs: performance.now() - started,
          timings: { ...found.timings, ...outcome.timings() },
          standaloneQuestion: found.standaloneQuestion,
          attempts: outcome.finish?.calls.length ?? 0,
          cached: outcome.finish?.cached ?? false,
        },
      };
      if (evaluation !== undefined) yield { type: 'evaluation', evaluation: await evaluation };
    } finally {
      judging.abort();
      await generation?.return(undefined);
      // failed, aborted or abandoned: what was used is recorded all the same
      await Promise.all([tab.settle(), evaluation?.catch(() => undefined)]);
    }
  }

  private modelsOf({ model, models }: Question): LanguageModel[] {
    return models === undefined ? this.generator.withFallbacks(model) : this.generator.exactly(models);
  }

  private generation(
    { id, question, models, prompt, tab }: Ask,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent | Alternative> {
    const generation = { requestId: id, models, request: prompt.request, tab, payer: question.caller };
    if (question.models !== undefined) return this.comparison.compare(generation, signal);
    if (!question.cache || !this.cached.isEnabled) return this.generator.generate(generation, signal);
    const passages = prompt.sources.map(({ hit }) => hit.id);
    return this.cached.generate(generation, [prompt.version, ...passages], signal);
  }

  /** Passes the generation's events on, verified, and takes down its calls. */
  private async *tell(
    generation: AsyncGenerator<GenerationEvent | Alternative>,
    outcome: Outcome,
    calls: BilledCall[],
    { prompt }: Ask,
  ): AsyncGenerator<AnswerEvent> {
    for await (const event of generation) {
      if (event.type === 'alternative') {
        calls.push(...event.calls);
        yield { type: 'alternative', alternative: alternativeOf(event, prompt) };
        continue;
      }
      if (event.type === 'finish') calls.push(...event.calls);
      const out = outcome.take(event);
      if (out !== undefined) yield out;
    }
  }

  private evaluate(ask: Ask, { answer }: Outcome, signal: AbortSignal): Promise<Evaluation> {
    const passages = ask.prompt.sources.map(({ hit, text }) => ({ title: hit.title, text }));
    const served = { requestId: ask.id, payer: ask.question.caller };
    return this.evaluator.evaluate(served, { question: ask.question.question, answer, passages }, signal);
  }
}

function alternativeOf(event: Alternative, { sources }: PreparedPrompt): AlternativeAnswer {
  const outcome = new Outcome(sources);
  for (const said of event.events) outcome.take(said);
  return {
    model: event.model,
    answer: outcome.answer,
    citations: outcome.citations,
    finishReason: outcome.finish?.reason ?? null,
    error: event.error,
    ...billOf(event.calls),
    latencyMs: event.latencyMs,
    attempts: event.calls.length,
  };
}
