import { once } from 'node:events';
import type { Response } from 'express';
import { ClientDisconnectedError } from './open-requests.js';

/** A comment goes out after this long without an event, so that no proxy takes the connection for dead. */
const KEEP_ALIVE_MS = 15_000;
/** A client that has not read anything for this long is taken to be gone. */
const SLOWEST_READER_MS = 60_000;

/**
 * Writes server-sent events (WHATWG HTML, "Server-sent events") with increasing ids, never faster than the client reads.
 */
export class SseWriter {
  private id = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly response: Response,
    private readonly signal: AbortSignal,
  ) {}

  /** Sends the response's head. */
  begin(headers: Record<string, string> = {}): void {
    this.response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      // nginx buffers responses unless told otherwise
      'X-Accel-Buffering': 'no',
      ...headers,
    });
    this.response.flushHeaders();
    this.timer = setInterval(() => {
      if (!this.response.writableNeedDrain) this.response.write(': keep-alive\n\n');
    }, KEEP_ALIVE_MS);
  }

  /** Waits while the client's buffers are full. Rejects when it goes away. */
  async write(event: string, data: unknown): Promise<void> {
    const flushed = this.response.write(
      `id: ${++this.id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
    );
    this.timer?.refresh();
    if (!flushed) await this.drained();
  }

  /** @throws the signal's reason when it aborts, ClientDisconnectedError when the client has stopped reading */
  private async drained(): Promise<void> {
    const patience = AbortSignal.timeout(SLOWEST_READER_MS);
    try {
      await once(this.response, 'drain', { signal: AbortSignal.any([this.signal, patience]) });
    } catch {
      this.signal.throwIfAborted();
      // nobody reads: free the connection, and so the model's
      this.response.destroy();
      throw new ClientDisconnectedError();
    }
  }

  end(): void {
    clearInterval(this.timer);
    this.response.end();
  }
}
