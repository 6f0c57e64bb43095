import type { LookupAddress } from 'node:dns';
import { lookup as lookUpName } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { AppError, invalidField, orAborted } from '../../common/index.js';
import { isPublicAddress } from './public-address.js';

/** What was found at a URL. */
export interface RemoteFile {
  bytes: Buffer;
  /** As declared by the server, parameters such as `charset` included. */
  mediaType: string;
  /** Where it was found in the end, after redirects. */
  url: string;
  /** As the server calls it, or the end of the path. */
  fileName: string | undefined;
}

/** How long may be waited, in milliseconds. */
interface TimeLimits {
  /** For everything, redirects and body included. */
  total: number;
  connect: number;
  /** From the request to the end of the headers of its response. */
  headers: number;
}

interface RemoteFetcherOptions {
  maxBytes: number;
  /** All addresses of a host name. */
  lookup?: (hostname: string) => Promise<LookupAddress[]>;
  isAllowedAddress?: (address: string) => boolean;
  timeLimits?: TimeLimits;
}

const TIME_LIMITS: TimeLimits = { total: 20_000, connect: 5_000, headers: 10_000 };
/** Of several addresses of a host, how long to try each before the next; Node's 250 ms give up on distant ones. */
const ADDRESS_ATTEMPT_MS = 1_000;
const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const DEFAULT_MEDIA_TYPE = 'application/octet-stream';
const HEADERS = {
  'user-agent': 'Footnote',
  accept: '*/*',
  // nothing is unpacked here, so that what is counted is what is kept
  'accept-encoding': 'identity',
};
const LONGEST_FILE_NAME = 255;

/**
 * Fetches a URL that a caller named, without becoming the caller's way into the network that the service runs in: only
 * over HTTP, only from addresses that the whole internet can reach, and only so much for so long. Redirects are followed
 * by hand, because each may lead anywhere. Proxies of the environment are not used: they would do the looking up.
 *
 * Each hop has an agent of its own that is destroyed with it. Its connections go to the addresses that were checked for
 * this hop, whatever the name resolves to by then; a shared agent would lend a connection to later calls, whose check it
 * has not passed. Single documents of many hosts gain little from kept connections anyway.
 */
export class RemoteFetcher {
  readonly #maxBytes: number;
  readonly #lookup: (hostname: string) => Promise<LookupAddress[]>;
  readonly #isAllowedAddress: (address: string) => boolean;
  readonly #timeLimits: TimeLimits;

  /** @param options the resolver, the check of addresses and the times are for tests */
  constructor(options: RemoteFetcherOptions) {
    this.#maxBytes = options.maxBytes;
    this.#lookup = options.lookup ?? ((hostname) => lookUpName(hostname, { all: true }));
    this.#isAllowedAddress = options.isAllowedAddress ?? isPublicAddress;
    this.#timeLimits = options.timeLimits ?? TIME_LIMITS;
  }

  /**
   * @throws {AppError} INVALID_REQUEST for a URL that may not be fetched, TOO_LARGE, or UNREADABLE_DOCUMENT when its
   *   server does not answer well; nothing of the answer but its status is told
   * @throws the reason of the signal when it aborts
   */
  async fetch(url: string, signal: AbortSignal): Promise<RemoteFile> {
    signal.throwIfAborted();
    const timeLimit = AbortSignal.timeout(this.#timeLimits.total);
    try {
      return await this.#follow(allowedUrl(url), AbortSignal.any([signal, timeLimit]));
    } catch (error) {
      if (error instanceof AppError) throw error;
      signal.throwIfAborted();
      throw unreadable(timeLimit.aborted || isTimeout(error) ? 'took too long' : 'cannot be fetched', error);
    }
  }

  async #follow(start: URL, signal: AbortSignal): Promise<RemoteFile> {
    let url = start;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const answer = await this.#get(url, signal);
      if (!(answer instanceof URL)) return answer;
      url = answer;
    }
    throw unreadable('redirects too often');
  }

  /** The file, or where else to look for it. */
  async #get(url: URL, signal: AbortSignal): Promise<RemoteFile | URL> {
    // looking up cannot be stopped, and a request in wait of its connection does not listen
    const addresses = await orAborted(this.#allowedAddresses(url), signal);
    const agent = this.#agentFor(addresses);
    try {
      const sent = request(url, { dispatcher: agent, headers: HEADERS, signal });
      const { statusCode, headers, body } = await orAborted(sent, signal);
      const location = headerOf(headers, 'location');
      if (REDIRECTS.has(statusCode) && location !== undefined) return redirectTarget(url, location);
      if (statusCode < 200 || statusCode > 299) throw unreadable(`was answered with status ${statusCode}`);
      this.#checkHeaders(headers);
      return {
        bytes: await readAll(body, this.#maxBytes),
        mediaType: headerOf(headers, 'content-type') ?? DEFAULT_MEDIA_TYPE,
        url: url.href,
        fileName: fileNameOf(url, headerOf(headers, 'content-disposition')),
      };
    } finally {
      await agent.destroy();
    }
  }

  /** All addresses of the host; a single one that is not allowed refuses it, since any may be connected to. */
  async #allowedAddresses({ hostname }: URL): Promise<LookupAddress[]> {
    const host = hostname.replace(/^\[|\]$/g, '');
    const family = isIP(host);
    const addresses = family === 0 ? await this.#addressesOf(host) : [{ address: host, family }];
    // the same words for a name that does not exist, or they would tell which names exist inside
    if (addresses.length === 0 || !addresses.every(({ address }) => this.#isAllowedAddress(address)))
      throw refused('url does not point to a public address');
    return addresses;
  }

  async #addressesOf(hostname: string): Promise<LookupAddress[]> {
    try {
      return await this.#lookup(hostname);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOTFOUND') return [];
      throw error;
    }
  }

  #agentFor(addresses: LookupAddress[]): Agent {
    return new Agent({
      connect: {
        // asked for every name, and for all addresses at once because of autoSelectFamily
        lookup: (_hostname, _options, callback) => callback(null, addresses),
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
        timeout: this.#timeLimits.connect,
      },
      // the size of headers is bounded for HTTP/1 only
      allowH2: false,
      headersTimeout: this.#timeLimits.headers,
      // the limit for everything holds for the body
      bodyTimeout: 0,
    });
  }

  #checkHeaders(headers: Dispatcher.ResponseData['headers']): void {
    const encoding = headerOf(headers, 'content-encoding') ?? 'identity';
    if (encoding.toLowerCase() !== 'identity')
      throw unreadable('was answered with compressed content, which was not asked for');
    if (Number(headerOf(headers, 'content-length')) > this.#maxBytes) throw tooLarge();
  }
}

/** The URL as it may be asked for, without its fragment. @param base where a redirect to it was found */
function allowedUrl(text: string, base?: URL): URL {
  const subject = base === undefined ? 'url' : 'what url redirects to';
  const url = URL.parse(text, base?.href);
  if (url === null) throw refused(`${subject} is not a valid URL`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refused(`${subject} must begin with http:// or https://`);
  if (url.username !== '' || url.password !== '')
    throw refused(`${subject} must not hold a user name or password`);
  // there stand mail, shells and other services that could take a request for their own protocol, but no web servers
  if (url.port !== '' && Number(url.port) < 1024 && url.port !== '80' && url.port !== '443')
    throw refused(`${subject} must not name a port below 1024, except 80 and 443`);
  url.hash = '';
  return url;
}

/**
 * Where a redirect leads.
 * @throws {AppError} INVALID_REQUEST
 */
export function redirectTarget(from: URL, location: string): URL {
  const target = allowedUrl(location, from);
  if (from.protocol === 'https:' && target.protocol !== 'https:')
    throw refused('url redirects from https:// to http://');
  return target;
}

/** @throws {AppError} TOO_LARGE as soon as there is more than that, UNREADABLE_DOCUMENT when there is nothing */
async function readAll(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  if (length === 0) throw unreadable('was answered with no content');
  return Buffer.concat(chunks);
}

/** A header in UTF-8, which is what servers send where they send more than ASCII; of several the first. */
function headerOf(headers: Dispatcher.ResponseData['headers'], name: string): string | undefined {
  const value = [headers[name]].flat()[0];
  return value === undefined ? undefined : Buffer.from(value, 'latin1').toString('utf8');
}

function fileNameOf(url: URL, disposition = ''): string | undefined {
  const encoded = /\bfilename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(disposition)?.[1];
  const plain = /\bfilename\s*=\s*(?:"([^"]*)"|([^;\s]+))/i.exec(disposition);
  const name =
    percentDecoded(encoded) ?? plain?.[1] ?? plain?.[2] ?? percentDecoded(url.pathname) ?? url.pathname;
  const lastPart =
    name
      .replace(/\p{Cc}/gu, '')
      .split(/[/\\]/)
      .at(-1)
      ?.trim() ?? '';
  return lastPart === '' ? undefined : lastPart.slice(-LONGEST_FILE_NAME).toWellFormed();
}

function percentDecoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /TIMEOUT|ETIMEDOUT/.test(String(error.code));
}

function refused(message: string): AppError {
  return invalidField('url', message);
}

/** @param predicate what is wrong, of which the url is the subject */
function unreadable(predicate: string, cause?: unknown): AppError {
  return new AppError('UNREADABLE_DOCUMENT', `The url ${predicate}.`, { cause });
}

function tooLarge(): AppError {
  return new AppError('TOO_LARGE', 'The url points to more than the service takes.');
}
