import { vocabulary } from './corpus.js';
import { hash, mulberry32, themeOf } from './themes.js';

export const STAND_IN_DIMENSIONS = 768;
/** Meanings vary in so many ways; the other dimensions follow from these. */
const LATENT_DIMENSIONS = 48;
/** Share of a word's meaning that it has in common with the others of its theme. */
const THEME_SHARE = 0.3;
/** What all texts have in common, and what each has that its words do not say, as shares of what these say. */
const COMMON_SHARE = 0.4;
const OWN_SHARE = 0.3;
/** More frequent words mean nothing. */
const FIRST_MEANINGFUL_RANK = 300;

const ranks = new Map(vocabulary().map((word, rank) => [word, rank]));
const meanings = new Map<string, Float32Array>();
const axes = Array.from({ length: LATENT_DIMENSIONS }, (_, axis) => normal(9000 + axis, STAND_IN_DIMENSIONS));
const common = scaled(normal(4242, STAND_IN_DIMENSIONS), COMMON_SHARE);

/**
 * Vectors somewhat as a model of meanings would make them: few of their dimensions are independent, texts about the same
 * theme are nearer to each other, also without a word in common, rare words say more, and all have a direction in common.
 * Two passages have a cosine of 0.14 on average; a question and the passages nearest to it, 0.5 to 0.7.
 */
export function standInEmbedding(text: string): Float32Array {
  const meaning = new Float32Array(LATENT_DIMENSIONS);
  for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g)) {
    const rank = ranks.get(word) ?? 0;
    if (rank < FIRST_MEANINGFUL_RANK) continue;
    add(meaning, meaningOf(word), 1 + Math.log(rank / FIRST_MEANINGFUL_RANK));
  }
  const said = new Float32Array(STAND_IN_DIMENSIONS);
  for (const [axis, value] of meaning.entries()) add(said, axes[axis], value);
  const vector = scaled(said, 1);
  add(vector, scaled(normal(hash(text), STAND_IN_DIMENSIONS), OWN_SHARE), 1);
  add(vector, common, 1);
  return scaled(vector, 1);
}

function meaningOf(word: string): Float32Array {
  let meaning = meanings.get(word);
  if (meaning === undefined) {
    meaning = normal(hash(word), LATENT_DIMENSIONS).map((value) => (1 - THEME_SHARE) * value);
    add(meaning, normal(themeOf(word), LATENT_DIMENSIONS), THEME_SHARE);
    meanings.set(word, meaning);
  }
  return meaning;
}

function add(to: Float32Array, vector: Float32Array | undefined, factor: number): void {
  if (vector === undefined) return;
  for (let i = 0; i < to.length; i++) to[i] = (to[i] ?? 0) + factor * (vector[i] ?? 0);
}

function scaled(vector: Float32Array, length: number): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const factor = squares === 0 ? 0 : length / Math.sqrt(squares);
  return vector.map((value) => value * factor);
}

/** About normally distributed. */
function normal(seed: number, dimensions: number): Float32Array {
  const random = mulberry32(seed);
  return Float32Array.from({ length: dimensions }, () => random() + random() + random() + random() - 2);
}
