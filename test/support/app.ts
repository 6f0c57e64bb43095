import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppConfig } from '../../src/config/index.js';
import { createApp } from '../../src/create-app.js';
import { Database } from '../../src/database/index.js';
import { ApiClient } from './api-client.js';
import { createStorage, type Storage } from './storage.js';

export * from './api-client.js';
export * from './poll.js';
export * from './storage.js';

/** One call to a model, as the ledger has it. */
export interface LedgerRow {
  request_id: string;
  is_request: boolean;
  operation: string;
  model: string;
  attempt: number;
  outcome: string;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  embedding_tokens: number;
  estimated: boolean;
  cost_usd: string | null;
  error: string | null;
}

/** The real application in this process, listening on a port of its own, on a database of its own. */
export class TestApp extends ApiClient {
  private constructor(
    url: string,
    readonly app: NestExpressApplication,
    private readonly storage: Storage | undefined,
  ) {
    super(url);
  }

  static async start(env: Record<string, string>, shared?: Storage): Promise<TestApp> {
    const storage = shared ?? (await createStorage());
    const config = new AppConfig({
      LOG_LEVEL: 'silent',
      RATE_LIMIT_RPM: '0',
      RATE_LIMIT_TPM: '0',
      RATE_LIMIT_CONCURRENCY: '0',
      QUERY_CACHE_TTL_S: '0',
      ...storage.env,
      ...env,
    });
    const app = await createApp(config);
    await app.listen(0, '127.0.0.1');
    const server: Server = app.getHttpServer();
    const { port } = server.address() as AddressInfo;
    return new TestApp(`http://127.0.0.1:${port}`, app, shared === undefined ? storage : undefined);
  }

  /** The whole ledger, oldest first. */
  ledger(): Promise<LedgerRow[]> {
    return this.sql<LedgerRow>(
      'SELECT *, cost_usd::text AS cost_usd FROM llm_calls ORDER BY created_at, attempt',
    );
  }

  /** For what no endpoint shows. */
  sql<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.app.get(Database).query<Row & Record<string, unknown>>(text, values);
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.storage?.remove();
  }
}

/**
 * Starts the application: no log, no rate limit, no remembered questions, an empty database, the extractive answerer and the built-in embedding,
 * unless `env` says otherwise.
 * @param shared a database that outlives the application; the caller removes it
 */
export function startApp(env: Record<string, string> = {}, shared?: Storage): Promise<TestApp> {
  return TestApp.start(env, shared);
}
