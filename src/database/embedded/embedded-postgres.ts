import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { SESSION_SETTINGS } from '../session-settings.js';
import { lockDataFolder } from './data-lock.js';

/** Made at build time: an initialised data folder with all migrations done, so that a first start skips `initdb`. */
export const SNAPSHOT_FILE = fileURLToPath(new URL('./snapshot.tar', import.meta.url));
/** Connections of the embedded server; they take turns, so more would only queue. */
export const EMBEDDED_POOL_SIZE = 8;
/** The longest path of a Unix socket that every system takes (sun_path is 104 bytes on macOS). */
const LONGEST_SOCKET_PATH = 100;
const SOCKET_FILE = '.s.PGSQL.5432';
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 10_000;

type WorkerMessage = { type: 'ready' } | { type: 'stopped' } | { type: 'dump'; archive: Uint8Array };

/** A PostgreSQL server in a worker thread of this process, stored in a folder that it locks. */
export class EmbeddedPostgres {
  private constructor(
    private readonly worker: Worker,
    /** Folder of the Unix socket: what `pg` takes as `host`. */
    readonly host: string,
    private readonly release: () => Promise<void>,
  ) {}

  /**
   * Opens the database in `dataDir`, made when it does not exist.
   * @param snapshot what a new folder begins with; `null`: nothing
   * @throws DataFolderLockedError when another process has it open
   */
  static async start(dataDir: string, snapshot: string | null = SNAPSHOT_FILE): Promise<EmbeddedPostgres> {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const lock = lockDataFolder(dataDir);
    let socketFolder: string | undefined;
    try {
      const folder = await prepareFolder(dataDir);
      socketFolder = await makeSocketFolder(dataDir);
      const isNew = !existsSync(join(folder, 'PG_VERSION'));
      const worker = startWorker({
        dataDir: folder,
        socketPath: join(socketFolder, SOCKET_FILE),
        snapshot: isNew && snapshot !== null && existsSync(snapshot) ? snapshot : undefined,
        settings: SESSION_SETTINGS,
      });
      await waitFor(worker, 'ready', START_TIMEOUT_MS);
      if (isNew) await markComplete(dataDir);
      const toRemove = socketFolder;
      return new EmbeddedPostgres(worker, socketFolder, async () => {
        await rm(toRemove, { recursive: true, force: true });
        lock.release();
      });
    } catch (error) {
      if (socketFolder !== undefined) await rm(socketFolder, { recursive: true, force: true });
      lock.release();
      throw error;
    }
  }

  /** The data folder as a tar archive. */
  async dump(): Promise<Uint8Array> {
    this.worker.postMessage({ type: 'dump' });
    const message = await waitFor(this.worker, 'dump', START_TIMEOUT_MS);
    return message.archive;
  }

  /** Called when the worker dies without having been asked to. */
  onCrash(listener: (error: Error) => void): void {
    this.worker.on('error', listener);
  }

  async stop(): Promise<void> {
    this.worker.removeAllListeners('error');
    this.worker.postMessage({ type: 'stop' });
    await waitFor(this.worker, 'stopped', STOP_TIMEOUT_MS).catch(() => undefined);
    await this.worker.terminate();
    await this.release();
  }
}

/** A marker that the first start came to its end: a folder without it is half made and holds nothing yet. */
const COMPLETE = 'complete';

async function prepareFolder(dataDir: string): Promise<string> {
  const folder = join(dataDir, 'postgres');
  if (existsSync(folder) && !existsSync(join(dataDir, COMPLETE))) {
    // a first start was cut off: keep what is there, out of the way, rather than judge it
    if ((await readdir(folder)).length > 0)
      await rename(folder, join(dataDir, `postgres-incomplete-${Date.now()}`));
  }
  return folder;
}

async function markComplete(dataDir: string): Promise<void> {
  await writeFile(join(dataDir, COMPLETE), '');
}

async function makeSocketFolder(dataDir: string): Promise<string> {
  const inside = join(dataDir, 'socket');
  if (Buffer.byteLength(join(inside, SOCKET_FILE)) > LONGEST_SOCKET_PATH)
    return mkdtemp(join(tmpdir(), 'footnote-'));
  await rm(inside, { recursive: true, force: true });
  await mkdir(inside, { mode: 0o700 });
  return inside;
}

function startWorker(workerData: Record<string, unknown>): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new Worker(new URL(`./worker.${extension}`, import.meta.url), {
    workerData,
    name: 'postgres',
    execArgv: [],
  });
}

async function waitFor<T extends WorkerMessage['type']>(
  worker: Worker,
  type: T,
  timeoutMs: number,
): Promise<Extract<WorkerMessage, { type: T }>> {
  const signal = AbortSignal.timeout(timeoutMs);
  const exited = once(worker, 'exit', { signal }).then(([code]) => {
    throw new Error(`The embedded database stopped with exit code ${String(code)}`);
  });
  const message = once(worker, 'message', { signal }).then(([received]) => {
    const found = received as WorkerMessage;
    if (found.type !== type) throw new Error(`The embedded database said ${found.type} instead of ${type}`);
    return found as Extract<WorkerMessage, { type: T }>;
  });
  exited.catch(() => undefined);
  message.catch(() => undefined);
  return Promise.race([message, exited]);
}
