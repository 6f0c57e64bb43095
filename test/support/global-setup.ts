import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { EmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A data folder with the newest schema and nothing in it, to be copied; empty when no test needs one. */
    emptyDataDir: string;
  }
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SNAPSHOT = join(ROOT, 'dist', 'database', 'embedded', 'snapshot.tar');

/**
 * Runs once before all tests: builds `dist/`, which some tests start as a process of its own, and opens its snapshot
 * into a data folder that the others copy, because making one costs seconds. Unit tests alone need neither.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const named = process.argv.slice(2).filter((argument) => /^(\.\/)?(src|test)\b(?!.*config)/.test(argument));
  if (named.length > 0 && named.every((argument) => /^(\.\/)?src\b/.test(argument))) {
    project.provide('emptyDataDir', '');
    return undefined;
  }
  const build = spawnSync(process.execPath, ['src/scripts/build-if-stale.mjs'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (build.status !== 0) throw new Error('the build failed');
  const folder = await mkdtemp(join(tmpdir(), 'footnote-empty-'));
  const embedded = await EmbeddedPostgres.start(folder, SNAPSHOT);
  await embedded.stop();
  project.provide('emptyDataDir', folder);
  return () => rm(folder, { recursive: true, force: true });
}
