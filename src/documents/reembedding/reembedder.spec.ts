// Real: the worker. What is stored, and the embedding, are stand-ins.
import { Logger } from '@nestjs/common';
import { beforeAll, describe, expect, it } from 'vitest';
import { AppError, ModelError, type ModelErrorKind } from '../../common/index.js';
import type { PassageEmbedder } from '../ingestion/passage-embedder.js';
import { type Build, BuildLostError, type Builds, type Conclusion, type MissingChunk } from './builds.js';
import { Reembedder } from './reembedder.js';
import type { RunningJob } from './reembedding-queue.js';

const BUILD: Build = { spaceId: 7, claim: 1, collectionId: 3, collection: 'guide', model: 'openai/x' };

/** What is stored of one build: its chunks, and what happens to its job. */
class StoredBuild {
  readonly written: string[] = [];
  readonly handedOver: string[] = [];
  readonly failures: { message: string; isFinal: boolean }[] = [];
  readonly looks: string[] = [];
  isLost = false;
  switches = 0;

  /** @param arrivals chunks that become ready when it is first looked whether all are embedded */
  constructor(
    private chunks: string[],
    private arrivals: string[] = [],
  ) {}

  claim(): Promise<Build | undefined> {
    return Promise.resolve(this.isLost ? undefined : BUILD);
  }

  missing(_build: Build, after: string): Promise<MissingChunk[]> {
    this.looks.push(after);
    const found = this.chunks.filter((id) => Number(id) > Number(after) && !this.written.includes(id));
    return Promise.resolve(found.slice(0, 2).map((id) => ({ id, context: 'title', text: `text ${id}` })));
  }

  write(_build: Build, chunks: readonly MissingChunk[], vectors: readonly Float32Array[]): Promise<void> {
    if (this.isLost) return Promise.reject(new BuildLostError('lost'));
    expect(vectors).toHaveLength(chunks.length);
    this.written.push(...chunks.map(({ id }) => id));
    return Promise.resolve();
  }

  conclude(): Promise<Conclusion> {
    this.chunks = [...this.chunks, ...this.arrivals.splice(0)];
    if (this.chunks.some((id) => !this.written.includes(id))) return Promise.resolve('unfinished');
    this.switches++;
    return Promise.resolve('switched');
  }

  handOver(_build: Build, _job: RunningJob, after: string): Promise<void> {
    this.handedOver.push(after);
    return Promise.resolve();
  }

  fail(_build: Build, _job: RunningJob, message: string, isFinal: boolean): Promise<void> {
    this.failures.push({ message, isFinal });
    return Promise.resolve();
  }
}

type Embed = (texts: readonly string[], signal: AbortSignal) => Promise<Float32Array[]>;

const embedAll: Embed = (texts) => Promise.resolve(texts.map(() => new Float32Array(4)));

function workerOn(build: StoredBuild, embed: Embed = embedAll): Reembedder {
  const embedder = {
    embed: (
      subject: string,
      model: string,
      texts: readonly string[],
      payerId: string | null,
      signal: AbortSignal,
    ) => {
      expect(payerId).toBeNull();
      expect([subject, model]).toEqual(['reembed:guide', 'openai/x']);
      expect(texts[0]).toMatch(/^title\ntext \d+$/);
      return embed(texts, signal);
    },
  };
  return new Reembedder(build as unknown as Builds, embedder as unknown as PassageEmbedder);
}

function job(more: Partial<RunningJob> = {}): RunningJob {
  return { id: 'job', spaceId: 7, after: '0', isLast: false, signal: new AbortController().signal, ...more };
}

/** Fails after so many good calls. */
function failing(error: Error, goodCalls = 0): Embed {
  let calls = 0;
  return async (texts, signal) => {
    if (calls++ >= goodCalls) throw error;
    return embedAll(texts, signal);
  };
}

const modelError = (kind: ModelErrorKind): ModelError =>
  new ModelError('secret', { kind, provider: 'openai' });

beforeAll(() => Logger.overrideLogger(false));

describe('Reembedder', () => {
  it('embeds by id, looks again at those before, and switches', async () => {
    const build = new StoredBuild(['1', '2', '3', '5', '8'], ['4']);
    await workerOn(build).handle(job({ after: '2' }));
    expect(build.written).toEqual(['3', '5', '8', '1', '2', '4']);
    expect(build.looks).toEqual(['2', '5', '8', '0', '2', '0', '0', '4', '0']);
    expect(build).toMatchObject({ switches: 1, failures: [], handedOver: [] });
  });

  it('does nothing for a space that is not to be built any more', async () => {
    const build = new StoredBuild(['1']);
    build.isLost = true;
    await workerOn(build).handle(job());
    expect(build).toMatchObject({ written: [], looks: [] });
  });

  it('ends quietly when somebody else has taken over', async () => {
    const build = new StoredBuild(['1', '2', '3']);
    const worker = workerOn(build, (texts, signal) => {
      build.isLost = true;
      return embedAll(texts, signal);
    });
    await worker.handle(job());
    expect(build).toMatchObject({ written: [], failures: [], handedOver: [], switches: 0 });
  });

  it.each([
    [modelError('overloaded'), 'The embedding provider could not be used (overloaded).'],
    [modelError('authentication'), 'The embedding provider could not be used (authentication).'],
    [new AppError('BUDGET_EXCEEDED', 'It does not fit.'), 'It does not fit.'],
    [new Error('secret'), 'It could not be embedded; the service log says why.'],
  ])('is tried again after %s', async (error, message) => {
    const build = new StoredBuild(['1', '2', '3']);
    await expect(workerOn(build, failing(error)).handle(job())).rejects.toBe(error);
    expect(build.failures).toEqual([{ message, isFinal: false }]);
    expect(build.handedOver).toEqual([]);
  });

  it('counts its tries from the last one that got anywhere', async () => {
    const build = new StoredBuild(['1', '2', '3']);
    await workerOn(build, failing(modelError('timeout'), 1)).handle(job());
    expect(build.failures).toMatchObject([{ isFinal: false }]);
    expect(build.handedOver).toEqual(['2']);
  });

  it.each(['invalid_request', 'not_found'] as const)('gives up after %s', async (kind) => {
    const build = new StoredBuild(['1']);
    await workerOn(build, failing(modelError(kind))).handle(job());
    expect(build.failures).toMatchObject([{ isFinal: true }]);
  });

  it('gives up after the last try', async () => {
    const build = new StoredBuild(['1']);
    await workerOn(build, failing(modelError('timeout'))).handle(job({ isLast: true }));
    expect(build.failures).toMatchObject([{ isFinal: true }]);
  });

  it('when it stops, keeps the batch that is under way, and hands over', async () => {
    const build = new StoredBuild(['1', '2', '3']);
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    const worker = workerOn(build, async (texts, signal) => {
      begun.resolve();
      await end.promise;
      return embedAll(texts, signal);
    });
    const handled = worker.handle(job());
    await begun.promise;
    const stopped = worker.stop();
    end.resolve();
    await stopped;
    await handled;
    expect(build).toMatchObject({ written: ['1', '2'], handedOver: ['2'], failures: [], switches: 0 });
  });

  it('when it stops, cuts off a batch that takes too long, and hands over', async () => {
    const build = new StoredBuild(['1', '2', '3']);
    const begun = Promise.withResolvers<void>();
    const worker = workerOn(build, async (_texts, signal) => {
      begun.resolve();
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
      return [];
    });
    const handled = worker.handle(job({ after: '1' }));
    await begun.promise;
    await worker.stop();
    await handled;
    expect(build).toMatchObject({ written: [], handedOver: ['1'], failures: [] });
  });
});
