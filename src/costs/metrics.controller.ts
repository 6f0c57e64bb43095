import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { register } from 'prom-client';
import { ApiProblems, instant, RequiresScope, TimeQuery } from '../common/index.js';
import { Budgets } from './budgets.js';
import { CostSummary } from './cost-summary.dto.js';
import { CostSummaryService } from './cost-summary.service.js';

const PROMETHEUS_TYPES = ['text/plain', 'application/openmetrics-text'];

@ApiTags('operations')
@Controller('metrics')
@RequiresScope('metrics')
export class MetricsController {
  constructor(
    private readonly costs: CostSummaryService,
    private readonly budgets: Budgets,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'getMetrics',
    summary: 'What was spent, or Prometheus metrics',
    description:
      'JSON: the cost summary, from the ledger. With an `Accept` that names `text/plain` or `application/openmetrics-text` ' +
      'first, as a Prometheus scraper sends: the metrics of this process in the exposition format.',
  })
  @ApiExtraModels(CostSummary)
  @ApiOkResponse({
    description: 'The cost summary, or the metrics of this process.',
    content: {
      'application/json': { schema: { $ref: getSchemaPath(CostSummary) } },
      'text/plain': {
        schema: { type: 'string' },
        example: 'footnote_model_calls_total{model="extractive"} 3\n',
      },
    },
  })
  @ApiProblems('INVALID_REQUEST')
  async metrics(
    @Query() query: TimeQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    if (wantsPrometheus(request.header('accept'))) {
      // brings the budgets' gauges up to date; without the database, the others are worth having all the same
      await this.budgets.state().catch(() => undefined);
      response.type(register.contentType).send(await register.metrics());
      return;
    }
    response.json(await this.costs.summarise(instant('from', query.from), instant('to', query.to)));
  }
}

/** True when the caller would rather have the exposition format: it is named before any other type. */
function wantsPrometheus(accept: string | undefined): boolean {
  const first = accept?.split(',')[0]?.split(';')[0]?.trim().toLowerCase();
  return first !== undefined && PROMETHEUS_TYPES.includes(first);
}
