import type { DataSourceOptions, EntitySchema, MixedList } from 'typeorm';
import { EMBEDDED_POOL_SIZE } from './embedded/embedded-postgres.js';
import { MIGRATIONS } from './migrations/index.js';
import { SESSION_SETTINGS } from './session-settings.js';

/** Where the database is: a server's URL, or the socket folder of the embedded one. */
export type DatabaseLocation = { url: string } | { socketFolder: string };

const POOL_SIZE = 16;
const CONNECT_TIMEOUT_MS = 10_000;
/** Longest statement. A migration that builds an index over a large table may need more: it raises its own. */
const STATEMENT_TIMEOUT_MS = 60_000;
const QUERY_TIMEOUT_MS = 120_000;

/** The one place that says how to connect, for the service and for TypeORM's command line alike. */
export function dataSourceOptions(
  location: DatabaseLocation,
  // oxlint-disable-next-line typescript/no-unsafe-function-type -- TypeORM's own type of an entity class
  entities: MixedList<Function | string | EntitySchema> = [],
): DataSourceOptions {
  const isServer = 'url' in location;
  const settings = { ...SESSION_SETTINGS, statement_timeout: String(STATEMENT_TIMEOUT_MS) };
  return {
    type: 'postgres',
    ...(isServer
      ? { url: location.url }
      : { host: location.socketFolder, username: 'postgres', database: 'postgres' }),
    applicationName: 'footnote',
    poolSize: isServer ? POOL_SIZE : EMBEDDED_POOL_SIZE,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    extra: {
      idleTimeoutMillis: 30_000,
      // the last resort, for a server that went silent: longer than the statement timeout
      query_timeout: QUERY_TIMEOUT_MS,
      // the embedded server ignores start-up options; its one session has been given the settings already
      ...(isServer
        ? {
            options: Object.entries(settings)
              .map(([name, value]) => `-c ${name}=${value}`)
              .join(' '),
          }
        : {}),
    },
    entities,
    migrations: MIGRATIONS,
    migrationsTransactionMode: 'each',
    installExtensions: false,
    synchronize: false,
    logging: false,
  };
}
