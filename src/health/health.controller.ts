import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheckService, type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { Response } from 'express';
import { OpenToEverybody } from '../common/index.js';
import { ModelCaller } from '../llm/index.js';
import { RedisConnection } from '../redis/index.js';
import { KeywordIndex } from '../retrieval/index.js';
import { DatabaseHealth } from './database.health.js';

const EXAMPLE = {
  status: 'ok',
  details: {
    database: { status: 'up', kind: 'embedded' },
    migrations: { status: 'up', pending: 0 },
    search: { status: 'up', keyword_engine: 'pg_textsearch' },
    models: { status: 'up', circuit_breakers: { 'anthropic/claude-sonnet-5': 'closed' } },
    limits: { status: 'up', counted_in: 'redis' },
  },
};

@ApiTags('operations')
@Controller('health')
@OpenToEverybody()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly database: DatabaseHealth,
    private readonly keywords: KeywordIndex,
    private readonly models: ModelCaller,
    private readonly redis: RedisConnection,
  ) {}

  @Get('live')
  @ApiOperation({
    operationId: 'live',
    summary: 'Is the process alive?',
    description: 'Restart it when this fails.',
    security: [],
  })
  @ApiOkResponse({ description: 'Yes.', schema: { type: 'object', example: { status: 'ok' } } })
  live(): { status: string } {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({
    operationId: 'ready',
    summary: 'Can it answer?',
    description: 'Send no traffic while this fails.',
    security: [],
  })
  @ApiOkResponse({ description: 'Yes.', schema: { type: 'object', example: EXAMPLE } })
  @ApiServiceUnavailableResponse({
    description: 'Something that it needs is down.',
    content: { 'application/json': { schema: { type: 'object', example: { ...EXAMPLE, status: 'error' } } } },
  })
  async ready(@Res() response: Response): Promise<void> {
    try {
      const { status, details } = await this.health.check([
        () => this.database.check(),
        () => this.search(),
        () => this.breakers(),
        () => this.limits(),
      ]);
      response.json({ status, details });
    } catch (error) {
      // terminus throws its report of a failed check as an HTTP exception
      const report = error instanceof Error && 'response' in error ? error.response : undefined;
      const details =
        typeof report === 'object' && report !== null && 'details' in report ? report.details : {};
      response.status(503).json({ status: 'error', details });
    }
  }

  private search(): HealthIndicatorResult {
    return this.indicators.check('search').up({ keyword_engine: this.keywords.engine });
  }

  /** Told, but no reason to send the traffic elsewhere: the other replicas call the same providers. */
  private breakers(): HealthIndicatorResult {
    return this.indicators.check('models').up({ circuit_breakers: this.models.breakerStates });
  }

  /** Told, too: without Redis, each replica counts by itself, or none admits anything (`LIMITS_ON_REDIS_FAILURE`). */
  private limits(): HealthIndicatorResult {
    const countedIn = !this.redis.isConfigured ? 'process' : this.redis.isUp ? 'redis' : 'redis_unavailable';
    return this.indicators.check('limits').up({ counted_in: countedIn });
  }
}
