import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';

/** Another process has the data folder open. */
export class DataFolderLockedError extends Error {
  override readonly name = 'DataFolderLockedError';
}

/**
 * Takes the data folder for this process alone. Two embedded servers on one folder lose data silently.
 *
 * The lock is SQLite's file lock: the kernel drops it when the process ends, however it ends, so there is no stale lock
 * to guess about, no process id to compare (those differ between containers that share a volume), and no race between
 * two processes that both find a lock file.
 *
 * @throws DataFolderLockedError when another process holds the folder
 */
export function lockDataFolder(folder: string): { release(): void } {
  const database = new DatabaseSync(join(folder, 'lock.sqlite'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Error && /database is locked/.test(error.message))
      throw new DataFolderLockedError(
        `${folder} is in use by another Footnote process. Stop it, give this one its own DATA_DIR, ` +
          'or set DATABASE_URL so that several processes share a PostgreSQL server.',
      );
    throw error;
  }
  return { release: () => database.close() };
}
