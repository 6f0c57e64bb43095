// The worker thread of the embedded database: PostgreSQL compiled to WebAssembly behind a private Unix socket, so that
// the ordinary `pg` driver connects to it and queries never block the main thread's event loop.
// Written in erasable TypeScript, with .ts in its imports: it is also started from source, by Node's type stripping.
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { pg_textsearch } from '@electric-sql/pglite-pg_textsearch';
import { vector } from '@electric-sql/pglite-pgvector';
import { WireServer } from './wire-server.ts';

const { dataDir, socketPath, snapshot, settings } = workerData as {
  dataDir: string;
  socketPath: string;
  /** A data folder to begin with, as a tar archive; only for a folder that does not exist yet. */
  snapshot: string | undefined;
  settings: Record<string, string>;
};

const database = await PGlite.create({
  dataDir,
  extensions: { vector, pg_textsearch },
  ...(snapshot === undefined ? {} : { loadDataDir: new Blob([await readFile(snapshot)]) }),
});
await database.exec('CREATE EXTENSION IF NOT EXISTS vector');
// one backend session serves every connection, so session settings are made once, here
for (const [name, value] of Object.entries(settings))
  await database.query('SELECT set_config($1, $2, false)', [name, value]);
const server = new WireServer(database);
await server.listen(socketPath);
parentPort?.on('message', (message: { type: 'stop' } | { type: 'dump' }) => {
  void (async () => {
    if (message.type === 'dump') {
      const archive = await database.dumpDataDir('none');
      parentPort?.postMessage({ type: 'dump', archive: new Uint8Array(await archive.arrayBuffer()) });
      return;
    }
    await server.close();
    await database.close();
    parentPort?.postMessage({ type: 'stopped' });
    parentPort?.close();
  })();
});
parentPort?.postMessage({ type: 'ready' });
