import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository, SelectQueryBuilder } from 'typeorm';
import { AppError, type Caller, checkWritable, Cursors, isUuid } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import type { DocumentDto, DocumentListDto, ListDocumentsQuery } from './dto/document.dto.js';
import { DocumentEntity } from './entities/document.entity.js';
import { checkVisible, readingOnly, type Visibility, visibilityOf } from './visibility.js';

/** The documents that a {@link Visibility} shows: `d`, of collection `c`. */
const VISIBLE = `(
  ((CAST(:readable AS text[]) IS NULL OR c.name = ANY (CAST(:readable AS text[])))
    AND (CAST(:labels AS text[]) IS NULL OR d.allowed IS NULL OR d.allowed && CAST(:labels AS text[])))
  OR CAST(:kept AS text[]) IS NULL OR c.name = ANY (CAST(:kept AS text[])))`;

/** Reads and deletes documents, of which every caller sees its own part. */
@Injectable()
export class DocumentsService {
  private readonly cursors: Cursors;

  constructor(
    @InjectRepository(DocumentEntity) private readonly documents: Repository<DocumentEntity>,
    { auth }: AppConfig,
  ) {
    this.cursors = new Cursors(auth.adminApiKey);
  }

  /** @throws AppError INVALID_REQUEST for a cursor that is none of ours, FORBIDDEN for a collection it sees nothing of */
  async list(
    { collection, status, cursor, limit }: ListDocumentsQuery,
    visibility: Visibility,
  ): Promise<DocumentListDto> {
    if (collection !== undefined) checkVisible(visibility, collection);
    const query = this.visible(visibility);
    if (collection !== undefined) query.andWhere('c.name = :collection', { collection });
    if (status !== undefined) query.andWhere('d.status = :status', { status });
    if (cursor !== undefined) query.andWhere('d.seq < :before', { before: this.cursors.decode(cursor) });
    const found = await query
      .orderBy('d.seq', 'DESC')
      .limit(limit + 1)
      .getMany();
    const { page, next } = this.cursors.page(found, limit);
    return { documents: page.map(toDto), next_cursor: next };
  }

  /** @throws AppError NOT_FOUND, also for what the caller may not see */
  async get(id: string, visibility: Visibility): Promise<DocumentDto> {
    const found = isUuid(id) ? await this.visible(visibility).andWhere('d.id = :id', { id }).getOne() : null;
    if (found === null) throw notFound();
    return toDto(found);
  }

  /** The normalised text that all offsets index. @throws AppError NOT_FOUND, also for what the caller may not read */
  async content(id: string, visibility: Visibility): Promise<string> {
    const found = isUuid(id)
      ? await this.visible(readingOnly(visibility))
          .andWhere('d.id = :id', { id })
          .select(['d.id', 'd.content'])
          .getOne()
      : null;
    if (found === null) throw notFound();
    return found.content;
  }

  /** @throws AppError NOT_FOUND, FORBIDDEN for one that the caller sees but may not write */
  async delete(id: string, caller: Caller): Promise<void> {
    const { collection } = await this.get(id, visibilityOf(caller));
    checkWritable(caller, collection);
    const deleted = await this.documents.delete({ id });
    if (deleted.affected !== 1) throw notFound();
  }

  private visible({ readable, labels, kept }: Visibility): SelectQueryBuilder<DocumentEntity> {
    return this.documents
      .createQueryBuilder('d')
      .innerJoinAndSelect('d.collection', 'c')
      .where(VISIBLE, { readable, labels, kept });
  }
}

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'There is no document with this id.');
}

function toDto(document: DocumentEntity): DocumentDto {
  return {
    id: document.id,
    external_id: document.externalId,
    title: document.title,
    collection: document.collection.name,
    url: document.url,
    metadata: document.metadata,
    allowed: document.allowed,
    content_sha256: document.contentHash.toString('hex'),
    status: document.status,
    progress: document.progress,
    chunks: document.chunkCount,
    error: document.error,
    created_at: document.createdAt.toISOString(),
    updated_at: document.updatedAt.toISOString(),
  };
}
