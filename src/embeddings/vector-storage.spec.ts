import { describe, expect, it } from 'vitest';
import { indexedType, storedDimensions, toVectorText } from './vector-storage.js';

describe('vector storage', () => {
  it('pads to the next indexed size', () => {
    expect(storedDimensions(1024)).toBe(1024);
    expect(storedDimensions(1000)).toBe(1024);
    expect(storedDimensions(3)).toBe(256);
    expect(() => storedDimensions(4001)).toThrow(RangeError);
    const text = toVectorText(Float32Array.of(0.5, -0.25, 1));
    expect(text.startsWith('[0.5,-0.25,1,0,0')).toBe(true);
    expect(text.split(',')).toHaveLength(256);
  });

  it('compares large vectors as half floats', () => {
    expect(indexedType(1536)).toBe('vector(1536)');
    expect(indexedType(3072)).toBe('halfvec(3072)');
  });
});
