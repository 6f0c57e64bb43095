import type Anthropic from '@anthropic-ai/sdk';
import type { Span } from '../../common/text/index.js';
import type { GenerationRequest, SourcePassage } from '../language-model.js';
import { acceptsTemperature, SAMPLING_API_VERSION, withoutThinking } from './sampling.js';

/** One `search_result` block as it was sent: what its indexes in a citation stand for. */
export interface SentSource {
  /** Index into `GenerationRequest.sources`. */
  source: number;
  /** Span of the source's text for each text block, in order. */
  spans: Span[];
}

interface RenderedRequest {
  params: Omit<Anthropic.MessageCreateParamsStreaming, 'stream'>;
  /** Beyond those that the SDK sends. */
  headers: Record<string, string>;
  /** In the order of the `search_result` blocks: `search_result_index` is an index into it. */
  blocks: SentSource[];
}

/** Renders a request in the dialect of the Messages API. Sources become citable blocks, one text block a sentence. */
export function renderAnthropicRequest(model: string, request: GenerationRequest): RenderedRequest {
  const blocks: SentSource[] = [];
  const content: Anthropic.ContentBlockParam[] = [];
  for (const [source, passage] of request.sources.entries()) {
    const spans = citableSpans(passage);
    // the API refuses empty text
    if (spans.length === 0) continue;
    blocks.push({ source, spans });
    content.push(searchResult(passage, source, spans));
  }
  content.push({ type: 'text', text: request.questionText });
  const temperature = acceptsTemperature(model) ? request.temperature : undefined;
  // the SDK's types follow the newest API version, which has no temperature
  const sampling = temperature === undefined ? {} : { temperature: Math.min(1, Math.max(0, temperature)) };
  return {
    params: {
      model,
      max_tokens: request.maxTokens,
      ...(request.instructions.trim() !== '' && { system: systemOf(request.instructions) }),
      messages: [
        ...historyOf(request),
        { role: 'user', content: blocks.length > 0 ? content : request.questionText },
      ],
      ...withoutThinking(model),
      ...sampling,
    },
    headers: temperature === undefined ? {} : { 'anthropic-version': SAMPLING_API_VERSION },
    blocks,
  };
}

/** The instructions are the same for every question, so they are marked for the provider's prompt cache. */
function systemOf(instructions: string): Anthropic.TextBlockParam[] {
  return [{ type: 'text', text: instructions, cache_control: { type: 'ephemeral' } }];
}

/** The API refuses empty turns, and a conversation that opens with the assistant's (a chat interface's greeting). */
function historyOf(request: GenerationRequest): Anthropic.MessageParam[] {
  const turns = request.history.filter((turn) => turn.content.trim() !== '');
  const first = turns.findIndex((turn) => turn.role === 'user');
  return first === -1 ? [] : turns.slice(first).map(({ role, content }) => ({ role, content }));
}

function citableSpans({ text, sentences }: SourcePassage): Span[] {
  const spans = sentences.length > 0 ? sentences : [{ start: 0, end: text.length }];
  return spans.filter((span) => text.slice(span.start, span.end).trim() !== '');
}

function searchResult(
  passage: SourcePassage,
  index: number,
  spans: Span[],
): Anthropic.SearchResultBlockParam {
  return {
    type: 'search_result',
    source: passage.url ?? `source-${index + 1}`,
    title: passage.title,
    citations: { enabled: true },
    content: spans.map(({ start }, position) => ({
      type: 'text',
      // up to the next sentence, so that the model sees the line breaks between them
      text: passage.text.slice(start, spans[position + 1]?.start ?? passage.text.length),
    })),
  };
}
