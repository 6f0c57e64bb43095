import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheckService, type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { Response } from 'express';
import { AppConfig } from '../config/index.js';
import { Database } from '../database/index.js';
import { ModelCaller } from '../llm/index.js';
import { KeywordIndex } from '../retrieval/index.js';

/** The database answers a probe within this time, or is taken to be down. */
const PROBE_TIMEOUT_MS = 3000;
const EXAMPLE = {
  status: 'ok',
  details: {
    database: { status: 'up', kind: 'embedded' },
    migrations: { status: 'up', pending: 0 },
    search: { status: 'up', keyword_engine: 'pg_textsearch' },
    models: { status: 'up', circuit_breakers: { 'anthropic/claude-sonnet-5': 'closed' } },
  },
};

@ApiTags('operations')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly config: AppConfig,
    private readonly database: Database,
    private readonly keywords: KeywordIndex,
    private readonly models: ModelCaller,
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
        () => this.checkDatabase(),
        () => this.search(),
        () => this.breakers(),
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

  private async checkDatabase(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('database');
    const kind = this.config.database.url === undefined ? 'embedded' : 'server';
    try {
      const pending = await withTimeout(this.database.pendingMigrations(), PROBE_TIMEOUT_MS);
      const migrations = { status: pending ? ('down' as const) : ('up' as const) };
      return { ...(pending ? indicator.down({ kind }) : indicator.up({ kind })), migrations };
    } catch {
      return indicator.down({ kind });
    }
  }

  private search(): HealthIndicatorResult {
    return this.indicators.check('search').up({ keyword_engine: this.keywords.engine });
  }

  /** Told, but no reason to send the traffic elsewhere: the other replicas call the same providers. */
  private breakers(): HealthIndicatorResult {
    return this.indicators.check('models').up({ circuit_breakers: this.models.breakerStates });
  }
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('timed out')), ms);
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
