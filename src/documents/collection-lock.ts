import type { SqlRunner } from '../database/index.js';

/**
 * The class of the locks on collections: advisory ones (PostgreSQL documentation, section 13.3.5), because those are
 * granted in the order in which they were asked for. A steady stream of documents that share a row lock would keep a
 * change waiting for ever. The number is arbitrary and only has to stay the same.
 */
const CLASS = 7_310_218;

/** For the rest of the transaction, the collection's vector space does not change; others may share the lock. */
export async function shareCollection(collectionId: number, transaction: SqlRunner): Promise<void> {
  await transaction.query('SELECT pg_advisory_xact_lock_shared($1, $2)', [CLASS, collectionId]);
}

/** For the rest of the transaction, no document of the collection becomes ready. */
export async function lockCollection(collectionId: number, transaction: SqlRunner): Promise<void> {
  await transaction.query('SELECT pg_advisory_xact_lock($1, $2)', [CLASS, collectionId]);
}
