import { describe, expect, it } from 'vitest';
import { AppConfig, ConfigError } from './app-config.js';

describe('AppConfig', () => {
  it('has a working default for everything', () => {
    const config = new AppConfig({});
    expect(config.http).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      corsOrigins: [],
      shutdownGraceMs: 15_000,
    });
    expect(config.llm).toMatchObject({ models: ['extractive'], timeoutMs: 120_000, maxRetries: 3 });
    expect(config.llm).toMatchObject({ maxConcurrency: 64, maxQueue: 256, breakerFailures: 10 });
    expect(config.budgets).toEqual({ dailyUsd: undefined, monthlyUsd: undefined });
    expect(config.responseCacheTtlMs).toBe(0);
    expect(config.embeddingModel).toBe('lexical-hash');
    expect(config.rateLimits).toEqual({
      rpm: 60,
      tpm: 100_000,
      concurrency: 10,
      global: { rpm: 0, tpm: 0, concurrency: 0 },
      onRedisFailure: 'open',
    });
  });

  it('chooses the model by the key that is there', () => {
    expect(new AppConfig({ ANTHROPIC_API_KEY: 'k', OPENAI_API_KEY: 'k' }).llm.models).toEqual([
      'anthropic/claude-sonnet-5',
    ]);
    expect(new AppConfig({ OPENAI_API_KEY: 'k' }).llm.models).toEqual(['openai/gpt-5.4-mini']);
  });

  it.each([
    ['PORT', 'http', 'whole number from 0 to 65535'],
    ['PORT', '70000', 'whole number'],
    ['DATABASE_URL', 'mysql://x', 'postgres://'],
    ['REDIS_URL', 'localhost:6379', 'redis://'],
    ['LLM_MODELS', 'claude', 'provider/model'],
    ['LLM_MODELS', 'extractive,extractive', 'twice'],
    ['LLM_MODELS', 'anthropic/claude-sonnet-5', 'ANTHROPIC_API_KEY must be set'],
    ['EMBEDDING_MODEL', 'word2vec', 'openai/<model>'],
    ['EMBEDDING_MODEL', 'openai/text-embedding-3-small', 'OPENAI_API_KEY or OPENAI_BASE_URL'],
    ['LLM_MAX_RETRIES', '-1', 'whole number from 0 to 20'],
    ['LLM_MAX_CONCURRENCY', '0', 'whole number from 1 to 10000'],
    ['LLM_MAX_QUEUE', 'many', 'whole number from 0'],
    ['LLM_BREAKER_FAILURES', '1.5', 'whole number from 0'],
    ['LLM_BREAKER_OPEN_MS', '0', 'whole number from 1'],
    ['RESPONSE_CACHE_TTL_S', '-1', 'whole number from 0'],
    ['BUDGET_DAILY_USD', '1e3', 'US dollars'],
    ['BUDGET_MONTHLY_USD', '-1', 'US dollars'],
    ['CORS_ORIGINS', 'example.com', 'origins'],
    ['LOG_LEVEL', 'loud', 'one of fatal'],
    ['LOG_FORMAT', 'xml', 'one of json, pretty'],
    ['MODEL_PRICES', '{"a/b":{"input_mtok":"1"}}', 'JSON'],
    ['HOST', '0.0.0.0', 'ADMIN_API_KEY'],
    ['ADMIN_API_KEY', 'short', 'at least 16'],
    ['ADMIN_API_KEY', 'sehr-geheim-schlüssel', 'ASCII without spaces'],
    ['ADMIN_API_KEY', 'a secret with spaces', 'ASCII without spaces'],
  ])('%s=%s stops the start and says what it takes', (name, value, takes) => {
    expect(() => new AppConfig({ [name]: value })).toThrow(ConfigError);
    expect(() => new AppConfig({ [name]: value })).toThrow(name);
    expect(() => new AppConfig({ [name]: value })).toThrow(takes);
  });

  it('names every bad variable at once and never repeats a URL, which may hold a password', () => {
    const read = () => new AppConfig({ PORT: 'x', DATABASE_URL: 'mysql://root:hunter2@db/x' });
    expect(read).toThrow(/PORT[\s\S]*DATABASE_URL/);
    expect(read).not.toThrow('hunter2');
  });
});
