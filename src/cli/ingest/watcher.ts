import { type FSWatcher, watch } from 'chokidar';
import { StopError } from '../errors.js';
import type { Source } from './sources.js';

/** A file that has not grown for this long is taken to be written. */
const WRITTEN_AFTER_MS = 1_000;
const WRITE_CHECK_MS = 200;
/** What the system says when it watches as many files as it may. */
const EXHAUSTED = new Set(['ENOSPC', 'EMFILE', 'ENFILE']);

/** Notices new and changed files. What has changed while nobody asked is kept. */
export class Watcher {
  readonly #changed = new Set<string>();
  #wake: () => void = () => undefined;
  #failure: StopError | undefined;

  private constructor(
    private readonly files: FSWatcher,
    private readonly tell: (line: string) => void,
  ) {
    const note = (path: string): void => {
      this.#changed.add(path);
      this.#wake();
    };
    files
      .on('add', note)
      .on('change', note)
      .on('error', (error) => this.#fail(error));
  }

  /** Begins to watch; what is there already is no change. @param tell is told of what cannot be watched */
  static async start(sources: readonly Source[], tell: (line: string) => void): Promise<Watcher> {
    const files = watch(
      sources.map(({ root }) => root),
      {
        ignoreInitial: true,
        followSymlinks: false,
        awaitWriteFinish: { stabilityThreshold: WRITTEN_AFTER_MS, pollInterval: WRITE_CHECK_MS },
        ignored: (path, stats) =>
          stats !== undefined &&
          sources.every((source) => (stats.isDirectory() ? !source.hasFolder(path) : !source.hasFile(path))),
      },
    );
    const watcher = new Watcher(files, tell);
    await new Promise<void>((resolve) => files.once('ready', resolve));
    return watcher;
  }

  /**
   * Waits for changes.
   * @returns the paths of what has changed since the last call
   * @throws StopError when no more can be watched; the signal's reason when aborted
   */
  async next(signal: AbortSignal): Promise<string[]> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#changed.size > 0) break;
      await this.#change(signal);
    }
    const paths = [...this.#changed];
    this.#changed.clear();
    return paths;
  }

  /** Ends watching. */
  async close(): Promise<void> {
    await this.files.close();
  }

  #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#wake = wake;
    signal.addEventListener('abort', wake);
    return promise.finally(() => signal.removeEventListener('abort', wake));
  }

  #fail(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!EXHAUSTED.has(code ?? '')) {
      this.tell(`Cannot be watched: ${message}`);
      return;
    }
    this.#failure = new StopError(
      `The system watches no more files for this user (${message}). Raise its limit, on Linux ` +
        'fs.inotify.max_user_watches, or watch fewer folders.',
    );
    this.#wake();
  }
}
