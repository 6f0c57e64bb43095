import { setTimeout as wait } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { AppError, ModelError } from '../../common/index.js';
import { PassageEmbedder } from '../ingestion/passage-embedder.js';
import { type Build, BuildLostError, Builds, type MissingChunk, UnusableVectorsError } from './builds.js';
import { BEGINNING, type RunningJob } from './reembedding-queue.js';

/** After this long, a job is ended for another one at the end of the queue, so that collections take turns. */
const SLICE_MS = 60_000;
/** A service that stops waits this long for the batch that is under way: it is paid for. */
const LAST_BATCH_MS = 5_000;
/** And then this long for what its worker has left to do. */
const LAST_STEPS_MS = 2_000;

/** What another try cannot mend: the provider refuses the texts, or has no such model. */
const HOPELESS = new Set(['invalid_request', 'not_found']);

/** A job that is being worked on. */
interface Work {
  build: Build;
  job: RunningJob;
  /** Chunks up to this id have been looked at. */
  after: string;
  /** Something was written. */
  hasAdvanced: boolean;
}

/** Builds vector spaces: embeds what a collection's new space lacks, and switches the collection to it. */
@Injectable()
export class Reembedder {
  private readonly logger = new Logger('Reembedding');
  private readonly cutOff = new AbortController();
  private isStopping = false;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly builds: Builds,
    private readonly embedder: PassageEmbedder,
  ) {}

  /** Works on a job, for a bounded time. Throws when it is to be tried again. */
  handle(job: RunningJob): Promise<void> {
    const work = this.work(job);
    this.running = work.catch(() => undefined);
    return work;
  }

  /** Begins no other batch, and waits for the one that is under way, for a bounded time. */
  async stop(): Promise<void> {
    this.isStopping = true;
    const isOver = this.running.then(() => true);
    const inTime = await Promise.race([isOver, wait(LAST_BATCH_MS, false, { ref: false })]);
    if (inTime) return;
    this.cutOff.abort(new Error('the service stops'));
    await Promise.race([isOver, wait(LAST_STEPS_MS, false, { ref: false })]);
  }

  private async work(job: RunningJob): Promise<void> {
    const build = await this.builds.claim(job.spaceId);
    // done before, given up, or deleted with its collection
    if (build === undefined) return;
    const work: Work = { build, job, after: job.after, hasAdvanced: false };
    const signal = AbortSignal.any([job.signal, this.cutOff.signal]);
    try {
      await this.advance(work, signal);
    } catch (error) {
      if (error instanceof BuildLostError) return;
      if (signal.aborted) return this.builds.handOver(build, job, work.after);
      await this.failed(work, error);
    }
  }

  private async advance(work: Work, signal: AbortSignal): Promise<void> {
    const { build, job } = work;
    const end = performance.now() + SLICE_MS;
    for (;;) {
      if (this.isStopping || performance.now() >= end) return this.builds.handOver(build, job, work.after);
      const chunks = await this.builds.missing(build, work.after);
      if (chunks.length > 0) await this.embed(work, chunks, signal);
      // documents that became ready meanwhile may have older chunks
      else if (work.after !== BEGINNING) work.after = BEGINNING;
      else if (await this.isOver(work)) return;
    }
  }

  private async embed(work: Work, chunks: readonly MissingChunk[], signal: AbortSignal): Promise<void> {
    const { build } = work;
    const texts = chunks.map(({ context, text }) => `${context}\n${text}`);
    const subject = `reembed:${build.collection}`;
    const vectors = await this.embedder.embed(subject, build.model, texts, null, signal);
    await this.builds.write(build, chunks, vectors);
    work.after = chunks.at(-1)?.id ?? work.after;
    work.hasAdvanced = true;
  }

  private async isOver({ build, job }: Work): Promise<boolean> {
    const conclusion = await this.builds.conclude(build, job);
    if (conclusion === 'switched')
      this.logger.log(`Collection ${JSON.stringify(build.collection)} is embedded with ${build.model} now`);
    return conclusion !== 'unfinished';
  }

  private async failed({ build, job, after, hasAdvanced }: Work, error: unknown): Promise<void> {
    this.logger.error({ err: error, collection: build.collection }, 'Embedding a collection anew failed');
    const isFinal = job.isLast || isHopeless(error);
    await this.builds.fail(build, job, messageOf(error), isFinal);
    if (isFinal) return;
    // tries are counted from the last one that got anywhere
    if (hasAdvanced) return this.builds.handOver(build, job, after);
    throw error;
  }
}

function isHopeless(error: unknown): boolean {
  return error instanceof UnusableVectorsError || (error instanceof ModelError && HOPELESS.has(error.kind));
}

function messageOf(error: unknown): string {
  if (error instanceof UnusableVectorsError || error instanceof AppError) return error.message;
  if (error instanceof ModelError) return `The embedding provider could not be used (${error.kind}).`;
  return 'It could not be embedded; the service log says why.';
}
