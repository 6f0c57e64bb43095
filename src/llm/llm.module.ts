import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { ModelCaller } from './model-caller.js';
import { LanguageModelRegistry } from './model-registry.js';

/** The configured language models, and how they are called. `AppConfig` comes from the global configuration module. */
@Module({
  providers: [
    ModelCaller,
    {
      provide: LanguageModelRegistry,
      inject: [AppConfig],
      useFactory: ({ llm }: AppConfig) =>
        new LanguageModelRegistry({
          models: llm.models,
          anthropic: { apiKey: llm.anthropicApiKey, baseUrl: llm.anthropicBaseUrl },
          openai: { apiKey: llm.openaiApiKey, baseUrl: llm.openaiBaseUrl },
        }),
    },
  ],
  exports: [LanguageModelRegistry, ModelCaller],
})
export class LlmModule {}
