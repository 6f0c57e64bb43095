import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ApiClient } from './api-client.js';
import { poll } from './poll.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** The built service as a process of its own, for tests that stop, kill and restart it. */
export class ServiceProcess {
  private output = '';
  private end: number | string | undefined;
  private readonly exited: Promise<number | string>;

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.exited = once(child, 'close').then(
      ([code, signal]) => (this.end = (code ?? signal) as number | string),
    );
  }

  /** @param env all that the process sees of the environment, beside `PATH` and a free port */
  static spawn(env: Readonly<Record<string, string>>, cwd?: string): ServiceProcess {
    const child = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env['PATH'] ?? '',
        PORT: '0',
        RATE_LIMIT_RPM: '0',
        RATE_LIMIT_TPM: '0',
        RATE_LIMIT_CONCURRENCY: '0',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    return new ServiceProcess(child);
  }

  /** Everything that it has written so far. */
  get log(): string {
    return this.output;
  }

  /** Waits until it says that it is ready. @throws Error with its output when it ends instead */
  async ready(): Promise<ApiClient> {
    const look = (): string | undefined => {
      // only now has all of its output been read
      if (this.end !== undefined) throw new Error(`the service ended with ${this.end}: ${this.output}`);
      return /"msg":"ready","url":"(http[^"]+)"/.exec(this.output)?.[1];
    };
    return new ApiClient(await poll('the service is ready', look, 60_000));
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Its exit code, or the signal that ended it. */
  exit(): Promise<number | string> {
    return this.exited;
  }

  /** Ends it, if it still runs, at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.end === undefined) this.child.kill('SIGKILL');
    await this.exited;
  }
}

/** Starts `dist/main.js`, which the global set-up has built. */
export function spawnService(env: Readonly<Record<string, string>>, cwd?: string): ServiceProcess {
  return ServiceProcess.spawn(env, cwd);
}
