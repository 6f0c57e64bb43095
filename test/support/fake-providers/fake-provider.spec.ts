import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answer, FakeProvider, fakeEmbedding, status } from './index.js';

let provider: FakeProvider;
let client: OpenAI;
beforeAll(async () => {
  provider = await FakeProvider.start();
  client = new OpenAI({ apiKey: 'x', baseURL: provider.openaiBaseUrl, maxRetries: 0 });
});
afterEach(() => provider.reset());
afterAll(() => provider.stop());

describe('FakeProvider', () => {
  it('embeds deterministically, as numbers and as base64, in any number of dimensions', async () => {
    const input = ['signing keys', 'signing keys', 'bananas'];
    const packed = await client.embeddings.create({ model: 'm', input, dimensions: 64 });
    const plain = await client.embeddings.create({
      model: 'm',
      input,
      dimensions: 64,
      encoding_format: 'float',
    });
    expect(packed.data.map((one) => one.embedding)).toEqual(plain.data.map((one) => one.embedding));
    expect(plain.data[0]!.embedding).toEqual([...fakeEmbedding('signing keys', 64)]);
    expect(plain.data[0]!.embedding).toEqual(plain.data[1]!.embedding);
    expect(plain.data[0]!.embedding).not.toEqual(plain.data[2]!.embedding);
    expect(plain.usage.total_tokens).toBe(5);
    expect(provider.requests[0]!.body).toMatchObject({ encoding_format: 'base64' });
  });

  it('answers without streaming too, follows its queue, and bills what it sent', async () => {
    provider.next(status(500), answer('One two three.')).default(answer('Always.'));
    const ask = () =>
      client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] });
    await expect(ask()).rejects.toMatchObject({ status: 500 });
    expect((await ask()).choices[0]?.message.content).toBe('One two three.');
    expect((await ask()).choices[0]?.message.content).toBe('Always.');
    expect(provider.requests.map((request) => request.billed.outputTokens)).toEqual([0, 3, 1]);
    expect(provider.billed.outputTokens).toBe(4);
    await provider.settled();
    expect(provider.requests.every((request) => !request.aborted)).toBe(true);
  });
});
