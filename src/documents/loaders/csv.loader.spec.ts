import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvDocumentLoader } from './csv.loader.js';
import { UnreadableDocumentError } from './loader.js';
import { readCsv } from './spreadsheet/csv-values.js';

const loader = new CsvDocumentLoader();
const load = async (text: string | Uint8Array, mediaType?: string) =>
  (await loader.load({ bytes: typeof text === 'string' ? Buffer.from(text) : text, mediaType })).text;

const rowsOf = (text: string, delimiter = ',') => {
  const rows: string[][] = [];
  readCsv(text, delimiter, (row, column, value) => {
    (rows[row] ??= [])[column] = value;
  });
  return rows;
};

describe('CsvDocumentLoader', () => {
  it.each([',', ';', '\t', '|'])('reads values between %j', async (delimiter) => {
    const text = ['Name,City,Age', '"Lovelace, Ada",London,36', 'Alan,"The ""City""\nof\r\nLondon",41'];
    const commas = text.join('\r\n');
    const other = commas
      .replace('Lovelace, Ada', 'Lovelace; Ada')
      .replaceAll(',', delimiter)
      .replace('Lovelace; Ada', `Lovelace${delimiter} Ada`);
    expect(await load(other)).toBe(
      [
        '| Name | City | Age |',
        '|---|---|---|',
        `| Lovelace${{ '|': '\\| ', '\t': ' ' }[delimiter] ?? `${delimiter} `}Ada | London | 36 |`,
        '| Alan | The "City" of London | 41 |',
      ].join('\n'),
    );
  });

  it('finds the delimiter where commas are decimal marks or part of the text', async () => {
    expect(await load('Ware;Preis\nBrot;1,50\nEi;0,30')).toContain('| Brot | 1,50 |');
    expect(await load('1,5;2,5\n3,5;4,5')).toContain('| 3,5 | 4,5 |');
    expect(await load('a|b, c\nd|e\nf|g, h, i')).toContain('| f | g, h, i |');
    expect(await load('Hello, world.\nNo comma here.\nOne, two, three, four.')).toBe(
      'Hello, world.\n\nNo comma here.\n\nOne, two, three, four.',
    );
  });

  it('takes the delimiter that the file names for Excel', async () => {
    expect(await load('sep=:\na:b\n1,5:2,5')).toBe('| a | b |\n|---|---|\n| 1,5 | 2,5 |');
  });

  it('names the columns in every row of a long table', async () => {
    const rows = Array.from({ length: 50 }, (_, at) => `${at},Person ${at},2024-01-${at + 10}`);
    const text = await load(['Id,Name,Since', ...rows].join('\n'));
    expect(text.split('\n\n')).toHaveLength(50);
    expect(text.split('\n\n')[49]).toBe('Id: 49; Name: Person 49; Since: 2024-01-59');
  });

  it('joins the values of rows where no column has a name', async () => {
    const rows = Array.from({ length: 20 }, (_, at) => `${at},a,b`);
    expect((await load(rows.join('\n'))).split('\n\n')[0]).toBe('0; a; b');
    // names do not come again as values
    const texts = Array.from({ length: 20 }, (_, at) => `Berlin,Germany,note ${at}`);
    expect((await load(texts.join('\n'))).split('\n\n')[1]).toBe('Berlin; Germany; note 1');
  });

  it('reads rows with too few and too many values', async () => {
    const text = await load('a,b,c\n1,2\n1,2,3,4\n,,3\n1,2,3');
    expect(text).toBe(
      '| a | b | c |  |\n|---|---|---|---|\n| 1 | 2 |  |  |\n| 1 | 2 | 3 | 4 |\n|  |  | 3 |  |\n| 1 | 2 | 3 |  |',
    );
  });

  it('reads one column as a list, and numbers below a name as its values', async () => {
    const fruits = Array.from({ length: 20 }, (_, at) => `Fruit ${at}`);
    expect((await load(fruits.join('\n'))).split('\n\n').slice(0, 2)).toEqual(['Fruit 0', 'Fruit 1']);
    const numbers = Array.from({ length: 20 }, (_, at) => String(at));
    expect((await load(['Age', ...numbers].join('\n'))).split('\n\n')[1]).toBe('Age: 1');
  });

  it('reads what stands above a table apart from it', async () => {
    const rows = Array.from({ length: 20 }, (_, at) => `2024-01-${at + 10};${at},00`);
    const text = await load(['Statement 2024', '', 'Date;Amount', ...rows].join('\n'));
    expect(text.split('\n\n').slice(0, 2)).toEqual(['### Statement 2024', 'Date: 2024-01-10; Amount: 0,00']);
  });

  it('goes on with a table behind empty lines, and writes repeated names once', async () => {
    const rows = Array.from({ length: 14 }, (_, at) => `${at},x`).join('\n\n');
    const text = await load(`Id,Value\n\n${rows}\n\nId,Value\n14,x`);
    expect(text.split('\n\n')[13]).toBe('Id: 13; Value: x');
    expect(text).not.toContain('Id; Value');
    expect(text).not.toContain('Value: Value');
  });

  it('reads bytes in the charset that is declared or shows', async () => {
    const windows = Uint8Array.from([...Buffer.from('Stadt,Jahr\nM'), 0xfc, ...Buffer.from('nchen,1158')]);
    expect(await load(windows, 'text/csv; charset=windows-1252')).toContain('| München | 1158 |');
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('a;b\n1;ü', 'utf16le')]);
    expect(await load(utf16)).toContain('| 1 | ü |');
    expect(await load('\ufeff"a",b\n1,2')).toBe('| a | b |\n|---|---|\n| 1 | 2 |');
  });

  it('makes no headings, tables or code of values', async () => {
    const rows = Array.from({ length: 20 }, (_, at) => `# ${at},x,y`);
    expect((await load(rows.join('\n'))).split('\n\n')[3]).toBe('\\# 3; x; y');
  });

  it('reads an empty file as an empty text, refuses binary data, and recognises nothing by its content', async () => {
    expect(await load('')).toBe('');
    expect(await load(',,\n\n,')).toBe('');
    await expect(load(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))).rejects.toBeInstanceOf(
      UnreadableDocumentError,
    );
    expect(loader.recognises()).toBe(false);
  });

  it('refuses more cells than it reads', async () => {
    await expect(load('1,1\n'.repeat(1_000_001))).rejects.toThrow('more than 1,000,000 rows');
  });

  it('reads whatever comes', async () => {
    const text = fc
      .array(fc.constantFrom('"', '""', ',', ';', '\n', '\r\n', ' ', 'a', '1', '# ', '|', 'é', '\t'))
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(text, async (csv) => {
        const words = (value: string) => value.match(/[a1é]/g)?.join('') ?? '';
        // nothing is lost but names that are not repeated
        expect(words(await load(csv)).length).toBeGreaterThanOrEqual(words(csv).length > 0 ? 1 : 0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('readCsv', () => {
  it('reads back what is written in quotes', () => {
    const value = fc.string({ unit: fc.constantFrom('"', ',', '\n', ' ', 'a', 'ü', '😀') });
    fc.assert(
      fc.property(fc.array(fc.array(value, { minLength: 1 }), { minLength: 1 }), (rows) => {
        const quoted = rows.map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(','));
        expect(rowsOf(quoted.join('\n'))).toEqual(rows);
      }),
    );
  });

  it.each([
    ['a,"b" ,c', [['a', 'b', 'c']]],
    ['5" pipe,3" pipe', [['5" pipe', '3" pipe']]],
    ['"a" b,c', [['"a" b', 'c']]],
    [
      '"never closed,b\nc,d',
      [
        ['"never closed', 'b'],
        ['c', 'd'],
      ],
    ],
    ['"a""b""",c', [['a"b"', 'c']]],
    ['"",""', [['', '']]],
    ['a\n', [['a']]],
  ])('reads %j', (text, rows) => {
    expect(rowsOf(text)).toEqual(rows);
  });

  it('takes no longer for quotes that enclose nothing', () => {
    const start = performance.now();
    for (const text of ['"x,', '"a"b', '"a"" ,', '"""a,', '"a"  x', ',""', '"\n'])
      readCsv(text.repeat(100_000), ',', () => undefined);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
