import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { terms, words } from './terms.js';

describe('words', () => {
  it.each<[string, string[]]>([
    ["Don’t stop, it's Ａ１!", ["don't", 'stop', "it's", 'a1']],
    ['naïve café—2024', ['naïve', 'café', '2024']],
    ['नमस्ते दुनिया', ['नमस्ते', 'दुनिया']],
    ['東京に行く', ['東京', 'に', '行く']],
    ['สวัสดีครับ', ['สวัสดี', 'ครับ']],
    ['snake_case foo.bar', ['snake', 'case', 'foo', 'bar']],
    ['', []],
    ['… --', []],
  ])('%j', (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it('gives lower-case words without white space', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        for (const word of words(text)) {
          expect(word).not.toBe('');
          expect(word).not.toMatch(/\s/);
        }
      }),
    );
  });

  it('does not depend on the composition of letters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        expect(words(text.normalize('NFD'))).toEqual(words(text.normalize('NFC')));
      }),
    );
  });
});

describe('terms', () => {
  it.each<[string, string[]]>([
    ['The cats were running quickly', ['cat', 'run', 'quickli']],
    ["The company's policies", ['compani', 'polici']],
    ['größere Häuser', ['größere', 'häuser']],
    ['is it the', []],
  ])('%j', (text, expected) => {
    expect(terms(text)).toEqual(expected);
  });

  it('leaves words alone that no language has', () => {
    const key = 'ings'.repeat(5000);
    expect(terms(key)).toEqual([key]);
  });
});
