import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppConfig } from '../config/index.js';
import { createApp } from '../create-app.js';
import { createDatabase } from './own-database.js';

/** The service as it is configured, on a database that is empty and goes when it ends. */
export interface EvaluatedService {
  app: NestExpressApplication;
  end(): Promise<void>;
}

/** On the server of `DATABASE_URL`, where a database is made for it; else on the embedded one. */
export async function startService(): Promise<EvaluatedService> {
  const serverUrl = process.env['DATABASE_URL'];
  const database = serverUrl === undefined ? undefined : await createDatabase(serverUrl);
  const dataDir = await mkdtemp(join(tmpdir(), 'footnote-eval-'));
  const clean = async (): Promise<void> => {
    await rm(dataDir, { recursive: true, force: true });
    await database?.drop();
  };
  try {
    // models are downloaded once, for the service itself too
    const models = resolve(process.env['DATA_DIR'] ?? './data', 'models');
    await mkdir(models, { recursive: true });
    await symlink(models, join(dataDir, 'models'));
    const app = await start(dataDir, database?.url);
    return {
      app,
      end: async () => {
        await app.close();
        await clean();
      },
    };
  } catch (error) {
    await clean();
    throw error;
  }
}

async function start(dataDir: string, databaseUrl: string | undefined): Promise<NestExpressApplication> {
  const app = await createApp(
    new AppConfig({
      LOG_LEVEL: 'warn',
      RATE_LIMIT_RPM: '0',
      RATE_LIMIT_TPM: '0',
      RATE_LIMIT_CONCURRENCY: '0',
      // the modes are compared
      QUERY_CACHE_TTL_S: '0',
      ...process.env,
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
      // reached from this process only
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: dataDir,
    }),
  );
  await app.init();
  return app;
}
