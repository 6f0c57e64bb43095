import { AppConfig } from '../config/index.js';
import { messageOf, StopError } from './errors.js';

/** A service to send documents to. */
export interface Service {
  readonly url: string;
  /** Whether it lives in this process, and ends with it. */
  readonly isOwn: boolean;
  /** Ends it, if it is our own. */
  close(): Promise<void>;
}

/** Addresses that mean "every interface", and where to reach such a service. */
const REACHED_AT: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
const PROBE_TIMEOUT_MS = 10_000;
/** Documents under way are put back, the database is closed. */
const CLOSE_TIMEOUT_MS = 30_000;

/**
 * The service that was named; else the one at HOST:PORT of the configuration, if it runs; else one of our own in this
 * process, over the configured database.
 * @param env what the configuration is read from
 * @throws StopError when there is none
 */
export async function findService(
  namedUrl: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  tell: (line: string) => void,
): Promise<Service> {
  if (namedUrl !== undefined) {
    await probe(namedUrl);
    return running(namedUrl);
  }
  const config = new AppConfig(env);
  const url = addressOf(config);
  if (url !== undefined && (await isFootnote(url))) return running(url);
  return startOwn(env, config, url, tell);
}

function running(url: string): Service {
  return { url, isOwn: false, close: () => Promise.resolve() };
}

async function probe(url: string): Promise<void> {
  try {
    const { status } = await get(`${url}/health/live`);
    if (status === 200) return;
    throw new Error(`/health/live answers with status ${status}`);
  } catch (error) {
    throw new StopError(`The service at ${url} cannot be reached: ${messageOf(error)}.`);
  }
}

function addressOf({ http: { host, port } }: AppConfig): string | undefined {
  if (port === 0) return undefined;
  const name = REACHED_AT[host] ?? host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** Many services are healthy; only ours describes itself by this title. */
async function isFootnote(url: string): Promise<boolean> {
  try {
    const live = await get(`${url}/health/live`);
    if (live.status !== 200) return false;
    const description = (await get(`${url}/openapi.json`)).body as { info?: { title?: unknown } } | undefined;
    return description?.info?.title === 'Footnote';
  } catch {
    return false;
  }
}

async function get(url: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
  return { status: response.status, body: await response.json().catch(() => undefined) };
}

async function startOwn(
  env: Readonly<Record<string, string | undefined>>,
  { database }: AppConfig,
  url: string | undefined,
  tell: (line: string) => void,
): Promise<Service> {
  const where = database.url === undefined ? database.dataDir : 'the database of DATABASE_URL';
  tell(`No service answers${url === undefined ? '' : ` at ${url}`}; opening ${where} …`);
  // only now: it takes its time, and whoever sends to a running service does not need it
  const { DataFolderLockedError, DatabaseUnusableError } = await import('../database/index.js');
  const { createApp } = await import('../create-app.js');
  try {
    const app = await createApp(new AppConfig(ownEnvironment(env)));
    await app.listen(0, '127.0.0.1');
    return { url: await app.getUrl(), isOwn: true, close: () => inTime(app.close()) };
  } catch (error) {
    const silence = url === undefined ? '' : `, but does not answer at ${url}`;
    if (error instanceof DataFolderLockedError)
      throw new StopError(
        `Another Footnote process has ${database.dataDir} open${silence}: name that service with --url http://…, or stop it.`,
      );
    if (error instanceof DatabaseUnusableError) throw new StopError(error.message);
    throw new StopError(`${where} cannot be opened: ${messageOf(error)}`);
  }
}

/** Quiet, for us alone, and as fast as it can be. */
function ownEnvironment(env: Readonly<Record<string, string | undefined>>): typeof env {
  return {
    ...env,
    LOG_LEVEL: env['LOG_LEVEL'] ?? 'error',
    RATE_LIMIT_RPM: '0',
    RATE_LIMIT_TPM: '0',
    RATE_LIMIT_CONCURRENCY: '0',
    PORT: '0',
    HOST: '127.0.0.1',
  };
}

async function inTime(closing: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  await Promise.race([closing, late]).finally(() => clearTimeout(timer));
}
