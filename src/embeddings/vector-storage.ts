/** Sizes that have an index (see the migration); a vector of another size is padded to the next one. */
export const INDEXED_DIMENSIONS = [256, 384, 512, 768, 1024, 1536, 2048, 3072, 4000] as const;

/** PostgreSQL's object id of the type `real`. */
const REAL_OID = 700;
const ARRAY_HEADER_BYTES = 20;
const ELEMENT_BYTES = 8;

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

/**
 * Vectors, each padded to its stored size, one after the other, as a SQL parameter of type `real[]` in PostgreSQL's
 * binary format (array_recv): the `pg` driver sends a Buffer as it is. Parsing a thousand decimals takes a server longer
 * than searching with them, and PostgreSQL in WebAssembly, which has no long double, 50 ms.
 */
export function toVectorParameter(vectors: readonly Float32Array[]): Buffer {
  const size = storedDimensions(vectors[0]?.length ?? 0);
  const length = vectors.length * size;
  const buffer = Buffer.alloc(ARRAY_HEADER_BYTES + length * ELEMENT_BYTES);
  // one dimension, no nulls, the element type, its length, its lower bound
  for (const [index, field] of [1, 0, REAL_OID, length, 1].entries()) buffer.writeInt32BE(field, index * 4);
  for (let index = 0; index < length; index++) {
    const offset = ARRAY_HEADER_BYTES + index * ELEMENT_BYTES;
    buffer.writeInt32BE(4, offset);
    buffer.writeFloatBE(vectors[Math.floor(index / size)]?.[index % size] ?? 0, offset + 4);
  }
  return buffer;
}
