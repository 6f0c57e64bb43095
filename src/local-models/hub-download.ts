import { createHash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConfigError } from '../config/index.js';
import { CONFIGURATION_FILES, MODEL_FILES } from './local-model.js';

/** A model of https://huggingface.co. */
export interface HubModel {
  /** Such as `Xenova/all-MiniLM-L6-v2`. */
  repository: string;
  /** A commit, a branch or a tag. */
  revision: string;
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A file of a repository, as https://huggingface.co/docs/hub/api tells it (`siblings` with `blobs=true`). */
interface HubFile {
  rfilename: string;
  size?: number;
  lfs?: { sha256?: string };
}

const HUB = 'https://huggingface.co';
/** Large files are kept on the Hub's own content servers, to which it redirects. */
const TRUSTED = /(^|\.)(huggingface\.co|hf\.co)$/;
const MOST_REDIRECTS = 5;
const MEGABYTE = 1024 * 1024;
/** Enough for models of 0.6 billion parameters, which is more than a processor embeds at a useful speed. */
const MOST_MODEL_BYTES = 3072 * MEGABYTE;
const MOST_CONFIGURATION_BYTES = 64 * MEGABYTE;
const LIST_TIMEOUT_MS = 30_000;
const DOWNLOAD_TIMEOUT_MS = 3_600_000;

/**
 * Downloads what is needed of a model, into a folder that is there only when all of it is.
 * @throws ConfigError saying what to do instead, when it cannot be downloaded
 */
export async function downloadModel(
  hub: HubModel,
  folder: string,
  fetch: Fetch = globalThis.fetch,
): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const partial = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    const { sha, files } = await listFiles(hub, fetch);
    for (const file of files) await downloadFile(hub.repository, sha, file, partial, fetch);
    await rename(partial, folder).catch((error: unknown) => {
      // another process, which started at the same time, was quicker
      if (!existsSync(folder)) throw error;
    });
  } catch (error) {
    throw new ConfigError(
      `${hub.repository} (${hub.revision}) could not be downloaded from ${HUB}: ${reasonOf(error)}. ` +
        `Without that network, put its files into ${folder}.`,
    );
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function listFiles(hub: HubModel, fetch: Fetch): Promise<{ sha: string; files: HubFile[] }> {
  const response = await get(
    `${HUB}/api/models/${hub.repository}/revision/${encodeURIComponent(hub.revision)}?blobs=true`,
    LIST_TIMEOUT_MS,
    fetch,
  );
  const { sha, siblings } = (await response.json()) as { sha?: unknown; siblings?: unknown };
  if (typeof sha !== 'string' || !/^[0-9a-f]{40}$/.test(sha) || !Array.isArray(siblings))
    throw new Error('the list of its files cannot be read');
  const all = siblings as HubFile[];
  const modelFile = MODEL_FILES.find((name) => all.some(({ rfilename }) => rfilename === name));
  if (modelFile === undefined) throw new Error(`it has none of ${MODEL_FILES.join(', ')}`);
  // weights of more than 2 GB are beside the model's graph
  const wanted = new Set<string>([...CONFIGURATION_FILES, modelFile, `${modelFile}_data`]);
  return { sha, files: all.filter(({ rfilename }) => wanted.has(rfilename)) };
}

async function downloadFile(
  repository: string,
  sha: string,
  file: HubFile,
  folder: string,
  fetch: Fetch,
): Promise<void> {
  const name = file.rfilename;
  const most = /\.onnx(_data)?$/.test(name) ? MOST_MODEL_BYTES : MOST_CONFIGURATION_BYTES;
  const response = await get(`${HUB}/${repository}/resolve/${sha}/${name}`, DOWNLOAD_TIMEOUT_MS, fetch);
  if (response.body === null) throw new Error(`${name} is empty`);
  await mkdir(dirname(join(folder, name)), { recursive: true });
  const hash = createHash('sha256');
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      done(bytes > most ? new Error(`${name} is larger than ${most / MEGABYTE} MB`) : null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(response.body), counter, createWriteStream(join(folder, name)));
  if (file.size !== undefined && file.size !== bytes)
    throw new Error(`${name} has ${bytes} bytes instead of ${file.size}`);
  if (file.lfs?.sha256 !== undefined && file.lfs.sha256 !== hash.digest('hex'))
    throw new Error(`${name} is not the file that the list names`);
}

/** Follows redirects within the Hub's domains only. */
async function get(url: string, timeoutMs: number, fetch: Fetch): Promise<Response> {
  const signal = AbortSignal.timeout(timeoutMs);
  let target = new URL(url);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    if (target.protocol !== 'https:' || !TRUSTED.test(target.hostname))
      throw new Error(`it is redirected to ${target.origin}, which is not the Hub's`);
    const response = await fetch(target.href, { redirect: 'manual', signal });
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      target = new URL(location, target);
    } else if (response.ok) return response;
    else throw new Error(`${target.pathname} was answered with ${response.status}`);
  }
  throw new Error('it is redirected too often');
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch hides the reason in its cause
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
