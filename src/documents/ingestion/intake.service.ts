import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Database, type SqlRunner } from '../../database/index.js';
import { type Collection, CollectionsService } from '../collections.service.js';
import type { DocumentStatus } from '../entities/document.entity.js';
import { documentLoaders, findLoader } from '../loaders/index.js';
import { cleanText, storable } from '../storable.js';
import { JobQueue } from './job-queue.js';

/** A document as it was sent. */
export interface NewDocument {
  /** Absent: the document's own title, or its file name. */
  title: string | undefined;
  url: string | null;
  metadata: Record<string, unknown>;
  externalId: string | null;
  mediaType: string;
  fileName: string | undefined;
  /** Labels of which a caller needs one to see it; null: everybody may. */
  allowed: string[] | null;
  /** Its bytes, read when they are needed: several large ones need not be in memory together. */
  read: () => Promise<Buffer>;
}

export interface AcceptedDocument {
  id: string;
  title: string;
  collection: string;
  status: DocumentStatus;
  revision: number;
}

interface StoredDocument {
  id: string;
  title: string;
  status: DocumentStatus;
  revision: number;
}

/** A unique violation, and a deadlock of two requests that store the same documents in another order. */
const RACES = new Set(['23505', '40P01']);
const FOREIGN_KEY_VIOLATION = '23503';
const ATTEMPTS = 3;
const MOST_WAITING_BYTES = 4 * 1024 * 1024 * 1024;
const FULL_RETRY_AFTER_SECONDS = 30;

/** Takes documents in: when it answers, the document and its job are committed and survive anything. */
@Injectable()
export class IntakeService {
  constructor(
    private readonly config: AppConfig,
    private readonly database: Database,
    private readonly collections: CollectionsService,
    private readonly queue: JobQueue,
  ) {}

  /**
   * Stores documents and queues their ingestion. All or none of a request's documents are taken.
   * @param keyId who sends them, and pays for it
   * @throws AppError UNSUPPORTED_MEDIA_TYPE, SERVICE_UNAVAILABLE when too much waits already, or CONFLICT for a
   *   collection whose embedding model is not configured
   */
  async accept(
    documents: readonly NewDocument[],
    collectionName: string,
    keyId: string,
  ): Promise<AcceptedDocument[]> {
    await this.checkRoom();
    for (const document of documents) await checkFormat(document);
    const collection = await this.collections.ensure(collectionName);
    const accepted = await this.storeAll(documents, collection, keyId);
    this.queue.wake();
    return accepted;
  }

  /** Bounds what waits; requests that come in together may pass it together. */
  private async checkRoom(): Promise<void> {
    const { maxQueue } = this.config.ingestion;
    const [waiting] = await this.database.query<{ documents: number; bytes: number }>(
      'SELECT count(*)::integer AS documents, coalesce(sum(octet_length(bytes)), 0)::float8 AS bytes FROM document_sources',
    );
    if (waiting === undefined || (waiting.documents < maxQueue && waiting.bytes < MOST_WAITING_BYTES)) return;
    throw new AppError(
      'SERVICE_UNAVAILABLE',
      // not how many: they may be others'
      'As many documents as may wait to be made searchable do; send more when some are done.',
      { headers: { 'Retry-After': String(FULL_RETRY_AFTER_SECONDS) } },
    );
  }

  private async storeAll(
    documents: readonly NewDocument[],
    collection: Collection,
    keyId: string,
  ): Promise<AcceptedDocument[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.database.transaction(async (transaction) => {
          const stored: AcceptedDocument[] = [];
          for (const document of documents)
            stored.push({
              ...(await this.store(document, collection, keyId, transaction)),
              collection: collection.name,
            });
          await this.enqueue(stored, collection.id, transaction);
          return stored;
        });
      } catch (error) {
        // somebody stored the same document between our look and our insert: look again
        if (error instanceof Error && 'code' in error && error.code === FOREIGN_KEY_VIOLATION)
          throw new AppError(
            'CONFLICT',
            `The collection ${JSON.stringify(collection.name)} was deleted meanwhile.`,
          );
        const isRace = error instanceof Error && 'code' in error && RACES.has(String(error.code));
        if (!isRace || attempt === ATTEMPTS) throw error;
      }
    }
  }

  private async store(
    document: NewDocument,
    collection: Collection,
    keyId: string,
    transaction: SqlRunner,
  ): Promise<StoredDocument> {
    const bytes = await document.read();
    const hash = contentHash(bytes);
    const known = await this.findSame(document.externalId, hash, collection.id, transaction);
    const title = cleanText(document.title ?? document.fileName ?? 'Untitled');
    const [stored] =
      known === undefined
        ? await transaction.query<StoredDocument>(
            `INSERT INTO documents (collection_id, external_id, title, url, metadata, allowed, content_hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id, title, status, revision`,
            [
              collection.id,
              document.externalId,
              title,
              document.url,
              JSON.stringify(storable(document.metadata)),
              document.allowed,
              hash,
            ],
          )
        : await transaction.query<StoredDocument>(
            // the version that is searchable keeps its title, metadata and content until the new one is ready
            `UPDATE documents SET external_id = coalesce($2, external_id), content_hash = $3, revision = revision + 1,
                    status = 'queued', progress = 0, error = NULL, turn = 0, updated_at = now()
             WHERE id = $1 RETURNING id, title, status, revision`,
            [known, document.externalId, hash],
          );
    if (stored === undefined) throw new Error('a document vanished while it was locked');
    await transaction.query(
      `INSERT INTO document_sources (document_id, revision, title, url, metadata, allowed, media_type, file_name, bytes, key_id)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       ON CONFLICT (document_id) DO UPDATE SET revision = excluded.revision, title = excluded.title,
         url = excluded.url, metadata = excluded.metadata, allowed = excluded.allowed, media_type = excluded.media_type,
         file_name = excluded.file_name, bytes = excluded.bytes, key_id = excluded.key_id`,
      [
        stored.id,
        stored.revision,
        document.title === undefined ? null : title,
        document.url,
        JSON.stringify(storable(document.metadata)),
        document.allowed,
        document.mediaType,
        document.fileName === undefined ? null : cleanText(document.fileName),
        bytes,
        keyId,
      ],
    );
    return stored;
  }

  /**
   * Queues documents so that collections take turns, however many each has waiting (start-time fair queueing; Goyal, Vin
   * and Cheng, "Start-time Fair Queuing", 1996, every document of the same cost): the first new one gets the turn that
   * is on (documents that are being tried again do not count), or the one after the last of its collection.
   */
  private async enqueue(
    documents: readonly StoredDocument[],
    collectionId: number,
    transaction: SqlRunner,
  ): Promise<void> {
    const [turns] = await transaction.query<{ last: number }>(
      `INSERT INTO ingestion_turns AS own (collection_id, last_turn)
       SELECT $1, turn - 1 + $2::integer FROM (SELECT coalesce(
         (SELECT min(turn) FROM documents WHERE status IN ('queued', 'processing') AND turn > 0
            AND error IS NULL),
         (SELECT max(last_turn) + 1 FROM ingestion_turns), 1) AS turn) AS now_on
       ON CONFLICT (collection_id) DO UPDATE
         SET last_turn = greatest(own.last_turn, excluded.last_turn - $2::integer) + $2::integer
       RETURNING last_turn AS last`,
      [collectionId, documents.length],
    );
    const first = (turns?.last ?? 0) - documents.length + 1;
    await transaction.query(
      `UPDATE documents SET turn = $2 + place FROM unnest($1::uuid[]) WITH ORDINALITY AS queued (document_id, place)
       WHERE id = document_id`,
      [documents.map(({ id }) => id), first - 1],
    );
    const jobs = documents.map(({ id, revision }, index) => ({
      documentId: id,
      revision,
      turn: first + index,
    }));
    await this.queue.add(jobs, transaction);
  }

  /** The document that this one replaces: of the same external id, else of the same content under no other id. */
  private async findSame(
    externalId: string | null,
    hash: Buffer,
    collectionId: number,
    transaction: SqlRunner,
  ): Promise<string | undefined> {
    const [found] = await transaction.query<{ id: string }>(
      `SELECT id FROM documents
       WHERE collection_id = $1 AND (external_id = $2
         OR (content_hash = $3 AND (external_id IS NULL OR $2::text IS NULL)))
       ORDER BY external_id IS NOT DISTINCT FROM $2 DESC, external_id IS NOT NULL DESC, seq LIMIT 1 FOR UPDATE`,
      [collectionId, externalId, hash],
    );
    return found?.id;
  }
}

async function checkFormat(document: NewDocument): Promise<void> {
  const { mediaType, fileName } = document;
  const bytes = await document.read();
  if (findLoader({ bytes, mediaType, ...(fileName === undefined ? {} : { fileName }) }) !== undefined) return;
  throw new AppError(
    'UNSUPPORTED_MEDIA_TYPE',
    `${fileName === undefined ? 'The document' : JSON.stringify(fileName)} is of a format that cannot be read. ` +
      `Supported: ${documentLoaders.extensions.map((extension) => `.${extension}`).join(', ')}.`,
  );
}

function contentHash(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
