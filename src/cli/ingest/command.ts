import { relative } from 'node:path';
import { AppConfig } from '../../config/index.js';
import { documentLoaders } from '../../documents/loaders/index.js';
import type { IngestOptions } from './arguments.js';
import { FileRefusedError, StopError } from '../errors.js';
import { FileFinder, type IngestFile } from './file-finder.js';
import { Ingester, type RunState } from './ingester.js';
import { showProgress } from './progress-display.js';
import { findService } from '../service.js';
import { ServiceClient } from './service-client.js';
import { readSources } from './sources.js';
import { type Outcome, Tally } from './tally.js';
import { Watcher } from './watcher.js';

/** What the command has to do with, outside of itself. */
export interface Surroundings {
  /** What relative paths are relative to. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** For results. */
  out: NodeJS.WriteStream;
  /** For what happens on the way. */
  err: NodeJS.WriteStream;
}

const ALL_READY = 0;
const SOME_FAILED = 1;
const STOPPED = 'Stopped. What was sent goes on being made searchable; run the command again for the rest.';
const STOPPED_OWN =
  'Stopped. What was sent is kept; run the command again, or start the service, to go on with it.';

/** The command, once its arguments are read. */
export class IngestCommand {
  constructor(
    private readonly options: IngestOptions,
    private readonly surroundings: Surroundings,
  ) {}

  /**
   * Brings everything in; with `--watch`, goes on until aborted.
   * @returns the exit code
   * @throws StopError, ConfigError; the signal's reason when aborted before it was done
   */
  async run(signal: AbortSignal): Promise<number> {
    const { paths, watches } = this.options;
    const sources = await readSources(paths, this.surroundings.cwd);
    const finder = new FileFinder(sources);
    const tell = (line: string): void => this.#tell(line);
    // watching begins first, so that nothing is missed in between
    const watcher = watches ? await Watcher.start(sources, tell) : undefined;
    try {
      const files = await finder.all();
      if (files.length === 0 && !watches) throw nothingFound(paths);
      signal.throwIfAborted();
      return await this.#withService(files, finder, watcher, signal);
    } finally {
      await watcher?.close();
    }
  }

  async #withService(
    files: readonly IngestFile[],
    finder: FileFinder,
    watcher: Watcher | undefined,
    signal: AbortSignal,
  ): Promise<number> {
    const { env } = this.surroundings;
    const { url, apiKey, collection } = this.options;
    const service = await findService(url, env, (line) => this.#tell(line));
    try {
      const client = new ServiceClient(service.url, apiKey ?? new AppConfig(env).auth.adminApiKey);
      const ingester = new Ingester(client, collection, finder);
      const where = service.isOwn ? '' : ` at ${service.url}`;
      this.#tell(
        `${files.length} ${files.length === 1 ? 'file' : 'files'} for collection ${collection}${where}`,
      );
      await ingester.learn(signal);
      const code = await this.#bringAll(files, ingester, client, signal);
      if (watcher === undefined) return code;
      this.#tell('Watching for changes; Ctrl-C ends it.');
      return await this.#follow(watcher, finder, ingester, signal);
    } catch (error) {
      if (signal.aborted) this.#tell(service.isOwn ? STOPPED_OWN : STOPPED);
      throw error;
    } finally {
      await service.close();
    }
  }

  async #bringAll(
    files: readonly IngestFile[],
    ingester: Ingester,
    client: ServiceClient,
    signal: AbortSignal,
  ): Promise<number> {
    const tally = new Tally(files.length);
    let hide: () => void = () => undefined;
    const show = (state: RunState): void => {
      hide = showProgress(state, () => client.pauseMs, this.surroundings.err);
    };
    try {
      await ingester.run(files, tally, show, signal);
    } finally {
      hide();
      this.surroundings.out.write(`${tally.summary((path) => this.#nameOf(path))}\n`);
    }
    return tally.failed > 0 ? SOME_FAILED : ALL_READY;
  }

  /** Brings in what changes, until aborted. */
  async #follow(
    watcher: Watcher,
    finder: FileFinder,
    ingester: Ingester,
    signal: AbortSignal,
  ): Promise<number> {
    const print = (outcome: Outcome): void => this.#print(outcome);
    try {
      for (;;) {
        const changed = (await watcher.next(signal)).flatMap((path) => finder.at(path) ?? []);
        const tally = new Tally(changed.length, print);
        const files = changed.filter((file) => claims(finder, file, tally));
        await ingester.run(files, tally, () => undefined, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      return ALL_READY;
    }
  }

  #print(outcome: Outcome): void {
    const reason = outcome.result === 'failed' ? `: ${outcome.reason}` : '';
    this.surroundings.out.write(
      `${outcome.result.padEnd(10)}  ${this.#nameOf(outcome.file.path)}${reason}\n`,
    );
  }

  #tell(line: string): void {
    this.surroundings.err.write(`${line}\n`);
  }

  #nameOf(path: string): string {
    const name = relative(this.surroundings.cwd, path);
    return name.startsWith('..') ? path : name;
  }
}

function nothingFound(paths: readonly string[]): StopError {
  const extensions = documentLoaders.extensions.map((extension) => `.${extension}`).join(', ');
  return new StopError(
    `Nothing that can be read was found in ${paths.join(', ')} (${extensions}). A file that is named itself is always sent.`,
  );
}

function claims(finder: FileFinder, file: IngestFile, tally: Tally): boolean {
  try {
    finder.claim(file);
    return true;
  } catch (error) {
    if (!(error instanceof FileRefusedError)) throw error;
    tally.add({ file, result: 'failed', reason: error.message });
    return false;
  }
}
