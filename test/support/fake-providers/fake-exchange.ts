import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { AnswerOptions, AnswerPart, Behaviour, FakeUsage, Interruption } from './behaviours.js';
import { type Json, tokensOf, type Wire } from './wire.js';

/** One request as the provider saw it. Times are of `performance.now()`. */
export class FakeExchange {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly startedAt = performance.now();
  /** When the response was complete, or the connection gone. */
  endedAt: number | undefined;
  /** When the client closed the connection before the response was complete. */
  abortedAt: number | undefined;
  /** What a provider would bill: the prompt once it answers 200, and every token that it has sent. */
  readonly billed: FakeUsage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
  readonly #closed = new AbortController();
  #ours = false;

  constructor(
    request: IncomingMessage,
    /** The parsed JSON body; empty when there was none. */
    readonly body: Json,
    private readonly response: ServerResponse,
  ) {
    this.method = request.method ?? '';
    this.path = request.url ?? '';
    this.headers = request.headers;
    // a client may be gone before its request has been read
    if (response.destroyed) this.#close();
    else response.once('close', () => this.#close());
  }

  /** True when the client went away before the response was complete. */
  get aborted(): boolean {
    return this.abortedAt !== undefined;
  }

  /** Plays a behaviour. Never rejects: a client that goes away ends it. */
  async play(behaviour: Behaviour, wire: Wire): Promise<void> {
    try {
      await this.#play(behaviour, wire);
    } catch (error) {
      if (!this.#closed.signal.aborted) throw error;
    }
  }

  /** Sends a JSON response. */
  json(code: number, body: Json, headers: Record<string, string> = {}): void {
    this.response.writeHead(code, {
      'content-type': 'application/json',
      'request-id': 'req_fake',
      ...headers,
    });
    this.response.end(JSON.stringify(body));
  }

  /** Destroys the connection from the provider's side. */
  destroy(): void {
    this.#ours = true;
    this.response.destroy();
  }

  async #play(behaviour: Behaviour, wire: Wire): Promise<void> {
    switch (behaviour.kind) {
      case 'answer':
        await wait(behaviour.headersDelayMs ?? 0, undefined, { signal: this.#closed.signal });
        if (this.body['stream'] === true) await this.#stream(behaviour.parts, behaviour, wire);
        else this.#whole(behaviour.parts, behaviour, wire);
        break;
      case 'status':
        this.json(behaviour.status, wire.errorBody(behaviour.errorType, behaviour.message), {
          'x-request-id': 'req_fake',
          ...behaviour.headers,
        });
        break;
      case 'reset':
        this.destroy();
        break;
      case 'hang':
        if (behaviour.headers) this.#openStream();
        await this.#hang();
        break;
      case 'garbage':
        if (behaviour.format === 'json') {
          this.response.writeHead(200, { 'content-type': 'application/json' });
          this.response.end('{"id": "fake", "cont');
        } else {
          this.#openStream();
          this.response.end(behaviour.format === 'sse' ? wire.garbage() : '');
        }
        break;
    }
  }

  #close(): void {
    this.endedAt = performance.now();
    if (!this.response.writableFinished && !this.#ours) this.abortedAt = this.endedAt;
    this.#closed.abort();
  }

  #openStream(): void {
    this.response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_fake' });
    this.response.flushHeaders();
  }

  #whole(parts: AnswerPart[], options: AnswerOptions, wire: Wire): void {
    this.#billPrompt(options);
    this.billed.outputTokens = parts.reduce((sum, part) => sum + tokensOf(wire.textOf(part)).length, 0);
    this.json(200, wire.json(parts, this.#reported(options), options));
  }

  async #stream(parts: AnswerPart[], options: AnswerOptions, wire: Wire): Promise<void> {
    this.#openStream();
    this.#billPrompt(options);
    this.response.write(wire.open(this.#reported(options)));
    if (await this.#interrupt(options.interruption, wire)) return;
    for (const [index, part] of parts.entries()) {
      this.response.write(wire.openPart(index, part));
      for (const token of tokensOf(wire.textOf(part))) {
        if (options.delayMs) await wait(options.delayMs, undefined, { signal: this.#closed.signal });
        if (this.#closed.signal.aborted) return;
        this.billed.outputTokens++;
        // a provider generates no faster than its client reads
        const flushed = this.response.write(wire.token(index, token));
        if (!flushed) await once(this.response, 'drain', { signal: this.#closed.signal });
        if (await this.#interrupt(options.interruption, wire)) return;
      }
      this.response.write(wire.closePart(index, part));
    }
    this.response.end(wire.close(this.#reported(options), options));
  }

  /** Breaks the stream off if this is the place. */
  async #interrupt(interruption: Interruption | undefined, wire: Wire): Promise<boolean> {
    if (interruption?.afterTokens !== this.billed.outputTokens) return false;
    // lets what was written reach the client first
    await wait(20, undefined, { signal: this.#closed.signal });
    if (interruption.how === 'stall') await this.#hang();
    else if (interruption.how === 'cut') this.destroy();
    else if (interruption.how === 'end') this.response.end();
    else if (interruption.how === 'garbage') this.response.end(wire.garbage());
    else this.response.end(wire.error(interruption.errorType ?? 'overloaded_error'));
    return true;
  }

  async #hang(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    await new Promise((resolve) => this.#closed.signal.addEventListener('abort', resolve, { once: true }));
  }

  #billPrompt({ usage }: AnswerOptions): void {
    const counts = usage === 'missing' ? {} : usage;
    // a quarter of the characters: no real count, but the same for the same request
    this.billed.inputTokens = counts?.inputTokens ?? Math.ceil(JSON.stringify(this.body).length / 4);
    this.billed.cacheReadTokens = counts?.cacheReadTokens ?? 0;
    this.billed.cacheWriteTokens = counts?.cacheWriteTokens ?? 0;
  }

  #reported({ usage }: AnswerOptions): FakeUsage {
    return {
      ...this.billed,
      ...(usage !== 'missing' && usage?.outputTokens && { outputTokens: usage.outputTokens }),
    };
  }
}
