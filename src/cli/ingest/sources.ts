import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, matchesGlob, relative, resolve, sep } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { documentLoaders } from '../../documents/loaders/index.js';
import { StopError } from '../errors.js';

/** What an argument of the command names. */
export interface Source {
  /** The file or folder, absolute, without links above it. */
  readonly root: string;
  /** Its files, absolute. */
  files(): Promise<string[]>;
  /** Whether a file at this path is one of its files. */
  hasFile(path: string): boolean;
  /** Whether there may be files of it in a folder at this path. */
  hasFolder(path: string): boolean;
  /** The external_id of one of its files. */
  idOf(path: string): string;
  /** Whether an external_id is one that its files may have. */
  ownsId(id: string): boolean;
}

const EXTENSIONS: ReadonlySet<string> = new Set(documentLoaders.extensions);
const EVERYTHING = '**/*';
const NEVER = 'node_modules';

/**
 * What the arguments name.
 * @param cwd what relative paths are relative to
 * @throws StopError for a file or folder that is not there
 */
export async function readSources(paths: readonly string[], cwd: string): Promise<Source[]> {
  const workingFolder = await realpath(cwd);
  return Promise.all(paths.map((path) => readSource(path, workingFolder)));
}

async function readSource(path: string, cwd: string): Promise<Source> {
  const target = resolve(cwd, path);
  const found = await stat(target).catch(() => undefined);
  if (found?.isDirectory() === true)
    return new FolderSource(await realpath(target), basename(target), EVERYTHING);
  if (found !== undefined)
    return new FileSource(join(await realpath(dirname(target)), basename(target)), cwd);
  if (!isDynamicPattern(path)) throw new StopError(`There is no ${JSON.stringify(path)}.`);
  const segments = path.split('/');
  // a backslash takes the meaning from a wildcard: whoever reads the pattern knows how
  const first = segments.findIndex((segment) => isDynamicPattern(segment) || segment.includes('\\'));
  const folder = resolve(cwd, segments.slice(0, first).join('/') || (path.startsWith('/') ? '/' : '.'));
  const root = await realpath(folder).catch(() => undefined);
  if (root === undefined)
    throw new StopError(`There is no ${JSON.stringify(segments.slice(0, first).join('/'))}.`);
  return new FolderSource(root, basename(folder), segments.slice(first).join('/'));
}

/** A file that was named itself. */
class FileSource implements Source {
  private readonly id: string;

  constructor(
    readonly root: string,
    cwd: string,
  ) {
    const path = relative(cwd, root);
    this.id = posix(isOutside(path) ? join(basename(dirname(root)), basename(root)) : path);
  }

  files(): Promise<string[]> {
    return Promise.resolve([this.root]);
  }

  hasFile(path: string): boolean {
    return path === this.root;
  }

  hasFolder(): boolean {
    return false;
  }

  idOf(): string {
    return this.id;
  }

  ownsId(id: string): boolean {
    return id === this.id;
  }
}

/** A folder, or those of its files that a glob names. */
class FolderSource implements Source {
  /** @param name of the folder, as it was named: `root` may have another, behind a link */
  constructor(
    readonly root: string,
    private readonly name: string,
    private readonly pattern: string,
  ) {}

  async files(): Promise<string[]> {
    const paths = await glob(this.pattern, {
      cwd: this.root,
      ignore: `**/${NEVER}/**`,
      expandDirectories: false,
      followSymbolicLinks: false,
    });
    return paths.filter(isReadable).map((path) => resolve(this.root, path));
  }

  hasFile(path: string): boolean {
    const inside = posix(relative(this.root, path));
    return (
      !isOutside(inside) &&
      isReadable(inside) &&
      !inside.split('/').includes(NEVER) &&
      matchesGlob(inside, this.pattern)
    );
  }

  hasFolder(path: string): boolean {
    const inside = posix(relative(this.root, path));
    if (inside === '') return true;
    return (
      !isOutside(inside) &&
      inside.split('/').every((segment) => segment !== NEVER && !segment.startsWith('.'))
    );
  }

  idOf(path: string): string {
    return posix(join(this.name, relative(this.root, path)));
  }

  ownsId(id: string): boolean {
    return id.startsWith(this.name === '' ? '' : `${this.name}/`);
  }
}

function isReadable(path: string): boolean {
  return EXTENSIONS.has(extname(path).slice(1).toLowerCase());
}

function isOutside(relativePath: string): boolean {
  return relativePath === '..' || relativePath.startsWith(`..${sep}`) || relativePath.startsWith('../');
}

function posix(path: string): string {
  return path.split(sep).join('/');
}
