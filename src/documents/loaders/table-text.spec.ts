import { describe, expect, it } from 'vitest';
import { UnreadableDocumentError } from './loader.js';
import { oneLine, paragraph, recordLine, TableText, tableText } from './table-text.js';

const people = (count: number) => [
  ['Name', 'Age'],
  ...Array.from({ length: count }, (_, at) => [`Person ${at}`, String(20 + at)]),
];

describe('tableText', () => {
  it('writes a small table as a pipe table', () => {
    expect(tableText([['a', 'b'], [], [' c|d ', 'e\n f']], true)).toBe(
      '| a | b |\n|---|---|\n| c\\|d | e f |',
    );
  });

  it('leaves out columns without any value, and fills short rows up', () => {
    expect(tableText([['a', '', 'b'], ['c'], ['', ' ', 'd']], false)).toBe(
      '| a | b |\n|---|---|\n| c |  |\n|  | d |',
    );
  });

  it('writes the rows of a longer table as records that name their columns', () => {
    const records = tableText(people(12), true).split('\n\n');
    expect(records).toHaveLength(12);
    expect(records[11]).toBe('Name: Person 11; Age: 31');
  });

  it('keeps a table of twelve rows together, unless they are long', () => {
    expect(tableText(people(11), true).split('\n')).toHaveLength(13);
    const long = [...people(2), ['x'.repeat(1500), '7']];
    expect(tableText(long, true).split('\n\n')[2]).toBe(`Name: ${'x'.repeat(1500)}; Age: 7`);
  });

  it('writes records without names where there are none', () => {
    const [first, , third] = tableText(people(20), false).split('\n\n');
    expect([first, third]).toEqual(['Name; Age', 'Person 1; 21']);
  });

  it('writes a single column as paragraphs', () => {
    expect(tableText([['a'], ['# b'], ['| c']], false)).toBe('a\n\n\\# b\n\n\\| c');
  });

  it('writes a table of nothing but names, and one of nothing', () => {
    const names = Array.from({ length: 400 }, (_, at) => `name ${at}`);
    expect(tableText([names], true).split('\n')[0]).toContain('| name 0 | name 1 |');
    expect(tableText([[''], []], true)).toBe('');
  });

  it('takes no value for the beginning of a heading, table or code', () => {
    const rows = Array.from({ length: 13 }, () => ['# 1', '```']);
    expect(tableText(rows, false).split('\n\n')[0]).toBe('\\# 1; ```');
  });
});

describe('TableText', () => {
  const cells = (...texts: string[]) => texts.map((text, column) => ({ column, text }));

  it('writes the values of columns far apart without what is between', () => {
    const table = new TableText([{ column: 3, text: 'a' }]);
    table.add([
      { column: 3, text: '1' },
      { column: 1_000_000_000, text: '2' },
    ]);
    expect(String(table)).toBe('| a |  |\n|---|---|\n| 1 | 2 |');
  });

  it('shortens long names, the more the more columns there are, and keeps how they begin and end', () => {
    const long = `first ${'x'.repeat(200)} last`;
    const wide = new TableText(cells(...Array.from({ length: 500 }, () => long)));
    wide.add(cells('1'));
    expect(String(wide)).toBe('first xxx…xxxx last: 1');
    const narrow = new TableText(cells(long));
    for (let at = 0; at < 20; at++) narrow.add(cells(String(at)));
    const [line = ''] = String(narrow).split('\n');
    expect(line).toMatch(/^first x+…x+ last: 0$/);
    expect(line).toHaveLength(99 + ': 0'.length);
  });

  it('cuts no character in two', () => {
    const table = new TableText(cells('😀'.repeat(150)));
    for (let at = 0; at < 20; at++) table.add(cells(String(at)));
    expect(String(table).isWellFormed()).toBe(true);
  });

  it('refuses to become endless', () => {
    const table = new TableText();
    const row = cells('x'.repeat(10_000_000));
    expect(() => {
      for (let at = 0; at < 10; at++) table.add(row);
    }).toThrow(UnreadableDocumentError);
  });
});

describe('recordLine', () => {
  it('names values as far as there are names, and leaves out empty ones', () => {
    expect(recordLine(['a', '', 'c', 'd'], ['1', '2', '', '4', '5'])).toBe('a: 1; 2; d: 4; 5');
    expect(recordLine([], [])).toBe('');
  });
});

describe('oneLine', () => {
  it.each([
    ['a  b', 'a b'],
    ['\u0085a\n\tb\u2028\u0001c ', 'a b c'],
    ['a b', 'a b'],
    [' ', ''],
  ])('makes %j %j', (text, line) => {
    expect(oneLine(text)).toBe(line);
  });
});

describe('paragraph', () => {
  it.each(['#hashtag', 'a # b', '####### x', '``', '- item'])('leaves %j as it is', (line) => {
    expect(paragraph(line)).toBe(line);
  });
});
