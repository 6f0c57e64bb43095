import { countTokens } from '../common/text/index.js';
import type { GenerationRequest, TokenUsage } from './language-model.js';

/** Tokens that chat formats add around each message, as OpenAI documents them for its own counting. */
const TOKENS_PER_MESSAGE = 4;

/** All zeros: what a model that runs in this process bills. */
export const NO_USAGE: Readonly<TokenUsage> = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  estimated: false,
};

/**
 * What a call costs as far as it can be told here: the prompt's tokens and those of the text received so far.
 * Counting takes about half a millisecond for a thousand tokens and is nearly always thrown away for the provider's
 * exact count, so `inputTokens` is a getter that counts when first read.
 */
export function estimatedUsage(request: GenerationRequest, outputText = ''): TokenUsage {
  let inputTokens: number | undefined;
  return {
    get inputTokens() {
      return (inputTokens ??= promptTokens(request));
    },
    outputTokens: countTokens(outputText),
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    estimated: true,
  };
}

function promptTokens(request: GenerationRequest): number {
  const system = [request.instructions, request.markerInstructions].join('\n\n');
  const user = [request.sourcesText, request.questionText].join('\n\n');
  const messages = [system, ...request.history.map((message) => message.content), user];
  return messages.reduce((sum, message) => sum + countTokens(message) + TOKENS_PER_MESSAGE, 0);
}

/**
 * What to book for a call that did not run to its end. A provider's last count may be older than the text that it has
 * sent since, all of which it bills.
 *
 * @param last the last `usage` event, if any arrived
 */
export function usageSoFar(
  last: TokenUsage | undefined,
  request: GenerationRequest,
  text: string,
): TokenUsage | undefined {
  if (last === undefined) return text === '' ? undefined : estimatedUsage(request, text);
  const outputTokens = Math.max(last.outputTokens, countTokens(text));
  if (outputTokens === last.outputTokens && !last.estimated) return last;
  return { ...last, outputTokens, estimated: true };
}
