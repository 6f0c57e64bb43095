import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { AppConfig } from '../config/index.js';
import { Database } from '../database/index.js';

/** The database answers a probe within this time, or is taken to be down. */
const PROBE_TIMEOUT_MS = 3000;

/** Whether the database answers, and has had all migrations. */
@Injectable()
export class DatabaseHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly config: AppConfig,
    private readonly database: Database,
  ) {}

  async check(): Promise<HealthIndicatorResult> {
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
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('timed out')), ms);
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
