import { ApiProperty, ApiPropertyOptional, PickType } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsObject, IsOptional, IsString, IsUrl, Length, Matches, MaxLength } from 'class-validator';
import { IsLabels, IsSmallJson, IsStorable, MOST_LABELS, PageQuery } from '../../common/index.js';
import { DOCUMENT_STATUSES, type DocumentStatus } from '../entities/document.entity.js';
import { COLLECTION_NAME, COLLECTION_NAME_MESSAGE } from './collection.dto.js';

/** NUL does not count: it is left out of titles. */
const NOT_BLANK = /[^\s\0]/;

export const LONGEST_EXTERNAL_ID = 500;

/** What a document may carry beside its content, however it is sent. */
export class DocumentFieldsDto {
  @ApiPropertyOptional({ example: 'https://wiki.example.com/keys', maxLength: 2000 })
  @IsOptional()
  @IsUrl(
    { require_tld: false, protocols: ['http', 'https'], require_protocol: true },
    { message: 'url takes an http(s) URL' },
  )
  @MaxLength(2000)
  @IsStorable()
  url?: string;

  @ApiPropertyOptional({
    example: 'handbook',
    default: 'default',
    description: 'Where to file it; made when it is first named.',
  })
  @IsOptional()
  @Matches(COLLECTION_NAME, { message: COLLECTION_NAME_MESSAGE })
  collection?: string;

  @ApiPropertyOptional({
    example: { team: 'payments', year: 2026 },
    type: 'object',
    additionalProperties: true,
    description: 'Any JSON object; searches can filter on it. In multipart requests: as JSON text.',
  })
  @IsOptional()
  @IsObject()
  @IsSmallJson()
  metadata?: Record<string, unknown>;

  @ApiPropertyOptional({
    example: ['hr'],
    type: [String],
    maxItems: MOST_LABELS,
    description:
      'Labels of which a caller needs one to find the document. Absent: whoever may read the collection finds it. ' +
      'In multipart requests: as a JSON list.',
  })
  @IsOptional()
  @IsLabels()
  allowed?: string[];

  @ApiPropertyOptional({
    example: 'wiki-4711',
    description: 'Your own id. The same one again replaces the document.',
    maxLength: LONGEST_EXTERNAL_ID,
  })
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_EXTERNAL_ID)
  @IsStorable()
  external_id?: string;
}

/** A document sent as JSON. */
export class CreateDocumentDto extends DocumentFieldsDto {
  @ApiPropertyOptional({
    example: 'Key rotation',
    maxLength: 500,
    description: 'Required with `text`; of what `url` names, the default is its own.',
  })
  @IsOptional()
  @IsString()
  @Length(1, 500)
  @Matches(NOT_BLANK, { message: 'title must not be blank' })
  title?: string;

  @ApiPropertyOptional({
    example: '# Key rotation\n\nAPI keys are rotated every 90 days. The old key works for another 24 hours.',
    description:
      'Plain text or Markdown. Absent: what `url` names is loaded, where the operator allows that (`INGESTION_URLS`).',
  })
  @IsOptional()
  @IsString()
  @Length(1)
  text?: string;
}

/** The fields of a multipart request beside its files. */
export class UploadFieldsDto extends DocumentFieldsDto {
  @ApiPropertyOptional({
    example: 'Key rotation',
    maxLength: 500,
    description: "Absent: the document's own title or file name.",
  })
  @IsOptional()
  @IsString()
  @Length(1, 500)
  @Matches(NOT_BLANK, { message: 'title must not be blank' })
  title?: string;

  @Transform(({ value }: { value: unknown }) => parseJson(value))
  declare metadata?: Record<string, unknown>;

  @Transform(({ value }: { value: unknown }) => parseJson(value))
  declare allowed?: string[];
}

function parseJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    // not an object, so the validation reports it
    return value;
  }
}

/** A multipart request, as the documentation shows it. */
export class UploadDto extends UploadFieldsDto {
  @ApiProperty({
    type: 'array',
    items: { type: 'string', format: 'binary' },
    description: 'One or more documents.',
  })
  file!: unknown[];
}

/** A document that was taken in. */
export class AcceptedDocumentDto {
  @ApiProperty({ example: '9f4c1c5e-4f0e-4f0e-9d2b-7a5f0c1d2e3f', format: 'uuid' })
  id!: string;

  @ApiProperty({ example: 'Key rotation' })
  title!: string;

  @ApiProperty({ example: 'handbook' })
  collection!: string;

  @ApiProperty({ enum: DOCUMENT_STATUSES, example: 'queued' })
  status!: DocumentStatus;

  @ApiPropertyOptional({
    example: 'The file holds binary data, not text.',
    description: 'Why it failed, with `?wait=true`.',
  })
  error?: string;
}

/** The documents of a request. */
export class AcceptedDocumentsDto {
  @ApiProperty({ type: [AcceptedDocumentDto] })
  documents!: AcceptedDocumentDto[];
}

/** A document. */
export class DocumentDto {
  @ApiProperty({ example: '9f4c1c5e-4f0e-4f0e-9d2b-7a5f0c1d2e3f', format: 'uuid' })
  id!: string;

  @ApiProperty({ example: 'wiki-4711', type: String, nullable: true })
  external_id!: string | null;

  @ApiProperty({ example: 'Key rotation' })
  title!: string;

  @ApiProperty({ example: 'handbook' })
  collection!: string;

  @ApiProperty({ example: 'https://wiki.example.com/keys', type: String, nullable: true })
  url!: string | null;

  @ApiProperty({ example: { team: 'payments' }, type: 'object', additionalProperties: true })
  metadata!: Record<string, unknown>;

  @ApiProperty({
    example: ['hr'],
    type: [String],
    nullable: true,
    description: 'Labels of which a caller needs one to find it; null: everybody may.',
  })
  allowed!: string[] | null;

  @ApiProperty({
    example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    description: 'SHA-256 of what was sent last, in hex: tells whether a file has changed since.',
  })
  content_sha256!: string;

  @ApiProperty({
    enum: DOCUMENT_STATUSES,
    example: 'ready',
    description: 'Of the newest version. Until that is ready, the one before stays searchable.',
  })
  status!: DocumentStatus;

  @ApiProperty({ example: 1, minimum: 0, maximum: 1 })
  progress!: number;

  @ApiProperty({ example: 3, description: 'Passages that are searched.' })
  chunks!: number;

  @ApiProperty({ example: null, type: String, nullable: true, description: 'Why it failed.' })
  error!: string | null;

  @ApiProperty({ example: '2026-11-22T10:00:00.000Z' })
  created_at!: string;

  @ApiProperty({ example: '2026-11-22T10:00:01.000Z' })
  updated_at!: string;
}

/** How far a document is. */
export class DocumentProgressDto extends PickType(DocumentDto, [
  'id',
  'status',
  'progress',
  'chunks',
  'error',
]) {}

/** A page of documents, newest first. */
export class DocumentListDto {
  @ApiProperty({ type: [DocumentDto] })
  documents!: DocumentDto[];

  @ApiProperty({
    example: null,
    type: String,
    nullable: true,
    description: 'Send it as `cursor` for the next page.',
  })
  next_cursor!: string | null;
}

/** Which documents to list. */
export class ListDocumentsQuery extends PageQuery {
  @ApiPropertyOptional({ example: 'handbook' })
  @IsOptional()
  @IsString()
  @IsStorable()
  collection?: string;

  @ApiPropertyOptional({ enum: DOCUMENT_STATUSES })
  @IsOptional()
  @IsIn(DOCUMENT_STATUSES)
  status?: DocumentStatus;
}

/** How to ingest. */
export class IngestQuery {
  @ApiPropertyOptional({
    enum: ['true', 'false'],
    description:
      '`true`: answer when the documents are searchable (201) instead of when they are stored (202).',
  })
  @IsOptional()
  @IsIn(['true', 'false'])
  wait?: 'true' | 'false';
}
