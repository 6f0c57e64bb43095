import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, type Caller, CurrentCaller, RequiresScope } from '../../common/index.js';
import {
  AnswerListDto,
  FeedbackDto,
  GiveFeedbackDto,
  ListAnswersQuery,
  RecordedAnswerDto,
} from './answers.dto.js';
import { AnswersService } from './answers.service.js';

@ApiTags('answers')
@Controller('answers')
@RequiresScope('ask')
export class AnswersController {
  constructor(private readonly answers: AnswersService) {}

  @Get()
  @ApiOperation({
    operationId: 'listAnswers',
    summary: 'What was asked, newest first',
    description:
      "One's own answers, for ANSWERS_RETENTION_DAYS days; with the scope `admin` everybody's. Each without its sources, " +
      'citations, alternatives and timings: those are in `/answers/{id}`.',
  })
  @ApiOkResponse({ type: AnswerListDto })
  @ApiProblems('INVALID_REQUEST')
  list(@Query() query: ListAnswersQuery, @CurrentCaller() caller: Caller): Promise<AnswerListDto> {
    return this.answers.list(query, caller);
  }

  @Get(':id')
  @ApiOperation({
    operationId: 'getAnswer',
    summary: 'One ask and its answer',
    description:
      'Its `id` is that of the answer. Asks that failed or were left have one too. What another key asked is not found.',
  })
  @ApiOkResponse({ type: RecordedAnswerDto })
  @ApiProblems('NOT_FOUND')
  get(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<RecordedAnswerDto> {
    return this.answers.get(id, caller);
  }

  @Post(':id/feedback')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'giveFeedback',
    summary: 'Say what you think of an answer',
    description: 'Takes the place of what was said of it before.',
  })
  @ApiOkResponse({ type: FeedbackDto })
  @ApiProblems('INVALID_REQUEST', 'NOT_FOUND')
  rate(
    @Param('id') id: string,
    @Body() body: GiveFeedbackDto,
    @CurrentCaller() caller: Caller,
  ): Promise<FeedbackDto> {
    return this.answers.rate(id, body, caller);
  }
}
