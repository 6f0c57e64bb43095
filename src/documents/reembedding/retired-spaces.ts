import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';

/** A search that has looked the space up just before it was retired may take this long. */
const GRACE_SECONDS = 60;
/** Vectors deleted in one transaction. */
const BATCH = 500;
/** Below every chunk's id. */
const BEGINNING = '0';

/** Spaces that are no longer searched, until their vectors are deleted. */
@Injectable()
export class RetiredSpaces {
  private isStopping = false;

  constructor(private readonly database: Database) {}

  /** Deletes those whose grace is over, in short transactions. */
  async clean(): Promise<void> {
    const spaces = await this.database.query<{ id: number }>(
      `SELECT id FROM embedding_spaces
       WHERE state = 'retired' AND retired_at <= clock_timestamp() - make_interval(secs => $1)`,
      [GRACE_SECONDS],
    );
    for (const { id } of spaces) await this.delete(id);
  }

  /** What is not deleted yet is left for the next start. */
  stop(): void {
    this.isStopping = true;
  }

  private async delete(spaceId: number): Promise<void> {
    let after: string | undefined = BEGINNING;
    while (after !== undefined && !this.isStopping) after = await this.deleteSome(spaceId, after);
    // a document that was embedded for it, and not known to be superseded, may have written some since
    await this.database.query(
      `DELETE FROM embedding_spaces s WHERE id = $1 AND state = 'retired'
         AND NOT EXISTS (SELECT FROM chunk_embeddings e WHERE e.space_id = s.id)`,
      [spaceId],
    );
  }

  /** @returns the chunk up to which vectors are deleted; undefined when there were none left */
  private async deleteSome(spaceId: number, after: string): Promise<string | undefined> {
    const [part] = await this.database.query<{ last: string | null }>(
      `WITH part AS (
         SELECT chunk_id FROM chunk_embeddings WHERE space_id = $1 AND chunk_id > $2::bigint ORDER BY chunk_id LIMIT $3
       ), deleted AS (
         DELETE FROM chunk_embeddings WHERE space_id = $1 AND chunk_id IN (SELECT chunk_id FROM part)
       )
       SELECT max(chunk_id)::text AS last FROM part`,
      [spaceId, after, BATCH],
    );
    return part?.last ?? undefined;
  }
}
