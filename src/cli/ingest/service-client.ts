import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Problem } from '../../common/index.js';
import type { AcceptedDocumentsDto, DocumentDto, DocumentListDto } from '../../documents/index.js';
import { FileRefusedError, messageOf, StopError } from '../errors.js';
import type { IngestFile } from './file-finder.js';
import { Patience } from './patience.js';
import { withDeadline } from './with-deadline.js';

/** A response with its body read. */
interface Reply {
  status: number;
  /** JSON where it is JSON, else undefined. */
  body: unknown;
}

/** The service gave no answer, however often it was asked. */
class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

/** The largest page that the service gives. */
const PAGE = 200;
const READ_TIMEOUT_MS = 60_000;
/** The service itself cuts an upload off after two minutes. */
const SEND_TIMEOUT_MS = 180_000;
const ATTEMPTS = 5;
const FIRST_BACKOFF_MS = 1_000;
/** A proxy's words for a service that is not there. */
const GONE = new Set([502, 504]);
const ASKS_TO_WAIT = new Set([429, 503]);

/** The service as this command sees it: HTTP, nothing else. */
export class ServiceClient {
  /** For uploads, which are limited; looking is not, and goes on meanwhile. */
  readonly #sending = new Patience();
  readonly #reading = new Patience();
  readonly #headers: Readonly<Record<string, string>>;

  /** @param backoffMs how long to wait after the first lost connection; twice as long after each further one */
  constructor(
    readonly url: string,
    apiKey: string | undefined,
    private readonly backoffMs = FIRST_BACKOFF_MS,
  ) {
    this.#headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  }

  /** How long the service has asked to wait with the next upload, in ms. */
  get pauseMs(): number {
    return this.#sending.leftMs;
  }

  /** Something got on, so waiting is worth it. */
  progressed(): void {
    this.#sending.progressed();
    this.#reading.progressed();
  }

  /** Every document of a collection. @throws StopError */
  async *documents(collection: string, signal: AbortSignal): AsyncGenerator<DocumentDto> {
    let cursor: string | null = null;
    do {
      const query = new URLSearchParams({ collection, limit: String(PAGE) });
      if (cursor !== null) query.set('cursor', cursor);
      const reply = await this.#read(`/documents?${query.toString()}`, signal);
      const page = this.#expectObject(reply) as Partial<DocumentListDto>;
      if (!Array.isArray(page.documents)) throw this.#stranger();
      yield* page.documents;
      cursor = page.next_cursor ?? null;
    } while (cursor !== null);
  }

  /** A document as it stands; undefined when it is there no more. @throws StopError */
  async document(id: string, signal: AbortSignal): Promise<DocumentDto | undefined> {
    this.#reading.check();
    const reply = await this.#read(`/documents/${id}`, signal);
    return reply.status === 404 ? undefined : (this.#expectObject(reply) as DocumentDto);
  }

  /**
   * Sends a file, whatever patience that takes. The file is streamed.
   * @returns the document's id
   * @throws FileRefusedError when this file cannot be taken in; StopError when none can
   */
  async send(file: IngestFile, collection: string, signal: AbortSignal): Promise<string> {
    const form = async (): Promise<RequestInit> => {
      const body = new FormData();
      body.set('collection', collection);
      body.set('external_id', file.id);
      body.set('file', await openAsBlob(file.path), basename(file.path));
      return { method: 'POST', body };
    };
    const reply = await this.#ask('/documents', form, SEND_TIMEOUT_MS, this.#sending, signal).catch(
      async (error: unknown) => {
        if (!(error instanceof NoAnswerError)) throw error;
        // is it the service, or this file?
        await this.#read('/health/live', signal);
        throw new FileRefusedError(error.message);
      },
    );
    if (concernsAll(reply)) throw new StopError(detailOf(reply));
    if (reply.status !== 202) throw new FileRefusedError(detailOf(reply));
    const [document] = (reply.body as Partial<AcceptedDocumentsDto> | undefined)?.documents ?? [];
    if (document === undefined) throw this.#stranger();
    this.progressed();
    return document.id;
  }

  async #read(path: string, signal: AbortSignal): Promise<Reply> {
    const get = (): Promise<RequestInit> => Promise.resolve({});
    try {
      return await this.#ask(path, get, READ_TIMEOUT_MS, this.#reading, signal);
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      throw new StopError(`The service at ${this.url} cannot be reached: ${error.message}.`);
    }
  }

  /** Asks until there is an answer other than "later". @param init made anew for each attempt */
  async #ask(
    path: string,
    init: () => Promise<RequestInit>,
    timeoutMs: number,
    patience: Patience,
    signal: AbortSignal,
  ): Promise<Reply> {
    for (let failures = 0; ;) {
      await patience.wait(signal);
      // a file that cannot be opened is no matter of the service's
      const request = await init();
      let problem: string;
      try {
        const { reply, retryAfter } = await withDeadline(timeoutMs, signal, async (deadline) => {
          const response = await fetch(this.url + path, {
            ...request,
            redirect: 'error',
            headers: this.#headers,
            signal: deadline,
          });
          return {
            reply: { status: response.status, body: jsonOf(await response.text()) },
            retryAfter: response.headers.get('retry-after'),
          };
        });
        if (reply.status === 401 || reply.status === 403) throw this.#refused(reply);
        if (ASKS_TO_WAIT.has(reply.status)) {
          patience.asked(retryAfter, detailOf(reply));
          continue;
        }
        if (!GONE.has(reply.status)) return reply;
        problem = detailOf(reply);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof StopError) throw error;
        problem = messageOf(error);
      }
      if (++failures === ATTEMPTS) throw new NoAnswerError(problem);
      await wait(this.backoffMs * 2 ** (failures - 1), undefined, { signal });
    }
  }

  #expectObject(reply: Reply): object {
    if (reply.status !== 200) throw new StopError(`The service at ${this.url} fails: ${detailOf(reply)}`);
    if (typeof reply.body !== 'object' || reply.body === null) throw this.#stranger();
    return reply.body;
  }

  #refused(reply: Reply): StopError {
    const sent = this.#headers['authorization'] !== undefined;
    return new StopError(
      `The service at ${this.url} ${sent ? 'refuses the key' : 'needs a key'}: ${detailOf(reply)} ` +
        'Name one with --api-key, or as ADMIN_API_KEY in the environment or .env.',
    );
  }

  #stranger(): StopError {
    return new StopError(`What answers at ${this.url} is not Footnote.`);
  }
}

/** The collection is refused: its name, or its embedding model, which is not configured. */
function concernsAll({ status, body }: Reply): boolean {
  const { errors } = (body ?? {}) as Partial<Problem>;
  return status === 409 || errors?.[0]?.field === 'collection';
}

/** Problem details (RFC 9457) where there are any. */
function detailOf({ status, body }: Reply): string {
  const detail: unknown =
    typeof body === 'object' && body !== null && 'detail' in body ? body.detail : undefined;
  return typeof detail === 'string' ? detail : `it answers with status ${status}.`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
