import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countTokens } from '../../common/text/index.js';
import { normaliseText } from '../normalize.js';
import { type Chunk, chunkText } from './chunker.js';
import type { ChunkOptions } from './options.js';

const prose = (sentences: number, word = 'word') =>
  Array.from({ length: sentences }, (_, at) => `Sentence number ${at} has a few more ${word}s in it.`).join(
    ' ',
  );

const PIECES = [
  '# Title\n\n',
  '## Part\n\n',
  '### Sub\n',
  'Under\n===\n\n',
  '- item one\n',
  '1. item two\n',
  '\n',
  '\n\n',
  ' ',
  '```js\nconst a = 1;\n\nfoo();\n```\n\n',
  '```',
  '| a | b |\n|---|---|\n| c | d |\n\n',
  '> quote\n',
  '#',
  '~~~\n',
  'A sentence that says something. ',
  'Dr. Smith knows. ',
  'Really? ',
  'no stop and no end ',
  'word',
  '漢字仮名。',
  '👨‍👩‍👧‍👦',
  '🇩🇪',
  'e\u0301\u0323',
  '\u0301',
  'x'.repeat(90),
  '語'.repeat(70),
  '\u0e20\u0e32\u0e29\u0e32',
  '\u3000',
  '\t',
  '…',
];
const markdown = fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((parts) => parts.join(''));
const anyText = fc.oneof(
  markdown.map(normaliseText),
  fc.string({ unit: 'binary', maxLength: 400 }).map(normaliseText),
  markdown,
);
const anyOptions: fc.Arbitrary<Partial<ChunkOptions>> = fc
  .record({ max: fc.integer({ min: 16, max: 80 }), target: fc.double({ min: 0.2, max: 1, noNaN: true }) })
  .map(({ max, target }) => ({ maxTokens: max, targetTokens: Math.max(4, Math.floor(max * target)) }));

function expectSound(text: string, chunks: readonly Chunk[], maxTokens: number): void {
  let covered = 0;
  chunks.forEach((chunk, at) => {
    expect(chunk.ordinal).toBe(at);
    expect(chunk.text).toBe(text.slice(chunk.start, chunk.end));
    expect(chunk.text.trim()).toBe(chunk.text);
    expect(chunk.text).not.toBe('');
    expect(chunk.tokens).toBe(countTokens(chunk.text));
    expect(chunk.tokens).toBeLessThanOrEqual(maxTokens);
    expect(text.slice(covered, chunk.start).trim()).toBe('');
    expect(chunk.end).toBeGreaterThan(covered);
    expect(chunk.start).toBeGreaterThan(chunks[at - 1]?.start ?? -1);
    covered = chunk.end;
  });
  expect(text.slice(covered).trim()).toBe('');
}

describe('chunkText', () => {
  it('keeps its promises for any text and size', () => {
    expect.hasAssertions();
    fc.assert(
      fc.property(anyText, anyOptions, (text, options) => {
        expectSound(text, chunkText(text, options), options.maxTokens ?? 0);
      }),
      { numRuns: 1500 },
    );
  });

  it('keeps its promises with the default sizes', () => {
    expect.hasAssertions();
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 12 }), (texts) => {
        const text = texts.join('\n\n');
        expectSound(text, chunkText(text), 512);
      }),
      { numRuns: 100 },
    );
  });

  it('splits no code point', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 300 })), anyOptions, (texts, options) => {
        for (const { text } of chunkText(texts.join(' '), options)) expect(text.isWellFormed()).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('splits no grapheme that fits into a chunk', () => {
    for (const grapheme of ['👨‍👩‍👧‍👦', 'e\u0323\u0301\u0302', '🏳️‍🌈']) {
      for (const { text } of chunkText(grapheme.repeat(400), { maxTokens: 40 })) {
        expect(text.length % grapheme.length).toBe(0);
      }
    }
  });

  it('gives the same chunks again, also for the text of a chunk', () => {
    fc.assert(
      fc.property(anyText, anyOptions, (text, options) => {
        const chunks = chunkText(text, options);
        expect(chunkText(text, options)).toEqual(chunks);
      }),
      { numRuns: 200 },
    );
    const small = 'One. Two.\n\nThree.';
    expect(chunkText(chunkText(small)[0]!.text)).toEqual(chunkText(small));
  });

  it.each(['', ' ', '\n\n\t'])('makes nothing of %j', (text) => {
    expect(chunkText(text)).toEqual([]);
  });

  it('fills chunks to the target and repeats whole sentences', () => {
    const text = prose(200);
    const chunks = chunkText(text);
    expect(chunks.length).toBeGreaterThan(5);
    for (const { tokens } of chunks.slice(0, -1)) {
      expect(tokens).toBeGreaterThan(300);
      expect(tokens).toBeLessThanOrEqual(360);
    }
    chunks.slice(1).forEach((chunk, at) => {
      const repeated = text.slice(chunk.start, chunks[at]!.end);
      expect(repeated).toMatch(/^Sentence .*\.$/);
      expect(countTokens(repeated)).toBeLessThanOrEqual(50);
      expect(countTokens(repeated)).toBeGreaterThan(25);
    });
  });

  it('begins a chunk with each section and repeats nothing across sections', () => {
    const text = `# Guide\n\n${prose(12)}\n\n## Install\n\n${prose(12)}\n\n### Linux\n\n${prose(12)}\n\n## Use\n\n${prose(12)}`;
    const chunks = chunkText(text);
    expect(chunks.map(({ headingPath }) => headingPath)).toEqual([
      ['Guide'],
      ['Guide', 'Install'],
      ['Guide', 'Install', 'Linux'],
      ['Guide', 'Use'],
    ]);
    expect(chunks.map(({ text }) => text.split('\n', 1)[0])).toEqual([
      '# Guide',
      '## Install',
      '### Linux',
      '## Use',
    ]);
  });

  it('merges tiny sections under the headings they share', () => {
    const text = '# FAQ\n\n## One\n\nYes.\n\n## Two\n\nNo.\n\n## Three\n\nMaybe.';
    expect(chunkText(text)).toMatchObject([{ text, headingPath: ['FAQ'] }]);
    expect(chunkText('# A\n\n## B\n\nText.')).toMatchObject([{ headingPath: ['A', 'B'] }]);
  });

  it('ends no chunk with a heading', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 }), (sizes) => {
        const text = sizes.map((size, at) => `## Part ${at}\n\n${prose(size)}`).join('\n\n');
        for (const chunk of chunkText(text)) expect(chunk.text.split('\n').at(-1)).not.toMatch(/^#/);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps code and tables whole where they fit', () => {
    const code = `\`\`\`js\n${'const value = compute(1, 2);\n\n'.repeat(20)}\`\`\``;
    const table = `| a | b |\n|---|---|\n${'| one | two |\n'.repeat(30)}`.trim();
    const text = [prose(15), code, prose(15), table, prose(15)].join('\n\n');
    const texts = chunkText(text).map((chunk) => chunk.text);
    expect(texts.some((chunk) => chunk.includes(code))).toBe(true);
    expect(texts.some((chunk) => chunk.includes(table))).toBe(true);
  });

  it('cuts long code at lines', () => {
    const text = `\`\`\`\n${'let x = compute(1, 2);\n'.repeat(300)}\`\`\``;
    for (const chunk of chunkText(text)) expect(chunk.text).toMatch(/(?:;|```)$/);
  });

  it('cuts a sentence without end between words', () => {
    const text = 'alpha beta gamma '.repeat(1000).trim();
    for (const chunk of chunkText(text))
      expect(chunk.text).toMatch(/^(?:alpha|beta|gamma)\b.*\b(?:alpha|beta|gamma)$/);
  });

  it.each<[string, Partial<ChunkOptions>]>([
    ['maxTokens', { maxTokens: 8 }],
    ['targetTokens', { targetTokens: 600, maxTokens: 512 }],
    ['overlapTokens', { overlapTokens: 300 }],
    ['minTokens', { minTokens: 1.5 }],
  ])('refuses a %s that makes no sense', (name, options) => {
    expect(() => chunkText('x', options)).toThrow(name);
  });

  it.each([
    ['prose', `${prose(20)}\n\n`.repeat(2000)],
    ['one word', 'a'.repeat(2_000_000)],
    [
      'random letters',
      Array.from({ length: 500_000 }, (_, at) => String.fromCharCode(97 + ((at * at * 7919) % 26))).join(''),
    ],
    ['words without a stop', 'word '.repeat(400_000)],
    ['fences', '```\n'.repeat(300_000)],
    [
      'fences of all lengths',
      Array.from({ length: 100_000 }, (_, at) => `${'`'.repeat(3 + (at % 60))} x\n`).join(''),
    ],
    ['headings', '# a\n'.repeat(200_000)],
    ['list items', '- a\n'.repeat(200_000)],
    ['combining marks', `a${'\u0301'.repeat(1_000_000)}`],
    ['spaces', `a${' '.repeat(2_000_000)}b`],
  ])('takes linear time on %s', (_, text) => {
    const start = performance.now();
    chunkText(text);
    expect(performance.now() - start).toBeLessThan(8000);
  });
});
