import { ApiProperty, OmitType } from '@nestjs/swagger';
import type { AnswerSummary, Timings, Usage } from '../answer-event.js';
import { CitationDto, SourceDto } from './source.dto.js';

/** Tokens as billed, of all calls that the answer took. */
export class UsageDto {
  @ApiProperty({ example: 700, description: 'Without the cached ones.' })
  input_tokens!: number;

  @ApiProperty({ example: 112 })
  output_tokens!: number;

  @ApiProperty({ example: 0 })
  cache_read_tokens!: number;

  @ApiProperty({ example: 0 })
  cache_write_tokens!: number;

  @ApiProperty({ example: 9 })
  embedding_tokens!: number;
}

/** How long each stage took, in milliseconds. */
export class TimingsDto {
  @ApiProperty({ example: 3.1 })
  embed_ms!: number;

  @ApiProperty({ example: 6 })
  search_ms!: number;

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

/** A cited answer. */
export class AnswerDto {
  @ApiProperty({ example: '0f8fad5b-d9cb-469f-a165-70867728950e', format: 'uuid' })
  id!: string;

  @ApiProperty({
    example: 'API keys are rotated every 90 days.',
    description: 'Plain text, no source markers inside.',
  })
  answer!: string;

  @ApiProperty({ type: [SourceDto], description: 'Best first.' })
  sources!: SourceDto[];

  @ApiProperty({ type: [CitationDto] })
  citations!: CitationDto[];

  @ApiProperty({ example: 'anthropic/claude-sonnet-5', description: 'The model that answered.' })
  model!: string;

  @ApiProperty({ example: 'answer.v1' })
  prompt_version!: string;

  @ApiProperty({ enum: ['stop', 'length', 'content_filter', 'no_context', 'other'], example: 'stop' })
  finish_reason!: string;

  @ApiProperty({ example: 812, description: 'Tokens of the language model, in and out.' })
  tokens_used!: number;

  @ApiProperty({ type: UsageDto })
  usage!: UsageDto;

  @ApiProperty({
    example: 0.0038,
    type: Number,
    nullable: true,
    description: 'US dollars; null when the price of a model is not known.',
  })
  cost_usd!: number | null;

  @ApiProperty({ example: 1234.5 })
  latency_ms!: number;

  @ApiProperty({ type: TimingsDto })
  timings!: TimingsDto;

  @ApiProperty({ example: 1, description: 'Calls to language models that it took.' })
  attempts!: number;

  @ApiProperty({ example: null, type: 'object', additionalProperties: true, nullable: true })
  evaluation!: Record<string, unknown> | null;
}

/** The `done` event: the whole answer but its text and sources. */
export class DoneDto extends OmitType(AnswerDto, ['answer', 'sources']) {}

export function toDoneDto(summary: AnswerSummary, citations: CitationDto[]): DoneDto {
  const { usage } = summary;
  return {
    id: summary.id,
    citations,
    model: summary.model,
    prompt_version: summary.promptVersion,
    finish_reason: summary.finishReason,
    tokens_used: usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens,
    usage: toUsageDto(usage),
    cost_usd: summary.costUsd,
    latency_ms: milliseconds(summary.latencyMs),
    timings: toTimingsDto(summary.timings),
    attempts: summary.attempts,
    evaluation: null,
  };
}

function toUsageDto(usage: Usage): UsageDto {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_read_tokens: usage.cacheReadTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    embedding_tokens: usage.embeddingTokens,
  };
}

function toTimingsDto(timings: Timings): TimingsDto {
  return {
    embed_ms: milliseconds(timings.embedMs),
    search_ms: milliseconds(timings.searchMs),
    first_token_ms: timings.firstTokenMs === null ? null : milliseconds(timings.firstTokenMs),
    generate_ms: milliseconds(timings.generateMs),
  };
}

/** Microseconds are noise. */
export function milliseconds(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** The stages as a Server-Timing field (W3C Server Timing). */
export function serverTiming(timings: Partial<Timings>): string {
  const stages = {
    embed: timings.embedMs,
    search: timings.searchMs,
    first_token: timings.firstTokenMs,
    generate: timings.generateMs,
  };
  return Object.entries(stages)
    .flatMap(([name, duration]) => (duration == null ? [] : `${name};dur=${duration.toFixed(1)}`))
    .join(', ');
}
