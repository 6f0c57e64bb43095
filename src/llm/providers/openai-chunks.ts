import type OpenAI from 'openai';
import { CitationMarkerFilter } from '../citation-markers.js';
import type { FinishReason, GenerationRequest, ModelEvent, TokenUsage } from '../language-model.js';
import { ModelError } from '../../common/providers/index.js';
import { estimatedUsage } from '../usage.js';

const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  content_filter: 'content_filter',
};

/** Turns one completion's chunks into model events. Finish comes last, after the usage that the wire sends after it. */
export class OpenAiChunkReader {
  readonly #filter: CitationMarkerFilter;
  #reason: FinishReason | undefined;
  #usage: TokenUsage | undefined;
  #started = false;
  /** As the model wrote it, markers included: they are billed too. */
  #written = '';

  constructor(
    private readonly provider: string,
    private readonly request: GenerationRequest,
  ) {
    this.#filter = new CitationMarkerFilter(request.sources.length);
  }

  /** True when the provider has said that the answer is complete. */
  get finished(): boolean {
    return this.#reason !== undefined;
  }

  /** Tokens as counted here, of what has been written by the time of reading. */
  estimate(): TokenUsage {
    return estimatedUsage(this.request, () => this.#written);
  }

  *read(chunk: OpenAI.ChatCompletionChunk): Generator<ModelEvent> {
    // what comes over the wire is whatever the server at the base URL sends
    const { choices, usage }: Partial<OpenAI.ChatCompletionChunk> = chunk ?? {};
    if (!Array.isArray(choices) && !usage) throw this.#malformed('an event that is no completion chunk');
    this.#started = true;
    // a refusal is what the model says instead of an answer
    const delta = choices?.[0]?.delta;
    const text = delta?.content ?? delta?.refusal;
    if (typeof text === 'string' && text !== '') {
      this.#written += text;
      yield* this.#filter.push(text);
    }
    const reason = choices?.[0]?.finish_reason;
    if (reason) {
      yield* this.#filter.flush();
      this.#reason = FINISH_REASONS[reason] ?? 'other';
    }
    if (usage) {
      this.#usage = normalised(usage);
      yield { type: 'usage', usage: this.#usage };
    }
  }

  /** What is left to say when the stream has ended. @throws ModelError when the answer had not */
  *end(): Generator<ModelEvent> {
    if (!this.#started) throw this.#malformed('an empty answer');
    if (this.#reason === undefined) {
      throw new ModelError(`${this.provider} ended its stream before the answer's end`, {
        kind: 'connection',
        provider: this.provider,
      });
    }
    if (this.#usage === undefined) yield { type: 'usage', usage: this.estimate() };
    yield { type: 'finish', reason: this.#reason };
  }

  #malformed(what: string): ModelError {
    return new ModelError(`${this.provider} sent ${what}`, {
      kind: 'malformed_response',
      provider: this.provider,
    });
  }
}

/** OpenAI counts the tokens read from its cache, and those written to it, into `prompt_tokens`. */
function normalised(usage: OpenAI.CompletionUsage): TokenUsage {
  const prompt = usage.prompt_tokens ?? 0;
  const cached = Math.min(prompt, usage.prompt_tokens_details?.cached_tokens ?? 0);
  const written = Math.min(prompt - cached, usage.prompt_tokens_details?.cache_write_tokens ?? 0);
  return {
    inputTokens: prompt - cached - written,
    outputTokens: usage.completion_tokens ?? 0,
    cacheReadTokens: cached,
    cacheWriteTokens: written,
    estimated: false,
  };
}
