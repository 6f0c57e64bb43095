import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  Equals,
  IsArray,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import type { Question } from '../ask.service.js';
import { searchOptions, SearchOptionsDto } from './search-options.dto.js';

const DEFAULT_MAX_TOKENS = 1024;
const ROLES = ['user', 'assistant'] as const;

/** An earlier turn of the conversation. */
export class TurnDto {
  @ApiProperty({ enum: ROLES, example: 'user' })
  @IsIn(ROLES)
  role!: (typeof ROLES)[number];

  @ApiProperty({ example: 'What is an API key?', minLength: 1, maxLength: 20_000 })
  @IsString()
  @Length(1, 20_000)
  content!: string;
}

/** A question. Only `question` is required. */
export class AskRequestDto extends SearchOptionsDto {
  @ApiProperty({ example: 'How often are API keys rotated?', minLength: 1, maxLength: 4000 })
  @IsString()
  @Length(1, 4000)
  @Matches(/\S/, { message: 'question must not be blank' })
  question!: string;

  @ApiPropertyOptional({
    example: 512,
    minimum: 1,
    maximum: 32_000,
    default: DEFAULT_MAX_TOKENS,
    description: 'Longest answer, in tokens.',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(32_000)
  max_tokens?: number;

  @ApiPropertyOptional({
    example: 0.1,
    minimum: 0,
    maximum: 2,
    description: 'Left out for models that refuse it.',
  })
  @IsOptional()
  @IsNumber()
  @Min(0)
  @Max(2)
  temperature?: number;

  @ApiPropertyOptional({ example: 'extractive', description: 'One of LLM_MODELS. Absent: the first.' })
  @IsOptional()
  @IsString()
  @Length(1, 200)
  model?: string;

  @ApiPropertyOptional({ type: [TurnDto], description: 'Earlier turns, oldest first.', maxItems: 100 })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(100)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => TurnDto)
  history?: TurnDto[];

  @ApiPropertyOptional({
    example: false,
    default: false,
    description: 'Judging the answer is not available yet: only `false`.',
  })
  @IsOptional()
  @Equals(false, { message: 'evaluate takes only false: judging the answer is not available yet' })
  evaluate?: boolean;
}

export function toQuestion(dto: AskRequestDto): Question {
  return {
    question: dto.question,
    history: dto.history ?? [],
    search: searchOptions(dto),
    maxTokens: dto.max_tokens ?? DEFAULT_MAX_TOKENS,
    temperature: dto.temperature,
    model: dto.model,
  };
}
