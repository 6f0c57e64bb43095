// Brings folders of documents into a running service or the configured database: `npm run ingest -- --help`.
import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { ConfigError } from '../config/index.js';
import { readArguments, USAGE } from './ingest/arguments.js';
import { IngestCommand } from './ingest/command.js';
import { StopError, UsageError } from './errors.js';

/** The exit code of a command that could not do what it was asked. */
const IMPOSSIBLE = 2;

async function main(signal: AbortSignal): Promise<number> {
  const options = readArguments(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  if (existsSync('.env')) process.loadEnvFile('.env');
  const command = new IngestCommand(options, {
    // npm runs scripts in the project's folder, and tells here where it was called
    cwd: process.env['INIT_CWD'] ?? process.cwd(),
    env: process.env,
    out: process.stdout,
    err: process.stderr,
  });
  return command.run(signal);
}

function report(error: unknown): number {
  const isExpected = error instanceof StopError || error instanceof ConfigError;
  const message = error instanceof Error ? (isExpected ? error.message : error.stack) : String(error);
  process.stderr.write(error instanceof UsageError ? `${error.message}\n\n${USAGE}\n` : `${message}\n`);
  return IMPOSSIBLE;
}

const interruption = new AbortController();
let interrupted: 'SIGINT' | 'SIGTERM' | undefined;
// the second one ends the process at once
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => {
    interrupted ??= name;
    interruption.abort();
  });

// by convention 128 + the signal's number
const codeOf = (error: unknown): number =>
  interrupted === undefined ? report(error) : 128 + constants.signals[interrupted];
process.exit(await main(interruption.signal).catch(codeOf));
