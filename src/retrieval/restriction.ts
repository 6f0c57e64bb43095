import type { CompiledFilter } from './filter.js';

/** What of a collection a search may see. */
export interface Restriction {
  /** Labels that the caller carries; undefined: it sees documents whatever they are labelled. */
  labels: readonly string[] | undefined;
  filter: CompiledFilter | undefined;
  /** There are chunks of revisions that are not live, of documents that are being written. */
  hasHiddenChunks: boolean;
}

/** True when a search has to look at the documents of what it finds. */
export function isRestricted({ labels, filter, hasHiddenChunks }: Restriction): boolean {
  return labels !== undefined || filter !== undefined || hasHiddenChunks;
}

/** The values of the parameters that the statements below name: labels and filter. */
export function restrictionParameters({
  labels,
  filter,
}: Restriction): [labels: unknown, filter: string | null] {
  return [labels ?? null, filter ?? null];
}

/** Condition on a document `d`, by the number of the parameter that the labels are. */
export function allowedDocument(labels: number): string {
  return `($${labels}::text[] IS NULL OR d.allowed IS NULL OR d.allowed && $${labels}::text[])`;
}

/**
 * Condition on a document `d`, by the numbers of its two parameters. PostgreSQL plans these statements with the values
 * of their parameters, so what is null costs nothing, and a filter finds its index.
 */
export function visibleDocument(labels: number, filter: number): string {
  return `${allowedDocument(labels)}
    AND ($${filter}::jsonpath IS NULL OR d.metadata @@ $${filter}::jsonpath)`;
}

/** Condition that a chunk, by an expression for its id, is live and of a visible document. */
export function visibleChunk(chunkId: string, labels: number, filter: number): string {
  return `EXISTS (SELECT FROM chunks c JOIN documents d ON d.id = c.document_id AND d.live_revision = c.revision
    WHERE c.id = ${chunkId} AND ${visibleDocument(labels, filter)})`;
}

/**
 * The same as an expression that is worked out chunk by chunk, for scans that end early: a condition with EXISTS lets
 * the planner look at all chunks of all documents first.
 */
export function isVisibleChunk(chunkId: string, labels: number, filter: number): string {
  return `coalesce((SELECT ${visibleDocument(labels, filter)}
    FROM chunks c JOIN documents d ON d.id = c.document_id AND d.live_revision = c.revision
    WHERE c.id = ${chunkId}), false)`;
}
