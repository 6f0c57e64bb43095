import type { AnswerEvent, AnswerSummary, Timings } from '../answer-event.js';
import {
  type AlternativeDto,
  type AnswerDto,
  type EvaluationDto,
  toAlternativeDto,
  toDoneDto,
  toEvaluationDto,
} from '../dto/answer.dto.js';
import { type CitationDto, toCitationDto, toHitDto } from '../dto/source.dto.js';
import type { SearchHit } from '../../retrieval/index.js';

/**
 * Collects the events of an answer into one JSON object.
 * @param requestId for the problems of alternatives that failed
 */
export async function encodeJson(
  events: AsyncIterable<AnswerEvent>,
  requestId: string,
): Promise<{ answer: AnswerDto; timings: Timings }> {
  let hits: SearchHit[] = [];
  let text = '';
  let summary: AnswerSummary | undefined;
  let evaluation: EvaluationDto | null = null;
  const citations: CitationDto[] = [];
  const alternatives: AlternativeDto[] = [];
  for await (const event of events) {
    if (event.type === 'sources') hits = event.sources;
    else if (event.type === 'token') text += event.text;
    else if (event.type === 'citation') citations.push(toCitationDto(event.citation));
    else if (event.type === 'alternative') alternatives.push(toAlternativeDto(event.alternative, requestId));
    else if (event.type === 'done') summary = event.summary;
    else evaluation = toEvaluationDto(event.evaluation);
  }
  if (summary === undefined) throw new Error('the answer ended without its last event');
  const cited = new Set(citations.map(({ source }) => source));
  const sources = hits.map((hit, index) => ({ ...toHitDto(hit), cited: cited.has(index) }));
  const { id, ...rest } = toDoneDto(summary, citations);
  const answer = {
    id,
    answer: text,
    sources,
    ...rest,
    ...(alternatives.length > 0 && { alternatives }),
    evaluation,
  };
  return { answer, timings: summary.timings };
}
