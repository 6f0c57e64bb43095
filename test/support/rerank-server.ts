import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readAll } from 'node:stream/consumers';

export interface RerankRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
  /** Set when the caller closes the connection before it is answered. */
  isLeft: boolean;
}

/** What the server does with a request; `undefined`: it ranks the passages. */
export type RerankBehaviour = ((response: ServerResponse) => void) | undefined;

/** Answers with a status, and with what stands in `headers`. */
export function refuse(status: number, headers: Record<string, string> = {}): RerankBehaviour {
  return (response) => response.writeHead(status, headers).end('{"message":"the text of a passage"}');
}

/** Answers 200 with this text. */
export function say(text: string): RerankBehaviour {
  return (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(text);
}

export const hang: RerankBehaviour = () => undefined;
export const reset: RerankBehaviour = (response) => response.socket?.destroy();

/** What Text Embeddings Inference takes at once, unless it is told otherwise. */
const MOST_OF_TEI = 32;

/** A server that speaks the three dialects of `/rerank`, and ranks first what has the most of a word. */
export class RerankServer {
  readonly requests: RerankRequest[] = [];
  /** For the next requests, one each; then {@link behaviour}. */
  readonly next: RerankBehaviour[] = [];
  behaviour: RerankBehaviour;

  private constructor(
    private readonly server: Server,
    private readonly word: string,
  ) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.take(request, response);
    });
  }

  /** @param word what it ranks by */
  static async start(word: string): Promise<RerankServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new RerankServer(server, word);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v2/rerank`;
  }

  reset(): void {
    this.requests.length = 0;
    this.next.length = 0;
    this.behaviour = undefined;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse(await readAll(request)) as Record<string, unknown>;
    const taken = { path: request.url ?? '', headers: request.headers, body, isLeft: false };
    this.requests.push(taken);
    response.on('close', () => (taken.isLeft = !response.writableFinished));
    const behaviour = this.next.length > 0 ? this.next.shift() : this.behaviour;
    if (behaviour !== undefined) return behaviour(response);
    const isTei = 'texts' in body;
    const passages = (isTei ? body['texts'] : body['documents']) as string[];
    if (isTei && passages.length > MOST_OF_TEI) return void response.writeHead(422).end();
    const ranked = passages
      .map((passage, index) => ({ index, score: passage.split(this.word).length - 1 }))
      .sort((a, b) => b.score - a.score);
    const results = ranked.map(({ index, score }) => ({ index, relevance_score: score }));
    const usage =
      'return_documents' in body
        ? { usage: { total_tokens: 100 } }
        : { meta: { billed_units: { search_units: 1 } } };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(isTei ? ranked : { results, ...usage }));
  }
}
