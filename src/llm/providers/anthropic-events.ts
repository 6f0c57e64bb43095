import type Anthropic from '@anthropic-ai/sdk';
import type { FinishReason, ModelCitation, ModelEvent, TokenUsage } from '../language-model.js';
import { ModelError } from '../../common/providers/index.js';
import { usageAtLeast } from '../usage.js';
import type { SentSource } from './anthropic-request.js';

const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  refusal: 'content_filter',
};

type Event = Anthropic.RawMessageStreamEvent;

/** Turns one message's stream events into model events. */
export class AnthropicEventReader {
  #usage: TokenUsage | undefined;
  #reportedOutput = 0;
  #reason: FinishReason = 'other';
  #stopped = false;
  /** The answer so far, in the current content block from `#blockStart`. */
  #answer = '';
  /** All that was billed as output so far: the answer, and thoughts of models that cannot be kept from them. */
  #written = '';
  #blockStart = 0;
  #cited: Omit<ModelCitation, 'start' | 'end'>[] = [];

  constructor(
    private readonly provider: string,
    private readonly blocks: readonly SentSource[],
  ) {}

  /** What an event of the wire means; a malformed one throws a `TypeError`. */
  *read(event: Event): Generator<ModelEvent> {
    switch (event.type) {
      case 'message_start':
        yield this.#usageOf(event.message.usage);
        break;
      case 'content_block_start':
        this.#blockStart = this.#answer.length;
        this.#cited = [];
        if (event.content_block.type === 'text') yield* this.#say(event.content_block.text);
        break;
      case 'content_block_delta':
        if (event.delta.type === 'text_delta') yield* this.#say(event.delta.text);
        else if (event.delta.type === 'thinking_delta') this.#written += event.delta.thinking;
        else if (event.delta.type === 'citations_delta') this.#cite(event.delta.citation);
        break;
      case 'content_block_stop':
        yield* this.#citations();
        break;
      case 'message_delta':
        this.#reason = FINISH_REASONS[event.delta.stop_reason ?? ''] ?? 'other';
        yield this.#usageOf(event.usage);
        break;
      case 'message_stop':
        this.#stopped = true;
        yield { type: 'finish', reason: this.#reason };
        break;
      default:
      // the API may add event types at any time
    }
  }

  /** Called when the stream has ended. @throws ModelError when the message had not */
  end(): void {
    if (this.#stopped) return;
    if (this.#usage === undefined) {
      throw new ModelError(`${this.provider} sent an empty answer`, {
        kind: 'malformed_response',
        provider: this.provider,
      });
    }
    throw new ModelError(`${this.provider} ended its stream before the answer's end`, {
      kind: 'connection',
      provider: this.provider,
    });
  }

  *#say(text: string): Generator<ModelEvent> {
    if (text === '') return;
    this.#answer += text;
    this.#written += text;
    yield { type: 'text', text };
  }

  #cite(citation: Anthropic.CitationsDelta['citation']): void {
    if (citation.type !== 'search_result_location') return;
    const block = this.blocks[citation.search_result_index];
    const first = block?.spans[citation.start_block_index];
    const last = block?.spans[citation.end_block_index - 1];
    if (block === undefined || first === undefined || last === undefined || last.end < first.start) return;
    this.#cited.push({
      type: 'citation',
      source: block.source,
      quote: { start: first.start, end: last.end },
    });
  }

  /** A citation belongs to the whole text of its content block; its span leaves out the white space at the ends. */
  *#citations(): Generator<ModelEvent> {
    const text = this.#answer.slice(this.#blockStart);
    const start = this.#blockStart + (text.length - text.trimStart().length);
    const end = this.#blockStart + text.trimEnd().length;
    if (start < end) for (const cited of this.#cited) yield { ...cited, start, end };
    this.#cited = [];
  }

  /**
   * Counts are cumulative; one that an event leaves out is the one before. The output of a message that is not at its
   * end, or whose end has no count, is at least what was written.
   */
  #usageOf(usage: Anthropic.Usage | Anthropic.MessageDeltaUsage): ModelEvent {
    const before = this.#usage;
    const isFinal = before !== undefined && typeof usage.output_tokens === 'number';
    const reported: TokenUsage = {
      inputTokens: usage.input_tokens ?? before?.inputTokens ?? 0,
      outputTokens: usage.output_tokens ?? this.#reportedOutput,
      cacheReadTokens: usage.cache_read_input_tokens ?? before?.cacheReadTokens ?? 0,
      cacheWriteTokens: usage.cache_creation_input_tokens ?? before?.cacheWriteTokens ?? 0,
      estimated: false,
    };
    this.#reportedOutput = reported.outputTokens;
    this.#usage = isFinal ? reported : usageAtLeast(reported, () => this.#written);
    return { type: 'usage', usage: this.#usage };
  }
}
