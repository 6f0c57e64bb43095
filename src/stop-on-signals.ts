import type { Server } from 'node:http';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { OpenRequests } from './common/index.js';

/** After the grace, what is left to do: tell the open streams, write the ledger, close the database. */
const LAST_STEPS_MS = 15_000;
const IDLE_CHECK_MS = 50;

/**
 * On SIGTERM or SIGINT: takes no more connections, lets open requests finish for `graceMs`, then ends them, closes the
 * database and exits 0. A second signal ends the process at once.
 */
export function stopOnSignals(app: NestExpressApplication, graceMs: number): void {
  const stop = (): void => {
    // unref'd: it must not keep a process that is done
    setTimeout(() => process.exit(1), graceMs + LAST_STEPS_MS).unref();
    void drain(app, graceMs).then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

async function drain(app: NestExpressApplication, graceMs: number): Promise<void> {
  const server: Server = app.getHttpServer();
  const openRequests = app.get(OpenRequests);
  const grace = setTimeout(() => openRequests.abortAll(), graceMs);
  // a connection whose request is over would be kept for the next one
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(grace);
  clearInterval(idle);
  await app.close();
}
