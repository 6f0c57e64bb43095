// Process: a loopback stand-in for a model provider. Speaks OpenAI's streamed chat completions, as fast as it
// can (every answer is the same bytes, one HTTP chunk a token, made before the first request), and its embeddings.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { ProviderSettings } from './settings.js';
import { standInEmbedding } from './stand-in-embedding.js';
import { serve, settings } from './worker.js';

const { tokens, delayMs } = settings() as ProviderSettings;

function event(choices: unknown[], more: Record<string, unknown> = {}): Buffer {
  const head = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 0, model: 'gpt-5.4-mini' };
  return Buffer.from(`data: ${JSON.stringify({ ...head, choices, ...more })}\n\n`);
}

function delta(content: Record<string, string>, finishReason: string | null = null): Buffer {
  return event([{ index: 0, delta: content, finish_reason: finishReason }]);
}

const usage = { prompt_tokens: 2000, completion_tokens: tokens.length, total_tokens: 2000 + tokens.length };
const opening = delta({ role: 'assistant', content: '' });
const pieces = tokens.map((content) => delta({ content }));
const closing = [delta({}, 'stop'), event([], { usage }), Buffer.from('data: [DONE]\n\n')];

function answerAtOnce(response: ServerResponse): void {
  response.write(opening);
  for (const piece of pieces) response.write(piece);
  for (const piece of closing) response.write(piece);
  response.end();
}

function answerSlowly(response: ServerResponse): void {
  response.write(opening);
  let next = 0;
  const timer = setInterval(() => {
    const piece = pieces[next++];
    if (piece !== undefined) {
      response.write(piece);
      return;
    }
    clearInterval(timer);
    for (const last of closing) response.write(last);
    response.end();
  }, delayMs);
  response.once('close', () => clearInterval(timer));
}

async function embed(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { input } = (await json(request)) as { input: string[] };
  const data = input.map((text, index) => ({
    object: 'embedding',
    index,
    embedding: Buffer.from(standInEmbedding(text).buffer).toString('base64'),
  }));
  const total = input.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0);
  response.writeHead(200, { 'content-type': 'application/json' });
  const embeddingUsage = { prompt_tokens: total, total_tokens: total };
  response.end(JSON.stringify({ object: 'list', data, model: 'stand-in', usage: embeddingUsage }));
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.url?.endsWith('/embeddings') === true) {
    void embed(request, response);
    return;
  }
  request.resume();
  request.once('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (delayMs > 0) answerSlowly(response);
    else answerAtOnce(response);
  });
});
serve(server);
