// The data source of TypeORM's command line: `npm run migration:generate|run|check`.
// DATABASE_URL names the server. Without it, an embedded database is made for the command and thrown away.
import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { type DatabaseLocation, dataSourceOptions } from './src/database/data-source-options.js';
import { EmbeddedPostgres } from './src/database/embedded/embedded-postgres.js';
import { CollectionEntity } from './src/documents/entities/collection.entity.js';
import { DocumentEntity } from './src/documents/entities/document.entity.js';

if (existsSync('.env')) process.loadEnvFile('.env');
const url = process.env['DATABASE_URL'] ?? '';

export default new DataSource(
  dataSourceOptions(url === '' ? await embedded() : { url }, [CollectionEntity, DocumentEntity]),
);

async function embedded(): Promise<DatabaseLocation> {
  const server = await EmbeddedPostgres.start(await mkdtemp(join(tmpdir(), 'footnote-orm-')));
  const dataSource = await new DataSource(dataSourceOptions({ socketFolder: server.host })).initialize();
  await dataSource.runMigrations();
  await dataSource.destroy();
  return { socketFolder: server.host };
}
