import { Injectable } from '@nestjs/common';
import type { BilledCall } from '../../costs/index.js';
import type { LanguageModel } from '../../llm/index.js';
import { Flights } from '../response-cache/flights.js';
import { AnswerGenerator, worstCase } from './answer-generator.js';
import type { Alternative, Generation, GenerationEvent } from './generation.js';

/** Asks several models the same, concurrently. */
@Injectable()
export class Comparison {
  constructor(private readonly generator: AnswerGenerator) {}

  /**
   * Reserves the worst case of all together, then streams the answer of the first model, and the others' as
   * alternatives, in their order. A model that fails before its first text passes its place on to the next; without
   * fallbacks, so that each answer is that of its model.
   * @throws AppError as a single generation does: the last model's, when all have failed
   */
  async *compare(generation: Generation, signal: AbortSignal): AsyncGenerator<GenerationEvent | Alternative> {
    const { models, request, tab } = generation;
    const giveUps = await tab.hold(() => {
      const worst = worstCase([], request);
      return models.map(({ id }) => ({ ...worst, models: [id] }));
    });
    const entrants = models.map(
      (model, index) =>
        new Entrant(this.generator, { ...generation, models: [model] }, signal, giveUps[index]),
    );
    try {
      yield { type: 'admitted' };
      for (const entrant of entrants) entrant.begin();
      const chosen = yield* this.firstAnswer(entrants);
      for (const entrant of entrants) if (entrant !== chosen) yield entrant.result();
    } finally {
      // what was cut off is on the tab before that is settled
      await Promise.all(entrants.map((entrant) => entrant.end()));
    }
  }

  private async *firstAnswer(
    entrants: readonly Entrant[],
  ): AsyncGenerator<GenerationEvent, Entrant | undefined> {
    for (const [index, entrant] of entrants.entries()) {
      let hasBegun = false;
      try {
        for await (const event of entrant.events()) {
          hasBegun = true;
          yield event;
        }
        return entrant;
      } catch (error) {
        if (hasBegun || index === entrants.length - 1) throw error;
      }
    }
    return undefined;
  }
}

/** One model in a comparison: it runs by itself, as fast as it can, and is read when its turn comes. */
class Entrant {
  private readonly model: LanguageModel | undefined;
  private readonly calls: BilledCall[] = [];
  private readonly reader: AsyncGenerator<GenerationEvent, void, void>;
  private readonly over = Promise.withResolvers<void>();
  private first: Promise<IteratorResult<GenerationEvent, void>> | undefined;
  private isStarted = false;
  private startedAt = 0;
  private endedAt = 0;

  constructor(
    private readonly generator: AnswerGenerator,
    private readonly generation: Generation,
    private readonly signal: AbortSignal,
    /** Gives up what is reserved for it. */
    private readonly giveUp: (() => void) | undefined,
  ) {
    this.model = generation.models[0];
    this.reader = new Flights<GenerationEvent>().join('', (own) => this.run(own), signal).events;
  }

  begin(): void {
    this.first = this.reader.next();
    // read later
    this.first.catch(() => undefined);
  }

  async *events(): AsyncGenerator<GenerationEvent> {
    const first = await this.first;
    if (first === undefined || first.done === true) return;
    yield first.value;
    yield* this.reader;
  }

  /** All that it said, when it is through. */
  async result(): Promise<Alternative> {
    const events: GenerationEvent[] = [];
    let error: unknown;
    try {
      for await (const event of this.events()) events.push(event);
    } catch (thrown) {
      this.signal.throwIfAborted();
      error = thrown;
    }
    const { calls } = this;
    return {
      type: 'alternative',
      model: this.model?.id ?? '',
      events,
      error,
      calls,
      latencyMs: this.endedAt - this.startedAt,
    };
  }

  /** Stops it, if it still runs, and waits until its calls are on the tab. */
  async end(): Promise<void> {
    await this.reader.return();
    if (this.isStarted) await this.over.promise;
  }

  private async *run(signal: AbortSignal): AsyncGenerator<GenerationEvent> {
    this.isStarted = true;
    this.startedAt = performance.now();
    try {
      yield* this.generator.run(this.generation, this.calls, signal);
    } finally {
      this.endedAt = performance.now();
      // what it did not cost may serve a retry of another
      this.giveUp?.();
      this.over.resolve();
    }
  }
}
