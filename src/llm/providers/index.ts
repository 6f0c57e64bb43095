import { anthropicProvider } from './anthropic.provider.js';
import { extractiveProvider } from './extractive.provider.js';
import { openAiProvider } from './openai.provider.js';
import type { LanguageModelProvider } from './provider.js';

/** All providers that `LLM_MODELS` can name. A new one is its file and a line here. */
export const languageModelProviders: readonly LanguageModelProvider[] = [
  anthropicProvider,
  openAiProvider,
  extractiveProvider,
];
