import { existsSync } from 'node:fs';
import { FileRefusedError, StopError } from '../errors.js';
import type { Source } from './sources.js';

/** A file to bring in. */
export interface IngestFile {
  /** Absolute. */
  path: string;
  /** Its external_id. */
  id: string;
}

/** Finds the files that the arguments name, each once. */
export class FileFinder {
  /** Which file goes by an external_id. */
  readonly #pathOf = new Map<string, string>();

  constructor(private readonly sources: readonly Source[]) {}

  /**
   * All files that are there, in the order of their ids.
   * @throws StopError when two of them would replace each other
   */
  async all(): Promise<IngestFile[]> {
    const files = new Map<string, IngestFile>();
    for (const source of this.sources)
      for (const path of await source.files())
        if (!files.has(path)) files.set(path, { path, id: source.idOf(path) });
    for (const { path, id } of files.values()) {
      const other = this.#pathOf.get(id);
      if (other !== undefined)
        throw new StopError(
          `${other} and ${path} would both go by the external_id ${id}: send each into a collection of its own.`,
        );
      this.#pathOf.set(id, path);
    }
    return [...files.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The file at a path, which has come to be or has changed; undefined when no argument names it. */
  at(path: string): IngestFile | undefined {
    const source = this.sources.find((candidate) => candidate.hasFile(path));
    return source === undefined ? undefined : { path, id: source.idOf(path) };
  }

  /**
   * Gives a file that was found later its id.
   * @throws FileRefusedError when another file goes by it
   */
  claim({ path, id }: IngestFile): void {
    const other = this.#pathOf.get(id);
    if (other !== undefined && other !== path && existsSync(other))
      throw new FileRefusedError(`${other} goes by the same external_id, ${id}`);
    this.#pathOf.set(id, path);
  }

  /** Whether an external_id is one that files found here may have. */
  ownsId(id: string): boolean {
    return this.sources.some((source) => source.ownsId(id));
  }
}
