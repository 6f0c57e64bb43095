import type { Response } from 'express';
import { SseWriter, toProblem } from '../../common/index.js';
import type { AnswerEvent } from '../answer-event.js';
import { toAlternativeDto, toDoneDto, toEvaluationDto } from '../dto/answer.dto.js';
import { serverTiming } from '../dto/timings.dto.js';
import { type CitationDto, toCitationDto, toHitDto } from '../dto/source.dto.js';

/**
 * Writes the events of an answer as server-sent events, each as it comes.
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
  writer.begin(
    !next.done && next.value.type === 'sources' ? { 'Server-Timing': serverTiming(next.value.timings) } : {},
  );
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
