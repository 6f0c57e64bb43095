import { Injectable } from '@nestjs/common';
import { AppError, invalidField } from '../../common/index.js';
import { ConfigError } from '../../config/index.js';
import { Budgets } from '../../costs/index.js';
import { Database, type SqlRunner } from '../../database/index.js';
import { EmbeddingModels } from '../../embeddings/index.js';
import { CollectionsService } from '../collections.service.js';
import { ReembeddingQueue } from './reembedding-queue.js';
import { type EmbeddingSpace, lockSpaces, readSpaces, retireSpace, switchSpace } from './spaces.js';

/** Changes the embedding model of a collection: builds a second vector space beside the one that is searched. */
@Injectable()
export class ReembeddingService {
  constructor(
    private readonly database: Database,
    private readonly collections: CollectionsService,
    private readonly models: EmbeddingModels,
    private readonly budgets: Budgets,
    private readonly queue: ReembeddingQueue,
  ) {}

  /**
   * Begins, or goes on, to embed a collection with a model.
   * @throws AppError INVALID_REQUEST for a model that cannot be used; NOT_FOUND; CONFLICT when the collection is embedded
   *   with it already, or there is a budget and its price is not known
   */
  async start(name: string, modelId: string): Promise<void> {
    const collectionId = await this.collections.idOf(name);
    this.checkModel(modelId);
    await this.database.transaction(async (transaction) => {
      const { active, next } = await lockedSpaces(collectionId, transaction);
      if (active?.model === modelId)
        throw new AppError(
          'CONFLICT',
          `Collection ${JSON.stringify(name)} is embedded with ${modelId} already.`,
        );
      const spaceId = await takeUp(next, collectionId, modelId, transaction);
      if (!(await switchSpace(spaceId, collectionId, transaction)))
        await this.queue.addAtOnce(spaceId, transaction);
    });
    this.queue.wake();
  }

  /** Stops it; what has been embedded is kept. @throws AppError NOT_FOUND */
  async stop(name: string): Promise<void> {
    const collectionId = await this.collections.idOf(name);
    await this.database.transaction(async (transaction) => {
      const { next } = await lockedSpaces(collectionId, transaction);
      if (next === undefined)
        throw new AppError(
          'NOT_FOUND',
          `Collection ${JSON.stringify(name)} is not being embedded with another model.`,
        );
      await transaction.query(
        "UPDATE embedding_spaces SET state = 'stopped', error = NULL WHERE id = $1 AND state = 'building'",
        [next.id],
      );
      await this.queue.dropWaiting(next.id, transaction);
    });
  }

  private checkModel(modelId: string): void {
    const message = this.problemOf(modelId);
    if (message !== undefined) throw invalidField('model', message);
    if (!this.budgets.canHold(modelId))
      throw new AppError(
        'CONFLICT',
        `A budget is set, but the price of ${modelId} is not known: set it with MODEL_PRICES (0 where it costs nothing).`,
      );
  }

  /** Why a model cannot be used. */
  private problemOf(modelId: string): string | undefined {
    try {
      const { id } = this.models.get(modelId);
      return id === modelId ? undefined : `There is no embedding model ${modelId}; there is ${id}.`;
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
  }
}

/** The space that is searched and the one that is being built, locked for the rest of the transaction. */
async function lockedSpaces(
  collectionId: number,
  transaction: SqlRunner,
): Promise<{ active: EmbeddingSpace | undefined; next: EmbeddingSpace | undefined }> {
  await lockSpaces(collectionId, transaction);
  // read anew: whoever held the lock may have changed them
  const spaces = await readSpaces(collectionId, transaction);
  return { active: spaces.find(({ active }) => active), next: spaces.find(({ active }) => !active) };
}

/** The space to build: the one that was begun, or a new one. */
async function takeUp(
  begun: EmbeddingSpace | undefined,
  collectionId: number,
  modelId: string,
  transaction: SqlRunner,
): Promise<number> {
  if (begun?.model === modelId) {
    await transaction.query("UPDATE embedding_spaces SET state = 'building', error = NULL WHERE id = $1", [
      begun.id,
    ]);
    return begun.id;
  }
  if (begun !== undefined) await retireSpace(begun.id, transaction);
  const [made] = await transaction.query<{ id: number }>(
    `INSERT INTO embedding_spaces (collection_id, model, active, state) VALUES ($1, $2, false, 'building')
     RETURNING id`,
    [collectionId, modelId],
  );
  if (made === undefined) throw new Error('a vector space was not made');
  return made.id;
}
