import { ApiProperty } from '@nestjs/swagger';
import { IsString, Matches, MaxLength } from 'class-validator';
import { IsStorable } from '../../common/index.js';

const MODEL = /^[a-z][a-z0-9-]*(\/\S+)?$/;

/** Which model a collection is to be embedded with. */
export class StartReembeddingDto {
  @ApiProperty({
    example: 'openai/text-embedding-3-small',
    pattern: MODEL.source,
    maxLength: 200,
    description: 'As `EMBEDDING_MODEL` takes it.',
  })
  @IsString()
  @MaxLength(200)
  @IsStorable()
  @Matches(MODEL, {
    message: '$property takes a model such as openai/text-embedding-3-small or lexical-hash',
  })
  model!: string;
}

/** `building` while it goes on; `stopped` by a caller; `failed` when it was given up. */
export const REEMBEDDING_STATES = ['building', 'stopped', 'failed'] as const;

/** How far a collection is on its way to another embedding model. */
export class ReembeddingDto {
  @ApiProperty({ example: 'openai/text-embedding-3-small', description: 'What it will be embedded with.' })
  model!: string;

  @ApiProperty({
    enum: REEMBEDDING_STATES,
    example: 'building',
    description: 'One that was stopped, or given up as failed, goes on when it is started again.',
  })
  state!: (typeof REEMBEDDING_STATES)[number];

  @ApiProperty({ example: 0.42, minimum: 0, maximum: 1 })
  progress!: number;

  @ApiProperty({ example: 911, description: 'Passages that are searched.' })
  chunks!: number;

  @ApiProperty({ example: 384, description: 'Those of them that the new model has embedded.' })
  chunks_done!: number;

  @ApiProperty({
    example: null,
    type: String,
    nullable: true,
    description: 'Why it failed, or, while it is `building`, why it does not get on: it is tried again.',
  })
  error!: string | null;
}
