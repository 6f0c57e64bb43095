import { afterEach, describe, expect, it } from 'vitest';
import { AppConfig, ConfigModule } from '../config/index.js';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { LlmModule } from './llm.module.js';
import {
  DuplicateModelError,
  LanguageModelRegistry,
  UnknownModelError,
  UnknownProviderError,
} from './model-registry.js';
import { languageModelProviders } from './providers/index.js';
import { type LanguageModelSettings, ProviderConfigurationError } from './providers/provider.js';

const keys = { anthropic: { apiKey: 'a' }, openai: { apiKey: 'b' } };
const made: LanguageModelRegistry[] = [];
function registry(settings: LanguageModelSettings): LanguageModelRegistry {
  const one = new LanguageModelRegistry(settings);
  made.push(one);
  return one;
}
afterEach(async () => {
  await Promise.all(made.splice(0).map((one) => one.onModuleDestroy()));
});

describe('LanguageModelRegistry', () => {
  const models = ['anthropic/claude-sonnet-5', 'openai/meta-llama/Llama-3', 'extractive'];

  it('keeps the configured order: the first is the default', () => {
    const all = registry({ models, ...keys });
    expect(all.ids).toEqual(models);
    expect(all.get().id).toBe(models[0]);
    expect(all.get('extractive').id).toBe('extractive');
    expect(all.withFallbacks('extractive').map(({ id }) => id)).toEqual(['extractive', models[0], models[1]]);
    expect(all.withFallbacks()).toHaveLength(3);
  });

  it('names what it has when asked for a model that it has not', () => {
    const all = registry({ models: ['extractive'] });
    expect(() => all.get('gpt-9')).toThrow(UnknownModelError);
    expect(() => all.get('gpt-9')).toThrow('unknown model "gpt-9"; this service has extractive');
  });

  it.each(['cohere/command', 'anthropic', 'openai/', 'extractive/x', ''])('refuses the name %j', (name) => {
    expect(() => registry({ models: [name], ...keys })).toThrow(UnknownProviderError);
    expect(() => registry({ models: [name], ...keys })).toThrow(
      'known are anthropic/<model>, openai/<model>, extractive',
    );
  });

  it('refuses duplicates and emptiness', () => {
    expect(() => registry({ models: ['extractive', 'extractive'] })).toThrow(DuplicateModelError);
    expect(() => registry({ models: [] })).toThrow(UnknownProviderError);
    const [first] = languageModelProviders;
    expect(() => new LanguageModelRegistry({ models: ['extractive'] }, [first!, first!])).toThrow(
      DuplicateModelError,
    );
  });

  it('says which key is missing; a server of one’s own needs none', () => {
    expect(() => registry({ models: ['anthropic/x'] })).toThrow(ProviderConfigurationError);
    expect(() => registry({ models: ['openai/x'], openai: {} })).toThrow('OPENAI_API_KEY');
    expect(registry({ models: ['openai/x'], openai: { baseUrl: 'http://127.0.0.1:11434/v1' } }).ids).toEqual([
      'openai/x',
    ]);
  });
});

describe('LlmModule', () => {
  it('is built from the configuration', async () => {
    @Module({ imports: [ConfigModule.forRoot(new AppConfig({ LLM_MODELS: 'extractive' })), LlmModule] })
    class TestModule {}
    const app = await NestFactory.createApplicationContext(TestModule, { logger: false });
    expect(app.get(LanguageModelRegistry).ids).toEqual(['extractive']);
    await app.close();
  });
});
