import { describe, expect, it } from 'vitest';
import type {
  CallEvent,
  CallHooks,
  LanguageModel,
  LanguageModelRegistry,
  ModelCaller,
} from '../llm/index.js';
import { renderAnthropicRequest } from '../llm/providers/anthropic-request.js';
import { renderOpenAiRequest } from '../llm/providers/openai-request.js';
import { Judge } from './judge.service.js';
import { InvalidJudgementError } from './judgement.js';

// Real: prompt, parsing, the lexical judge and the adapters' rendering. Fake: the models and their caller.

const input = {
  question: 'How often are keys rotated?',
  answer: 'Keys are rotated every 90 days.',
  passages: [{ title: 'Security handbook', text: 'Keys are rotated every 90 days.' }],
};
const model = (id: string, isMetered = true) => ({ id, isMetered }) as LanguageModel;
const sonnet = model('anthropic/sonnet');
const gpt = model('openai/gpt');
const extractive = model('extractive', false);

const good = { faithfulness: 1, relevance: 0.9, reasons: 'All is supported.' };
const text = (words: string): CallEvent => ({ type: 'text', text: words });
const finish: CallEvent = { type: 'finish', reason: 'stop', model: 'openai/gpt' };
const judged = [text(JSON.stringify(good).slice(0, 20)), text(JSON.stringify(good).slice(20)), finish];
const { signal } = new AbortController();

/** A judge over these models, whose calls yield or throw these, one list a call. */
function setUp(models: LanguageModel[], ...calls: (CallEvent | Error)[][]) {
  const made: Parameters<ModelCaller['stream']>[] = [];
  const left: number[] = [];
  const caller: Pick<ModelCaller, 'stream'> = {
    async *stream(...call) {
      const index = made.push(call) - 1;
      try {
        for (const event of calls[index] ?? []) {
          if (event instanceof Error) throw event;
          yield event;
        }
      } finally {
        left.push(index);
      }
    },
  };
  const registry: Pick<LanguageModelRegistry, 'withFallbacks'> = { withFallbacks: () => models };
  const judge = new Judge(registry as LanguageModelRegistry, caller as ModelCaller);
  const run = (hooks: CallHooks = {}) => judge.run(judge.prepare(input), input, signal, hooks);
  return { judge, made, left, run };
}

describe('Judge.prepare', () => {
  it.each([
    ['metered models without the unmetered', [sonnet, extractive, gpt], [sonnet, gpt]],
    ['a metered fallback of an unmetered default', [extractive, gpt], [gpt]],
    ['unmetered ones when there are no others', [extractive], [extractive]],
  ])('takes %s', (_, configured, taken) => {
    expect(setUp(configured).judge.prepare(input).models).toEqual(taken);
  });

  it('asks for a short answer, the same each time as far as a model can, without citations', () => {
    expect(setUp([sonnet]).judge.prepare(input).request).toMatchObject({
      sources: [],
      history: [],
      markerInstructions: '',
      maxTokens: 600,
      temperature: 0,
    });
  });

  it('sends sources, question and answer in every dialect', () => {
    const { request } = setUp([sonnet]).judge.prepare(input);
    const dialects = [
      renderAnthropicRequest('claude', request).params.messages,
      renderOpenAiRequest('gpt', request, true).messages,
    ];
    for (const messages of dialects) {
      const last = messages.at(-1)?.content;
      expect(last).toContain(
        '<source number="1" title="Security handbook">\nKeys are rotated every 90 days.',
      );
      expect(last).toContain(`<question>\n${input.question}`);
      expect(last).toContain(`<answer>\n${input.answer}`);
    }
  });
});

describe('Judge.run', () => {
  it('gives the judgement and the model that made it', async () => {
    const { made, run, judge } = setUp([sonnet, gpt], judged);
    const hooks: CallHooks = { onAttempt: () => undefined };
    expect(await run(hooks)).toEqual({ ...good, model: 'openai/gpt' });
    const { models, request } = judge.prepare(input);
    expect(made).toEqual([[models, request, signal, hooks]]);
  });

  it.each<[string, CallEvent[]]>([
    ['is no judgement', [text('It is good.'), finish]],
    ['is empty', [finish]],
    ['was cut', [text('{"faithfulness": 1, "rel'), { ...finish, reason: 'length' }]],
    ['was not finished', judged.slice(0, 2)],
  ])('asks once more when the answer %s', async (_, first) => {
    const { made, run } = setUp([gpt], first, judged);
    expect(await run()).toEqual({ ...good, model: 'openai/gpt' });
    expect(made).toHaveLength(2);
    expect(made[1]).toEqual(made[0]);
  });

  it('gives up after the second', async () => {
    const { made, run } = setUp([gpt], [text('No.'), finish], [text('{}'), finish], judged);
    await expect(run()).rejects.toThrow(InvalidJudgementError);
    expect(made).toHaveLength(2);
  });

  it('stops a model that does not stop', async () => {
    let yielded = 0;
    const endless = Array.from({ length: 1_000 }, () => {
      const event = text('');
      return Object.defineProperty(event, 'text', {
        get: () => {
          yielded++;
          return ' '.repeat(1_000);
        },
      });
    });
    const { left, run } = setUp([gpt], endless, judged);
    expect(await run()).toMatchObject(good);
    expect(yielded).toBe(21);
    expect(left).toEqual([0, 1]);
  });

  it('passes on what the caller throws, without asking again', async () => {
    const failure = new Error('all models failed');
    const { made, run } = setUp([gpt], [failure], judged);
    await expect(run()).rejects.toBe(failure);
    expect(made).toHaveLength(1);
  });

  it('judges by words, and calls nothing, when no model is metered', async () => {
    const { made, run } = setUp([extractive]);
    expect(await run()).toEqual({
      faithfulness: 1,
      relevance: 1,
      model: 'extractive',
      reasons: expect.stringMatching(/^Measured by words, not by a language model\./),
    });
    expect(made).toHaveLength(0);
  });

  it('does nothing when aborted before', async () => {
    const { made, judge } = setUp([extractive]);
    const reason = new Error('gone');
    const run = judge.run(judge.prepare(input), input, AbortSignal.abort(reason), {});
    await expect(run).rejects.toBe(reason);
    expect(made).toHaveLength(0);
  });
});
