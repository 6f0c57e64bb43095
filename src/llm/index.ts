export type { AttemptReport } from './attempt.js';
export {
  type FinishReason,
  type GenerationRequest,
  LanguageModel,
  type ModelCitation,
} from './language-model.js';
export { LlmModule } from './llm.module.js';
export { LanguageModelRegistry, UnknownModelError } from './model-registry.js';
export { withRetry } from './retry.js';
