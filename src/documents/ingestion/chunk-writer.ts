import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, type SqlRunner } from '../../database/index.js';
import { EmbeddingModels, storedDimensions, toVectorParameter } from '../../embeddings/index.js';
import type { Language } from '../language/languages.js';
import type { Passage } from '../parsing/parse-document.js';
import { shareCollection } from '../collection-lock.js';
import { type Claim, holdClaim } from './claim.js';

/** A passage with what is searched beside its text: title and headings. */
export interface Chunk extends Passage {
  text: string;
  context: string;
}

export interface EmbeddedChunk extends Chunk {
  vector: Float32Array;
}

/** A document as it becomes searchable, but for its chunks. */
export interface ReadyDocument {
  title: string;
  url: string | null;
  metadata: Record<string, unknown>;
  allowed: string[] | null;
  content: string;
  chunkCount: number;
}

/** The collection was switched to another vector space in the meantime: the document has to be embedded anew. */
export class SpaceSwitchedError extends Error {
  override readonly name = 'SpaceSwitchedError';
}

/** Chunks deleted in one transaction. */
const SWEPT = 500;

/**
 * Writes chunks in short transactions. Until the last one they belong to a revision that is not the live one, so that
 * no search sees them; what an interrupted attempt has written, the next one takes over.
 */
@Injectable()
export class ChunkWriter {
  constructor(
    private readonly database: Database,
    private readonly models: EmbeddingModels,
  ) {}

  /**
   * How many of these chunks, from the first on, an interrupted attempt has left; what it left that does not fit is
   * deleted.
   * @throws SupersededError
   */
  async leftFrom(claim: Claim, chunks: readonly Chunk[]): Promise<number> {
    const left = await this.database.query<{ ordinal: number; hash: string; is_embedded: boolean }>(
      `SELECT c.ordinal, md5(c.context || E'\\n' || c.text) AS hash, e.chunk_id IS NOT NULL AS is_embedded
       FROM chunks c LEFT JOIN chunk_embeddings e ON e.space_id = $3 AND e.chunk_id = c.id
       WHERE c.document_id = $1 AND c.revision = $2 ORDER BY c.ordinal`,
      [claim.documentId, claim.revision, claim.spaceId],
    );
    const isUsable =
      left.length <= chunks.length &&
      left.every(
        ({ ordinal, hash, is_embedded }, index) =>
          is_embedded && ordinal === index && hash === hashOf(chunks[index]),
      );
    const keptRevisions = isUsable ? [claim.liveRevision, claim.revision] : [claim.liveRevision];
    let deleted: number;
    do {
      deleted = await this.database.transaction(async (transaction) => {
        // which revision is live is only known while nobody else may write
        await holdClaim(claim, transaction);
        return deleteOthers(claim.documentId, keptRevisions, transaction);
      });
    } while (deleted === SWEPT);
    return isUsable ? left.length : 0;
  }

  /**
   * Before the first chunk of a collection: says in which language its words are stemmed, unless somebody has said so by
   * then. Whoever comes first decides, for ever.
   * @throws SupersededError
   */
  async decideLanguage(claim: Claim, language: Language): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await holdClaim(claim, transaction);
      await transaction.query('UPDATE collections SET language = $2 WHERE id = $1 AND language IS NULL', [
        claim.collectionId,
        language,
      ]);
    });
  }

  /** Writes chunks that no search sees yet. @throws SupersededError */
  async add(claim: Claim, chunks: readonly EmbeddedChunk[], progress: number): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await holdClaim(claim, transaction);
      await transaction.query(
        'UPDATE documents SET has_hidden_chunks = true, progress = $2, updated_at = now() WHERE id = $1',
        [claim.documentId, progress],
      );
      await this.insert(claim, chunks, transaction);
    });
  }

  /**
   * Writes the last chunks and puts the new version in the old one's place, in one transaction: searches see one or the
   * other, never a mixture.
   * @throws SupersededError, SpaceSwitchedError
   */
  async publish(claim: Claim, document: ReadyDocument, lastChunks: readonly EmbeddedChunk[]): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await holdClaim(claim, transaction);
      await shareCollection(claim.collectionId, transaction);
      const active = await transaction.query('SELECT FROM embedding_spaces WHERE id = $1 AND active', [
        claim.spaceId,
      ]);
      if (active.length === 0) throw new SpaceSwitchedError('the collection has another embedding model now');
      await this.insert(claim, lastChunks, transaction);
      await checkCount(claim, document.chunkCount, transaction);
      // the old version goes in the same transaction, unless it is so large that others would have to wait
      const deleted = await deleteOthers(claim.documentId, [claim.revision], transaction);
      await transaction.query(
        `UPDATE documents SET title = $2, url = $3, metadata = $4, allowed = $5, content = $6, chunk_count = $7,
                live_revision = revision, has_hidden_chunks = $8, status = 'ready', progress = 1, error = NULL,
                updated_at = now() WHERE id = $1`,
        [
          claim.documentId,
          document.title,
          document.url,
          JSON.stringify(document.metadata),
          document.allowed,
          document.content,
          document.chunkCount,
          deleted === SWEPT,
        ],
      );
      await transaction.query('DELETE FROM document_sources WHERE document_id = $1', [claim.documentId]);
    });
  }

  /** Deletes the chunks that no search sees of a document that nobody works on. */
  async sweep(documentId: string): Promise<void> {
    for (;;) {
      // a statement sees the status and the chunks of one moment: those of a newer attempt come after its claim
      const deleted = await this.database.query(
        `DELETE FROM chunks WHERE id IN (
           SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document_id
           WHERE d.id = $1 AND d.has_hidden_chunks AND d.status IN ('ready', 'failed')
             AND c.revision <> d.live_revision LIMIT $2)
         RETURNING id`,
        [documentId, SWEPT],
      );
      if (deleted.length < SWEPT) break;
    }
    await this.database.query(
      `UPDATE documents d SET has_hidden_chunks = false
       WHERE id = $1 AND has_hidden_chunks AND status IN ('ready', 'failed')
         AND NOT EXISTS (SELECT FROM chunks c WHERE c.document_id = d.id AND c.revision <> d.live_revision)`,
      [documentId],
    );
  }

  private async insert(
    claim: Claim,
    chunks: readonly EmbeddedChunk[],
    transaction: SqlRunner,
  ): Promise<void> {
    const dimensions = chunks[0]?.vector.length;
    if (dimensions === undefined) return;
    // locks are taken in one order everywhere: the document, the space, the collection (by the triggers of chunks)
    await transaction.query(
      'UPDATE embedding_spaces SET dimensions = $2 WHERE id = $1 AND dimensions IS NULL',
      [claim.spaceId, dimensions],
    );
    const ids = await transaction.query<{ id: string }>(
      "SELECT nextval(pg_get_serial_sequence('chunks', 'id'))::text AS id FROM generate_series(1, $1::integer)",
      [chunks.length],
    );
    // vectors go first: that takes longest, and from the insert of the chunks on the collection's counters are locked
    await transaction.query(
      `INSERT INTO chunk_embeddings (space_id, chunk_id, dimensions, embedding)
       SELECT $1, id, $5, ($4::real[])[(place - 1) * $2::integer + 1 : place * $2::integer]::halfvec
       FROM unnest($3::bigint[]) WITH ORDINALITY AS chunk (id, place)`,
      [
        claim.spaceId,
        storedDimensions(dimensions),
        ids.map(({ id }) => id),
        toVectorParameter(chunks.map(({ vector }) => vector)),
        this.models.indexSize(claim.model, dimensions),
      ],
    );
    const rows = chunks.map(({ ordinal, start, end, page, headingPath, context, text }, index) => ({
      id: ids[index]?.id,
      ordinal,
      start,
      end,
      page,
      headings: headingPath,
      context,
      text,
    }));
    await transaction.query(
      `INSERT INTO chunks (id, document_id, revision, collection_id, ordinal, start_offset, end_offset, page, heading_path,
                           context, text)
       OVERRIDING SYSTEM VALUE
       SELECT id, $1, $2, $3, ordinal, start, "end", page, headings, context, text
       FROM jsonb_to_recordset($4::jsonb) AS chunk (id bigint, ordinal integer, start integer, "end" integer, page integer,
         headings text[], context text, text text)`,
      [claim.documentId, claim.revision, claim.collectionId, JSON.stringify(rows)],
    );
  }
}

/** @returns how many were deleted, at most {@link SWEPT} */
async function deleteOthers(
  documentId: string,
  keptRevisions: readonly number[],
  runner: SqlRunner,
): Promise<number> {
  const deleted = await runner.query(
    `DELETE FROM chunks WHERE id IN (
       SELECT id FROM chunks WHERE document_id = $1 AND revision <> ALL ($2::integer[]) LIMIT $3)
     RETURNING id`,
    [documentId, keptRevisions, SWEPT],
  );
  return deleted.length;
}

/** What is published is whole, whatever happened on the way. */
async function checkCount(claim: Claim, expected: number, transaction: SqlRunner): Promise<void> {
  const [row] = await transaction.query<{ count: number }>(
    'SELECT count(*)::integer AS count FROM chunks WHERE document_id = $1 AND revision = $2',
    [claim.documentId, claim.revision],
  );
  if (row?.count !== expected)
    throw new Error(`document ${claim.documentId} has ${row?.count} chunks instead of ${expected}`);
}

function hashOf(chunk: Chunk | undefined): string {
  return createHash('md5').update(`${chunk?.context}\n${chunk?.text}`).digest('hex');
}
