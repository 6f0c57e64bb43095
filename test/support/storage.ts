import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';

/** The server that the tests run on; unset: each application has its own embedded database. */
const SERVER_URL = process.env['TEST_DATABASE_URL'] ?? '';

/** True when the tests run on a PostgreSQL server. */
export const onServer = SERVER_URL !== '';

/** A database of its own for one application, or for several that follow each other. */
export interface Storage {
  /** What makes the service use it. */
  readonly env: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** An empty database: on the server of `TEST_DATABASE_URL`, else embedded in a temporary folder. Both are real. */
export function createStorage(): Promise<Storage> {
  return onServer ? serverStorage(SERVER_URL) : embeddedStorage();
}

/** An embedded database, whatever `TEST_DATABASE_URL` says; `fresh`: not even the folder's content is prepared. */
export async function embeddedStorage({ fresh = false } = {}): Promise<Storage> {
  const folder = await mkdtemp(join(tmpdir(), 'footnote-test-'));
  if (!fresh)
    for (const part of ['postgres', 'complete'])
      await cp(join(inject('emptyDataDir'), part), join(folder, part), { recursive: true });
  return { env: { DATA_DIR: folder }, remove: () => rm(folder, { recursive: true, force: true }) };
}

async function serverStorage(server: string): Promise<Storage> {
  const name = `footnote_test_${randomUUID().replaceAll('-', '')}`;
  await administer(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    env: { DATABASE_URL: url.href },
    remove: () => administer(server, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

async function administer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
