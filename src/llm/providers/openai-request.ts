import type OpenAI from 'openai';
import type { GenerationRequest } from '../language-model.js';
import { isOpenAiReasoningModel, leastReasoningEffort } from './sampling.js';

/**
 * Renders a request as a streamed chat completion.
 *
 * @param official true for OpenAI's own API, which has deprecated `max_tokens` for all models; other servers know it
 *   alone, or both
 */
export function renderOpenAiRequest(
  model: string,
  request: GenerationRequest,
  official: boolean,
): OpenAI.ChatCompletionCreateParamsStreaming {
  const reasoning = isOpenAiReasoningModel(model);
  const effort = leastReasoningEffort(model);
  return {
    model,
    messages: messagesOf(request),
    stream: true,
    stream_options: { include_usage: true },
    ...(reasoning || official
      ? { max_completion_tokens: request.maxTokens }
      : { max_tokens: request.maxTokens }),
    ...(effort !== undefined && { reasoning_effort: effort }),
    ...(request.temperature !== undefined && !reasoning && { temperature: request.temperature }),
  };
}

function messagesOf(request: GenerationRequest): OpenAI.ChatCompletionMessageParam[] {
  const cites = request.sources.length > 0;
  const system = joined(request.instructions, cites ? request.markerInstructions : '');
  return [
    ...(system === '' ? [] : [{ role: 'system' as const, content: system }]),
    ...request.history,
    { role: 'user', content: joined(request.sourcesText, request.questionText) },
  ];
}

function joined(...parts: string[]): string {
  return parts.filter((part) => part.trim() !== '').join('\n\n');
}
