import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { ConfigError } from '../config/index.js';
import { downloadModel, type HubModel } from './hub-download.js';
import { checkRuntime } from './runtime.js';

interface ModelLocation {
  folder: string;
  /** What can be downloaded into the folder; undefined for a folder of the user's. */
  hub: HubModel | undefined;
}

const REPOSITORY = /^(?<repository>[\w-][\w.-]*\/[\w-][\w.-]*)(@(?<revision>[\w-][\w.-]*))?$/;

/**
 * Where a model is: the folder that is named, or, for an id of Hugging Face, that of `modelsDir`.
 * @param name an absolute folder, one that begins with `./` or `../`, or `<organisation>/<name>`, `@<revision>` behind it
 * @throws ConfigError for anything else
 */
export function locateModel(name: string, modelsDir: string): ModelLocation {
  if (isAbsolute(name) || /^\.\.?[/\\]/.test(name)) return { folder: resolve(name), hub: undefined };
  const { repository, revision = 'main' } = REPOSITORY.exec(name)?.groups ?? {};
  if (repository === undefined)
    throw new ConfigError(
      `The model local/${name} is neither a folder (/models/mine, ./mine) nor an id of Hugging Face ` +
        '(Xenova/all-MiniLM-L6-v2, with @<revision> behind it where it is to be pinned).',
    );
  return { folder: join(modelsDir, name), hub: { repository, revision } };
}

/**
 * The folder of a model that is there.
 * @throws ConfigError as {@link locateModel}, and when there is no such folder
 */
export function folderOf(name: string, modelsDir: string): string {
  const { folder, hub } = locateModel(name, modelsDir);
  if (existsSync(folder)) return folder;
  throw new ConfigError(
    `The model local/${name} is not there: there is no folder ${folder}.` +
      (hub === undefined
        ? ''
        : ` It is downloaded at the start when the configuration names it, or put its files there from https://huggingface.co/${hub.repository}.`),
  );
}

/**
 * Downloads a model into its folder of `modelsDir`, where it is an id of Hugging Face and not there yet.
 * @throws ConfigError when that cannot be done
 */
export async function downloadWhereMissing(name: string, modelsDir: string): Promise<void> {
  checkRuntime(`local/${name}`);
  const { hub, folder } = locateModel(name, modelsDir);
  if (hub === undefined || existsSync(folder)) return;
  // it may take minutes, in which the log is not open yet
  process.stderr.write(`Downloading ${hub.repository} into ${folder}\n`);
  await downloadModel(hub, folder);
}
