// Real: HTTP, database, search, the extractive answerer, and for one test the Anthropic SDK. The provider is a stand-in
// that speaks its wire protocol.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { collectStream, expectProblem, poll, startApp, type TestApp } from './support/app.js';
import { answer, FakeProvider } from './support/fake-providers/index.js';

const TEXT =
  'API keys are rotated every 90 days. The old key works for another 24 hours. Rotation is announced by e-mail.';
const QUESTION = 'How often are API keys rotated, and how is rotation announced?';
const MODELS = { LLM_MODELS: 'extractive,anthropic/claude-sonnet-5', ANTHROPIC_API_KEY: 'sk-ant-test' };

let provider: FakeProvider;
let app: TestApp;
beforeAll(async () => {
  provider = await FakeProvider.start();
  app = await startApp({
    ...MODELS,
    ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
    LLM_STALL_TIMEOUT_MS: '1000',
  });
  await app.addDocument({ title: 'Keys', text: TEXT });
});
afterEach(() => provider.reset());
afterAll(async () => {
  await app.stop();
  await provider.stop();
});

describe('POST /ask/stream', () => {
  it('sends sources, then tokens and citations, then done, with increasing ids', async () => {
    const stream = await app.askStream(QUESTION);
    expect(stream.status).toBe(200);
    expect(stream.events.map(({ id }) => id)).toEqual(stream.events.map((_, index) => String(index + 1)));
    const names = stream.events.map(({ event }) => event);
    expect(names[0]).toBe('sources');
    expect(names[1]).toBe('token');
    expect(names.at(-1)).toBe('done');
    expect(new Set(names.slice(1, -1))).toEqual(new Set(['token', 'citation']));
    // a citation comes after the text that it is about
    let text = '';
    for (const { event, data } of stream.events) {
      const parsed = JSON.parse(data) as { text: string; start: number; end: number; quote: string };
      if (event === 'token') text += parsed.text;
      if (event === 'citation') expect(text.slice(parsed.start, parsed.end)).toBe(parsed.quote);
    }
  });

  it('says the same as /ask', async () => {
    const [stream, whole] = [await app.askStream(QUESTION), await app.ask(QUESTION)];
    expect(stream.text).toBe(whole.answer);
    expect(stream.citations).toEqual(whole.citations);
    expect(stream.citations.length).toBeGreaterThan(0);
    expect(stream.sources).toEqual(whole.sources.map((source) => ({ ...source, cited: false })));
    const { answer: _answer, sources: _sources, ...rest } = whole;
    expect(Object.keys(stream.done!)).toEqual(Object.keys(rest));
    const { id, latency_ms, timings, ...same } = stream.done!;
    expect(rest).toMatchObject(same);
    expect(id).not.toBe(whole.id);
    expect(latency_ms).toBeGreaterThan(0);
    expect(Object.keys(timings)).toEqual(Object.keys(whole.timings));
  });

  it('has the headers of a stream that no proxy may hold up', async () => {
    const { headers } = await app.askStream(QUESTION);
    expect(headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(headers.get('x-accel-buffering')).toBe('no');
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('server-timing')).toMatch(/^embed;dur=[\d.]+, search;dur=[\d.]+$/);
  });

  it('streams the one sentence when it knows nothing', async () => {
    const stream = await app.askStream('Wie hoch ist der Everest?');
    expect(stream.events.map(({ event }) => event)).toEqual(['sources', 'token', 'done']);
    expect(stream).toMatchObject({
      sources: [],
      text: "I don't have information about this in my knowledge base.",
      done: { finish_reason: 'no_context', citations: [], attempts: 0 },
    });
  });

  it('answers an error before the first event as an ordinary HTTP error', async () => {
    expectProblem(await app.post('/ask/stream', { question: '' }), 400, 'INVALID_REQUEST');
    expectProblem(await app.post('/ask/stream', { question: 'a', model: 'x/y' }), 400, 'INVALID_REQUEST');
    expectProblem(await app.post('/ask/stream', { question: 'a', collections: ['nope'] }), 404, 'NOT_FOUND');
    expectProblem(
      await app.post('/ask/stream', { question: 'a', filter: { a: { b: 1 } } }),
      400,
      'INVALID_REQUEST',
    );
  });

  it('passes tokens on as they come', async () => {
    provider.default(answer('One two three four.', { delayMs: 150 }));
    const response = await app.openStream({ question: QUESTION, model: 'anthropic/claude-sonnet-5' });
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let seen = '';
    while (!seen.includes('event: token'))
      seen += decoder.decode((await reader.read()).value, { stream: true });
    expect(provider.lastRequest.endedAt).toBeUndefined();
    await reader.cancel();
  });

  it('keeps a silent connection alive with a comment every 15 seconds', async () => {
    const real = globalThis.setInterval;
    const intervals: (number | undefined)[] = [];
    // the real timer, a thousand times faster
    const spy = vi
      .spyOn(globalThis, 'setInterval')
      .mockImplementation((callback: () => void, ms?: number) => {
        intervals.push(ms);
        return real(callback, ms === 15_000 ? 15 : ms);
      });
    try {
      provider.default(answer('Slow answer.', { delayMs: 400 }));
      const stream = await app.askStream({ question: QUESTION, model: 'anthropic/claude-sonnet-5' });
      expect(intervals).toContain(15_000);
      expect(stream.comments.length).toBeGreaterThan(2);
      expect(new Set(stream.comments)).toEqual(new Set(['keep-alive']));
      expect(stream.text).toBe('Slow answer.');
      expect(stream.done).toBeDefined();
    } finally {
      spy.mockRestore();
    }
  });
});

describe('a slow reader', () => {
  const TOKENS = 4000;
  const WORD = 'x'.repeat(20_000);

  it('slows the provider down instead of filling the memory, and then gets everything', async () => {
    provider.default(
      answer(`${WORD} `.repeat(TOKENS).trimEnd(), { usage: { inputTokens: 10, outputTokens: TOKENS } }),
    );
    const client = await openRawStream({ question: QUESTION, model: 'anthropic/claude-sonnet-5' });
    client.pause();
    await provider.until(({ requests }) => requests.length === 1);
    // until nothing has moved for as long as the stall timeout, which must not count the reader's time
    let last = -1;
    await poll('the provider is held up', async () => {
      const served = provider.lastRequest.billed.outputTokens;
      const isStill = served > 0 && served === last;
      last = served;
      await wait(1200);
      return isStill;
    });
    expect(last).toBeLessThan(TOKENS / 2);
    expect(provider.lastRequest.endedAt).toBeUndefined();
    const stream = await readRawStream(client);
    expect(stream.text.length).toBe((WORD.length + 1) * TOKENS - 1);
    expect(stream.done).toMatchObject({ finish_reason: 'stop', usage: { output_tokens: TOKENS } });
  }, 60_000);

  it('that goes away ends the provider call, though nothing could be written', async () => {
    provider.default(answer(`${WORD} `.repeat(TOKENS)));
    const client = await openRawStream({ question: QUESTION, model: 'anthropic/claude-sonnet-5' });
    client.pause();
    await provider.until(({ requests }) => (requests[0]?.billed.outputTokens ?? 0) > 0);
    await wait(500);
    client.destroy();
    // the 100 MB that are under way in this one process take their time
    await provider.until(() => provider.lastRequest.aborted, 10_000);
    const row = await poll('the ledger has it', async () =>
      (await app.ledger()).find(({ outcome }) => outcome === 'aborted'),
    );
    expect(row).toMatchObject({ operation: 'answer', model: 'anthropic/claude-sonnet-5' });
    expect(row.output_tokens).toBeGreaterThan(0);
  }, 60_000);
});

/** A socket of its own, so that not reading is really not reading. */
async function openRawStream(body: object): Promise<Socket> {
  const { hostname, port } = new URL(app.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const json = JSON.stringify(body);
  socket.write(
    `POST /ask/stream HTTP/1.0\r\nHost: ${hostname}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
  );
  return socket;
}

/** HTTP/1.0: the body is all after the head, without chunks, until the end of the connection. */
async function readRawStream(socket: Socket): ReturnType<typeof collectStream> {
  const packets: Buffer[] = [];
  for await (const packet of socket) packets.push(packet as Buffer);
  const all = Buffer.concat(packets);
  const head = all.indexOf('\r\n\r\n');
  const type = /content-type: (.+)\r\n/i.exec(all.subarray(0, head + 2).toString())?.[1] ?? '';
  return collectStream(new Response(all.subarray(head + 4), { headers: { 'content-type': type } }));
}
