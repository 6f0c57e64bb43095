import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The tiny models that `test/fixtures/local-models/make.py` writes. */
export const LOCAL_MODELS = fileURLToPath(new URL('../fixtures/local-models/', import.meta.url));

/** Whether what runs them is installed (`npm run local-models`): it is in no other install. */
export const hasRuntime = existsSync(
  fileURLToPath(new URL('../../docker/local-models/node_modules', import.meta.url)),
);

/** A copy of one of the tiny models, changed. */
export class ModelFolder {
  private constructor(
    readonly path: string,
    private readonly parent: string,
  ) {}

  /**
   * @param files what takes the place of the original's: text as it is, values as JSON, `null` for nothing
   * @param name of the folder: a model's family is known by it
   */
  static async copy(
    original: 'encoder' | 'cross-encoder',
    files: Readonly<Record<string, unknown>>,
    name = 'tiny',
  ): Promise<ModelFolder> {
    const parent = await mkdtemp(join(tmpdir(), 'footnote-model-'));
    const path = join(parent, name);
    await cp(join(LOCAL_MODELS, original), path, { recursive: true });
    for (const [file, content] of Object.entries(files)) {
      await rm(join(path, file), { recursive: true, force: true });
      if (content === null) continue;
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), typeof content === 'string' ? content : JSON.stringify(content));
    }
    return new ModelFolder(path, parent);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.parent, { recursive: true, force: true });
  }
}

/** The processes of models that this one has started (Linux). */
export function modelProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('model-process.js') &&
          readFileSync(`/proc/${pid}/status`, 'utf8').includes(`PPid:\t${process.pid}\n`)
        );
      } catch {
        // it has ended meanwhile
        return false;
      }
    })
    .map(Number);
}
