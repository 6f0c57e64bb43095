import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Counter, register } from 'prom-client';
import { AppError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Tabs } from '../../costs/index.js';
import { Flights } from '../response-cache/flights.js';
import { ResponseStore } from '../response-cache/response-store.js';
import { AnswerGenerator } from './answer-generator.js';
import type { Finish, Generation, GenerationEvent } from './generation.js';

/** An answer as it is kept: before its citations are verified, which every reader does against its own sources. */
interface KeptAnswer {
  model: string;
  events: Exclude<GenerationEvent, Finish | { type: 'admitted' }>[];
}

const lookups = new Counter({
  name: 'footnote_response_cache_lookups_total',
  help: 'Asks that take kept answers: hit (kept), shared (generated at the same time for another), miss.',
  labelNames: ['result'],
  registers: [register],
});
/** Changes with the form of what is kept. */
const FORMAT = 1;

/**
 * Generates an answer once for all who ask the same of the same passages: those at the same time share one call, those
 * after it get what was kept. The passages are part of the key, and everybody searches for themselves: an answer can
 * only be met by callers who may read all that it was made from.
 */
@Injectable()
export class CachedGenerator {
  private readonly flights = new Flights<GenerationEvent>();

  constructor(
    private readonly config: AppConfig,
    private readonly generator: AnswerGenerator,
    private readonly store: ResponseStore,
    private readonly tabs: Tabs,
  ) {}

  /** Whether answers are kept at all. */
  get isEnabled(): boolean {
    return this.config.responseCacheTtlMs > 0;
  }

  /**
   * @param scope what beside the request makes the answer this one: the prompt's version, the passages
   * @throws AppError as a single generation does; a shared one's failure reaches all who share it, but for a refusal of
   *   what its payer may spend
   */
  async *generate(
    generation: Generation,
    scope: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent> {
    const key = keyOf(generation, scope);
    const kept = await this.kept(key);
    if (kept !== undefined) {
      lookups.inc({ result: 'hit' });
      yield { type: 'admitted' };
      yield* kept.events;
      yield { type: 'finish', reason: 'stop', model: kept.model, calls: [], cached: true };
      return;
    }
    yield* this.board(generation, key, signal);
  }

  /** Begins the run, or shares that of another. */
  private async *board(
    generation: Generation,
    key: string,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent> {
    let isCounted = false;
    for (;;) {
      const boarding = this.flights.join(key, (own) => this.run(generation, key, own), signal);
      let hasText = false;
      try {
        for await (const event of boarding.events) {
          const { isLeader } = boarding;
          if (!isCounted) lookups.inc({ result: isLeader ? 'miss' : 'shared' });
          isCounted = true;
          hasText ||= event.type !== 'admitted';
          yield event.type === 'finish' && !isLeader ? { ...event, calls: [], cached: true } : event;
        }
        return;
      } catch (error) {
        // what another may not spend says nothing of this one
        if (hasText || boarding.isLeader || !isOfPayer(error)) throw error;
      }
    }
  }

  /** The shared run. It has a tab of its own, because it may outlive the ask that began it. */
  private async *run(
    generation: Generation,
    key: string,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent> {
    const tab = this.tabs.openTab(generation.requestId, false, generation.payer);
    const said: KeptAnswer['events'] = [];
    let finish: Finish | undefined;
    try {
      for await (const event of this.generator.generate({ ...generation, tab }, signal)) {
        if (event.type === 'finish') finish = event;
        else {
          if (event.type !== 'admitted') said.push(event);
          yield event;
        }
      }
    } finally {
      await tab.settle();
    }
    if (finish === undefined) return;
    if (finish.reason === 'stop') await this.keep(key, { model: finish.model, events: joined(said) });
    yield finish;
  }

  private async kept(key: string): Promise<KeptAnswer | undefined> {
    const value = await this.store.get(key);
    return value === undefined ? undefined : parsed(value);
  }

  private keep(key: string, answer: KeptAnswer): Promise<void> {
    return this.store.set(key, JSON.stringify(answer));
  }
}

/** Refused for what is left of somebody's own budget or tokens a minute. */
function isOfPayer(error: unknown): boolean {
  return error instanceof AppError && ['BUDGET_EXCEEDED', 'RATE_LIMITED', 'CONFLICT'].includes(error.code);
}

/** What a store gives back may be anything: what is no answer is as good as nothing. */
function parsed(value: string): KeptAnswer | undefined {
  try {
    const answer = JSON.parse(value) as Partial<KeptAnswer> | null;
    const isWhole =
      typeof answer?.model === 'string' && Array.isArray(answer.events) && answer.events.every(isEvent);
    return isWhole ? (answer as KeptAnswer) : undefined;
  } catch {
    return undefined;
  }
}

function isEvent(event: unknown): boolean {
  const { type, text, start, end, source, quote } = (event ?? {}) as Record<string, unknown>;
  if (type === 'text') return typeof text === 'string';
  const isSpan = (value: unknown): boolean => {
    const { start: from, end: to } = (value ?? {}) as Record<string, unknown>;
    return Number.isInteger(from) && Number.isInteger(to);
  };
  return (
    type === 'citation' &&
    isSpan({ start, end }) &&
    Number.isInteger(source) &&
    (quote === undefined || isSpan(quote))
  );
}

function keyOf({ models, request }: Generation, scope: readonly string[]): string {
  const { instructions, markerInstructions, sourcesText, history, questionText, maxTokens, temperature } =
    request;
  const ids = models.map(({ id }) => id);
  const parts = [
    FORMAT,
    scope,
    ids,
    instructions,
    markerInstructions,
    sourcesText,
    history,
    questionText,
    maxTokens,
  ];
  return createHash('sha256')
    .update(JSON.stringify([...parts, temperature ?? null]))
    .digest('base64url');
}

/** Texts that follow each other become one: an answer comes in hundreds of pieces. */
function joined(events: KeptAnswer['events']): KeptAnswer['events'] {
  const out: KeptAnswer['events'] = [];
  for (const event of events) {
    const last = out.at(-1);
    if (event.type === 'text' && last?.type === 'text')
      out[out.length - 1] = { ...last, text: last.text + event.text };
    else out.push(event);
  }
  return out;
}
