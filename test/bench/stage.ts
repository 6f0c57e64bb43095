import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { createDatabase } from '../../src/eval/own-database.js';
import { databaseOf, socketFolder, startFootnote } from './footnote.js';
import { note } from './results.js';
import type { ProviderSettings } from './settings.js';
import { startWorker } from './worker.js';

/** One Footnote with a database of its own, both gone when it is disposed of. */
export interface Stage extends AsyncDisposable {
  url: string;
  /** What it keeps its documents in, for people. */
  database: string;
  /** The same database, past Footnote. */
  pool: Pool;
  /** What a server would do by itself within a minute. */
  settle(): Promise<void>;
}

/** Sets up a build on the server of DATABASE_URL or, where that is not set, on the embedded database. */
export async function setStage(dist: string, embeddings: 'built-in' | 'stand-in'): Promise<Stage> {
  if (!existsSync(join(dist, 'main.js'))) throw new Error(`there is no build in ${dist}: npm run build`);
  await using clean = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'footnote-bench-'));
  clean.defer(() => rm(dataDir, { recursive: true, force: true }));
  const serverUrl = process.env['DATABASE_URL'];
  const own = serverUrl === undefined ? undefined : await createDatabase(serverUrl);
  if (own !== undefined) clean.defer(() => own.drop());
  const provider =
    embeddings === 'built-in'
      ? undefined
      : await startWorker('./provider-process.ts', { tokens: [], delayMs: 0 } satisfies ProviderSettings);
  if (provider !== undefined) clean.defer(() => provider.stop());
  const footnote = await startFootnote({
    dist,
    dataDir,
    databaseUrl: own?.url,
    providerUrl: provider?.url,
    embeddingModel: provider && 'openai/stand-in',
    nodeArguments: [],
  });
  clean.defer(() => footnote.stop());
  const pool = new Pool({
    max: 1,
    ...(own === undefined
      ? { host: await socketFolder(dataDir), user: 'postgres', database: 'postgres' }
      : { connectionString: own.url }),
  });
  // the server is gone before the last connection knows
  pool.on('error', () => undefined);
  clean.defer(() => pool.end());
  const kept = clean.move();
  return {
    url: footnote.url,
    database: await databaseOf(footnote.url, own === undefined),
    pool,
    settle: async () => {
      note('Tidying the database');
      await pool.query('VACUUM ANALYZE');
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
