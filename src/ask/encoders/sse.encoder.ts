import { once } from 'node:events';
import type { Response } from 'express';
import { ClientDisconnectedError, toProblem } from '../../common/index.js';
import type { AnswerEvent } from '../answer-event.js';
import { serverTiming, toAlternativeDto, toDoneDto, toEvaluationDto } from '../dto/answer.dto.js';
import { type CitationDto, toCitationDto, toHitDto } from '../dto/source.dto.js';

/** A comment goes out after this long without an event, so that no proxy takes the connection for dead. */
const KEEP_ALIVE_MS = 15_000;
/** A client that has not read anything for this long is taken to be gone. */
const SLOWEST_READER_MS = 60_000;

/**
 * Writes the events of an answer as server-sent events (WHATWG HTML, "Server-sent events"): each as it comes, never
 * faster than the client reads, with an increasing id.
 *
 * @throws what the pipeline throws before its first event; later errors become the `error` event
 */
export async function encodeSse(
  events: AsyncIterable<AnswerEvent>,
  response: Response,
  signal: AbortSignal,
): Promise<void> {
  const iterator = events[Symbol.asyncIterator]();
  // an error until here is an ordinary HTTP error: nothing has been sent
  let next = await iterator.next();
  const writer = new SseWriter(response, signal);
  writer.begin(!next.done && next.value.type === 'sources' ? serverTiming(next.value.timings) : '');
  const citations: CitationDto[] = [];
  const requestId = String(response.locals['requestId']);
  try {
    while (!next.done) {
      await writer.write(next.value.type, dataOf(next.value, citations, requestId));
      next = await iterator.next();
    }
  } catch (error) {
    if (response.destroyed) return;
    const problem = toProblem(error, requestId);
    await writer.write('error', problem);
  } finally {
    writer.end();
    await iterator.return?.(undefined);
  }
}

function dataOf(event: AnswerEvent, citations: CitationDto[], requestId: string): object {
  switch (event.type) {
    case 'sources':
      return { sources: event.sources.map((hit) => ({ ...toHitDto(hit), cited: false })) };
    case 'token':
      return { text: event.text };
    case 'citation': {
      const citation = toCitationDto(event.citation);
      citations.push(citation);
      return citation;
    }
    case 'alternative':
      return toAlternativeDto(event.alternative, requestId);
    case 'done':
      return toDoneDto(event.summary, citations);
    case 'evaluation':
      return toEvaluationDto(event.evaluation);
    default:
      return event satisfies never;
  }
}

class SseWriter {
  private id = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly response: Response,
    private readonly signal: AbortSignal,
  ) {}

  begin(timing: string): void {
    this.response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      // nginx buffers responses unless told otherwise
      'X-Accel-Buffering': 'no',
      'Server-Timing': timing,
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
