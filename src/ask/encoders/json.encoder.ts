import type { AnswerEvent, Timings } from '../answer-event.js';
import { type AnswerDto, toDoneDto } from '../dto/answer.dto.js';
import { type CitationDto, toCitationDto, toHitDto } from '../dto/source.dto.js';
import type { SearchHit } from '../../retrieval/index.js';

/** Collects the events of an answer into one JSON object. */
export async function encodeJson(
  events: AsyncIterable<AnswerEvent>,
): Promise<{ answer: AnswerDto; timings: Timings }> {
  let hits: SearchHit[] = [];
  let text = '';
  const citations: CitationDto[] = [];
  for await (const event of events) {
    if (event.type === 'sources') hits = event.sources;
    else if (event.type === 'token') text += event.text;
    else if (event.type === 'citation') citations.push(toCitationDto(event.citation));
    else {
      const cited = new Set(citations.map(({ source }) => source));
      const sources = hits.map((hit, index) => ({ ...toHitDto(hit), cited: cited.has(index) }));
      const { id, ...rest } = toDoneDto(event.summary, citations);
      return { answer: { id, answer: text, sources, ...rest }, timings: event.summary.timings };
    }
  }
  throw new Error('the answer ended without its last event');
}
