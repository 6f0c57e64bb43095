import type { AnswerOptions, AnswerPart, FakeUsage } from './behaviours.js';
import { event, type Json, type Wire } from './wire.js';

/** Anthropic's Messages API. */
export class AnthropicWire implements Wire {
  constructor(private readonly body: Json) {}

  open(usage: FakeUsage): string {
    const message = { ...this.#message(), content: [], usage: { ...wireUsage(usage), output_tokens: 1 } };
    return event({ type: 'message_start', message }, 'message_start') + event({ type: 'ping' }, 'ping');
  }

  openPart(index: number, part: AnswerPart): string {
    const block = { type: 'text', text: '', ...(part.cites && { citations: [] }) };
    return event({ type: 'content_block_start', index, content_block: block }, 'content_block_start');
  }

  token(index: number, text: string): string {
    return this.#delta(index, { type: 'text_delta', text });
  }

  closePart(index: number, part: AnswerPart): string {
    const citations = this.#citations(part).map((citation) =>
      this.#delta(index, { type: 'citations_delta', citation }),
    );
    return citations.join('') + event({ type: 'content_block_stop', index }, 'content_block_stop');
  }

  close(usage: FakeUsage, options: AnswerOptions): string {
    const delta = { stop_reason: options.finishReason ?? 'end_turn', stop_sequence: null };
    // cumulative, as on the wire
    const counts = options.usage === 'missing' || options.hidesUsage ? {} : wireUsage(usage);
    return (
      event({ type: 'message_delta', delta, usage: counts }, 'message_delta') +
      event({ type: 'message_stop' }, 'message_stop')
    );
  }

  error(type: string): string {
    return event(this.errorBody(type, 'secret words of the provider'), 'error');
  }

  garbage(): string {
    return 'event: content_block_delta\ndata: {"type": "content_block_del\n\n';
  }

  textOf(part: AnswerPart): string {
    return part.text;
  }

  json(parts: AnswerPart[], usage: FakeUsage, options: AnswerOptions): Json {
    return {
      ...this.#message(),
      content: parts.map((part) => ({ type: 'text', text: part.text, citations: this.#citations(part) })),
      stop_reason: options.finishReason ?? 'end_turn',
      usage: wireUsage(usage),
    };
  }

  errorBody(type: string, message: string): Json {
    return { type: 'error', error: { type, message }, request_id: 'req_fake' };
  }

  #message(): Json {
    const { model } = this.body;
    return {
      id: 'msg_fake',
      type: 'message',
      role: 'assistant',
      model,
      stop_reason: null,
      stop_sequence: null,
    };
  }

  #delta(index: number, delta: Json): string {
    return event({ type: 'content_block_delta', index, delta }, 'content_block_delta');
  }

  #citations(part: AnswerPart): Json[] {
    const results = searchResults(this.body);
    return (part.cites ?? []).map(({ source, startBlock = 0, endBlock = startBlock + 1 }) => ({
      type: 'search_result_location',
      search_result_index: source,
      start_block_index: startBlock,
      end_block_index: endBlock,
      source: results[source]?.source ?? '',
      title: results[source]?.title ?? null,
      cited_text: (results[source]?.content ?? [])
        .slice(startBlock, endBlock)
        .map((block) => block.text)
        .join(''),
    }));
  }
}

interface SearchResult {
  type: string;
  source: string;
  title: string;
  content: { text: string }[];
}

/** The citable blocks of a request, in their order: what `search_result_index` counts. */
function searchResults(body: Json): SearchResult[] {
  const messages = (body['messages'] ?? []) as { content: string | SearchResult[] }[];
  return messages
    .flatMap((message) => (typeof message.content === 'string' ? [] : message.content))
    .filter((block) => block.type === 'search_result');
}

function wireUsage(usage: FakeUsage): Json {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_read_input_tokens: usage.cacheReadTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
  };
}
