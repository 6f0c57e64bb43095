import { Injectable } from '@nestjs/common';
import { Database, type SqlRunner } from '../../database/index.js';
import { storedDimensions, toVectorParameter } from '../../embeddings/index.js';
import type { Chunk } from '../chunking/chunker.js';

/** A document as it becomes searchable. */
export interface ReadyDocument {
  documentId: string;
  revision: number;
  collectionId: number;
  spaceId: number;
  title: string;
  url: string | null;
  metadata: Record<string, unknown>;
  content: string;
  chunks: readonly IndexedChunk[];
}

export interface IndexedChunk extends Chunk {
  /** Title and headings: searched with the text. */
  context: string;
  page: number | null;
  vector: Float32Array;
}

/** Chunks that go into one statement; bounds its size. */
const BATCH = 100;

/** Writes what ingestion made. */
@Injectable()
export class ChunkWriter {
  constructor(private readonly database: Database) {}

  /**
   * Puts the new version in the old one's place, in one transaction: searches see one or the other, never a mixture.
   * @returns false when a newer revision was sent meanwhile, or the document was deleted; then nothing is changed
   */
  async replace(document: ReadyDocument): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      const current = await transaction.query(
        'SELECT FROM documents WHERE id = $1 AND revision = $2 FOR UPDATE',
        [document.documentId, document.revision],
      );
      if (current.length === 0) return false;
      await transaction.query('DELETE FROM chunks WHERE document_id = $1', [document.documentId]);
      for (let start = 0; start < document.chunks.length; start += BATCH)
        await insertChunks(document, document.chunks.slice(start, start + BATCH), transaction);
      if (document.chunks.length > 0)
        await transaction.query(
          'UPDATE embedding_spaces SET dimensions = $2 WHERE id = $1 AND dimensions IS NULL',
          [document.spaceId, document.chunks[0]?.vector.length],
        );
      await transaction.query(
        `UPDATE documents SET title = $2, url = $3, metadata = $4, content = $5, chunk_count = $6, status = 'ready',
                progress = 1, error = NULL, updated_at = now() WHERE id = $1`,
        [
          document.documentId,
          document.title,
          document.url,
          JSON.stringify(document.metadata),
          document.content,
          document.chunks.length,
        ],
      );
      await transaction.query('DELETE FROM document_sources WHERE document_id = $1', [document.documentId]);
      return true;
    });
  }
}

async function insertChunks(
  document: ReadyDocument,
  chunks: readonly IndexedChunk[],
  transaction: SqlRunner,
): Promise<void> {
  const rows = chunks.map(({ ordinal, start, end, page, headingPath, context, text }) => ({
    ordinal,
    start,
    end,
    page,
    headings: headingPath,
    context,
    text,
  }));
  const inserted = await transaction.query<{ id: string; ordinal: number }>(
    `INSERT INTO chunks (document_id, collection_id, ordinal, start_offset, end_offset, page, heading_path, context, text)
     SELECT $1, $2, ordinal, start, "end", page, headings, context, text
     FROM jsonb_to_recordset($3::jsonb) AS chunk (ordinal integer, start integer, "end" integer, page integer,
       headings text[], context text, text text)
     RETURNING id::text AS id, ordinal`,
    [document.documentId, document.collectionId, JSON.stringify(rows)],
  );
  const ids = new Map(inserted.map(({ id, ordinal }) => [ordinal, id]));
  await transaction.query(
    `INSERT INTO chunk_embeddings (space_id, chunk_id, dimensions, embedding)
     SELECT $1, id, $2::integer, ($4::real[])[(place - 1) * $2::integer + 1 : place * $2::integer]::halfvec
     FROM unnest($3::bigint[]) WITH ORDINALITY AS chunk (id, place)`,
    [
      document.spaceId,
      storedDimensions(chunks[0]?.vector.length ?? 0),
      chunks.map(({ ordinal }) => ids.get(ordinal)),
      toVectorParameter(chunks.map(({ vector }) => vector)),
    ],
  );
}
