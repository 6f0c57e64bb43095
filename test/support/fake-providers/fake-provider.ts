import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { AnthropicWire } from './anthropic-wire.js';
import { answer, type Behaviour, type FakeUsage } from './behaviours.js';
import { embeddingsBody } from './fake-embeddings.js';
import { FakeExchange } from './fake-exchange.js';
import { OpenAiWire } from './openai-wire.js';
import type { Json, Wire } from './wire.js';

/** A behaviour, or a function that picks one for the request. */
export type Script = Behaviour | ((exchange: FakeExchange) => Behaviour);

/**
 * A provider on a loopback port that speaks Anthropic's and OpenAI's wire protocols, so that tests drive the real SDKs.
 * What it does with each request is scripted:
 *
 * ```ts
 * await using provider = await FakeProvider.start();
 * provider.next(status(529), answer('It is so.'));          // one request each, in order
 * provider.default(answer('Always this.', { delayMs: 5 })); // all others
 * ```
 */
export class FakeProvider implements AsyncDisposable {
  /** All requests, oldest first. */
  readonly requests: FakeExchange[] = [];
  readonly #server: Server;
  readonly #queue: Script[] = [];
  #default: Script = answer('This is the answer.');
  #port = 0;
  #connections = 0;
  #opened = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.keepAliveTimeout = 60_000;
    this.#server.on('connection', (socket) => {
      this.#connections++;
      this.#opened++;
      socket.once('close', () => this.#connections--);
    });
  }

  static async start(): Promise<FakeProvider> {
    const provider = new FakeProvider();
    provider.#server.listen(0, '127.0.0.1');
    await once(provider.#server, 'listening');
    provider.#port = (provider.#server.address() as AddressInfo).port;
    return provider;
  }

  /** For `ANTHROPIC_BASE_URL`. */
  get anthropicBaseUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** For `OPENAI_BASE_URL`. */
  get openaiBaseUrl(): string {
    return `http://127.0.0.1:${this.#port}/v1`;
  }

  /** Connections that are open now, idle keep-alive ones included. */
  get openConnections(): number {
    return this.#connections;
  }

  /** Connections that were ever opened. */
  get openedConnections(): number {
    return this.#opened;
  }

  /** The latest request. @throws Error when there was none */
  get lastRequest(): FakeExchange {
    const last = this.requests.at(-1);
    if (last === undefined) throw new Error('the fake provider has had no request');
    return last;
  }

  /** What a provider would bill for all requests so far. */
  get billed(): FakeUsage {
    const total: FakeUsage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
    for (const { billed } of this.requests) {
      total.inputTokens += billed.inputTokens;
      total.outputTokens += billed.outputTokens;
      total.cacheReadTokens += billed.cacheReadTokens;
      total.cacheWriteTokens += billed.cacheWriteTokens;
    }
    return total;
  }

  /** Queues behaviours, one for each of the next requests for an answer or an embedding. */
  next(...scripts: Script[]): this {
    this.#queue.push(...scripts);
    return this;
  }

  /** What happens when the queue is empty. An embedding request takes any answer to mean its vectors. */
  default(script: Script): this {
    this.#default = script;
    return this;
  }

  /** Forgets requests, queue and default. */
  reset(): void {
    this.requests.length = 0;
    this.#queue.length = 0;
    this.#default = answer('This is the answer.');
  }

  /** Waits until something is true of the provider. @throws Error after `ms` */
  async until(condition: (provider: this) => boolean, ms = 2_000): Promise<void> {
    const end = performance.now() + ms;
    while (!condition(this)) {
      if (performance.now() > end) throw new Error(`the fake provider did not get there in ${ms} ms`);
      await wait(2);
    }
  }

  /** Waits until every request has ended. */
  async settled(ms = 2_000): Promise<void> {
    await this.until(() => this.requests.every((request) => request.endedAt !== undefined), ms);
  }

  /** Ends all connections and refuses new ones. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = parsed(await text(request).catch(() => ''));
    const exchange = new FakeExchange(request, body, response);
    this.requests.push(exchange);
    const wire = wireOf(exchange);
    if (wire === undefined) {
      exchange.json(404, {
        error: { type: 'not_found_error', message: `no ${exchange.method} ${exchange.path}` },
      });
      return;
    }
    const queued = this.#queue.shift();
    const script = queued ?? this.#default;
    const behaviour = typeof script === 'function' ? script(exchange) : script;
    if (exchange.path.endsWith('/embeddings') && behaviour.kind === 'answer') {
      if (behaviour.headersDelayMs) await wait(behaviour.headersDelayMs);
      const { json, tokens } = embeddingsBody(body);
      exchange.billed.inputTokens = tokens;
      exchange.json(200, json);
    } else await exchange.play(behaviour, wire);
  }
}

function wireOf({ method, path, body }: FakeExchange): Wire | undefined {
  if (method !== 'POST') return undefined;
  if (path === '/v1/messages') return new AnthropicWire(body);
  return path === '/v1/chat/completions' || path === '/v1/embeddings' ? new OpenAiWire(body) : undefined;
}

function parsed(json: string): Json {
  try {
    return JSON.parse(json) as Json;
  } catch {
    return {};
  }
}
