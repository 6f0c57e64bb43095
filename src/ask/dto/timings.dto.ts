import { ApiProperty } from '@nestjs/swagger';
import type { SearchTimings, Timings } from '../answer-event.js';

/** How long each stage of a search took, in milliseconds. */
export class SearchTimingsDto {
  @ApiProperty({ example: 3.1 })
  embed_ms!: number;

  @ApiProperty({ example: 6 })
  search_ms!: number;

  @ApiProperty({
    example: null,
    type: Number,
    nullable: true,
    description:
      'Having a model rank what was found; null where none is configured, or there was nothing to rank.',
  })
  rerank_ms!: number | null;
}

/** How long each stage of an ask took, in milliseconds. */
export class TimingsDto extends SearchTimingsDto {
  @ApiProperty({
    example: null,
    type: Number,
    nullable: true,
    description: 'Making the `standalone_question`; null without `history`, or without anything to search.',
  })
  condense_ms!: number | null;

  @ApiProperty({
    example: null,
    type: Number,
    nullable: true,
    description:
      'Putting the question into other words; null without `multi_query`, or without anything to search.',
  })
  rephrase_ms!: number | null;

  @ApiProperty({
    example: 410.2,
    type: Number,
    nullable: true,
    description: 'From the start of the generation; null when nothing was generated.',
  })
  first_token_ms!: number | null;

  @ApiProperty({ example: 1201 })
  generate_ms!: number;
}

export function toSearchTimingsDto(timings: SearchTimings): SearchTimingsDto {
  return {
    embed_ms: milliseconds(timings.embedMs),
    search_ms: milliseconds(timings.searchMs),
    rerank_ms: maybeMilliseconds(timings.rerankMs),
  };
}

export function toTimingsDto(timings: Timings): TimingsDto {
  return {
    condense_ms: maybeMilliseconds(timings.condenseMs),
    rephrase_ms: maybeMilliseconds(timings.rephraseMs),
    ...toSearchTimingsDto(timings),
    first_token_ms: maybeMilliseconds(timings.firstTokenMs),
    generate_ms: milliseconds(timings.generateMs),
  };
}

/** Microseconds are noise. */
export function milliseconds(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function maybeMilliseconds(value: number | null): number | null {
  return value === null ? null : milliseconds(value);
}

/** The stages as a Server-Timing field (W3C Server Timing). */
export function serverTiming(timings: Partial<Timings>): string {
  const stages = {
    condense: timings.condenseMs,
    rephrase: timings.rephraseMs,
    embed: timings.embedMs,
    search: timings.searchMs,
    rerank: timings.rerankMs,
    first_token: timings.firstTokenMs,
    generate: timings.generateMs,
  };
  return Object.entries(stages)
    .flatMap(([name, duration]) => (duration == null ? [] : `${name};dur=${duration.toFixed(1)}`))
    .join(', ');
}
