import type { DataSource } from 'typeorm';
import pg from 'pg';

/** The database cannot serve Footnote; the message says what to do. */
export class DatabaseUnusableError extends Error {
  override readonly name = 'DatabaseUnusableError';
}

/** Advisory lock of "somebody is migrating"; the number is arbitrary and only has to stay the same. */
const MIGRATION_LOCK = 7_310_217;

/** Runs pending migrations of a server; replicas that start together wait for the one that does it. */
export async function migrateServer(dataSource: DataSource, url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await checkExtension(client);
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations();
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}

async function checkExtension(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: string; installed: string | null }>(
    "SELECT default_version AS version, installed_version AS installed FROM pg_available_extensions WHERE name = 'vector'",
  );
  const version = rows[0]?.installed ?? rows[0]?.version;
  if (version === undefined)
    throw new DatabaseUnusableError(
      'The server at DATABASE_URL does not have the pgvector extension. Install it (https://github.com/pgvector/pgvector, ' +
        'or a PostgreSQL package or image that has it), or unset DATABASE_URL to use the embedded database.',
    );
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major === 0 && minor < 8)
    throw new DatabaseUnusableError(
      `The server at DATABASE_URL has pgvector ${version}; Footnote needs 0.8 or later (iterative index scans). ` +
        'Update the extension: ALTER EXTENSION vector UPDATE.',
    );
}
