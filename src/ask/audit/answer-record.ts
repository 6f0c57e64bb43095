import { toAppError } from '../../common/index.js';
import { sumDecimals } from '../../costs/index.js';
import type { AlternativeAnswer, Citation } from '../answer-event.js';
import { billOf } from '../bill.js';
import { tokensUsed, toUsageDto, type UsageDto } from '../dto/answer.dto.js';
import { toCitationDto, toHitDto } from '../dto/source.dto.js';
import { milliseconds, type TimingsDto, toTimingsDto } from '../dto/timings.dto.js';
import type { RecordedAlternativeDto, RecordedCitationDto, RecordedSourceDto } from './answers.dto.js';
import type { Recording } from './recording.js';

/** One ask as the trail keeps it; the names are those of the table's columns. */
export interface AnswerRecord {
  id: string;
  key_id: string;
  question: string | null;
  standalone_question: string | null;
  answer: string | null;
  sources: RecordedSourceDto[];
  citations: RecordedCitationDto[];
  alternatives: RecordedAlternativeDto[];
  model: string;
  prompt_version: string | null;
  finish_reason: string | null;
  error: string | null;
  usage: UsageDto;
  /** A decimal of US dollars; null: a model's price is not known. */
  cost_usd: string | null;
  timings: TimingsDto | null;
  latency_ms: number;
  attempts: number;
  cached: boolean;
}

/** @param storesText whether the words are kept; else only ids, offsets and numbers are */
export function recordOf(recording: Recording, storesText: boolean): AnswerRecord {
  const { question, found, outcome, error, calls } = recording;
  const text = textKeeper(storesText);
  const finish = outcome?.finish;
  return {
    id: recording.id,
    key_id: question.caller.id,
    question: text(question.question),
    standalone_question: text(found?.standaloneQuestion ?? null),
    answer: text(outcome?.answer ?? null),
    sources: sourcesOf(recording, text),
    citations: (outcome?.citations ?? []).map((citation) => citationOf(citation, text)),
    alternatives: recording.alternatives.map((alternative) => alternativeOf(alternative, text)),
    model: finish?.model ?? recording.models[0]?.id ?? '',
    prompt_version: recording.prompt?.version ?? null,
    finish_reason: error === null ? (outcome?.finishReason ?? null) : null,
    error,
    usage: toUsageDto(billOf(calls).usage),
    cost_usd: sumDecimals(calls.map(({ costUsd }) => costUsd)),
    timings:
      found === undefined
        ? null
        : toTimingsDto({
            ...found.timings,
            ...(outcome?.timings() ?? { firstTokenMs: null, generateMs: 0 }),
          }),
    latency_ms: milliseconds(recording.latencyMs),
    attempts: finish?.calls.length ?? recording.answerCalls.length,
    cached: finish?.cached ?? false,
  };
}

type Text = (text: string | null) => string | null;

/** What is kept of a text: PostgreSQL takes no NUL and no half of a surrogate pair, and no question may hide behind one. */
function textKeeper(storesText: boolean): Text {
  return (text) => (storesText ? (text?.replaceAll('\0', '\uFFFD').toWellFormed() ?? null) : null);
}

function sourcesOf({ prompt, outcome }: Recording, text: Text): RecordedSourceDto[] {
  const cited = new Set(outcome?.citations.map(({ source }) => source));
  return (prompt?.sources ?? []).map(({ hit }, index) => {
    const { content_preview: _, ...source } = toHitDto(hit);
    return { ...source, title: text(hit.title), url: text(hit.url), cited: cited.has(index) };
  });
}

function citationOf(citation: Citation, text: Text): RecordedCitationDto {
  return { ...toCitationDto(citation), quote: text(citation.quote) };
}

function alternativeOf(alternative: AlternativeAnswer, text: Text): RecordedAlternativeDto {
  const { usage, error } = alternative;
  return {
    model: alternative.model,
    answer: text(alternative.answer),
    citations: alternative.citations.map((citation) => citationOf(citation, text)),
    finish_reason: alternative.finishReason,
    error: error === undefined ? null : toAppError(error).code,
    tokens_used: tokensUsed(usage),
    usage: toUsageDto(usage),
    cost_usd: alternative.costUsd,
    latency_ms: milliseconds(alternative.latencyMs),
    attempts: alternative.attempts,
  };
}
