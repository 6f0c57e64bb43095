import { countTokens, tokensAtMost } from '../common/text/index.js';
import type { GenerationRequest, TokenUsage } from './language-model.js';

/** Tokens that chat formats add around each message, as OpenAI documents them for its own counting. */
const TOKENS_PER_MESSAGE = 4;
/** What providers add to a prompt, and to each source in it, in tokens of their own. */
const FRAMING_TOKENS = 500;
const FRAMING_TOKENS_PER_SOURCE = 50;

/** All zeros: what a model that runs in this process bills. */
export const NO_USAGE: Readonly<TokenUsage> = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  estimated: false,
};

/**
 * What a call costs as far as it can be told here: the prompt's tokens and those of the text that the model has written
 * so far, marks and thoughts included. Counting takes about half a millisecond for a thousand tokens and is nearly always
 * thrown away for the provider's exact count, so both are getters that count when read.
 * @param written the model's text at the time of reading
 */
export function estimatedUsage(request: GenerationRequest, written: () => string = () => ''): TokenUsage {
  let inputTokens: number | undefined;
  return {
    get inputTokens() {
      return (inputTokens ??= promptTokens(request));
    },
    get outputTokens() {
      return countTokens(written());
    },
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    estimated: true,
  };
}

/**
 * A provider's count that may be older than the text it has sent since, all of which it bills.
 * @param written the model's text at the time of reading
 */
export function usageAtLeast(reported: TokenUsage, written: () => string): TokenUsage {
  const outputTokens = (): number => Math.max(reported.outputTokens, countTokens(written()));
  return {
    ...reported,
    get outputTokens() {
      return outputTokens();
    },
    get estimated() {
      return reported.estimated || outputTokens() > reported.outputTokens;
    },
  };
}

/** Upper bound of what one call may use, for its reservation: the prompt, and as many tokens as the model may write. */
export function worstUsage(request: GenerationRequest): { inputTokens: number; outputTokens: number } {
  const framing = FRAMING_TOKENS + FRAMING_TOKENS_PER_SOURCE * request.sources.length;
  return { inputTokens: promptTokens(request, tokensAtMost) + framing, outputTokens: request.maxTokens };
}

function promptTokens(request: GenerationRequest, count = countTokens): number {
  const system = [request.instructions, request.markerInstructions].join('\n\n');
  const user = [request.sourcesText, request.questionText].join('\n\n');
  const messages = [system, ...request.history.map((message) => message.content), user];
  return messages.reduce((sum, message) => sum + count(message) + TOKENS_PER_MESSAGE, 0);
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
  if (last === undefined) return text === '' ? undefined : estimatedUsage(request, () => text);
  const outputTokens = Math.max(last.outputTokens, countTokens(text));
  if (outputTokens === last.outputTokens && !last.estimated) return last;
  return { ...last, outputTokens, estimated: true };
}
