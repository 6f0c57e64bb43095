import { ApiProperty, ApiPropertyOptional, OmitType } from '@nestjs/swagger';
import { Problem, toProblem } from '../../common/index.js';
import type { AlternativeAnswer, AnswerSummary, Evaluation, Usage } from '../answer-event.js';
import { CitationDto, SourceDto, toCitationDto } from './source.dto.js';
import { milliseconds, TimingsDto, toTimingsDto } from './timings.dto.js';

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

/** What a judge said of an answer; or only `error`, which never fails the answer. */
export class EvaluationDto {
  @ApiPropertyOptional({
    example: 1,
    minimum: 0,
    maximum: 1,
    description: "Share of the answer's claims that the sources support.",
  })
  faithfulness?: number;

  @ApiPropertyOptional({
    example: 0.9,
    minimum: 0,
    maximum: 1,
    description: 'How well it answers the question.',
  })
  relevance?: number;

  @ApiPropertyOptional({ example: 'Both claims are in the first source.' })
  reasons?: string;

  @ApiPropertyOptional({
    example: 'anthropic/claude-sonnet-5',
    description: 'Who judged; `extractive`: words were compared.',
  })
  model?: string;

  @ApiPropertyOptional({
    example: 0.0012,
    type: Number,
    nullable: true,
    description: "US dollars, beside the answer's own.",
  })
  cost_usd?: number | null;

  @ApiPropertyOptional({ description: 'Why there is no judgement; then the other fields are absent.' })
  error?: string;
}

/** What another model answered, from the same sources. */
export class AlternativeDto {
  @ApiProperty({ example: 'openai/gpt-5.4-mini' })
  model!: string;

  @ApiProperty({ example: 'Every 90 days.', description: 'As far as it came.' })
  answer!: string;

  @ApiProperty({ type: [CitationDto] })
  citations!: CitationDto[];

  @ApiProperty({ type: String, nullable: true, example: 'stop', description: 'null when it failed.' })
  finish_reason!: string | null;

  @ApiProperty({ example: 640 })
  tokens_used!: number;

  @ApiProperty({ type: UsageDto })
  usage!: UsageDto;

  @ApiProperty({ example: 0.0004, type: Number, nullable: true })
  cost_usd!: number | null;

  @ApiProperty({ example: 830.2 })
  latency_ms!: number;

  @ApiProperty({ example: 1 })
  attempts!: number;

  @ApiProperty({
    type: Problem,
    nullable: true,
    example: null,
    description: 'Why it failed; null when it did not.',
  })
  error!: Problem | null;
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
    description: 'US dollars, without the judge; null when the price of a model is not known.',
  })
  cost_usd!: number | null;

  @ApiProperty({ example: 1234.5 })
  latency_ms!: number;

  @ApiProperty({ type: TimingsDto })
  timings!: TimingsDto;

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description:
      'What was searched in place of the question, where that goes on with `history`: a question that can be understood ' +
      'by itself, or, of `extractive`, the question and words of the turns before it. Null: the question as it is.',
  })
  standalone_question!: string | null;

  @ApiProperty({
    example: 1,
    description: 'Calls to language models that it took, without those that rewrote the question.',
  })
  attempts!: number;

  @ApiProperty({
    example: false,
    description:
      'Whether it was generated for another ask, before or at the same time. Generating it then cost nothing here.',
  })
  cached!: boolean;

  @ApiPropertyOptional({
    type: [AlternativeDto],
    description: "The other models' answers, in the order of `models`; only where that was given.",
  })
  alternatives?: AlternativeDto[];

  @ApiProperty({
    type: EvaluationDto,
    nullable: true,
    example: null,
    description: 'Null unless `evaluate` was set and something was answered.',
  })
  evaluation!: EvaluationDto | null;
}

/** The `done` event: the whole answer but its text and sources, and what comes in events of its own. */
export class DoneDto extends OmitType(AnswerDto, ['answer', 'sources', 'alternatives']) {}

export function toDoneDto(summary: AnswerSummary, citations: CitationDto[]): DoneDto {
  const { usage } = summary;
  return {
    id: summary.id,
    citations,
    model: summary.model,
    prompt_version: summary.promptVersion,
    finish_reason: summary.finishReason,
    tokens_used: tokensUsed(usage),
    usage: toUsageDto(usage),
    cost_usd: summary.costUsd,
    latency_ms: milliseconds(summary.latencyMs),
    timings: toTimingsDto(summary.timings),
    standalone_question: summary.standaloneQuestion,
    attempts: summary.attempts,
    cached: summary.cached,
    evaluation: null,
  };
}

export function toEvaluationDto(evaluation: Evaluation): EvaluationDto {
  if ('error' in evaluation) return evaluation;
  const { costUsd, ...judgement } = evaluation;
  return { ...judgement, cost_usd: costUsd };
}

/** @param requestId for the problem of one that failed */
export function toAlternativeDto(alternative: AlternativeAnswer, requestId: string): AlternativeDto {
  const { usage, error } = alternative;
  return {
    model: alternative.model,
    answer: alternative.answer,
    citations: alternative.citations.map(toCitationDto),
    finish_reason: alternative.finishReason,
    tokens_used: tokensUsed(usage),
    usage: toUsageDto(usage),
    cost_usd: alternative.costUsd,
    latency_ms: milliseconds(alternative.latencyMs),
    attempts: alternative.attempts,
    error: error === undefined ? null : toProblem(error, requestId),
  };
}

export function tokensUsed(usage: Usage): number {
  return usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
}

export function toUsageDto(usage: Usage): UsageDto {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_read_tokens: usage.cacheReadTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    embedding_tokens: usage.embeddingTokens,
  };
}
