import { Client } from 'pg';

/** A database on a server that nobody else uses. */
export interface OwnDatabase {
  url: string;
  /** What the server would do by itself within a minute. */
  analyze(): Promise<void>;
  drop(): Promise<void>;
}

/** Makes a database beside the one that the URL names. */
export async function createDatabase(serverUrl: string): Promise<OwnDatabase> {
  const name = `footnote_own_${process.pid}`;
  await run(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    analyze: () => run(url.href, 'VACUUM ANALYZE'),
    drop: () => run(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

async function run(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
