import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CitationMarkerFilter, type FilteredEvent } from './citation-markers.js';

function run(deltas: string[], sources = 3): { text: string; cites: { source: number; said: string }[] } {
  const filter = new CitationMarkerFilter(sources);
  const events: FilteredEvent[] = [...deltas.flatMap((delta) => filter.push(delta)), ...filter.flush()];
  const text = events.map((event) => (event.type === 'text' ? event.text : '')).join('');
  const cites = events
    .filter((event) => event.type === 'citation')
    .map(({ source, start, end }) => ({ source, said: text.slice(start, end) }));
  return { text, cites };
}

describe('CitationMarkerFilter', () => {
  it.each<[string, string, [number, string][]]>([
    [
      'Fact one [1]. Fact two [2].',
      'Fact one. Fact two.',
      [
        [0, 'Fact one.'],
        [1, 'Fact two.'],
      ],
    ],
    [
      'Fact one. [1] Fact two. [2]',
      'Fact one. Fact two.',
      [
        [0, 'Fact one.'],
        [1, 'Fact two.'],
      ],
    ],
    ['Fact.[1]', 'Fact.', [[0, 'Fact.']]],
    [
      'Fact [1][2].',
      'Fact.',
      [
        [0, 'Fact.'],
        [1, 'Fact.'],
      ],
    ],
    [
      'Fact [1], [3].',
      'Fact.',
      [
        [0, 'Fact.'],
        [2, 'Fact.'],
      ],
    ],
    [
      'Fact [1, 2].',
      'Fact.',
      [
        [0, 'Fact.'],
        [1, 'Fact.'],
      ],
    ],
    [
      'Fact [1-3].',
      'Fact.',
      [
        [0, 'Fact.'],
        [1, 'Fact.'],
        [2, 'Fact.'],
      ],
    ],
    ['Fact【1】。', 'Fact。', [[0, 'Fact。']]],
    [
      'A is B [1] and C is D [2].',
      'A is B and C is D.',
      [
        [0, 'A is B'],
        [1, 'and C is D.'],
      ],
    ],
    ['Uncited. Cited [1].', 'Uncited. Cited.', [[0, 'Cited.']]],
    [
      '- one [1]\n- two [2]\n',
      '- one\n- two\n',
      [
        [0, 'one'],
        [1, 'two'],
      ],
    ],
    [
      'See e.g. Smith et al. for it [1].',
      'See e.g. Smith et al. for it.',
      [[0, 'See e.g. Smith et al. for it.']],
    ],
    ['fact [1]and more', 'fact and more', [[0, 'fact']]],
    [
      '[1] The sky is blue. Yes [2].',
      'The sky is blue. Yes.',
      [
        [0, 'The sky is blue.'],
        [1, 'Yes.'],
      ],
    ],
    ['Fact [1][1].', 'Fact.', [[0, 'Fact.']]],
    ['[1]', '', []],
  ])('takes the markers out of %j', (input, text, cites) => {
    const found = run([input]);
    expect(found.text).toBe(text);
    expect(found.cites.map((cite) => [cite.source, cite.said])).toEqual(cites);
  });

  it.each([
    'A [link](https://x.test) and [1](https://x.test).',
    'No source [4], [0], [12] or [2019].',
    'An array `a[1]` and ``b [2]``.',
    '```js\nconst x = a[1];\n```\n',
    '~~~\nfact [1]\n~~~',
    'Escaped \\[1] and nested [[1]].',
    'Open [ and [1 and [1,',
    'trailing spaces   ',
    '[^1] [a] []',
  ])('leaves %j as it is', (input) => {
    expect(run([input])).toEqual({ text: input, cites: [] });
  });

  it('finds markers again after code', () => {
    expect(run(['`a[1]` is code [1].\n```\nx [2]\n```\nDone [2].']).text).toBe(
      '`a[1]` is code.\n```\nx [2]\n```\nDone.',
    );
    expect(run(['A stray ` here.\n\nFact [1].']).text).toBe('A stray ` here.\n\nFact.');
  });

  it('holds back nothing but spaces and possible markers', () => {
    const filter = new CitationMarkerFilter(2);
    expect(filter.push('Fact')).toEqual([{ type: 'text', text: 'Fact' }]);
    expect(filter.push(' ')).toEqual([]);
    expect(filter.push('[')).toEqual([]);
    expect(filter.push('x')).toEqual([{ type: 'text', text: ' [x' }]);
    expect(filter.push('[3')).toEqual([{ type: 'text', text: '[3' }]);
    expect(filter.push(' [2]')).toEqual([]);
    expect(filter.push('.').map((event) => event.type)).toEqual(['text', 'citation']);
  });

  it('finds nothing when there are no sources', () => {
    expect(run(['Fact [1].'], 0)).toEqual({ text: 'Fact [1].', cites: [] });
  });

  const markers = ['[1]', '[2]', '[1, 2]', '[9]', '[1](', '【1】', '[', ']', '[1'];
  const spaces = [' ', '  ', '. ', '.', ',', ', ', '\n', '\n\n'];
  const rest = ['fact', 'Word', '`', '``', '```', '~~~', '- ', '(', '# ', '😀', '。', '1', '\\', '!'];
  const pieces = fc.constantFrom(...markers, ...spaces, ...rest);

  it('gives the same text and citations however the input is cut', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), fc.array(fc.nat(200)), (parts, cuts) => {
        const input = parts.join('');
        const points = [...new Set(cuts.filter((cut) => cut < input.length))].sort((a, b) => a - b);
        const deltas = [0, ...points].map((point, index) => input.slice(point, points[index]));
        expect(run(deltas)).toEqual(run([input]));
        expect(run(input.split(''))).toEqual(run([input]));
      }),
      { numRuns: 2000 },
    );
  });

  it('changes no text without markers, and cites only spans of the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        fc.pre(!/[[【]/.test(text));
        expect(run([text])).toEqual({ text, cites: [] });
      }),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        for (const { said } of run([parts.join('')]).cites) expect(said).toMatch(/[\p{L}\p{N}]/u);
      }),
      { numRuns: 1000 },
    );
  });
});
