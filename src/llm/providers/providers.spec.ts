import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  answer,
  emptyStream,
  FakeProvider,
  garbageJson,
  garbageSse,
  hangAfterHeaders,
  hangBeforeHeaders,
  interrupted,
  resetBeforeHeaders,
  status,
} from '../../../test/support/fake-providers/index.js';
import { splitSentences } from '../../common/text/index.js';
import { HttpTransport, ModelError, type ModelErrorKind } from '../../common/providers/index.js';
import type {
  GenerationRequest,
  LanguageModel,
  ModelEvent,
  SourcePassage,
  TokenUsage,
} from '../language-model.js';
import { estimatedUsage } from '../usage.js';
import { languageModelProviders } from './index.js';

// Real: the SDKs, the transport and the sockets. Fake: the provider behind the loopback port.

const passage = (text: string, url: string | null = null): SourcePassage => ({
  title: 'Handbook',
  url,
  text,
  sentences: splitSentences(text),
});

const request: GenerationRequest = {
  instructions: 'Answer from the sources.',
  markerInstructions: 'Cite with [n].',
  sources: [
    passage('Keys rotate monthly. The owner is told.\n\nNobody else is.', 'https://x.test/keys'),
    passage('The sky is blue.'),
  ],
  sourcesText: '[1] Keys rotate monthly. The owner is told. Nobody else is.\n[2] The sky is blue.',
  history: [
    { role: 'assistant', content: 'Hello!' },
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Ask me.' },
  ],
  question: 'How often do keys rotate?',
  questionText: 'Question: How often do keys rotate?',
  maxTokens: 100,
  temperature: 1.5,
};

const cited = [
  { text: 'Keys rotate monthly.', cites: [{ source: 0, startBlock: 0, endBlock: 2 }] },
  { text: ' The sky is blue.', cites: [{ source: 1 }, { source: 0, startBlock: 2 }] },
];

let provider: FakeProvider;
let transport: HttpTransport;
beforeAll(async () => {
  provider = await FakeProvider.start();
  transport = new HttpTransport();
});
afterEach(() => provider.reset());
afterAll(async () => {
  await transport.close();
  await provider.stop();
});

function create(name: string, modelName = 'some-model', baseUrl?: string): LanguageModel {
  const found = languageModelProviders.find((one) => one.name === name)!;
  const settings = {
    models: [],
    anthropic: { apiKey: 'sk-secret', baseUrl: baseUrl ?? provider.anthropicBaseUrl },
    openai: { apiKey: 'sk-secret', baseUrl: baseUrl ?? provider.openaiBaseUrl },
  };
  return found.create(found.takesModelName ? modelName : '', settings, transport.fetch);
}

async function collect(model: LanguageModel, ask = request, signal = new AbortController().signal) {
  const events: ModelEvent[] = [];
  let error: unknown;
  try {
    for await (const event of model.stream(ask, signal)) events.push(event);
  } catch (thrown) {
    error = thrown;
  }
  const text = events.map((event) => (event.type === 'text' ? event.text : '')).join('');
  const citations = events.filter((event) => event.type === 'citation');
  const usages: TokenUsage[] = events.filter((event) => event.type === 'usage').map((event) => event.usage);
  return { events, error, text, citations, usages, usage: usages.at(-1) };
}

function expectModelError(error: unknown, kind: ModelErrorKind): ModelError {
  expect(error).toBeInstanceOf(ModelError);
  const modelError = error as ModelError;
  expect(modelError.kind).toBe(kind);
  expect(modelError.message).not.toMatch(/secret|rotate/);
  return modelError;
}

describe.each(languageModelProviders.map(({ name }) => name))('every provider: %s', (name) => {
  it('streams text, valid citations, usage and one finish, in the contract’s order', async () => {
    provider.default(answer(cited));
    const { events, error, text, citations, usage } = await collect(create(name));
    expect(error).toBeUndefined();
    expect(text).toContain('Keys rotate monthly.');
    expect(events.at(-1)).toEqual({ type: 'finish', reason: 'stop' });
    expect(events.filter((event) => event.type === 'finish')).toHaveLength(1);
    expect(events.findIndex((event) => event.type === 'usage')).toBeLessThan(
      events.findIndex((event) => event.type === 'text'),
    );
    expect(usage?.estimated).toBe(false);
    expect(citations.length).toBeGreaterThan(0);
    for (const event of citations) {
      const before = events
        .slice(0, events.indexOf(event))
        .map((one) => (one.type === 'text' ? one.text : ''));
      expect(event.end).toBeLessThanOrEqual(before.join('').length);
      expect(event.start).toBeLessThan(event.end);
      expect(request.sources[event.source]).toBeDefined();
      expect(event.quote?.end ?? 0).toBeLessThanOrEqual(request.sources[event.source]!.text.length);
    }
  });

  it('has the id that its configuration names it by', () => {
    expect(create(name).id).toBe(name === 'extractive' ? name : `${name}/some-model`);
  });

  it('does nothing when aborted before the start', async () => {
    const reason = new Error('gone');
    const { events, error } = await collect(create(name), request, AbortSignal.abort(reason));
    expect([events, error]).toEqual([[], reason]);
    expect(provider.requests).toHaveLength(0);
  });

  it('ends with the caller’s reason when aborted in the middle', async () => {
    provider.default(answer('Keys rotate monthly and so on for ever.', { delayMs: 20 }));
    const controller = new AbortController();
    const reason = new Error('gone');
    let after = 0;
    await expect(async () => {
      for await (const event of create(name).stream(request, controller.signal)) {
        if (event.type === 'text' && !controller.signal.aborted) {
          after = performance.now();
          controller.abort(reason);
        }
      }
    }).rejects.toBe(reason);
    expect(performance.now() - after).toBeLessThan(100);
  });
});

describe.each(['anthropic', 'openai'])('every remote provider: %s', (name) => {
  it.each<[string, number, Record<string, string>, ModelErrorKind, boolean]>([
    ['429', 429, { 'retry-after': '7' }, 'rate_limited', true],
    ['500', 500, {}, 'server_error', true],
    ['503', 503, {}, 'overloaded', true],
    ['529', 529, {}, 'overloaded', true],
    ['529, not to be retried', 529, { 'x-should-retry': 'false' }, 'overloaded', false],
    ['401', 401, {}, 'authentication', false],
    ['404', 404, {}, 'not_found', false],
    ['400', 400, {}, 'invalid_request', false],
    ['400, to be retried', 400, { 'x-should-retry': 'true' }, 'invalid_request', true],
  ])('maps status %s', async (_, code, headers, kind, retryable) => {
    provider.default(status(code, headers));
    const { events, error } = await collect(create(name));
    const modelError = expectModelError(error, kind);
    expect(modelError).toMatchObject({
      status: code,
      provider: name,
      isRetryable: retryable,
      providerRequestId: 'req_fake',
    });
    expect(modelError.retryAfterMs).toBe(code === 429 ? 7000 : undefined);
    expect(events).toEqual([]);
    expect(provider.requests).toHaveLength(1);
  });

  it.each([
    ['a reset before the headers', resetBeforeHeaders(), 'connection'],
    ['garbage JSON', garbageJson(), 'malformed_response'],
    ['garbage SSE', garbageSse(), 'malformed_response'],
    ['an empty stream', emptyStream(), 'malformed_response'],
    ['a stream cut in the middle', interrupted('One two three.', 'cut', 2), 'connection'],
    ['a stream that ends unfinished', interrupted('One two three.', 'end', 2), 'connection'],
    ['garbage in the middle', interrupted('One two three.', 'garbage', 2), 'malformed_response'],
    ['an error event', interrupted('One two three.', 'error', 2), 'overloaded'],
    [
      'a rate limit event',
      interrupted('One.', 'error', 0, { errorType: 'rate_limit_error' }),
      'rate_limited',
    ],
    ['an unknown error event', interrupted('One.', 'error', 0, { errorType: 'api_error' }), 'server_error'],
  ] as const)('maps %s', async (_, behaviour, kind) => {
    provider.default(behaviour);
    const { error, usages } = await collect(create(name));
    expect(expectModelError(error, kind).isRetryable).toBe(true);
    const accepted = behaviour.kind === 'answer' ? 1 : 0;
    expect(usages.length).toBeGreaterThanOrEqual(accepted);
  });

  it('maps a refused connection', async () => {
    const gone = await FakeProvider.start();
    await gone.stop();
    const { error } = await collect(create(name, 'some-model', gone.openaiBaseUrl));
    expect(expectModelError(error, 'connection').message).toContain('ECONNREFUSED');
  });

  it.each([
    ['before the headers', hangBeforeHeaders()],
    ['after the headers', hangAfterHeaders()],
    ['in a stall', interrupted('One two three.', 'stall', 2)],
    ['between slow tokens', answer('One two three four five six.', { delayMs: 30 })],
  ] as const)('an abort %s closes the connection within 100 ms', async (_, behaviour) => {
    provider.default(behaviour);
    const controller = new AbortController();
    const reason = new Error('gone');
    let abortedAt = 0;
    setTimeout(() => {
      abortedAt = performance.now();
      controller.abort(reason);
    }, 80);
    const { error } = await collect(create(name), request, controller.signal);
    expect(error).toBe(reason);
    expect(performance.now() - abortedAt).toBeLessThan(100);
    await provider.settled();
    expect(provider.lastRequest.aborted).toBe(true);
    expect(provider.lastRequest.abortedAt! - abortedAt).toBeLessThan(100);
  });

  it('closes the connection when the reader leaves the loop', async () => {
    provider.default(answer('One two three four five six.', { delayMs: 20 }));
    for await (const event of create(name).stream(request, new AbortController().signal)) {
      if (event.type === 'text') break;
    }
    await provider.settled();
    expect(provider.lastRequest.aborted).toBe(true);
  });

  it('reuses its connection and leaves no listener on the caller’s signal', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
    await collect(create(name), request, signal);
    const opened = provider.openedConnections;
    for (let i = 0; i < 5; i++) await collect(create(name), request, signal);
    expect(provider.openedConnections).toBe(opened);
    // one SDK drops its listener at the end, the other shares one among all calls and holds them weakly
    expect(listeners).toBeLessThanOrEqual(1);
  });

  it('passes text on as it comes', async () => {
    provider.default(answer('One two three four.', { delayMs: 30 }));
    const times: number[] = [];
    for await (const event of create(name).stream(request, new AbortController().signal)) {
      if (event.type === 'text') times.push(performance.now());
    }
    expect(times.length).toBeGreaterThanOrEqual(4);
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(60);
  });

  it('reports exact usage, cached tokens apart', async () => {
    provider.default(
      answer('One two.', { usage: { inputTokens: 70, cacheReadTokens: 30, cacheWriteTokens: 9 } }),
    );
    const { usage } = await collect(create(name));
    expect(usage).toEqual({
      inputTokens: 70,
      outputTokens: 2,
      cacheReadTokens: 30,
      cacheWriteTokens: 9,
      estimated: false,
    });
  });

  it('keeps instructions out when there are none, and sources when there are none', async () => {
    await collect(create(name), { ...request, instructions: '', sources: [], sourcesText: '', history: [] });
    expect(JSON.stringify(provider.lastRequest.body)).not.toMatch(/Cite|system|search_result/);
  });
});

describe('AnthropicLanguageModel', () => {
  it('sends instructions to be cached, sources as citable blocks and a history that begins with the user', async () => {
    await collect(create('anthropic', 'claude-sonnet-4-6'));
    const { body, headers } = provider.lastRequest;
    expect(headers).toMatchObject({
      authorization: 'Bearer sk-secret',
      'x-api-key': 'sk-secret',
      'anthropic-version': '2023-06-01',
    });
    expect(body).toEqual({
      model: 'claude-sonnet-4-6',
      max_tokens: 100,
      temperature: 1,
      stream: true,
      system: [{ type: 'text', text: 'Answer from the sources.', cache_control: { type: 'ephemeral' } }],
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Ask me.' },
        {
          role: 'user',
          content: [
            {
              type: 'search_result',
              source: 'https://x.test/keys',
              title: 'Handbook',
              citations: { enabled: true },
              content: [
                { type: 'text', text: 'Keys rotate monthly. ' },
                { type: 'text', text: 'The owner is told.\n\n' },
                { type: 'text', text: 'Nobody else is.' },
              ],
            },
            {
              type: 'search_result',
              source: 'source-2',
              title: 'Handbook',
              citations: { enabled: true },
              content: [{ type: 'text', text: 'The sky is blue.' }],
            },
            { type: 'text', text: 'Question: How often do keys rotate?' },
          ],
        },
      ],
    });
  });

  it('sends no temperature to models without it, with the newest API version, and keeps them from thinking', async () => {
    await collect(create('anthropic', 'claude-sonnet-5'));
    const { body, headers } = provider.lastRequest;
    expect(body).not.toHaveProperty('temperature');
    expect(body).toMatchObject({ thinking: { type: 'disabled' } });
    expect(headers['anthropic-version']).not.toBe('2023-06-01');
  });

  it('maps the blocks of a citation back to the source, also past an empty source', async () => {
    provider.default(answer(cited));
    const { citations, text } = await collect(create('anthropic'), {
      ...request,
      sources: [passage(' \n'), ...request.sources],
    });
    const quotes = citations.map(({ source, quote, start, end }) => [
      source,
      text.slice(start, end),
      [passage(' \n'), ...request.sources][source]!.text.slice(quote?.start, quote?.end),
    ]);
    expect(quotes).toEqual([
      [1, 'Keys rotate monthly.', 'Keys rotate monthly. The owner is told.'],
      [2, 'The sky is blue.', 'The sky is blue.'],
      [1, 'The sky is blue.', 'Nobody else is.'],
    ]);
  });

  it('ignores a citation of a block that was not sent', async () => {
    provider.default(
      answer([{ text: 'So.', cites: [{ source: 9 }, { source: 0, startBlock: 1, endBlock: 9 }] }]),
    );
    expect((await collect(create('anthropic'))).citations).toEqual([]);
  });

  it('reports the prompt’s usage before the first text', async () => {
    provider.default(answer('One two.', { usage: { inputTokens: 70, cacheWriteTokens: 30 } }));
    const { events, usages } = await collect(create('anthropic'));
    expect(events.slice(0, 3).map((event) => event.type)).toEqual(['usage', 'usage', 'text']);
    expect(usages[1]).toMatchObject({ inputTokens: 70, cacheWriteTokens: 30 });
    expect(usages.at(-1)).toMatchObject({ inputTokens: 70, cacheWriteTokens: 30, estimated: false });
  });

  it.each([
    ['refusal', 'content_filter'],
    ['max_tokens', 'length'],
    ['stop_sequence', 'stop'],
    ['pause_turn', 'other'],
  ])('finishes %s as %s', async (finishReason, reason) => {
    provider.default(answer('One.', { finishReason }));
    expect((await collect(create('anthropic'))).events.at(-1)).toEqual({ type: 'finish', reason });
  });
});

describe('OpenAiLanguageModel', () => {
  it('sends instructions, history and numbered sources', async () => {
    await collect(create('openai', 'llama3'));
    const { body, headers } = provider.lastRequest;
    expect(headers.authorization).toBe('Bearer sk-secret');
    expect(body).toEqual({
      model: 'llama3',
      max_tokens: 100,
      temperature: 1.5,
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: 'system', content: 'Answer from the sources.\n\nCite with [n].' },
        ...request.history,
        { role: 'user', content: `${request.sourcesText}\n\n${request.questionText}` },
      ],
    });
  });

  it('sends reasoning models what they take', async () => {
    await collect(create('openai', 'gpt-5.4-mini'));
    expect(provider.lastRequest.body).toMatchObject({ max_completion_tokens: 100, reasoning_effort: 'none' });
    expect(provider.lastRequest.body).not.toHaveProperty('max_tokens');
    expect(provider.lastRequest.body).not.toHaveProperty('temperature');
  });

  it('turns markers into citations', async () => {
    provider.default(answer(cited));
    const { text, citations } = await collect(create('openai'));
    expect(text).toBe('Keys rotate monthly. The sky is blue.');
    expect(citations.map(({ source, start, end, quote }) => [source, text.slice(start, end), quote])).toEqual(
      [
        [0, 'Keys rotate monthly.', undefined],
        [1, 'The sky is blue.', undefined],
        [0, 'The sky is blue.', undefined],
      ],
    );
  });

  it('counts locally when usage never arrives', async () => {
    provider.default(answer('One two.', { usage: 'missing' }));
    const { usage, error } = await collect(create('openai'));
    expect(error).toBeUndefined();
    expect(usage).toEqual(estimatedUsage(request, () => 'One two.'));
    expect(usage).toMatchObject({ outputTokens: 3, estimated: true });
    expect(usage?.inputTokens).toBeGreaterThan(40);
  });

  it('treats an exhausted quota as final', async () => {
    provider.default(status(429, {}, 'insufficient_quota'));
    const { error } = await collect(create('openai'));
    expect(expectModelError(error, 'rate_limited').isRetryable).toBe(false);
  });

  it.each([
    ['length', 'length'],
    ['content_filter', 'content_filter'],
    ['tool_calls', 'other'],
  ])('finishes %s as %s', async (finishReason, reason) => {
    provider.default(answer('One.', { finishReason }));
    expect((await collect(create('openai'))).events.at(-1)).toEqual({ type: 'finish', reason });
  });
});
