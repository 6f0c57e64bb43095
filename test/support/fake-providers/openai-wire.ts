import type { AnswerOptions, AnswerPart, FakeUsage } from './behaviours.js';
import { event, type Json, type Wire } from './wire.js';

/** OpenAI's chat completions. Citations are `[n]` markers at the end of their part's text. */
export class OpenAiWire implements Wire {
  constructor(private readonly body: Json) {}

  open(): string {
    return this.#chunk({ role: 'assistant', content: '' });
  }

  openPart(): string {
    return '';
  }

  token(_index: number, text: string): string {
    return this.#chunk({ content: text });
  }

  closePart(): string {
    return '';
  }

  close(usage: FakeUsage, options: AnswerOptions): string {
    const wanted =
      (this.body['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage === true;
    const last = { ...this.#head('chat.completion.chunk'), choices: [], usage: wireUsage(usage) };
    const counts = wanted && options.usage !== 'missing' && !options.hidesUsage ? event(last) : '';
    return `${this.#chunk({}, options.finishReason ?? 'stop')}${counts}data: [DONE]\n\n`;
  }

  error(type: string): string {
    return event(this.errorBody(type, 'secret words of the provider'));
  }

  garbage(): string {
    return 'data: {"id": "chatcmpl-fake", "cho\n\n';
  }

  textOf(part: AnswerPart): string {
    const markers = (part.cites ?? []).map(({ source }) => `[${source + 1}]`).join('');
    if (markers === '') return part.text;
    const trimmed = part.text.trimEnd();
    return `${trimmed} ${markers}${part.text.slice(trimmed.length)}`;
  }

  json(parts: AnswerPart[], usage: FakeUsage, options: AnswerOptions): Json {
    const message = { role: 'assistant', content: parts.map((part) => this.textOf(part)).join('') };
    return {
      ...this.#head('chat.completion'),
      choices: [{ index: 0, message, finish_reason: options.finishReason ?? 'stop' }],
      usage: wireUsage(usage),
    };
  }

  errorBody(type: string, message: string): Json {
    return { error: { type, message, code: null, param: null } };
  }

  #head(object: string): Json {
    return { id: 'chatcmpl-fake', object, created: 0, model: this.body['model'] };
  }

  #chunk(delta: Json, finishReason: string | null = null): string {
    return event({
      ...this.#head('chat.completion.chunk'),
      choices: [{ index: 0, delta, finish_reason: finishReason }],
    });
  }
}

/** OpenAI counts cached tokens into the prompt. */
function wireUsage(usage: FakeUsage): Json {
  const prompt = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.outputTokens,
    total_tokens: prompt + usage.outputTokens,
    prompt_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWriteTokens,
    },
  };
}
