import { describe, expect, it } from 'vitest';
import { scanBlocks } from './blocks.js';

const blocks = (text: string) =>
  [...scanBlocks(text)].map((block) => [
    block.kind === 'heading' ? `h${block.level} ${block.title}` : block.kind,
    text.slice(block.start, block.end),
  ]);

describe('scanBlocks', () => {
  it('finds headings, paragraphs, tables and code', () => {
    const text =
      '# A\nText\nmore\n\n| a | b |\n|---|---|\n| c | d |\n\n```js\n# no heading\n\n```\n## B ##\nEnd';
    expect(blocks(text)).toEqual([
      ['h1 A', '# A'],
      ['text', 'Text\nmore'],
      ['table', '| a | b |\n|---|---|\n| c | d |'],
      ['code', '```js\n# no heading\n\n```'],
      ['h2 B', '## B ##'],
      ['text', 'End'],
    ]);
  });

  it.each<[string, string]>([
    ['## **Bold** [link](http://x) `code` {#id}', 'h2 Bold link code'],
    ['   ### Indented', 'h3 Indented'],
    ['# C#', 'h1 C#'],
    ['Title\n=====', 'h1 Title'],
    ['Title\n---', 'h2 Title'],
  ])('reads the heading %j', (text, expected) => {
    expect(blocks(text).map(([kind]) => kind)).toEqual([expected]);
  });

  it.each([
    '#hashtag',
    '####### seven',
    '#',
    '    # code',
    `# ${'long '.repeat(100)}`,
    'two\nlines\n---',
    '- item\n---',
    'a\n\n---',
  ])('sees no heading in %j', (text) => {
    expect(blocks(text).map(([kind]) => kind)).not.toContainEqual(expect.stringMatching(/^h\d/));
  });

  it('takes a fence that is never closed for text', () => {
    expect(blocks('```\ntext\n\n# Heading').map(([kind]) => kind)).toEqual(['text', 'h1 Heading']);
  });

  it('closes a fence only with one as long, of the same kind', () => {
    expect(blocks('````\n```\n~~~~\n````\nx').map(([kind]) => kind)).toEqual(['code', 'text']);
    expect(blocks('```a``` b\n\n# H').map(([kind]) => kind)).toEqual(['text', 'h1 H']);
  });
});
