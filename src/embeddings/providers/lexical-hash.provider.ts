import { terms, words } from '../../common/index.js';
import { type BeginEmbeddingCall, EmbeddingModel, type Embeddings } from '../embedding-model.js';

const DIMENSIONS = 1024;
/** Weight of a pair of neighbouring words, against 1 for a word: pairs are rarer, and share their words' buckets. */
const BIGRAM_WEIGHT = 0.4;

/**
 * The built-in embedding: no download, no key, about 3,000 texts a second.
 *
 * Honest about what it is: lexical. Two texts are near when they share words (stemmed) and pairs of words, not when
 * they mean the same. Feature hashing (Weinberger et al., 2009): each feature adds ±1 × (1 + ln tf) to one of 1,024
 * buckets, the sign from the hash too so that collisions cancel on average; then L2-normalised.
 */
export class LexicalHashEmbeddingModel extends EmbeddingModel {
  override readonly id = 'lexical-hash';
  override readonly traits = { keywordWeight: 0.9, findsBeyondKeywords: false, minSimilarity: 0.1 };

  override async embed(
    texts: readonly string[],
    _kind: 'query' | 'document',
    signal: AbortSignal,
    begin?: BeginEmbeddingCall,
  ): Promise<Embeddings> {
    signal.throwIfAborted();
    const end = await begin?.(this.id, () => 0);
    const started = performance.now();
    const vectors = texts.map(hashText);
    end?.({
      model: this.id,
      attempt: 1,
      outcome: 'ok',
      tokens: 0,
      estimated: false,
      latencyMs: performance.now() - started,
      error: null,
    });
    return { vectors, tokens: 0, estimated: false };
  }
}

function hashText(text: string): Float32Array {
  const vector = new Float32Array(DIMENSIONS);
  for (const [feature, weight] of features(text)) {
    const hash = fnv1a(feature);
    const bucket = hash % DIMENSIONS;
    const sign = (hash & 0x8000_0000) === 0 ? 1 : -1;
    vector[bucket] = (vector[bucket] ?? 0) + sign * weight;
  }
  let squares = 0;
  for (const value of vector) squares += value * value;
  const norm = Math.sqrt(squares);
  if (norm > 0) for (let i = 0; i < DIMENSIONS; i++) vector[i] = (vector[i] ?? 0) / norm;
  // a cosine needs a direction: a text without a single word, or whose features cancel, gets an arbitrary fixed one
  else vector[0] = 1;
  return vector;
}

function features(text: string): Map<string, number> {
  const content = terms(text);
  // "who are you" is all stop words; better these than nothing
  const list = content.length > 0 ? content : words(text);
  const counts = new Map<string, number>();
  for (const [index, term] of list.entries()) {
    counts.set(term, (counts.get(term) ?? 0) + 1);
    const next = list[index + 1];
    if (next !== undefined) counts.set(`${term} ${next}`, (counts.get(`${term} ${next}`) ?? 0) + 1);
  }
  for (const [feature, count] of counts)
    counts.set(feature, (feature.includes(' ') ? BIGRAM_WEIGHT : 1) * (1 + Math.log(count)));
  return counts;
}

/** FNV-1a, 32 bits, with an avalanche at the end: its low bits alone are too regular for bucket and sign. */
function fnv1a(text: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x0100_0193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85eb_ca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
