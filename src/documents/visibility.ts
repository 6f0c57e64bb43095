import { AppError, type Caller, hasScope } from '../common/index.js';

/**
 * Which documents a caller sees: what it may read, as far as its labels go; and the records of all documents in
 * collections that it may write to, whatever they are labelled.
 */
export interface Visibility {
  /** Names of the collections that it reads, and its labels; null: all. */
  readable: readonly string[] | null;
  labels: readonly string[] | null;
  /** Names of the collections whose documents it keeps; null: all. */
  kept: readonly string[] | null;
}

export function visibilityOf(caller: Caller): Visibility {
  return {
    readable: hasScope(caller, 'ask', 'search') ? (caller.readable ?? null) : [],
    labels: caller.labels ?? null,
    kept: hasScope(caller, 'ingest') ? (caller.writable ?? null) : [],
  };
}

/** What of it may be read, and not only kept. */
export function readingOnly(visibility: Visibility): Visibility {
  return { ...visibility, kept: [] };
}

/**
 * Before anybody looks whether it exists, so that who sees nothing of a collection is told the same either way.
 * @throws AppError FORBIDDEN for a collection of which the caller may see nothing
 */
export function checkVisible({ readable, kept }: Visibility, collection: string): void {
  const isIn = (names: readonly string[] | null): boolean => names === null || names.includes(collection);
  if (isIn(readable) || isIn(kept)) return;
  throw new AppError('FORBIDDEN', `The key may not read the collection ${JSON.stringify(collection)}.`);
}
