import { describe, expect, it } from 'vitest';
import { storedDimensions, toVectorParameter } from './vector-storage.js';

describe('vector storage', () => {
  it('stores in the next indexed size', () => {
    expect(storedDimensions(1024)).toBe(1024);
    expect(storedDimensions(1000)).toBe(1024);
    expect(storedDimensions(3)).toBe(256);
    expect(() => storedDimensions(4001)).toThrow(RangeError);
  });

  it('writes vectors one after the other as a binary real[], padded with zeros', () => {
    const buffer = toVectorParameter([Float32Array.of(0.5, -0.25), Float32Array.of(1)]);
    expect(buffer).toHaveLength(20 + 2 * 256 * 8);
    expect([0, 4, 8, 12, 16].map((offset) => buffer.readInt32BE(offset))).toEqual([1, 0, 700, 512, 1]);
    const value = (index: number) => buffer.readFloatBE(20 + index * 8 + 4);
    expect([value(0), value(1), value(2), value(255), value(256), value(257)]).toEqual([
      0.5, -0.25, 0, 0, 1, 0,
    ]);
  });
});
