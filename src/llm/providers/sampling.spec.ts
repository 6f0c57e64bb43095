import { describe, expect, it } from 'vitest';
import {
  acceptsTemperature,
  isOpenAiReasoningModel,
  leastReasoningEffort,
  withoutThinking,
} from './sampling.js';

describe('acceptsTemperature', () => {
  it.each([
    'claude-2.1',
    'claude-3-opus-20240229',
    'claude-3-5-sonnet-20241022',
    'claude-3-7-sonnet-latest',
    'claude-sonnet-4-20250514',
    'claude-opus-4-1-20250805',
    'claude-haiku-4-5',
    'claude-sonnet-4-6',
    'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'claude-sonnet-4@20250514',
  ])('%s takes one', (model) => expect(acceptsTemperature(model)).toBe(true));

  it.each([
    'claude-opus-4-7',
    'claude-opus-4-8-20260301',
    'claude-opus-4-10',
    'claude-sonnet-5',
    'claude-haiku-5-5',
    'claude-opus-5-20270101',
    'claude-fable-6',
    'claude-next',
    'some-other-model',
  ])('%s does not, or is unknown', (model) => expect(acceptsTemperature(model)).toBe(false));
});

describe('isOpenAiReasoningModel', () => {
  it.each([
    'gpt-5',
    'gpt-5.4-mini',
    'gpt-6',
    'gpt-10',
    'o1',
    'o3-mini',
    'o4-mini-2025-04-16',
    'openai/gpt-5',
    'ft:o4-mini:x',
  ])('%s is one', (model) => expect(isOpenAiReasoningModel(model)).toBe(true));
  it.each([
    'gpt-4o',
    'gpt-4.1-mini',
    'gpt-3.5-turbo',
    'gpt-oss-20b',
    'llama3',
    'olmo-2',
    'meta-llama/Llama-3',
  ])('%s is none', (model) => expect(isOpenAiReasoningModel(model)).toBe(false));
});

describe('withoutThinking', () => {
  it.each<[string, object]>([
    ['claude-sonnet-4-6', {}],
    ['claude-opus-4-8', {}],
    ['some-other-model', {}],
    ['claude-sonnet-5', { thinking: { type: 'disabled' } }],
    ['claude-opus-5-20260720', { thinking: { type: 'disabled' } }],
    ['claude-haiku-5-5', { thinking: { type: 'disabled' } }],
    ['claude-sonnet-5-5', { thinking: { type: 'between_tools' } }],
    ['claude-opus-5-5', { output_config: { effort: 'low' } }],
    ['claude-fable-5-1', { output_config: { effort: 'low' } }],
    ['claude-sonnet-6', { output_config: { effort: 'low' } }],
  ])('%s: %j', (model, settings) => expect(withoutThinking(model)).toEqual(settings));
});

describe('leastReasoningEffort', () => {
  it.each<[string, string | undefined]>([
    ['gpt-5', 'minimal'],
    ['gpt-5-mini-2025-08-07', 'minimal'],
    ['openai/gpt-5.4-mini', 'none'],
    ['o4-mini', 'low'],
    ['gpt-5-pro', undefined],
    ['gpt-5.3-codex', undefined],
    ['gpt-6', undefined],
    ['gpt-4o', undefined],
    ['llama3', undefined],
  ])('%s: %s', (model, effort) => expect(leastReasoningEffort(model)).toBe(effort));
});
