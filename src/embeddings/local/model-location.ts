import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { ConfigError } from '../../config/index.js';

/** A model of https://huggingface.co. */
export interface HubModel {
  /** Such as `Xenova/all-MiniLM-L6-v2`. */
  repository: string;
  /** A commit, a branch or a tag. */
  revision: string;
}

export interface ModelLocation {
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

/** @throws ConfigError when there is no such folder */
export function checkFolder(id: string, { folder, hub }: ModelLocation): void {
  if (existsSync(folder)) return;
  throw new ConfigError(
    `The model ${id} is not there: there is no folder ${folder}.` +
      (hub === undefined
        ? ''
        : ` It is downloaded at the start when EMBEDDING_MODEL names it, or put its files there from https://huggingface.co/${hub.repository}.`),
  );
}
