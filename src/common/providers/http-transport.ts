import { Agent, type Dispatcher, request } from 'undici';
import { orAborted } from '../concurrency/or-aborted.js';

/** The `fetch` that both provider SDKs accept. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** Streams wait for a free connection above this number; it bounds sockets, not throughput of short calls. */
const CONNECTIONS_PER_ORIGIN = 256;
const CONNECT_TIMEOUT_MS = 10_000;
/** Shorter than the idle limit of the usual load balancers (60 s), so that they rarely close a socket in use. */
const KEEP_ALIVE_MS = 30_000;
/** How long the end of a body may take that nobody reads on: a new connection takes about as long. */
const DRAIN_MS = 500;

/**
 * The HTTP transport of the provider SDKs: a `fetch` over `undici.request` and one keep-alive agent.
 *
 * The full `fetch` of the platform costs more than all other work of an answer together: web streams, header guards
 * and body cloning that an SDK call never uses. This one returns only what the SDKs read of a response. Aborting the
 * request's signal destroys the socket at once; leaving the iteration of the body without that gives the body a moment
 * to end by itself, because only then can the connection be used again.
 */
export class HttpTransport {
  readonly #agent = new Agent({
    connections: CONNECTIONS_PER_ORIGIN,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // the pipeline times calls itself: until the first token, between tokens, and as a whole
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  /** Bound, so that it can be handed over as a function. */
  readonly fetch: Fetch = (input, init) => this.#fetch(input, init);

  /** Ends all connections, also those in use. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #fetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    if (input instanceof Request) throw new TypeError('HttpTransport takes a URL, not a Request');
    const body = init.body ?? null;
    if (body !== null && typeof body !== 'string')
      throw new TypeError('HttpTransport sends string bodies only');
    const { signal } = init;
    signal?.throwIfAborted();
    const sent = request(input, {
      dispatcher: this.#agent,
      method: init.method ?? 'GET',
      headers: headersOf(init.headers),
      body,
      signal: signal ?? undefined,
    });
    // a request still waiting for a connection notices an abort only when it gets one
    const response = new ThinResponse(String(input), await (signal ? orAborted(sent, signal) : sent));
    // the SDKs type it as the platform's Response, of which they read only what ThinResponse has
    return response as unknown as Response;
  }
}

function headersOf(init: RequestInit['headers']): Record<string, string> {
  const headers = Object.fromEntries(init instanceof Headers ? init : new Headers(init));
  // nothing here inflates a body; for text that arrives token by token compression gains nothing anyway
  headers['accept-encoding'] = 'identity';
  return headers;
}

/** What the SDKs touch of a `Response`. */
class ThinResponse {
  readonly status: number;
  readonly statusText: string;
  readonly ok: boolean;
  readonly headers: Headers;
  readonly body: ThinBody;

  constructor(
    readonly url: string,
    data: Dispatcher.ResponseData,
  ) {
    this.status = data.statusCode;
    this.statusText = data.statusText;
    this.ok = data.statusCode >= 200 && data.statusCode < 300;
    this.headers = new Headers();
    for (const [name, value] of Object.entries(data.headers)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== undefined) this.headers.append(name, one);
      }
    }
    this.body = new ThinBody(data.body);
  }

  text(): Promise<string> {
    return this.body.source.text();
  }

  json(): Promise<unknown> {
    return this.body.source.json();
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.body.source.arrayBuffer();
  }
}

/**
 * A response body as an async iterable. The OpenAI SDK leaves its iteration at the `[DONE]` event, which is before the
 * end of the body: closing the connection there would mean a new one, with its handshakes, for each answer.
 */
class ThinBody {
  constructor(readonly source: Dispatcher.ResponseData['body']) {
    // a body that is never read must not turn an abort into an unhandled error
    source.on('error', () => undefined);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const { source } = this;
    const chunks = source.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array, undefined>;
    return {
      next: () => chunks.next(),
      return: () => {
        drain(source);
        // lets go of the source; not awaited, because a read that is under way would hold it up
        chunks.return?.().then(
          () => source.resume(),
          () => undefined,
        );
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  cancel(): Promise<void> {
    this.source.destroy();
    return Promise.resolve();
  }
}

/** Destroys the source unless it ends soon. */
function drain(source: Dispatcher.ResponseData['body']): void {
  if (source.closed || source.destroyed) return;
  const timer = setTimeout(() => source.destroy(), DRAIN_MS).unref();
  source.once('close', () => clearTimeout(timer));
}
