// The data source of TypeORM's command line: `npm run migration:generate|run|check`.
// DATABASE_URL names the server; without it, a private embedded database is made for the command and thrown away.
import 'reflect-metadata';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from './src/database/data-source-options.js';
import { EmbeddedPostgres } from './src/database/embedded/embedded-postgres.js';

const url = process.env['DATABASE_URL'];
const location =
  url === undefined || url === ''
    ? { socketFolder: (await EmbeddedPostgres.start(await mkdtemp(join(tmpdir(), 'footnote-orm-')))).host }
    : { url };

export default new DataSource(dataSourceOptions(location, []));
