// Embeds a collection with another model: `npm run reembed -- <collection> --model <model>`.
import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { UsageError } from './errors.js';
import { CollectionClient } from './reembed/collection-client.js';
import { follow } from './reembed/follow.js';
import { readOptions, type ReembedOptions, USAGE } from './reembed/options.js';
import { createProgress } from './reembed/progress.js';
import { findService, type Service } from './service.js';

const SWITCHED = 0;
const FAILED = 1;
const UNUSABLE = 2;
/** 128 + the number of SIGINT, as shells have it. */
const INTERRUPTED = 130;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (existsSync('.env')) process.loadEnvFile('.env');
  const service = await findService(options.url, process.env, (line) => process.stderr.write(`${line}\n`));
  const interruption = new AbortController();
  // a second one ends the process
  process.once('SIGINT', () => interruption.abort());
  try {
    return await run(options, service, interruption.signal);
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    say(
      service.isOwn
        ? 'Run it again to go on.'
        : 'The service goes on by itself; run it again to see how far it is.',
    );
    return INTERRUPTED;
  } finally {
    await service.close();
  }
}

async function run(
  { collection, model }: ReembedOptions,
  service: Service,
  signal: AbortSignal,
): Promise<number> {
  const client = new CollectionClient(service.url, collection, process.env['ADMIN_API_KEY']);
  if (model === undefined) {
    await client.stop(signal);
    say('It is stopped; what has been embedded is kept.');
    return SWITCHED;
  }
  const { embedding_model, reembedding } = await client.get(signal);
  if (embedding_model === model && reembedding === null) {
    say(`It is embedded with ${model} already.`);
    return SWITCHED;
  }
  try {
    await client.start(model, signal);
  } catch (error) {
    // an interrupted one may have been finished since we looked
    if ((await client.get(signal)).embedding_model !== model) throw error;
    say(`It is embedded with ${model} now.`);
    return SWITCHED;
  }
  const { isSwitched, message } = await follow(client, model, createProgress(process.stderr), signal);
  say(message);
  return isSwitched ? SWITCHED : FAILED;
}

function say(message: string): void {
  process.stdout.write(`${message}\n`);
}

function tell(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof TypeError && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  process.stderr.write(`${message}${cause}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${USAGE}\n`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    tell(error);
    process.exit(UNUSABLE);
  },
);
