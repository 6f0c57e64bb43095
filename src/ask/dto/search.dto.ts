import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsString, Length, Matches } from 'class-validator';
import { HitDto } from './source.dto.js';
import { SearchOptionsDto } from './search-options.dto.js';
import { SearchTimingsDto } from './timings.dto.js';

/** Searches without an answer. */
export class SearchRequestDto extends SearchOptionsDto {
  @ApiProperty({ example: ['How often are API keys rotated?'], type: [String], minItems: 1, maxItems: 20 })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(20)
  @IsString({ each: true })
  @Length(1, 4000, { each: true })
  @Matches(/\S/, { each: true, message: 'queries must not hold a blank one' })
  queries!: string[];
}

/** A passage with its whole text. */
export class SearchHitDto extends HitDto {
  @ApiProperty({ example: 'API keys are rotated every 90 days. The old key works for another 24 hours.' })
  content!: string;
}

/** What one query found. */
export class QueryResultDto {
  @ApiProperty({ example: 'How often are API keys rotated?' })
  query!: string;

  @ApiProperty({ type: [SearchHitDto], description: 'Best first.' })
  hits!: SearchHitDto[];
}

class SearchUsageDto {
  @ApiProperty({ example: 9 })
  embedding_tokens!: number;
}

/** What the queries found, in their order. */
export class SearchResponseDto {
  @ApiProperty({ type: [QueryResultDto] })
  results!: QueryResultDto[];

  @ApiProperty({ type: SearchTimingsDto })
  timings!: SearchTimingsDto;

  @ApiProperty({ type: SearchUsageDto })
  usage!: SearchUsageDto;
}
