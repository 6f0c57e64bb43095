import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsObject } from 'class-validator';
import { Problem } from '../../common/index.js';
import { AnswerDto } from './answer.dto.js';
import { AskRequestDto } from './ask-request.dto.js';

const MOST_QUESTIONS = 100;

/** Many questions. Each is checked by itself, so that one that cannot be asked does not cost the others. */
@ApiExtraModels(AskRequestDto)
export class BatchRequestDto {
  @ApiProperty({
    type: 'array',
    items: { $ref: getSchemaPath(AskRequestDto) },
    minItems: 1,
    maxItems: MOST_QUESTIONS,
    example: [{ question: 'How often are API keys rotated?' }, { question: 'Who revokes a lost key?' }],
  })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_QUESTIONS)
  @IsObject({ each: true })
  questions!: object[];
}

/** What one question came to. */
export class BatchResultDto {
  @ApiProperty({ example: 0, description: 'Of the question.' })
  index!: number;

  @ApiProperty({ example: 200, description: 'The status that `/ask` would have answered.' })
  status!: number;

  @ApiPropertyOptional({ type: AnswerDto, description: 'Where the status is 200.' })
  response?: AnswerDto;

  @ApiPropertyOptional({ type: Problem, description: 'Where it is another.' })
  error?: Problem;
}

/** The results, in the order of the questions. */
export class BatchResponseDto {
  @ApiProperty({ type: [BatchResultDto] })
  results!: BatchResultDto[];
}
