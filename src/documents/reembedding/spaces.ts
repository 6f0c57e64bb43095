import type { SqlRunner } from '../../database/index.js';
import { lockCollection } from '../collection-lock.js';

/** A vector space of a collection: the one that is searched, or one that is being built to take its place. */
export interface EmbeddingSpace {
  id: number;
  model: string;
  active: boolean;
  state: 'complete' | 'building' | 'stopped' | 'failed';
}

/**
 * Locks the spaces of a collection but retired ones for the rest of the transaction: no document becomes ready
 * meanwhile, and nobody else switches.
 */
export async function lockSpaces(collectionId: number, transaction: SqlRunner): Promise<void> {
  await lockCollection(collectionId, transaction);
  await transaction.query(
    "SELECT FROM embedding_spaces WHERE collection_id = $1 AND state <> 'retired' ORDER BY id FOR UPDATE",
    [collectionId],
  );
}

/** The spaces of a collection but retired ones. */
export function readSpaces(collectionId: number, transaction: SqlRunner): Promise<EmbeddingSpace[]> {
  return transaction.query<EmbeddingSpace>(
    "SELECT id, model, active, state FROM embedding_spaces WHERE collection_id = $1 AND state <> 'retired'",
    [collectionId],
  );
}

/** A space that is no longer searched or built; its vectors are deleted later. */
export async function retireSpace(spaceId: number, transaction: SqlRunner): Promise<void> {
  await transaction.query(
    "UPDATE embedding_spaces SET active = false, state = 'retired', retired_at = clock_timestamp() WHERE id = $1",
    [spaceId],
  );
}

/**
 * Puts a space in the place of the one that is searched, if it has a vector of every chunk that is; call
 * {@link lockSpaces} before.
 *
 * Chunks of documents that are on their way do not count: a document that was embedded for the old space does not
 * become ready any more, but is embedded anew.
 * @returns false when a vector is missing
 */
export async function switchSpace(
  spaceId: number,
  collectionId: number,
  transaction: SqlRunner,
): Promise<boolean> {
  const missing = await transaction.query(
    `SELECT FROM chunks c JOIN documents d ON d.id = c.document_id AND d.live_revision = c.revision
     WHERE c.collection_id = $1
       AND NOT EXISTS (SELECT FROM chunk_embeddings e WHERE e.space_id = $2 AND e.chunk_id = c.id) LIMIT 1`,
    [collectionId, spaceId],
  );
  if (missing.length > 0) return false;
  const active = (await readSpaces(collectionId, transaction)).find((space) => space.active);
  if (active !== undefined) await retireSpace(active.id, transaction);
  await transaction.query(
    "UPDATE embedding_spaces SET active = true, state = 'complete', error = NULL WHERE id = $1",
    [spaceId],
  );
  return true;
}
