import { vocabulary } from './corpus.js';
import { hash, mulberry32, themeOf } from './themes.js';

export const STAND_IN_DIMENSIONS = 768;
/** Share of a word's direction that its theme gives it. */
const THEME_SHARE = 0.7;
/** More frequent words mean nothing. */
const FIRST_MEANINGFUL_RANK = 300;

const ranks = new Map(vocabulary().map((word, rank) => [word, rank]));
const directions = new Map<string, Float32Array>();

/**
 * Vectors as a model of meanings would make them: texts about the same theme are near each other, also without a word
 * in common, and rare words say more.
 */
export function standInEmbedding(text: string): Float32Array {
  const vector = new Float32Array(STAND_IN_DIMENSIONS);
  for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g)) {
    const rank = ranks.get(word) ?? 0;
    if (rank < FIRST_MEANINGFUL_RANK) continue;
    const weight = 1 + Math.log(rank / FIRST_MEANINGFUL_RANK);
    const direction = directionOf(word);
    for (let i = 0; i < STAND_IN_DIMENSIONS; i++) vector[i] = (vector[i] ?? 0) + weight * (direction[i] ?? 0);
  }
  let squares = 0;
  for (const value of vector) squares += value * value;
  const norm = Math.sqrt(squares);
  if (norm === 0) vector[0] = 1;
  return norm === 0 ? vector : vector.map((value) => value / norm);
}

function directionOf(word: string): Float32Array {
  let direction = directions.get(word);
  if (direction === undefined) {
    const theme = normal(themeOf(word));
    const own = normal(hash(word));
    direction = own.map((value, i) => THEME_SHARE * (theme[i] ?? 0) + (1 - THEME_SHARE) * value);
    directions.set(word, direction);
  }
  return direction;
}

/** About normally distributed. */
function normal(seed: number): Float32Array {
  const random = mulberry32(seed);
  return Float32Array.from(
    { length: STAND_IN_DIMENSIONS },
    () => random() + random() + random() + random() - 2,
  );
}
