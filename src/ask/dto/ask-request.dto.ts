import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
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
import { type Caller, invalidField } from '../../common/index.js';
import type { Question } from '../question.js';
import { searchOptions, SearchOptionsDto } from './search-options.dto.js';

const DEFAULT_MAX_TOKENS = 1024;
/** Each is a whole answer, at the caller's cost and at the same time. */
const MOST_COMPARED = 5;
/** Each is a search of its own. */
const MOST_REPHRASINGS = 5;
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

  @ApiPropertyOptional({
    type: [TurnDto],
    description:
      'Earlier turns, oldest first. The question is searched as one that can be understood without them, see ' +
      '`standalone_question`; where the first model is not `extractive`, making it takes a call to that model.',
    maxItems: 100,
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(100)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => TurnDto)
  history?: TurnDto[];

  @ApiPropertyOptional({
    example: 3,
    minimum: 2,
    maximum: MOST_REPHRASINGS,
    description:
      'Have the model put the question into so many other words, and search with them beside the question itself. It ' +
      'takes a call to the model. Absent: off. Without effect where the first model is `extractive`.',
  })
  @IsOptional()
  @IsInt()
  @Min(2)
  @Max(MOST_REPHRASINGS)
  multi_query?: number;

  @ApiPropertyOptional({
    type: [String],
    minItems: 2,
    maxItems: MOST_COMPARED,
    description:
      'Several of LLM_MODELS, asked concurrently, in place of `model`. The first one gives the answer; what the others ' +
      'say comes as `alternatives`. A model that fails before its first token passes its place on to the next.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(2)
  @ArrayMaxSize(MOST_COMPARED)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, 200, { each: true })
  models?: string[];

  @ApiPropertyOptional({
    example: false,
    default: false,
    description:
      'Judge the answer by its sources. A stream tells the judgement in an event of its own, after `done`. It costs a ' +
      'call to the default model; without one, words are compared.',
  })
  @IsOptional()
  @IsBoolean()
  evaluate?: boolean;

  @ApiPropertyOptional({
    example: false,
    default: false,
    description:
      'Take an answer that was given to the same question from the same passages, where RESPONSE_CACHE_TTL_S is set. ' +
      'Such an answer costs nothing and is marked `cached`. Without effect on comparisons.',
  })
  @IsOptional()
  @IsBoolean()
  cache?: boolean;
}

/** For Swagger UI, whose own example would hold every field, also those that exclude each other. */
export const ASK_EXAMPLES = {
  question: { summary: 'A question', value: { question: 'How often are API keys rotated?' } },
  options: {
    summary: 'With options',
    value: {
      question: 'How often are API keys rotated?',
      collections: ['default'],
      top_k: 5,
      search_mode: 'hybrid',
      max_tokens: 512,
      temperature: 0.1,
      evaluate: true,
      cache: true,
    },
  },
};

/** @throws AppError INVALID_REQUEST when both `model` and `models` are given; as {@link searchOptions} */
export function toQuestion(dto: AskRequestDto, caller: Caller): Question {
  if (dto.model != null && dto.models != null)
    throw invalidField('models', 'models takes the place of model: give one of the two');
  return {
    caller,
    question: dto.question,
    history: dto.history ?? [],
    search: searchOptions(dto, caller),
    multiQuery: dto.multi_query ?? 0,
    maxTokens: dto.max_tokens ?? DEFAULT_MAX_TOKENS,
    temperature: dto.temperature,
    model: dto.model ?? undefined,
    models: dto.models ?? undefined,
    evaluate: dto.evaluate ?? false,
    cache: dto.cache ?? false,
  };
}
