import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import {
  ApiProblems,
  type Caller,
  CurrentCaller,
  RequiresScope,
  OpenRequests,
  RateLimited,
} from '../common/index.js';
import { AskService } from './ask.service.js';
import { AlternativeDto, AnswerDto, DoneDto } from './dto/answer.dto.js';
import { serverTiming } from './dto/timings.dto.js';
import { ASK_EXAMPLES, AskRequestDto, toQuestion } from './dto/ask-request.dto.js';
import { CitationDto, SourceDto } from './dto/source.dto.js';
import { encodeJson } from './encoders/json.encoder.js';
import { encodeSse } from './encoders/sse.encoder.js';
import { SSE_CONTENT } from './sse-schema.js';

@ApiTags('ask')
@Controller('ask')
@RequiresScope('ask')
@RateLimited()
@ApiProblems(
  'INVALID_REQUEST',
  'NOT_FOUND',
  'BUDGET_EXCEEDED',
  'CONFLICT',
  'TOO_LARGE',
  'PROVIDER_ERROR',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_TIMEOUT',
)
export class AskController {
  constructor(
    private readonly service: AskService,
    private readonly openRequests: OpenRequests,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiBody({ type: AskRequestDto, examples: ASK_EXAMPLES })
  @ApiOperation({
    operationId: 'ask',
    summary: 'Ask a question',
    description: 'Answers from your documents, with sources and verified citations, as JSON.',
  })
  @ApiOkResponse({
    type: AnswerDto,
    description: 'The answer. `finish_reason` is `no_context` when nothing was found.',
  })
  async ask(
    @Body() body: AskRequestDto,
    @CurrentCaller() caller: Caller,
    @Res() response: Response,
  ): Promise<void> {
    const signal = this.openRequests.track(response);
    const { answer, timings } = await encodeJson(
      this.service.ask(toQuestion(body, caller), signal),
      String(response.locals['requestId']),
    );
    response.setHeader('Server-Timing', serverTiming(timings));
    response.json(answer);
  }

  @Post('stream')
  @HttpCode(200)
  @ApiBody({ type: AskRequestDto, examples: ASK_EXAMPLES })
  @ApiOperation({
    operationId: 'askStream',
    summary: 'Ask a question, streamed',
    description:
      'The same as server-sent events: `sources` once, then `token` and `citation` as they come, then `done`, or ' +
      '`error`; `alternative` where `models` was given, `evaluation` after `done` where `evaluate` was set. Comment lines ' +
      'keep the connection alive. Closing the connection stops the generation.',
  })
  @ApiExtraModels(SourceDto, CitationDto, DoneDto, AlternativeDto)
  @ApiOkResponse({ description: 'The events.', content: SSE_CONTENT })
  async askStream(
    @Body() body: AskRequestDto,
    @CurrentCaller() caller: Caller,
    @Res() response: Response,
  ): Promise<void> {
    const signal = this.openRequests.track(response);
    await encodeSse(this.service.ask(toQuestion(body, caller), signal), response, signal);
  }
}
