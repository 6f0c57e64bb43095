import { Injectable } from '@nestjs/common';
import { Database, type SqlRunner } from '../../database/index.js';
import type { IngestionJob } from './job-queue.js';

/** The right to write a revision of a document, until somebody else takes it. */
export interface Claim extends IngestionJob {
  /** Every claim of a document has a higher one. */
  number: number;
  /** The revision that is searchable; 0: none. */
  liveRevision: number;
  collectionId: number;
  /** The vector space that its collection is searched in, and the model that makes its vectors. */
  spaceId: number;
  model: string;
  /** Nobody has decided yet in which language the collection's words are stemmed. */
  needsLanguage: boolean;
}

/** What was sent and is not searchable yet. */
export interface Source {
  title: string | null;
  url: string | null;
  metadata: Record<string, unknown>;
  allowed: string[] | null;
  mediaType: string;
  fileName: string | null;
  bytes: Buffer;
  /** Of the version that is searchable. */
  currentTitle: string;
  /** There may be passages of an attempt that was interrupted. */
  isBegun: boolean;
  /** Who sent it. */
  keyId: string | null;
}

/** The document was deleted, sent anew, or claimed by somebody else: what is being written has no use any more. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError';
}

type Row = Omit<Claim, keyof IngestionJob> & Source;

/** Hands out documents to those who work on them. */
@Injectable()
export class Claims {
  constructor(private readonly database: Database) {}

  /** Claims a document and reads what was sent; undefined when there is nothing left to do. */
  async take(job: IngestionJob): Promise<{ claim: Claim; source: Source } | undefined> {
    const [row] = await this.database.query<Row>(
      `WITH claimed AS (
         UPDATE documents SET status = 'processing', claim = claim + 1, updated_at = now()
         WHERE id = $1 AND revision = $2 AND status IN ('queued', 'processing')
           AND EXISTS (SELECT FROM document_sources WHERE document_id = $1 AND revision = $2)
         RETURNING id, collection_id, title, claim, live_revision, has_hidden_chunks
       )
       SELECT claimed.collection_id AS "collectionId", claimed.title AS "currentTitle", claimed.claim AS number,
              claimed.live_revision AS "liveRevision",
              claimed.has_hidden_chunks AS "isBegun", space.id AS "spaceId", space.model,
              collection.language IS NULL AS "needsLanguage", source.title, source.url,
              source.metadata, source.allowed, source.media_type AS "mediaType", source.file_name AS "fileName",
              source.bytes, source.key_id AS "keyId"
       FROM claimed JOIN document_sources source ON source.document_id = claimed.id AND source.revision = $2
       JOIN collections collection ON collection.id = claimed.collection_id
       JOIN embedding_spaces space ON space.collection_id = claimed.collection_id AND space.active`,
      [job.documentId, job.revision],
    );
    if (row === undefined) return undefined;
    const { number, liveRevision, collectionId, spaceId, model, needsLanguage, ...source } = row;
    return {
      claim: { ...job, number, liveRevision, collectionId, spaceId, model, needsLanguage },
      source,
    };
  }

  /** Puts a document back into the queue, or, when it is final, ends it; nothing when the claim was taken over. */
  async fail(claim: Claim, message: string, isFinal: boolean): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const failed = await transaction.query(
        `UPDATE documents SET status = $4, error = $5, updated_at = now()
         WHERE id = $1 AND revision = $2 AND claim = $3 AND status = 'processing' RETURNING id`,
        [claim.documentId, claim.revision, claim.number, isFinal ? 'failed' : 'queued', message],
      );
      if (failed.length > 0 && isFinal)
        await transaction.query('DELETE FROM document_sources WHERE document_id = $1', [claim.documentId]);
    });
  }
}

/**
 * Locks the document for the rest of the transaction.
 * @throws SupersededError when the claim holds no more
 */
export async function holdClaim(claim: Claim, transaction: SqlRunner): Promise<void> {
  const held = await transaction.query(
    'SELECT FROM documents WHERE id = $1 AND revision = $2 AND claim = $3 FOR UPDATE',
    [claim.documentId, claim.revision, claim.number],
  );
  if (held.length === 0) throw new SupersededError('somebody else has taken the document over');
}
