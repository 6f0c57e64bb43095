import { Injectable } from '@nestjs/common';
import { type Tab, Tabs } from '../costs/index.js';
import type { LanguageModel } from '../llm/index.js';
import type { AlternativeAnswer, AnswerEvent, AnswerSummary, Evaluation } from './answer-event.js';
import { AnswerEvaluator } from './answer-evaluator.js';
import { AnswerTrail } from './audit/answer-trail.js';
import type { Recording } from './audit/recording.js';
import { billOf } from './bill.js';
import type { Alternative, GenerationEvent } from './generation/generation.js';
import { Generations } from './generation/generations.js';
import { Outcome } from './outcome.js';
import { type PreparedPrompt, preparePrompt } from './prompt-request.js';
import { type Found, SourceFinder } from './query-understanding/source-finder.js';
import type { Question } from './question.js';

/** One ask, once it is known what it is answered from. */
interface Ask {
  question: Question;
  models: readonly LanguageModel[];
  found: Found;
  prompt: PreparedPrompt;
  tab: Tab;
  recording: Recording;
}

/** The pipeline: find sources, prompt, generate, cite, record. Knows no HTTP, no provider and no dialect. */
@Injectable()
export class AskService {
  constructor(
    private readonly finder: SourceFinder,
    private readonly generations: Generations,
    private readonly evaluator: AnswerEvaluator,
    private readonly tabs: Tabs,
    private readonly trail: AnswerTrail,
  ) {}

  /**
   * Answers a question as a stream of events. Leaving the loop early, or aborting the signal, stops the provider call;
   * what the calls had used by then is recorded in either case, and so is the answer as far as it came.
   * @throws AppError as search and generation do; the signal's reason when aborted
   */
  async *ask(question: Question, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
    const models = this.generations.modelsOf(question);
    const recording = this.trail.begin(question, models);
    const tab = this.tabs.openTab(recording.id, true, question.caller);
    // the judge is nobody's but this ask's: it ends with it
    const judging = new AbortController();
    let generation: AsyncGenerator<GenerationEvent | Alternative> | undefined;
    let evaluation: Promise<Evaluation> | undefined;
    try {
      const ask = await this.prepare({ question, models, tab, recording }, signal);
      const { prompt, found } = ask;
      if (prompt.sources.length > 0) generation = this.generation(ask, signal);
      // a call that no budget allows fails here, before anything has been told or sent
      await generation?.next();
      yield { type: 'sources', sources: prompt.sources.map(({ hit }) => hit), timings: found.timings };
      const outcome = new Outcome(prompt.sources);
      recording.outcome = outcome;
      if (generation === undefined) yield* outcome.noContext();
      else yield* this.tell(generation, outcome, ask);
      await Promise.all([tab.settle(), recording.finish()]);
      // now, because what was reserved for the answer and not spent may be the judge's
      if (question.evaluate && generation !== undefined) {
        evaluation = this.evaluate(ask, outcome, AbortSignal.any([signal, judging.signal]));
        // read later
        evaluation.catch(() => undefined);
      }
      yield { type: 'done', summary: summaryOf(ask, outcome) };
      if (evaluation !== undefined) yield { type: 'evaluation', evaluation: await evaluation };
    } catch (error) {
      recording.fail(signal.aborted ? signal.reason : error);
      throw error;
    } finally {
      judging.abort();
      await generation?.return(undefined);
      // failed, aborted or abandoned: what was used is recorded all the same
      await Promise.all([tab.settle(), recording.end(), evaluation?.catch(() => undefined)]);
    }
  }

  /** Finds the passages and builds the prompt of them. */
  private async prepare(
    asked: Pick<Ask, 'question' | 'models' | 'tab' | 'recording'>,
    signal: AbortSignal,
  ): Promise<Ask> {
    const { question, recording } = asked;
    const found = await this.finder.find({ ...asked, calls: recording.findingCalls }, signal);
    const prompt = preparePrompt(question, found.hits, found.standaloneQuestion);
    recording.found = found;
    recording.prompt = prompt;
    return { ...asked, found, prompt };
  }

  private generation({ question, models, prompt, tab, recording }: Ask, signal: AbortSignal) {
    const generation = { requestId: recording.id, models, tab, calls: recording.answerCalls };
    return this.generations.generate(question, prompt, generation, signal);
  }

  /** Passes the generation's events on, verified. */
  private async *tell(
    generation: AsyncGenerator<GenerationEvent | Alternative>,
    outcome: Outcome,
    { prompt, recording }: Ask,
  ): AsyncGenerator<AnswerEvent> {
    for await (const event of generation) {
      if (event.type === 'alternative') {
        const alternative = alternativeOf(event, prompt);
        recording.alternatives.push(alternative);
        yield { type: 'alternative', alternative };
        continue;
      }
      const out = outcome.take(event);
      if (out !== undefined) yield out;
    }
  }

  private evaluate(
    { question, prompt, recording }: Ask,
    { answer }: Outcome,
    signal: AbortSignal,
  ): Promise<Evaluation> {
    const passages = prompt.sources.map(({ hit, text }) => ({ title: hit.title, text }));
    const served = { requestId: recording.id, payer: question.caller };
    return this.evaluator.evaluate(served, { question: question.question, answer, passages }, signal);
  }
}

function summaryOf({ models, found, prompt, recording }: Ask, outcome: Outcome): AnswerSummary {
  return {
    id: recording.id,
    model: outcome.finish?.model ?? models[0]?.id ?? '',
    promptVersion: prompt.version,
    finishReason: outcome.finishReason,
    ...billOf(recording.calls),
    latencyMs: recording.latencyMs,
    timings: { ...found.timings, ...outcome.timings() },
    standaloneQuestion: found.standaloneQuestion,
    attempts: outcome.finish?.calls.length ?? 0,
    cached: outcome.finish?.cached ?? false,
  };
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
