import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { LessThan, type Repository } from 'typeorm';
import { AppError } from '../common/index.js';
import type { DocumentDto, DocumentListDto, ListDocumentsQuery } from './dto/document.dto.js';
import { DocumentEntity } from './entities/document.entity.js';

const DEFAULT_LIMIT = 50;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Reads and deletes documents. */
@Injectable()
export class DocumentsService {
  constructor(@InjectRepository(DocumentEntity) private readonly documents: Repository<DocumentEntity>) {}

  /** @throws AppError INVALID_REQUEST for a cursor that is none of ours */
  async list({
    collection,
    status,
    cursor,
    limit = DEFAULT_LIMIT,
  }: ListDocumentsQuery): Promise<DocumentListDto> {
    const found = await this.documents.find({
      where: {
        ...(collection === undefined ? {} : { collection: { name: collection } }),
        ...(status === undefined ? {} : { status }),
        ...(cursor === undefined ? {} : { seq: LessThan(decodeCursor(cursor)) }),
      },
      relations: { collection: true },
      order: { seq: 'DESC' },
      take: limit + 1,
    });
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    return { documents: page.map(toDto), next_cursor: last === undefined ? null : encodeCursor(last.seq) };
  }

  /** @throws AppError NOT_FOUND */
  async get(id: string): Promise<DocumentDto> {
    const found = UUID.test(id)
      ? await this.documents.findOne({ where: { id }, relations: { collection: true } })
      : null;
    if (found === null) throw notFound();
    return toDto(found);
  }

  /** The normalised text that all offsets index. @throws AppError NOT_FOUND */
  async content(id: string): Promise<string> {
    const found = UUID.test(id)
      ? await this.documents.findOne({ where: { id }, select: { id: true, content: true } })
      : null;
    if (found === null) throw notFound();
    return found.content;
  }

  /** @throws AppError NOT_FOUND */
  async delete(id: string): Promise<void> {
    const deleted = UUID.test(id) ? await this.documents.delete({ id }) : undefined;
    if (deleted?.affected !== 1) throw notFound();
  }
}

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'There is no document with this id.');
}

function encodeCursor(seq: string): string {
  return Buffer.from(`s${seq}`).toString('base64url');
}

function decodeCursor(cursor: string): string {
  const seq = /^s(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
  if (seq !== undefined) return seq;
  const message = 'cursor takes the next_cursor of a list';
  throw new AppError('INVALID_REQUEST', message, { errors: [{ field: 'cursor', message }] });
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
