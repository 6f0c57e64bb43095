/** How large chunks are, in tokens (`countTokens`). */
export interface ChunkOptions {
  /** Where a chunk is full. Default 350. */
  targetTokens: number;
  /** Never passed. Default 512, at least 16. */
  maxTokens: number;
  /** Whole sentences repeated from the chunk before, in the same section. Default 50; 0 for none. */
  overlapTokens: number;
  /** Sections below this are merged with the next one. Default 64; 0 for never. */
  minTokens: number;
}

const SMALLEST_MAX = 16;

/**
 * Options with defaults, which shrink with the target where they are not given.
 * @throws {RangeError} when a value is no whole number, or they contradict each other
 */
export function chunkOptions(given: Partial<ChunkOptions> = {}): ChunkOptions {
  const maxTokens = given.maxTokens ?? Math.max(512, given.targetTokens ?? 0);
  const targetTokens = given.targetTokens ?? Math.min(350, maxTokens);
  const options: ChunkOptions = {
    targetTokens,
    maxTokens,
    overlapTokens: given.overlapTokens ?? Math.min(50, Math.floor(targetTokens / 4)),
    minTokens: given.minTokens ?? Math.min(64, Math.floor(targetTokens / 4)),
  };
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${name} must be a whole number, not ${value}.`);
  }
  if (maxTokens < SMALLEST_MAX) throw new RangeError(`maxTokens must be at least ${SMALLEST_MAX}.`);
  if (targetTokens < 1 || targetTokens > maxTokens)
    throw new RangeError('targetTokens must be from 1 to maxTokens.');
  if (options.overlapTokens * 2 > targetTokens) {
    throw new RangeError('overlapTokens must be at most half of targetTokens.');
  }
  if (options.minTokens > targetTokens) throw new RangeError('minTokens must be at most targetTokens.');
  return options;
}
