import { Injectable } from '@nestjs/common';
import { Database, type SqlRunner } from '../../database/index.js';
import { EmbeddingModels, storedDimensions, toVectorParameter } from '../../embeddings/index.js';
import { ReembeddingQueue, type RunningJob } from './reembedding-queue.js';
import { lockSpaces, switchSpace } from './spaces.js';

/** The right to build a space, until somebody else takes it. */
export interface Build {
  spaceId: number;
  /** Every claim of a space has a higher one. */
  claim: number;
  collectionId: number;
  /** The collection's name. */
  collection: string;
  model: string;
}

/** A searched chunk that has no vector in the space. */
export interface MissingChunk {
  id: string;
  /** Title and headings, embedded with the text. */
  context: string;
  text: string;
}

/** Somebody else builds the space now, or it was dropped: what is being done has no use any more. */
export class BuildLostError extends Error {
  override readonly name = 'BuildLostError';
}

/** The model gives vectors that cannot be stored, or not beside those that it gave before. */
export class UnusableVectorsError extends Error {
  override readonly name = 'UnusableVectorsError';
}

/** Chunks embedded and written together. */
const BATCH = 128;

/** How a job has ended: its space is searched now; there is nothing more to do; or there is. */
export type Conclusion = 'switched' | 'over' | 'unfinished';

/** The spaces that are being built: what their workers read and write, in short transactions. */
@Injectable()
export class Builds {
  constructor(
    private readonly database: Database,
    private readonly queue: ReembeddingQueue,
    private readonly models: EmbeddingModels,
  ) {}

  /** Claims a space; whoever worked on it before can write no more. Undefined when it is not to be built any more. */
  async claim(spaceId: number): Promise<Build | undefined> {
    const [build] = await this.database.query<Build>(
      `UPDATE embedding_spaces s SET claim = claim + 1 FROM collections c
       WHERE s.id = $1 AND s.state IN ('building', 'stopped', 'failed') AND c.id = s.collection_id
       RETURNING s.id AS "spaceId", s.claim, s.collection_id AS "collectionId", c.name AS collection, s.model`,
      [spaceId],
    );
    return build;
  }

  /** The next chunks that lack a vector, by id; none when the space is not to be built now. */
  missing(build: Build, after: string): Promise<MissingChunk[]> {
    return this.database.query<MissingChunk>(
      `SELECT c.id::text AS id, c.context, c.text
       FROM embedding_spaces s JOIN chunks c ON c.collection_id = s.collection_id AND c.id > $3::bigint
       JOIN documents d ON d.id = c.document_id AND d.live_revision = c.revision
       WHERE s.id = $1 AND s.claim = $2 AND s.state = 'building'
         -- the last condition is there for the planner: it begins to read there, too
         AND NOT EXISTS (SELECT FROM chunk_embeddings e
                         WHERE e.space_id = s.id AND e.chunk_id = c.id AND e.chunk_id > $3::bigint)
       ORDER BY c.id LIMIT $4`,
      [build.spaceId, build.claim, after, BATCH],
    );
  }

  /**
   * Writes vectors of chunks, also when the build was stopped meanwhile: they are paid for.
   * @throws BuildLostError, UnusableVectorsError
   */
  async write(
    build: Build,
    chunks: readonly MissingChunk[],
    vectors: readonly Float32Array[],
  ): Promise<void> {
    const dimensions = vectors[0]?.length ?? 0;
    const stored = sizeInStore(dimensions);
    await this.database.transaction(async (transaction) => {
      const held = await hold(build, transaction);
      if (held === undefined) throw new BuildLostError('somebody else builds the space, or nobody');
      if (held.dimensions !== null && held.dimensions !== dimensions)
        throw new UnusableVectorsError(
          `The model gave vectors of ${held.dimensions} dimensions, and now of ${dimensions}.`,
        );
      await transaction.query(
        // a chunk that was deleted meanwhile is left out, and one that is being deleted waited for
        `INSERT INTO chunk_embeddings (space_id, chunk_id, dimensions, embedding)
         SELECT $1, c.id, $5, ($4::real[])[(place - 1) * $2::integer + 1 : place * $2::integer]::halfvec
         FROM unnest($3::bigint[]) WITH ORDINALITY AS embedded (id, place) JOIN chunks c ON c.id = embedded.id
         FOR KEY SHARE OF c
         ON CONFLICT DO NOTHING`,
        [
          build.spaceId,
          stored,
          chunks.map(({ id }) => id),
          toVectorParameter(vectors),
          this.models.indexSize(build.model, dimensions),
        ],
      );
      await transaction.query('UPDATE embedding_spaces SET dimensions = $2, error = NULL WHERE id = $1', [
        build.spaceId,
        dimensions,
      ]);
    });
  }

  /** Switches to the space and ends the job, or only ends it, unless there is more to do. */
  conclude(build: Build, job: RunningJob): Promise<Conclusion> {
    return this.database.transaction(async (transaction) => {
      await lockSpaces(build.collectionId, transaction);
      const held = await hold(build, transaction);
      if (held === undefined) return 'over';
      const isBuilding = held.state === 'building';
      if (isBuilding && !(await switchSpace(build.spaceId, build.collectionId, transaction)))
        return 'unfinished';
      await this.queue.finish(job, transaction);
      return isBuilding ? 'switched' : 'over';
    });
  }

  /** Ends the job for another one, where there is more to do. @param after how far it has come */
  async handOver(build: Build, job: RunningJob, after: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const held = await hold(build, transaction);
      if (held?.state === 'building') await this.queue.handOver(job, after, transaction);
      else await this.queue.finish(job, transaction);
    });
    this.queue.wake();
  }

  /** Notes why a build does not get on. @param isFinal whether it is given up, and its job ended */
  async fail(build: Build, job: RunningJob, message: string, isFinal: boolean): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const held = await hold(build, transaction);
      if (held?.state !== 'building') return;
      await transaction.query('UPDATE embedding_spaces SET state = $2, error = $3 WHERE id = $1', [
        build.spaceId,
        isFinal ? 'failed' : 'building',
        message,
      ]);
      if (isFinal) await this.queue.finish(job, transaction);
    });
  }

  /** Adds the jobs that got lost of spaces that are to be built. */
  async requeue(): Promise<void> {
    const building = await this.database.query<{ id: number }>(
      "SELECT id FROM embedding_spaces WHERE state = 'building' ORDER BY id",
    );
    for (const { id } of building) await this.queue.add(id, this.database);
    if (building.length > 0) this.queue.wake();
  }
}

/** Locks the space for the rest of the transaction; undefined when the claim holds no more. */
async function hold(
  build: Build,
  transaction: SqlRunner,
): Promise<{ state: string; dimensions: number | null } | undefined> {
  const [held] = await transaction.query<{ state: string; dimensions: number | null }>(
    `SELECT state, dimensions FROM embedding_spaces
     WHERE id = $1 AND claim = $2 AND state IN ('building', 'stopped', 'failed') FOR NO KEY UPDATE`,
    [build.spaceId, build.claim],
  );
  return held;
}

function sizeInStore(dimensions: number): number {
  try {
    return storedDimensions(dimensions);
  } catch (error) {
    if (error instanceof RangeError) throw new UnusableVectorsError(`${error.message}.`);
    throw error;
  }
}
