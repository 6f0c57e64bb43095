export { type AttemptReport, callOf } from './attempt.js';
export {
  type FinishReason,
  type GenerationRequest,
  LanguageModel,
  type ModelCitation,
} from './language-model.js';
export { ModelGate } from './model-gate.js';
export { LlmModule } from './llm.module.js';
export { type CallEvent, type CallHooks, ModelCaller } from './model-caller.js';
export { LanguageModelRegistry, UnknownModelError } from './model-registry.js';
export { worstUsage } from './usage.js';
