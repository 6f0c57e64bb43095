import { ApiProperty, ApiPropertyOptional, OmitType, IntersectionType } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Length, Matches, MaxLength } from 'class-validator';
import { PageQuery, TimeQuery, IsStorable } from '../../common/index.js';
import { AlternativeDto, AnswerDto } from '../dto/answer.dto.js';
import { CitationDto, SourceDto } from '../dto/source.dto.js';
import { TimingsDto } from '../dto/timings.dto.js';

const THUMBS = ['up', 'down'] as const;
const FINISH_REASONS = ['stop', 'length', 'content_filter', 'no_context', 'other'] as const;
/** What is null in every answer where `ANSWERS_TEXT=off`. */
const TEXT = 'Null where no texts are kept.';

/** What is thought of an answer. */
export class GiveFeedbackDto {
  @ApiProperty({ enum: THUMBS, example: 'down' })
  @IsIn(THUMBS)
  thumb!: (typeof THUMBS)[number];

  @ApiPropertyOptional({
    example: 'It is 60 days since October.',
    type: String,
    nullable: true,
    maxLength: 2000,
    description: 'Dropped where no texts are kept.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  @IsStorable()
  comment?: string | null;
}

/** What was thought of an answer last. */
export class FeedbackDto {
  @ApiProperty({ enum: THUMBS, example: 'down' })
  thumb!: (typeof THUMBS)[number];

  @ApiProperty({ example: 'It is 60 days since October.', type: String, nullable: true })
  comment!: string | null;

  @ApiProperty({ example: '2026-11-22T10:05:00.000Z' })
  given_at!: string;
}

/** A passage that the model was shown. */
export class RecordedSourceDto extends OmitType(SourceDto, ['content_preview', 'title', 'url']) {
  @ApiProperty({ example: 'Key rotation', type: String, nullable: true, description: TEXT })
  title!: string | null;

  @ApiProperty({ example: null, type: String, nullable: true, description: TEXT })
  url!: string | null;
}

/** A part of the answer and the words that it rests on. */
export class RecordedCitationDto extends OmitType(CitationDto, ['quote']) {
  @ApiProperty({
    example: 'API keys are rotated every 90 days.',
    type: String,
    nullable: true,
    description: `The document's text from \`source_start\` to \`source_end\`, as it was then. ${TEXT}`,
  })
  quote!: string | null;
}

/** What another model answered. */
export class RecordedAlternativeDto extends OmitType(AlternativeDto, ['answer', 'citations', 'error']) {
  @ApiProperty({ example: 'Every 90 days.', type: String, nullable: true, description: TEXT })
  answer!: string | null;

  @ApiProperty({ type: [RecordedCitationDto] })
  citations!: RecordedCitationDto[];

  @ApiProperty({
    example: null,
    type: String,
    nullable: true,
    description: 'The `code` of why it failed; null when it did not.',
  })
  error!: string | null;
}

/** An ask and what came of it, without its sources, citations, alternatives and timings. */
export class AnswerItemDto extends OmitType(AnswerDto, [
  'answer',
  'sources',
  'citations',
  'alternatives',
  'timings',
  'model',
  'prompt_version',
  'finish_reason',
  'latency_ms',
  'evaluation',
]) {
  @ApiProperty({ example: '2026-11-22T10:00:00.000Z', description: 'When it ended.' })
  created_at!: string;

  @ApiProperty({
    example: '8f0f5a2e-6d1c-4a51-8f0e-0d9b7c1a2b3c',
    description: 'Who asked: the id of a key, `admin`, `jwt:<subject>` or, without a key, `anonymous`.',
  })
  key_id!: string;

  @ApiProperty({
    example: 'How often are API keys rotated?',
    type: String,
    nullable: true,
    description: TEXT,
  })
  question!: string | null;

  @ApiProperty({
    example: 'API keys are rotated every 90 days.',
    type: String,
    nullable: true,
    description: `As far as it came; null before it began. ${TEXT}`,
  })
  answer!: string | null;

  @ApiProperty({
    example: 'anthropic/claude-sonnet-5',
    description: 'The model that answered; where none did, the first that was to.',
  })
  model!: string;

  @ApiProperty({
    example: 'answer.v1',
    type: String,
    nullable: true,
    description: 'Null when it ended before there was a prompt.',
  })
  prompt_version!: string | null;

  @ApiProperty({
    enum: FINISH_REASONS,
    example: 'stop',
    type: String,
    nullable: true,
    description: 'Null when it did not finish.',
  })
  finish_reason!: string | null;

  @ApiProperty({
    example: null,
    type: String,
    nullable: true,
    description:
      'The `code` of the error that it ended with; `ABORTED` where the caller left; null: it finished.',
  })
  error!: string | null;

  @ApiProperty({
    example: 1230.1,
    description: 'Until it ended. What the caller was told includes writing it down.',
  })
  latency_ms!: number;

  @ApiProperty({ type: FeedbackDto, nullable: true, example: null })
  feedback!: FeedbackDto | null;
}

/** An ask, what the model was shown, and what came of it. */
export class RecordedAnswerDto extends AnswerItemDto {
  @ApiProperty({ type: [RecordedSourceDto], description: 'In the order in which the model was shown them.' })
  sources!: RecordedSourceDto[];

  @ApiProperty({ type: [RecordedCitationDto] })
  citations!: RecordedCitationDto[];

  @ApiProperty({
    type: [RecordedAlternativeDto],
    description: "The other models' answers, where `models` was given.",
  })
  alternatives!: RecordedAlternativeDto[];

  @ApiProperty({
    type: TimingsDto,
    nullable: true,
    description: 'Null when it ended before anything was found.',
  })
  timings!: TimingsDto | null;
}

/** Which answers to list. All that is given must hold. */
export class ListAnswersQuery extends IntersectionType(PageQuery, TimeQuery) {
  @ApiPropertyOptional({
    description: 'Who asked. Of others than oneself only for the scope `admin`.',
    example: '8f0f5a2e-6d1c-4a51-8f0e-0d9b7c1a2b3c',
  })
  @IsOptional()
  @IsString()
  @Length(1, 500)
  @IsStorable()
  key_id?: string;

  @ApiPropertyOptional({ description: 'One of the passages was of this collection.', example: 'default' })
  @IsOptional()
  @IsString()
  @Length(1, 100)
  @IsStorable()
  collection?: string;

  @ApiPropertyOptional({ example: 'anthropic/claude-sonnet-5' })
  @IsOptional()
  @IsString()
  @Length(1, 200)
  @IsStorable()
  model?: string;

  @ApiPropertyOptional({ enum: FINISH_REASONS })
  @IsOptional()
  @IsIn(FINISH_REASONS)
  finish_reason?: (typeof FINISH_REASONS)[number];

  @ApiPropertyOptional({
    description: '`true`: those that ended with an error; `false`: the others; or the `code` of one.',
    example: 'false',
  })
  @IsOptional()
  @Matches(/^(true|false|[A-Z_]{1,50})$/, { message: 'error takes true, false or the code of an error' })
  error?: string;

  @ApiPropertyOptional({ enum: THUMBS, description: 'Those with such feedback.' })
  @IsOptional()
  @IsIn(THUMBS)
  thumb?: (typeof THUMBS)[number];
}

/** A page of answers, newest first. */
export class AnswerListDto {
  @ApiProperty({ type: [AnswerItemDto] })
  answers!: AnswerItemDto[];

  @ApiProperty({ example: null, type: String, nullable: true })
  next_cursor!: string | null;
}
