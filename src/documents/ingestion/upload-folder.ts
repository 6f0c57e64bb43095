import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';

const NAME = /^footnote-uploads-(\d+)-(\d+)-/;
/** Tells this process from one before it with the same id, as a restarted container's has. */
const STARTED = Math.round(performance.timeOrigin);

/** Where the files of a request wait until they are in the database, so that they need not be held in memory. */
@Injectable()
export class UploadFolder implements OnApplicationShutdown {
  readonly path: string;

  constructor() {
    removeLeftovers();
    this.path = mkdtempSync(join(tmpdir(), `footnote-uploads-${process.pid}-${STARTED}-`));
  }

  async onApplicationShutdown(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** For the uploading middleware, which is configured by a module of its own. */
@Module({ providers: [UploadFolder], exports: [UploadFolder] })
export class UploadFolderModule {}

/** Removes what processes have left that were killed. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid, started] = NAME.exec(name) ?? [];
    if (pid === undefined) continue;
    const isOwn = Number(pid) === process.pid;
    if (isOwn ? Number(started) !== STARTED : !isRunning(Number(pid)))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // somebody else's process is running too
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
