import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stop } from './worker.js';
import type { AcceptedDocumentsDto, DocumentDto } from '../../src/documents/dto/document.dto.js';
import type { BenchDocument, Corpus } from './corpus.js';

/** A running Footnote. */
export interface Footnote {
  url: string;
  stop(): Promise<void>;
}

interface StartOptions {
  /** The build to run. */
  dist: string;
  dataDir: string;
  databaseUrl: string | undefined;
  /** A stand-in for OpenAI; undefined: answers are extracted, offline. */
  providerUrl: string | undefined;
  /** What documents are embedded with; undefined: the built-in model. */
  embeddingModel: string | undefined;
  /** Arguments of Node, such as `--cpu-prof`. */
  nodeArguments: readonly string[];
  /** Further variables. */
  env?: Readonly<Record<string, string>>;
}

/** Starts a build with its limits on, but above what a benchmark can reach. @throws when it ends before it is ready */
export async function startFootnote(options: StartOptions): Promise<Footnote> {
  const child = spawn(process.execPath, [...options.nodeArguments, join(options.dist, 'main.js')], {
    cwd: options.dataDir,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DATA_DIR: options.dataDir,
      ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
      ...(options.providerUrl === undefined
        ? {}
        : {
            LLM_MODELS: 'openai/gpt-5.4-mini',
            OPENAI_API_KEY: 'x',
            OPENAI_BASE_URL: options.providerUrl,
          }),
      ...(options.embeddingModel === undefined ? {} : { EMBEDDING_MODEL: options.embeddingModel }),
      // counted, and never reached
      RATE_LIMIT_RPM: '1000000',
      RATE_LIMIT_TPM: '1000000000',
      RATE_LIMIT_CONCURRENCY: '10000',
      // the same questions are asked again and again
      QUERY_CACHE_TTL_S: '0',
      LOG_LEVEL: 'warn',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /"url":"(http[^"]+)"/.exec(line)?.[1];
      if (found === undefined) process.stderr.write(`${line}\n`);
      else resolve(found);
    });
  });
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`Footnote ended with exit code ${String(code)}`);
  });
  ended.catch(() => undefined);
  return { url: await Promise.race([url, ended]), stop: () => stop(child) };
}

/** Makes a collection whose words are stemmed as English, whatever its made-up texts look like. */
export async function makeCollection(url: string, name: string): Promise<void> {
  const response = await fetch(`${url}/collections`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, language: 'english' }),
  });
  // 409: it is there; 400: a build that stems all as English
  if (![201, 400, 409].includes(response.status))
    throw new Error(`POST /collections answered ${response.status}: ${await response.text()}`);
}

/** Adds a document and waits until it is searchable. @returns its id */
export async function addDocument(url: string, document: BenchDocument): Promise<string> {
  const response = await fetch(`${url}/documents?wait=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(document),
  });
  if (response.status !== 201)
    throw new Error(`POST /documents answered ${response.status}: ${await response.text()}`);
  const { documents } = (await response.json()) as AcceptedDocumentsDto;
  return documents[0]?.id ?? '';
}

/** Puts documents in until there are `wanted` chunks. @returns how many there are */
export async function ingest(url: string, corpus: Corpus, wanted: number): Promise<number> {
  await makeCollection(url, 'default');
  let chunks = 0;
  for (let number = 1; chunks < wanted; number++) {
    const id = await addDocument(url, corpus.document(number));
    chunks += (await get<DocumentDto>(`${url}/documents/${id}`)).chunks;
  }
  return chunks;
}

/** The JSON at an address. @throws when there is none */
export async function get<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (response.status !== 200)
    throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** Where the embedded database listens: in the data folder, unless that path is too long for a socket. */
export async function socketFolder(dataDir: string): Promise<string> {
  const inside = join(dataDir, 'socket');
  if (existsSync(inside)) return inside;
  const found = (await readdir(dataDir)).join(', ');
  throw new Error(
    `the embedded database has no socket folder in ${dataDir} (${found}): set a shorter TMPDIR`,
  );
}

/** What the running service keeps its documents in. */
export async function databaseOf(url: string, isEmbedded: boolean): Promise<string> {
  if (isEmbedded) return 'embedded';
  const response = await fetch(`${url}/health/ready`);
  const text = await response.text();
  return `PostgreSQL server, ${/textsearch/.test(text) ? 'pg_textsearch' : 'postings'}`;
}

/** Requests in the ledger. */
export async function recordedRequests(url: string): Promise<number> {
  return (await get<{ total_requests: number }>(`${url}/metrics`)).total_requests;
}

/** For `ADMIN_API_KEY`. */
export const ADMIN_KEY = 'the-admin-key-of-the-benchmark-0123456789';

/** Makes a key. @returns the header that carries it */
export async function makeKey(
  url: string,
  settings: Record<string, unknown>,
): Promise<Record<string, string>> {
  const response = await fetch(`${url}/keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
    body: JSON.stringify({ name: 'benchmark', ...settings }),
  });
  if (response.status !== 201)
    throw new Error(`POST /keys answered ${response.status}: ${await response.text()}`);
  const { secret } = (await response.json()) as { secret: string };
  return { authorization: `Bearer ${secret}` };
}
