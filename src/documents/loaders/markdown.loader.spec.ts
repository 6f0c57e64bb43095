import { describe, expect, it } from 'vitest';
import { MarkdownDocumentLoader } from './markdown.loader.js';

const loader = new MarkdownDocumentLoader();
const load = (text: string) => loader.load({ bytes: Buffer.from(text) });

describe('MarkdownDocumentLoader', () => {
  it('splits off front matter', async () => {
    const front = [
      'title: "The: Guide"',
      'author: Ada # who',
      'year: 2024',
      'version: 1.20',
      'id: 007',
      'draft: false',
      'empty:',
      "quote: 'it''s'",
      'tags: [a, "b, c"]',
      'list:',
      '  - one',
      '  - two',
      'nested:',
      '  key: value',
      'none: null',
      'text: |',
      '  block',
      '__proto__: x',
      'date: 2024-05-01',
    ];
    const loaded = await load(`---\n${front.join('\r\n')}\n---\n\n# Heading\n\nText`);
    expect(loaded.title).toBe('The: Guide');
    expect(loaded.text).toBe('# Heading\n\nText');
    expect(Object.entries(loaded.metadata ?? {})).toEqual([
      ['author', 'Ada'],
      ['year', 2024],
      ['version', 1.2],
      ['id', '007'],
      ['draft', false],
      ['quote', "it's"],
      ['tags', ['a', 'b, c']],
      ['list', ['one', 'two']],
      ['__proto__', 'x'],
      ['date', '2024-05-01'],
    ]);
  });

  it.each(['---\nJust a rule.\n---\n\nText', '---\nkey: value\n\nno end', 'a\n---\nkey: v\n---'])(
    'leaves %j as it is',
    async (text) => {
      expect(await load(text)).toMatchObject({ text, metadata: {} });
    },
  );

  it.each([
    ['## Two\n\n# **One**\n\n# Other', 'One'],
    ['One\n===', 'One'],
    ['```\n# code\n```', undefined],
    ['text', undefined],
    ['---\nauthor: x\n---\n# From heading', 'From heading'],
  ])('takes the title of %j', async (text, title) => {
    expect((await load(text)).title).toBe(title);
  });
});
