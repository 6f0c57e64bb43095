import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { LANGUAGES, type Language } from '../language/languages.js';
import { ReembeddingDto } from '../reembedding/reembedding.dto.js';

export const COLLECTION_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
export const COLLECTION_NAME_MESSAGE =
  '$property takes up to 100 letters, digits, dots, underscores and hyphens, the first a letter or digit';

/** A collection to make. */
export class CreateCollectionDto {
  @ApiProperty({ example: 'handbook', pattern: COLLECTION_NAME.source })
  @Matches(COLLECTION_NAME, { message: COLLECTION_NAME_MESSAGE })
  name!: string;

  @ApiPropertyOptional({ example: 'How we work', maxLength: 1000 })
  @IsOptional()
  @IsString()
  @MaxLength(1000)
  description?: string;

  @ApiPropertyOptional({
    enum: LANGUAGES,
    example: 'german',
    description:
      'In which its words and questions are stemmed for keyword search; `simple` takes words as they are. Absent: that ' +
      'of its first document, as far as it can be told, else `english`. It cannot be changed later.',
  })
  @IsOptional()
  @IsIn(LANGUAGES)
  language?: Language;
}

/** A collection. */
export class CollectionDto {
  @ApiProperty({ example: 'handbook' })
  name!: string;

  @ApiProperty({ example: 'How we work', type: String, nullable: true })
  description!: string | null;

  @ApiProperty({
    example: 'english',
    type: String,
    nullable: true,
    description:
      'In which its words and questions are stemmed for keyword search; null before its first document.',
  })
  language!: string | null;

  @ApiProperty({ example: 42 })
  documents!: number;

  @ApiProperty({ example: 911, description: 'Passages that are searched.' })
  chunks!: number;

  @ApiProperty({ example: 'lexical-hash', description: 'What its texts are embedded with.' })
  embedding_model!: string;

  @ApiProperty({
    example: 1024,
    type: Number,
    nullable: true,
    description: 'Of its vectors; null before the first one.',
  })
  dimensions!: number | null;

  @ApiProperty({
    type: ReembeddingDto,
    nullable: true,
    description: 'While it is on its way to another embedding model; otherwise null.',
    example: null,
  })
  reembedding!: ReembeddingDto | null;

  @ApiProperty({ example: '2026-11-22T10:00:00.000Z' })
  created_at!: string;
}

/** All collections. */
export class CollectionListDto {
  @ApiProperty({ type: [CollectionDto] })
  collections!: CollectionDto[];
}
