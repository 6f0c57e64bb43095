import { readFile } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { AppError, type Caller, checkWritable, invalidField, invalidRequest } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import {
  type AcceptedDocumentsDto,
  CreateDocumentDto,
  type DocumentFieldsDto,
  LONGEST_EXTERNAL_ID,
  UploadFieldsDto,
} from '../dto/document.dto.js';
import { RemoteFetcher } from '../remote/remote-fetcher.js';
import type { Outcome } from './ingestion-progress.js';
import type { AcceptedDocument, NewDocument } from './intake.service.js';

const DEFAULT_COLLECTION = 'default';

/** Reads the documents of a request. */
@Injectable()
export class RequestReader {
  constructor(
    private readonly config: AppConfig,
    private readonly fetcher: RemoteFetcher,
  ) {}

  /**
   * The documents of a request, validated; what a URL names is loaded.
   * @param files of a multipart request; absent: the body is JSON
   * @throws AppError INVALID_REQUEST, FORBIDDEN for a collection that the caller may not write to, and what {@link RemoteFetcher.fetch} throws
   */
  async read(
    body: unknown,
    files: readonly Express.Multer.File[] | undefined,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<{ documents: NewDocument[]; collection: string }> {
    if (files === undefined) {
      const dto = validated(CreateDocumentDto, body);
      const collection = collectionOf(dto, caller);
      return { documents: [await this.fromJson(dto, signal)], collection };
    }
    const dto = validated(UploadFieldsDto, body);
    const collection = collectionOf(dto, caller);
    const stray = files.find(({ fieldname }) => fieldname !== 'file');
    if (stray !== undefined)
      throw invalidField(
        stray.fieldname,
        `${stray.fieldname} is not a known file field; send files as "file"`,
      );
    if (files.length === 0) throw invalidField('file', 'file takes one or more files');
    if (files.length > 1 && dto.external_id !== undefined)
      throw invalidField('external_id', 'external_id names one document; send one file with it');
    return { documents: files.map((file) => fromFile(file, dto)), collection };
  }

  private async fromJson(dto: CreateDocumentDto, signal: AbortSignal): Promise<NewDocument> {
    if (dto.text == null) return this.fromUrl(dto, signal);
    if (dto.title == null) throw invalidField('title', 'title must be a string');
    const bytes = Buffer.from(dto.text, 'utf8');
    return {
      ...fields(dto),
      title: dto.title,
      mediaType: 'text/plain; charset=utf-8',
      fileName: undefined,
      read: () => Promise.resolve(bytes),
    };
  }

  private async fromUrl(dto: CreateDocumentDto, signal: AbortSignal): Promise<NewDocument> {
    if (dto.url == null) throw invalidField('text', 'text must be a string');
    if (!this.config.ingestion.allowsUrls)
      throw invalidField(
        'text',
        'text must be a string: loading what url names is switched off (INGESTION_URLS)',
      );
    const file = await this.fetcher.fetch(dto.url, signal);
    return {
      ...fields(dto),
      // the same page again replaces the document
      externalId: dto.external_id ?? (dto.url.length <= LONGEST_EXTERNAL_ID ? dto.url : null),
      title: dto.title ?? undefined,
      mediaType: file.mediaType,
      fileName: file.fileName,
      read: () => Promise.resolve(file.bytes),
    };
  }
}

/**
 * What the caller is told. With `?wait=true`, a request whose every document failed is an error.
 * @throws AppError UNREADABLE_DOCUMENT
 */
export function acceptedResponse(
  accepted: readonly AcceptedDocument[],
  outcomes: readonly Outcome[] | undefined,
): AcceptedDocumentsDto {
  const failed = (outcomes ?? []).filter(({ status }) => status === 'failed');
  if (failed.length > 0 && failed.length === accepted.length)
    throw new AppError(
      'UNREADABLE_DOCUMENT',
      failed.map(({ title, error }) => `${title}: ${error ?? ''}`).join(' '),
    );
  return {
    documents: accepted.map(({ id, title, collection, status }) => {
      const outcome = outcomes?.find((candidate) => candidate.id === id);
      return {
        id,
        title: outcome?.title ?? title,
        collection,
        status: outcome?.status ?? status,
        ...(outcome?.error == null ? {} : { error: outcome.error }),
      };
    }),
  };
}

/** Where they are filed. @throws AppError FORBIDDEN */
function collectionOf({ collection = DEFAULT_COLLECTION }: DocumentFieldsDto, caller: Caller): string {
  checkWritable(caller, collection);
  return collection;
}

function fromFile(file: Express.Multer.File, dto: UploadFieldsDto): NewDocument {
  return {
    ...fields(dto),
    title: dto.title ?? undefined,
    mediaType: file.mimetype,
    fileName: fileNameOf(file.originalname).slice(-255),
    read: () => readFile(file.path),
  };
}

/** The header is taken for Latin-1, but browsers and curl send UTF-8 in it; the extended form has been decoded. */
function fileNameOf(name: string): string {
  const decoded = Buffer.from(name, 'latin1').toString('utf8');
  return /[^\0-\xff]/.test(name) || decoded.includes('\ufffd') ? name : decoded;
}

function fields(
  dto: UploadFieldsDto | CreateDocumentDto,
): Pick<NewDocument, 'url' | 'metadata' | 'externalId' | 'allowed'> {
  return {
    url: dto.url ?? null,
    metadata: dto.metadata ?? {},
    externalId: dto.external_id ?? null,
    allowed: dto.allowed ?? null,
  };
}

function validated<T extends object>(type: new () => T, body: unknown): T {
  const plain = typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {};
  const dto = plainToInstance(type, { ...plain });
  const errors = validateSync(dto, { whitelist: true, forbidNonWhitelisted: true, stopAtFirstError: true });
  if (errors.length > 0) throw invalidRequest(errors);
  return dto;
}
