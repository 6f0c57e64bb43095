import pgvector from 'pgvector';

/** Above this size, indexes are of half floats (pgvector's limit for full ones). */
const LARGEST_FULL = 2000;

/** The type that vectors of a stored size are indexed and compared as. */
export function indexedType(dimensions: number): string {
  return `${dimensions > LARGEST_FULL ? 'halfvec' : 'vector'}(${dimensions})`;
}

/** Sizes that have an index (see the migration); a vector of another size is padded to the next one. */
export const INDEXED_DIMENSIONS = [256, 384, 512, 768, 1024, 1536, 2048, 3072, 4000] as const;

/**
 * The size that vectors of `dimensions` are stored in. Zeros at a vector's end change neither norm nor cosine.
 * @throws RangeError above 4,000
 */
export function storedDimensions(dimensions: number): number {
  const size = INDEXED_DIMENSIONS.find((candidate) => candidate >= dimensions);
  if (size === undefined)
    throw new RangeError(`Vectors of ${dimensions} dimensions are not supported; at most 4000`);
  return size;
}

/** A vector as PostgreSQL reads it, padded to its stored size. Six decimals, as its parts are at most 1. */
export function toVectorText(vector: Float32Array): string {
  const padded = Array.from<number>({ length: storedDimensions(vector.length) }).fill(0);
  for (const [index, value] of vector.entries()) padded[index] = Math.round(value * 1e6) / 1e6;
  return String(pgvector.toSql(padded));
}
