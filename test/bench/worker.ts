import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A process of the benchmark that serves HTTP on loopback. */
export interface Worker {
  url: string;
  stop(): Promise<void>;
}

/** Starts a script of this folder in a process of its own. @throws when it ends before it serves */
export async function startWorker(script: string, given: unknown): Promise<Worker> {
  const child = fork(new URL(script, import.meta.url), [JSON.stringify(given)], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`${script} ended with exit code ${String(code)}`);
  });
  ended.catch(() => undefined);
  const [port] = await Promise.race([once(child, 'message'), ended]);
  return { url: `http://127.0.0.1:${String(port)}`, stop: () => stop(child) };
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

/** In the process: what it was given. */
export function settings(): unknown {
  return JSON.parse(process.argv[2] ?? '{}');
}

/** In the process: serves, and tells its parent where. */
export function serve(server: Server): void {
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  // a parent that is gone needs no answers any more
  process.once('disconnect', () => process.exit());
}
