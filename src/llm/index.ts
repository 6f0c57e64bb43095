export type { AttemptReport, CallTimeouts } from './attempt.js';
export {
  type ChatMessage,
  type FinishReason,
  type GenerationRequest,
  LanguageModel,
  type ModelCitation,
  type ModelEvent,
  type SourcePassage,
  type TokenUsage,
} from './language-model.js';
export { LlmModule } from './llm.module.js';
export { LanguageModelRegistry, UnknownModelError } from './model-registry.js';
export { NO_ANSWER } from './providers/extractive.provider.js';
export { type RetryOptions, withRetry } from './retry.js';
export { NO_USAGE, estimatedUsage, usageSoFar } from './usage.js';
