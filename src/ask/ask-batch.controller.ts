import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import {
  ApiProblems,
  type Caller,
  CurrentCaller,
  RequiresScope,
  mapLimit,
  OpenRequests,
  RateLimited,
  toProblem,
  validated,
} from '../common/index.js';
import { AskService } from './ask.service.js';
import { AskRequestDto, toQuestion } from './dto/ask-request.dto.js';
import { BatchRequestDto, BatchResponseDto, type BatchResultDto } from './dto/batch.dto.js';
import { encodeJson } from './encoders/json.encoder.js';

/** Questions of one batch that are under way at once. */
const CONCURRENT_QUESTIONS = 8;

@ApiTags('ask')
@Controller('ask/batch')
@RequiresScope('ask')
@RateLimited()
@ApiProblems('INVALID_REQUEST', 'TOO_LARGE')
export class AskBatchController {
  constructor(
    private readonly service: AskService,
    private readonly openRequests: OpenRequests,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'askBatch',
    summary: 'Ask many questions',
    description:
      `Up to 100 questions, ${CONCURRENT_QUESTIONS} at once, answered in their order. Each has a status of its own: one ` +
      'that fails does not fail the others. Each counts as a request against your limits. Closing the connection ' +
      'cancels all.',
  })
  @ApiOkResponse({ type: BatchResponseDto, description: 'What each question came to.' })
  async batch(
    @Body() body: BatchRequestDto,
    @CurrentCaller() caller: Caller,
    @Res() response: Response,
  ): Promise<void> {
    const signal = this.openRequests.track(response);
    const requestId = String(response.locals['requestId']);
    const results = await mapLimit(body.questions, CONCURRENT_QUESTIONS, (question, index) =>
      this.one(question, index, { caller, requestId, signal }),
    );
    response.json({ results } satisfies BatchResponseDto);
  }

  /** @throws the signal's reason when aborted: then there is nobody to tell of the others */
  private async one(
    question: object,
    index: number,
    { caller, requestId, signal }: { caller: Caller; requestId: string; signal: AbortSignal },
  ): Promise<BatchResultDto> {
    try {
      // the batch itself was let in as the first one
      if (index > 0) await caller.allowance?.another();
      const request = toQuestion(await validated(AskRequestDto, question), caller);
      const { answer } = await encodeJson(this.service.ask(request, signal), requestId);
      return { index, status: 200, response: answer };
    } catch (error) {
      signal.throwIfAborted();
      const problem = toProblem(error, requestId);
      return { index, status: problem.status, error: problem };
    }
  }
}
