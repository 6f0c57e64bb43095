import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppError } from '../../common/index.js';
import { Database, type SqlRunner } from '../../database/index.js';
import { type Collection, CollectionsService } from '../collections.service.js';
import type { DocumentStatus } from '../entities/document.entity.js';
import { documentLoaders, findLoader } from '../loaders/index.js';
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
  bytes: Buffer;
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
const ATTEMPTS = 3;

/** Takes documents in: when it answers, the document and its job are committed and survive anything. */
@Injectable()
export class IntakeService {
  constructor(
    private readonly database: Database,
    private readonly collections: CollectionsService,
    private readonly queue: JobQueue,
  ) {}

  /**
   * Stores documents and queues their ingestion. All or none of a request's documents are taken.
   * @throws AppError UNSUPPORTED_MEDIA_TYPE, or CONFLICT for a collection of another embedding model
   */
  async accept(documents: readonly NewDocument[], collectionName: string): Promise<AcceptedDocument[]> {
    for (const document of documents) checkFormat(document);
    const collection = await this.collections.ensure(collectionName);
    const accepted = await this.storeAll(documents, collection);
    this.queue.wake();
    return accepted;
  }

  private async storeAll(
    documents: readonly NewDocument[],
    collection: Collection,
  ): Promise<AcceptedDocument[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.database.transaction(async (transaction) => {
          const stored: AcceptedDocument[] = [];
          for (const document of documents)
            stored.push({
              ...(await this.store(document, collection, transaction)),
              collection: collection.name,
            });
          return stored;
        });
      } catch (error) {
        // somebody stored the same document between our look and our insert: look again
        const isRace = error instanceof Error && 'code' in error && RACES.has(String(error.code));
        if (!isRace || attempt === ATTEMPTS) throw error;
      }
    }
  }

  private async store(
    document: NewDocument,
    collection: Collection,
    transaction: SqlRunner,
  ): Promise<StoredDocument> {
    const hash = contentHash(document.bytes);
    const known = await this.findSame(document.externalId, hash, collection.id, transaction);
    const title = cleanText(document.title ?? document.fileName ?? 'Untitled');
    const [stored] =
      known === undefined
        ? await transaction.query<StoredDocument>(
            `INSERT INTO documents (collection_id, external_id, title, url, metadata, content_hash)
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id, title, status, revision`,
            [collection.id, document.externalId, title, document.url, jsonText(document.metadata), hash],
          )
        : await transaction.query<StoredDocument>(
            // the version that is searchable keeps its title, metadata and content until the new one is ready
            `UPDATE documents SET external_id = coalesce($2, external_id), content_hash = $3, revision = revision + 1,
                    status = 'queued', progress = 0, error = NULL, updated_at = now()
             WHERE id = $1 RETURNING id, title, status, revision`,
            [known, document.externalId, hash],
          );
    if (stored === undefined) throw new Error('a document vanished while it was locked');
    await transaction.query(
      `INSERT INTO document_sources (document_id, revision, title, url, metadata, media_type, file_name, bytes)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
       ON CONFLICT (document_id) DO UPDATE SET revision = excluded.revision, title = excluded.title,
         url = excluded.url, metadata = excluded.metadata, media_type = excluded.media_type,
         file_name = excluded.file_name, bytes = excluded.bytes`,
      [
        stored.id,
        stored.revision,
        document.title === undefined ? null : title,
        document.url,
        jsonText(document.metadata),
        document.mediaType,
        document.fileName ?? null,
        document.bytes,
      ],
    );
    await this.queue.add({ documentId: stored.id, revision: stored.revision }, transaction);
    return stored;
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

function checkFormat(document: NewDocument): void {
  const { bytes, mediaType, fileName } = document;
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

/** PostgreSQL's text can hold neither NUL nor half of a surrogate pair. */
function cleanText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed().trim();
}

function jsonText(value: Record<string, unknown>): string {
  return JSON.stringify(storable(value));
}

/** jsonb can hold neither too, in values and in keys. */
function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '').toWellFormed();
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [cleanText(key), storable(item)]));
}
