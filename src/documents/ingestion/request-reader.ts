import { readFile } from 'node:fs/promises';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { AppError, invalidRequest } from '../../common/index.js';
import { type AcceptedDocumentsDto, CreateDocumentDto, UploadFieldsDto } from '../dto/document.dto.js';
import type { Outcome } from './ingestion-progress.js';
import type { AcceptedDocument, NewDocument } from './intake.service.js';

const DEFAULT_COLLECTION = 'default';

/** The documents of a request, validated. @param files of a multipart request; absent: the body is JSON */
export function readNewDocuments(
  body: unknown,
  files: readonly Express.Multer.File[] | undefined,
): { documents: NewDocument[]; collection: string } {
  if (files === undefined) {
    const dto = validated(CreateDocumentDto, body);
    return { documents: [fromJson(dto)], collection: dto.collection ?? DEFAULT_COLLECTION };
  }
  const dto = validated(UploadFieldsDto, body);
  const stray = files.find(({ fieldname }) => fieldname !== 'file');
  if (stray !== undefined)
    throw invalid(stray.fieldname, `${stray.fieldname} is not a known file field; send files as "file"`);
  if (files.length === 0) throw invalid('file', 'file takes one or more files');
  if (files.length > 1 && dto.external_id !== undefined)
    throw invalid('external_id', 'external_id names one document; send one file with it');
  return {
    documents: files.map((file) => fromFile(file, dto)),
    collection: dto.collection ?? DEFAULT_COLLECTION,
  };
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

function fromJson(dto: CreateDocumentDto): NewDocument {
  return {
    ...fields(dto),
    title: dto.title,
    mediaType: 'text/plain; charset=utf-8',
    fileName: undefined,
    read: () => Promise.resolve(Buffer.from(dto.text, 'utf8')),
  };
}

function fromFile(file: Express.Multer.File, dto: UploadFieldsDto): NewDocument {
  return {
    ...fields(dto),
    title: dto.title,
    mediaType: file.mimetype,
    // the header is Latin-1 by default; browsers and curl send UTF-8 in it
    fileName: Buffer.from(file.originalname, 'latin1').toString('utf8').slice(-255),
    read: () => readFile(file.path),
  };
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

function invalid(field: string, message: string): AppError {
  return new AppError('INVALID_REQUEST', message, { errors: [{ field, message }] });
}
