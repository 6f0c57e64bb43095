import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { createApp } from './create-app.js';
import { AppConfig, ConfigError } from './config/index.js';
import { DatabaseUnusableError, DataFolderLockedError } from './database/index.js';
import { stopOnSignals } from './stop-on-signals.js';

const OPEN =
  'Authentication is off: whoever is on this machine may do everything. Set ADMIN_API_KEY to demand keys.';

async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const config = new AppConfig(process.env);
  const app = await createApp(config);
  stopOnSignals(app, config.http.shutdownGraceMs);
  await app.listen(config.http.port, config.http.host);
  process.stdout.write(`${banner(config, await app.getUrl())}\n`);
}

function banner({ auth, llm, embeddingModel, log }: AppConfig, url: string): string {
  const seconds = process.uptime().toFixed(1);
  if (log.format === 'json')
    return JSON.stringify({
      level: 30,
      time: Date.now(),
      msg: 'ready',
      url,
      docs: `${url}/docs`,
      models: llm.models,
      embedding_model: embeddingModel,
      seconds: Number(seconds),
      authentication: auth.adminApiKey !== undefined,
      ...(auth.adminApiKey === undefined ? { note: OPEN } : {}),
    });
  const ready = `Footnote is ready at ${url} after ${seconds} s. Try it: ${url}/docs`;
  return auth.adminApiKey === undefined ? `${ready}\n${OPEN}` : ready;
}

main().catch((error: unknown) => {
  const isExpected =
    error instanceof ConfigError ||
    error instanceof DataFolderLockedError ||
    error instanceof DatabaseUnusableError;
  process.stderr.write(
    `${isExpected ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exit(1);
});
