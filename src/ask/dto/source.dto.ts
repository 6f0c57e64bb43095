import { ApiProperty } from '@nestjs/swagger';
import type { SearchHit } from '../../retrieval/index.js';
import type { Citation } from '../answer-event.js';

const PREVIEW_LENGTH = 200;

/** A passage that was found. */
export class HitDto {
  @ApiProperty({
    example: '9f4c1c5e-4f0e-4f0e-9d2b-7a5f0c1d2e3f:0-78',
    description: 'Id of the passage: its document and its place there.',
  })
  id!: string;

  @ApiProperty({ example: '9f4c1c5e-4f0e-4f0e-9d2b-7a5f0c1d2e3f', format: 'uuid' })
  document_id!: string;

  @ApiProperty({ example: 'default' })
  collection!: string;

  @ApiProperty({ example: 'Key rotation' })
  title!: string;

  @ApiProperty({ example: null, type: String, nullable: true })
  url!: string | null;

  @ApiProperty({
    example: 'API keys are rotated every 90 days. The old key works for another 24 hours.',
    description: 'The first 200 characters.',
  })
  content_preview!: string;

  @ApiProperty({
    example: 0.81,
    description:
      'Cosine of the question and the passage, 0..1; with `multi_query`, of the wording that it is nearest to.',
  })
  similarity_score!: number;

  @ApiProperty({
    example: 0,
    description: "Span of the passage in the document's text (`/documents/{id}/content`), UTF-16 code units.",
  })
  start!: number;

  @ApiProperty({ example: 78 })
  end!: number;

  @ApiProperty({
    example: null,
    type: Number,
    nullable: true,
    description: 'For documents with pages, from 1.',
  })
  page!: number | null;
}

/** A passage that the answer was written from. */
export class SourceDto extends HitDto {
  @ApiProperty({
    example: true,
    description:
      'Whether a citation quotes it. Always false in the `sources` event: no citation is known yet.',
  })
  cited!: boolean;
}

/** A part of the answer and the words that it rests on. */
export class CitationDto {
  @ApiProperty({ example: 0, description: 'Span of the answer, UTF-16 code units.' })
  start!: number;

  @ApiProperty({ example: 36 })
  end!: number;

  @ApiProperty({ example: 0, description: 'Index in `sources`.' })
  source!: number;

  @ApiProperty({
    example: 'API keys are rotated every 90 days.',
    description: "Verbatim: the document's text from `source_start` to `source_end`.",
  })
  quote!: string;

  @ApiProperty({ example: 16 })
  source_start!: number;

  @ApiProperty({ example: 51 })
  source_end!: number;
}

export function toHitDto(hit: SearchHit): HitDto {
  return {
    // the passage's own number would tell how many there are that the caller does not see
    id: `${hit.documentId}:${hit.start}-${hit.end}`,
    document_id: hit.documentId,
    collection: hit.collection,
    title: hit.title,
    url: hit.url,
    // never ends in half a character
    content_preview: hit.content.slice(0, PREVIEW_LENGTH).replace(/[\uD800-\uDBFF]$/, ''),
    similarity_score: hit.similarity,
    start: hit.start,
    end: hit.end,
    page: hit.page,
  };
}

export function toCitationDto(citation: Citation): CitationDto {
  return {
    start: citation.start,
    end: citation.end,
    source: citation.source,
    quote: citation.quote,
    source_start: citation.sourceStart,
    source_end: citation.sourceEnd,
  };
}
