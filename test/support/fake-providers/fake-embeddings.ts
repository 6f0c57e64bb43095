import { createHash } from 'node:crypto';
import type { Json } from './wire.js';
import { tokensOf } from './wire.js';

const DEFAULT_DIMENSIONS = 1536;

/** Answers `POST /v1/embeddings`: texts that share words have similar vectors, the same text always the same one. */
export function embeddingsBody(body: Json): { json: Json; tokens: number } {
  const input = body['input'] as string | (string | number[])[];
  const texts = typeof input === 'string' ? [input] : input;
  const dimensions = (body['dimensions'] as number | undefined) ?? DEFAULT_DIMENSIONS;
  const tokens = texts.reduce(
    (sum, text) => sum + (typeof text === 'string' ? tokensOf(text).length : text.length),
    0,
  );
  const data = texts.map((text, index) => {
    const vector = fakeEmbedding(typeof text === 'string' ? text : text.join(' '), dimensions);
    const base64 = body['encoding_format'] === 'base64';
    return { object: 'embedding', index, embedding: base64 ? toBase64(vector) : [...vector] };
  });
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return { json: { object: 'list', data, model: body['model'], usage }, tokens };
}

/** The vector of a text: its words hashed into signed dimensions, of length 1. */
export function fakeEmbedding(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['']) {
    const hash = createHash('sha256').update(word).digest();
    const position = hash.readUInt32LE(0) % dimensions;
    vector[position] = (vector[position] ?? 0) + (hash.readUInt8(4) % 2 === 0 ? 1 : -1);
  }
  const norm = Math.hypot(...vector);
  // words may cancel each other out
  if (norm === 0) vector[0] = 1;
  return norm === 0 ? vector : vector.map((value) => value / norm);
}

function toBase64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}
