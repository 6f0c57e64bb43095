import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitSentences } from './sentences.js';

const sentences = (text: string) => splitSentences(text).map(({ start, end }) => text.slice(start, end));

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 120 }),
  fc.string({
    unit: fc.constantFrom(
      ...'Dr.|Mr. |e.g. |U.S. |et al. |Fig. |3|. |.|!|? |…|。|」|"|’|)|[12]|[|]|\n|\n\n| |\t|- |1. |# |> ||||```|a|The|word |漢|🙂|\u0301|\u2028|\u3000'.split(
        '|',
      ),
    ),
    maxLength: 40,
  }),
);

describe('splitSentences', () => {
  it.each<[string, string[]]>([
    ['One. Two! Three? Four', ['One.', 'Two!', 'Three?', 'Four']],
    ['Dr. Smith left. Mrs. Jones stayed.', ['Dr. Smith left.', 'Mrs. Jones stayed.']],
    ['Use it, e.g. this one. Or that, i.e. Another.', ['Use it, e.g. this one.', 'Or that, i.e. Another.']],
    [
      'Smith et al. 2020 saw it. Lee et al. The end.',
      ['Smith et al. 2020 saw it.', 'Lee et al.', 'The end.'],
    ],
    [
      'See Fig. 3 and Eq. (2). The answer is no. We left.',
      ['See Fig. 3 and Eq. (2).', 'The answer is no.', 'We left.'],
    ],
    [
      'The U.S. Army came. They left the U.S. The law held.',
      ['The U.S. Army came.', 'They left the U.S.', 'The law held.'],
    ],
    ['J. R. R. Tolkien wrote. G. B. Shaw too.', ['J. R. R. Tolkien wrote.', 'G. B. Shaw too.']],
    ['At 5 p.m. we ate. At 6 p.m. The sun set.', ['At 5 p.m. we ate.', 'At 6 p.m.', 'The sun set.']],
    [
      'It weighs 3.5 kg. It costs $1.25. Call foo.bar() now.',
      ['It weighs 3.5 kg.', 'It costs $1.25.', 'Call foo.bar() now.'],
    ],
    ['He was 42. The next was 7.', ['He was 42.', 'The next was 7.']],
    ['Wait... what? Well… Yes.', ['Wait... what?', 'Well… Yes.']],
    [
      '"Hello!" she said. “Go.” He left. (Really.) Yes.',
      ['"Hello!" she said.', '“Go.”', 'He left.', '(Really.)', 'Yes.'],
    ],
    [
      'Ducks swim.[12][13] Drakes too.[a] See [3]. Yes.',
      ['Ducks swim.[12][13]', 'Drakes too.[a]', 'See [3].', 'Yes.'],
    ],
    ['1. Install it. Then run.\n2. Stop.', ['1. Install it.', 'Then run.', '2. Stop.']],
    ['Intro:\n- one\n- two\n* three', ['Intro:', '- one', '- two', '* three']],
    ['# Title\nText here.', ['# Title', 'Text here.']],
    ['| a | b |\n|---|---|\n| c | d |', ['| a | b |', '|---|---|', '| c | d |']],
    ['彼は行った。次は？はい！', ['彼は行った。', '次は？', 'はい！']],
    ['यह पहला है। यह दूसरा है।', ['यह पहला है।', 'यह दूसरा है।']],
    ['Name: Foo\nAge: 3\nCity: Paris', ['Name: Foo', 'Age: 3', 'City: Paris']],
    ['no stop\n\nanother paragraph', ['no stop', 'another paragraph']],
    ['', []],
    [' \n\t\n ', []],
  ])('%j', (text, expected) => {
    expect(sentences(text)).toEqual(expected);
  });

  it('joins the lines of wrapped prose', () => {
    const text =
      'The quick brown fox jumps over the lazy\ndog and Runs away. Then it comes back to\nthe House.';
    expect(sentences(text)).toEqual([
      'The quick brown fox jumps over the lazy\ndog and Runs away.',
      'Then it comes back to\nthe House.',
    ]);
  });

  it('gives trimmed spans in order, with only white space between them', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        let end = 0;
        for (const span of splitSentences(text)) {
          expect(text.slice(end, span.start).trim()).toBe('');
          expect(span.end).toBeGreaterThan(span.start);
          const sentence = text.slice(span.start, span.end);
          expect(sentence.trim()).toBe(sentence);
          end = span.end;
        }
        expect(text.slice(end).trim()).toBe('');
      }),
      { numRuns: 2000 },
    );
  });

  it('cuts no surrogate pair', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (text) => {
        for (const sentence of sentences(text)) expect(sentence.isWellFormed()).toBe(true);
      }),
    );
  });

  it.each([
    ['without any stop', 'word '.repeat(1_000_000)],
    ['without any space', 'a'.repeat(5_000_000)],
    ['of stops', '. '.repeat(1_000_000)],
    ['of abbreviations', 'Mr. '.repeat(500_000)],
    ['of short lines', 'a\n'.repeat(1_000_000)],
    ['of numbers after a stop', `a. ${'1 '.repeat(1_000_000)}`],
    ['of brackets', 'a.['.repeat(500_000)],
  ])('takes linear time on a text %s', (_, text) => {
    const start = performance.now();
    splitSentences(text);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
