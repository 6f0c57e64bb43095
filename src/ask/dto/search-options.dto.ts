import { ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { type Caller, checkReadable, IsLabels, IsStorable, MOST_LABELS } from '../../common/index.js';
import type { SearchMode, SearchRequest } from '../../retrieval/index.js';

const SEARCH_MODES = ['hybrid', 'semantic', 'keyword'] as const;
const DEFAULT_TOP_K = 5;

/** What is searched, and how; the same for questions and searches. */
export class SearchOptionsDto {
  @ApiPropertyOptional({
    example: ['default'],
    type: [String],
    description: 'Searched concurrently, results merged. Absent: all that the key may read.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(100, { each: true })
  @IsStorable()
  collections?: string[];

  @ApiPropertyOptional({
    example: 5,
    minimum: 1,
    maximum: 50,
    default: DEFAULT_TOP_K,
    description: 'Passages to find.',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(50)
  top_k?: number;

  @ApiPropertyOptional({
    example: 0.1,
    minimum: 0,
    maximum: 1,
    description:
      'Passages whose cosine is lower are dropped; in hybrid and keyword mode one with most of the words is kept ' +
      "whatever its cosine. Absent: the embedding model's own threshold for questions, 0 for searches.",
  })
  @IsOptional()
  @IsNumber()
  @Min(0)
  @Max(1)
  min_similarity?: number;

  @ApiPropertyOptional({ enum: SEARCH_MODES, default: 'hybrid', example: 'hybrid' })
  @IsOptional()
  @IsIn(SEARCH_MODES)
  search_mode?: SearchMode;

  @ApiPropertyOptional({
    example: { team: 'payments', year: { gte: 2024 } },
    type: 'object',
    additionalProperties: true,
    description:
      'On document metadata: a value, or `eq`, `ne`, `gt`, `gte`, `lt`, `lte`, `in`, `exists`; `and`, `or`, `not` combine.',
  })
  @IsOptional()
  @IsObject()
  @IsStorable()
  filter?: Record<string, unknown>;

  @ApiPropertyOptional({
    example: ['hr'],
    type: [String],
    maxItems: MOST_LABELS,
    description:
      'Finds only what somebody with just these visibility labels may find: documents that one of them is `allowed`, ' +
      'and those that everybody is. Absent: all that the caller may find.',
  })
  @IsOptional()
  @IsLabels()
  labels?: string[];
}

/**
 * What is searched for a caller: of what it asks for, what it may see.
 * @throws AppError FORBIDDEN for a collection that it may not read
 */
export function searchOptions(dto: SearchOptionsDto, caller: Caller): Omit<SearchRequest, 'queries'> {
  checkReadable(caller, dto.collections ?? []);
  return {
    collections: dto.collections ?? undefined,
    readable: caller.readable,
    topK: dto.top_k ?? DEFAULT_TOP_K,
    minSimilarity: dto.min_similarity,
    mode: dto.search_mode ?? 'hybrid',
    filter: dto.filter,
    labels: labelsOf(dto.labels ?? undefined, caller.labels),
  };
}

/** Those that are asked for, of those that are carried; undefined: all. */
function labelsOf(
  asked: readonly string[] | undefined,
  carried: readonly string[] | undefined,
): readonly string[] | undefined {
  if (asked === undefined || carried === undefined) return asked ?? carried;
  return asked.filter((label) => carried.includes(label));
}
