/** A collection as the service shows it, as far as it matters here. */
export interface CollectionState {
  embedding_model: string;
  chunks: number;
  reembedding: {
    model: string;
    state: 'building' | 'stopped' | 'failed';
    chunks: number;
    chunks_done: number;
    error: string | null;
  } | null;
}

/** The service answered with an error. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';

  /** @param status of HTTP */
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 30_000;

/** One collection, over HTTP. */
export class CollectionClient {
  private readonly address: string;

  /** @param key sent where there is one */
  constructor(
    url: string,
    collection: string,
    private readonly key: string | undefined,
  ) {
    this.address = `${url}/collections/${encodeURIComponent(collection)}`;
  }

  /** @throws RefusedError; TypeError when the service cannot be reached */
  get(signal: AbortSignal): Promise<CollectionState> {
    return this.send<CollectionState>('GET', '', undefined, signal);
  }

  /** Begins to embed it with a model, or goes on. @throws as {@link get} */
  start(model: string, signal: AbortSignal): Promise<CollectionState> {
    return this.send<CollectionState>('POST', '/embedding', { model }, signal);
  }

  /** @throws as {@link get} */
  async stop(signal: AbortSignal): Promise<void> {
    await this.send('DELETE', '/embedding', undefined, signal);
  }

  private async send<T>(
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<T> {
    const response = await fetch(this.address + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.key === undefined ? {} : { authorization: `Bearer ${this.key}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const text = await response.text();
    if (!response.ok) throw new RefusedError(response.status, detailOf(text) ?? `HTTP ${response.status}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}

/** The sentence of a problem (RFC 9457). */
function detailOf(text: string): string | undefined {
  try {
    const problem: unknown = JSON.parse(text);
    return typeof problem === 'object' && problem !== null && 'detail' in problem
      ? String(problem.detail)
      : undefined;
  } catch {
    return undefined;
  }
}
