// Build step: writes snapshot.tar beside this file, an initialised and migrated data folder for first starts.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../data-source-options.js';
import { EmbeddedPostgres, SNAPSHOT_FILE } from './embedded-postgres.js';

const folder = await mkdtemp(join(tmpdir(), 'footnote-snapshot-'));
try {
  const embedded = await EmbeddedPostgres.start(folder, null);
  try {
    const dataSource = await new DataSource(dataSourceOptions({ socketFolder: embedded.host })).initialize();
    await dataSource.runMigrations();
    await dataSource.query('CHECKPOINT');
    await dataSource.destroy();
    await writeFile(SNAPSHOT_FILE, await embedded.dump());
  } finally {
    await embedded.stop();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
