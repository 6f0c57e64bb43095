import * as XLSX from '@e965/xlsx';
import * as fc from 'fast-check';
import { strToU8, unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { normaliseText } from '../normalize.js';
import { UnreadableDocumentError } from './loader.js';
import { isEncryptedOffice, isOleWith } from './office/ole.js';
import { SpreadsheetDocumentLoader } from './spreadsheet.loader.js';

const loader = new SpreadsheetDocumentLoader();
const load = (bytes: Uint8Array) => loader.load({ bytes });
const textOf = async (bytes: Uint8Array) => (await load(bytes)).text;

const zip = (parts: Record<string, string>) =>
  zipSync(Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, strToU8(part)])), {
    level: 1,
  });

const TYPES = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const relations = (targets: Record<string, [type: string, target: string]>) =>
  `<Relationships>${Object.entries(targets)
    .map(([id, [type, target]]) => `<Relationship Id="${id}" Type="${TYPES}/${type}" Target="${target}"/>`)
    .join('')}</Relationships>`;

interface XlsxOptions {
  after?: string;
  strings?: string;
  styles?: string;
  workbook?: string;
  state?: string;
}

/** An XLSX file with one sheet, given the XML of its rows. */
const xlsx = (
  rows: string,
  { after = '', strings = '', styles = '', workbook = '', state }: XlsxOptions = {},
) =>
  zip({
    '_rels/.rels': relations({ a: ['officeDocument', 'xl/workbook.xml'] }),
    'xl/_rels/workbook.xml.rels': relations({
      a: ['worksheet', '/xl/sheet.xml'],
      b: ['sharedStrings', 'strings.xml'],
      c: ['styles', 'styles.xml'],
    }),
    'xl/workbook.xml': `<workbook>${workbook}<sheets><sheet name="Sheet" ${state ?? ''} r:id="a"/></sheets></workbook>`,
    'xl/strings.xml': `<sst>${strings}</sst>`,
    'xl/styles.xml': `<styleSheet>${styles}</styleSheet>`,
    'xl/sheet.xml': `<worksheet><dimension ref="A1:XFD1048576"/><sheetData>${rows}</sheetData>${after}</worksheet>`,
  });

type Value = string | number | boolean | null;

/** An XLSX file with one sheet, given its values from the first cell on. */
const table = (values: Value[][], merges: string[] = []) => {
  const row = (cells: Value[]) =>
    `<row>${cells
      .map((value) =>
        value === null
          ? '<c/>'
          : typeof value === 'string'
            ? `<c t="str"><v>${value}</v></c>`
            : `<c t="${typeof value === 'boolean' ? 'b' : 'n'}"><v>${Number(value)}</v></c>`,
      )
      .join('')}</row>`;
  const after = merges.map((ref) => `<mergeCell ref="${ref}"/>`).join('');
  return xlsx(values.map(row).join(''), { after: `<mergeCells>${after}</mergeCells>` });
};

const ods = (sheets: string, more: Record<string, string> = {}) =>
  zip({
    mimetype: 'application/vnd.oasis.opendocument.spreadsheet',
    'content.xml': `<office:document-content><office:body><office:spreadsheet>${sheets}</office:spreadsheet></office:body></office:document-content>`,
    ...more,
  });

/** A file of the given format, written by another program's rules. */
const written = (bookType: XLSX.BookType) => {
  const rows: unknown[][] = [['Name', 'Born', 'Share', 'Price', 'Alive', 'Note']];
  for (let at = 0; at < 20; at++)
    rows.push([
      `Müller ${at}`,
      { t: 'n', v: 45_000 + at, z: 'yyyy\\-mm\\-dd' },
      { t: 'n', v: at / 40, z: '0.0%' },
      { t: 'n', v: 1234.5 * at, z: '#,##0.00' },
      at % 2 === 0,
      `Ωmega ${at}`,
    ]);
  const merged = XLSX.utils.aoa_to_sheet([
    ['Region', '2023', null],
    [null, 'Q1', 'Q2'],
    ['North', 1, -2.5],
    ['South', 3.25, 1e9],
  ]);
  merged['!merges'] = [XLSX.utils.decode_range('A1:A2'), XLSX.utils.decode_range('B1:C1')];
  const book = XLSX.utils.book_new();
  XLSX.utils.book_append_sheet(book, XLSX.utils.aoa_to_sheet(rows), 'People');
  XLSX.utils.book_append_sheet(book, merged, 'Merged');
  XLSX.utils.book_append_sheet(
    book,
    XLSX.utils.aoa_to_sheet([
      ['a', 'b'],
      ['c', 1],
    ]),
    'Hidden',
  );
  XLSX.utils.book_append_sheet(book, XLSX.utils.aoa_to_sheet([['secret', 'x']]), 'Very hidden');
  book.Workbook = { Sheets: [{ Hidden: 0 }, { Hidden: 0 }, { Hidden: 1 }, { Hidden: 2 }] };
  book.Props = { Title: 'Our people', Author: 'Ada', CreatedDate: new Date('2020-02-03T04:05:06Z') };
  return new Uint8Array(XLSX.write(book, { type: 'buffer', bookType, bookSST: true }) as Buffer);
};

const WRITTEN = [
  '## People',
  ...Array.from(
    { length: 20 },
    (_, at) =>
      `Name: Müller ${at}; Born: 2023-03-${15 + at > 31 ? `${at - 16}` : 15 + at}; Share: ${((at / 40) * 100).toFixed(1)}%; ` +
      `Price: ${(1234.5 * at).toLocaleString('en', { minimumFractionDigits: 2 })}; Alive: ${at % 2 === 0 ? 'TRUE' : 'FALSE'}; Note: Ωmega ${at}`,
  ),
  '## Merged',
  '| Region | 2023 / Q1 | 2023 / Q2 |\n|---|---|---|\n| North | 1 | -2.5 |\n| South | 3.25 | 1000000000 |',
  '## Hidden',
  '| a | b |\n|---|---|\n| c | 1 |',
]
  .join('\n\n')
  .replace(/2023-03-(\d)(?=;)/g, '2023-04-0$1');

/** Records of an older Excel file. */
const record = (kind: number, data: number[] | Buffer) => {
  const header = Buffer.alloc(4);
  header.writeUInt16LE(kind, 0);
  header.writeUInt16LE(data.length, 2);
  return Buffer.concat([header, Buffer.from(data)]);
};
const two = (...values: number[]) => values.flatMap((value) => [value & 0xff, (value >> 8) & 0xff]);
const float = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [...bytes];
};
const bytesOf = (text: string) => [...Buffer.from(text, 'latin1')];

/** An OLE file with these streams. */
const ole = (streams: Record<string, Uint8Array>) => {
  const file = XLSX.CFB.utils.cfb_new();
  for (const [name, content] of Object.entries(streams)) XLSX.CFB.utils.cfb_add(file, name, content);
  return new Uint8Array(XLSX.CFB.write(file, { type: 'buffer' }) as Buffer);
};

/** An older Excel file of one sheet. */
const xls = (version: number, globals: Buffer[], cells: Buffer[]) => {
  const begin = record(0x809, two(version, 5, 0, 0));
  const end = record(0x0a, []);
  const sheetBegin = record(0x809, two(version, 0x10, 0, 0));
  const name = version === 0x600 ? [5, 0, ...bytesOf('Sheet')] : [5, ...bytesOf('Sheet')];
  const before = begin.length + globals.reduce((sum, { length }) => sum + length, 0);
  const offset = before + record(0x85, [0, 0, 0, 0, 0, 0, ...name]).length + end.length;
  const sheet = record(0x85, [...two(offset, offset >> 16), 0, 0, ...name]);
  const stream = Buffer.concat([begin, ...globals, sheet, end, sheetBegin, ...cells, end]);
  return ole({ [version === 0x600 ? '/Workbook' : '/Book']: stream });
};

describe('SpreadsheetDocumentLoader', () => {
  it.each<XLSX.BookType>(['xlsx', 'xlsm', 'xlsb', 'biff8'])('reads %s', async (bookType) => {
    const bytes = written(bookType);
    expect(loader.recognises(bytes)).toBe(true);
    const { title, metadata, text } = await load(bytes);
    expect(text).toBe(WRITTEN);
    expect(title).toBe('Our people');
    expect(metadata).toMatchObject({ author: 'Ada', created: '2020-02-03T04:05:06.000Z' });
  });

  it('claims no other files, and reads none as a workbook', async () => {
    const others = [
      ole({ '/WordDocument': Buffer.alloc(5000), '/1Table': Buffer.alloc(100) }),
      ole({ '/WordDocument': Buffer.alloc(5000), '/ObjectPool/_1/Workbook': Buffer.alloc(100) }),
      zip({ 'word/document.xml': '<a/>', '[Content_Types].xml': '<a/>' }),
      zip({ mimetype: 'application/vnd.oasis.opendocument.text', 'content.xml': '<a/>' }),
      strToU8('a,b\n1,2'),
      new Uint8Array(),
      strToU8('PK\x03\x04'),
      Uint8Array.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 0]),
    ];
    for (const bytes of others) {
      expect(loader.recognises(bytes)).toBe(false);
      await expect(load(bytes)).rejects.toBeInstanceOf(UnreadableDocumentError);
    }
  });

  it('says when a file is protected by a password', async () => {
    const encrypted = ole({ '/EncryptionInfo': Buffer.alloc(100), '/EncryptedPackage': Buffer.alloc(9000) });
    expect(isEncryptedOffice(encrypted)).toBe(true);
    expect(isEncryptedOffice(written('biff8'))).toBe(false);
    const manifest =
      '<manifest:manifest><manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry></manifest:manifest>';
    const files = [
      encrypted,
      xls(0x600, [record(0x2f, two(1, 1, 1))], []),
      ods('', { 'META-INF/manifest.xml': manifest }),
    ];
    for (const bytes of files) {
      expect(loader.recognises(bytes)).toBe(true);
      await expect(load(bytes)).rejects.toThrow('It is protected by a password.');
    }
  });

  describe('of the newer Excel', () => {
    it('shows values as a spreadsheet does', async () => {
      const codes = [
        '0%',
        '#,##0.00\\ &quot;€&quot;',
        'dd/mm/yyyy',
        '#,##0;[Red](#,##0)',
        'yyyy-mm-dd hh:mm:ss',
        'x'.repeat(300),
      ];
      const styles =
        `<numFmts>${codes.map((code, at) => `<numFmt numFmtId="${200 + at}" formatCode="${code}"/>`).join('')}</numFmts>` +
        '<dxfs><dxf><numFmt numFmtId="0" formatCode="0.0000"/></dxf></dxfs>' +
        `<cellStyleXfs><xf numFmtId="9"/></cellStyleXfs><cellXfs>${[0, 14, 22, 200, 201, 202, 203, 204, 205].map((id) => `<xf numFmtId="${id}"/>`).join('')}</cellXfs>`;
      const shown: [cell: string, text: string][] = [
        ['<c s="0"><v>0.30000000000000004</v></c>', '0.3'],
        ['<c s="1"><v>45000</v></c>', '2023-03-15'],
        ['<c s="2"><v>45000.75</v></c>', '2023-03-15 18:00'],
        ['<c s="3"><v>0.256</v></c>', '26%'],
        ['<c s="4"><v>1234.5</v></c>', '1,234.50 €'],
        ['<c s="5"><v>45000</v></c>', '15/03/2023'],
        ['<c s="6"><v>-1234</v></c>', '(1,234)'],
        ['<c s="7"><v>45000</v></c>', '2023-03-15'],
        ['<c s="7"><v>45000.5</v></c>', '2023-03-15 12:00:00'],
        ['<c s="8"><v>5</v></c>', '5'],
        ['<c s="99"><v>7</v></c>', '7'],
        ['<c t="b"><v>1</v></c>', 'TRUE'],
        ['<c t="e"><f>1/0</f><v>#DIV/0!</v></c>', '#DIV/0!'],
        ['<c t="d"><v>2024-05-06T00:00:00</v></c>', '2024-05-06'],
        ['<c t="d"><v>2024-05-06T07:08:09</v></c>', '2024-05-06 07:08:09'],
        ['<c t="s"><v>0</v></c>', 'rich text'],
        ['<c t="s"><v>1</v></c>', 'two lines'],
        ['<c t="inlineStr"><is><t>in </t><r><t>line</t></r></is></c>', 'in line'],
        ['<c t="str"><f>A1&amp;"x"</f><v>formula</v></c>', 'formula'],
        ['<c><v>1e400</v></c>', '1e400'],
      ];
      const strings =
        '<si><r><t>rich</t></r><r><t xml:space="preserve"> text</t></r><rPh><t>phonetic</t></rPh></si><si><t>two_x000D_\nlines</t></si>';
      const rows = shown
        .map(([cell]) => `<row><c t="str"><v>x</v></c><c t="str"><v>y</v></c>${cell}</row>`)
        .join('');
      const text = await textOf(xlsx(rows, { styles, strings }));
      expect(text.split('\n\n').slice(1)).toEqual(shown.map(([, value]) => `x; y; ${value}`));
    });

    it('counts days from 1904 where the workbook does', async () => {
      const styles = '<cellXfs><xf numFmtId="14"/></cellXfs>';
      const rows = '<row><c s="0"><v>43538</v></c></row>';
      expect(await textOf(xlsx(rows, { styles, workbook: '<workbookPr date1904="1"/>' }))).toContain(
        '2023-03-15',
      );
    });

    it('puts cells where they say they are, in whatever order', async () => {
      const rows =
        '<row r="4"><c r="C4"><v>6</v></c><c r="A4"><v>4</v></c><c r="B4"><v>5</v></c></row>' +
        '<row r="3"><c r="A3" t="str"><v>a</v></c><c t="str"><v>b</v></c><c r="C3" t="str"><v>c</v></c></row>';
      expect(await textOf(xlsx(rows))).toBe('## Sheet\n\n| a | b | c |\n|---|---|---|\n| 4 | 5 | 6 |');
    });

    it('reads hidden sheets, but not those that only a program can show', async () => {
      const rows = '<row><c><v>1</v></c></row>';
      expect(await textOf(xlsx(rows, { state: 'state="hidden"' }))).toBe('## Sheet\n\n1');
      expect(await textOf(xlsx(rows, { state: 'state="veryHidden"' }))).toBe('');
    });

    it('reads parts in any case, with prefixes, in UTF-16 and of binary content', async () => {
      const parts = unzipSync(
        table([
          ['a', 'b'],
          ['c', 1],
        ]),
      );
      const sheet = Buffer.from(parts['xl/sheet.xml'] ?? []).toString();
      delete parts['xl/sheet.xml'];
      const prefixed = sheet.replace(/<(\/?)(\w)/g, '<$1x:$2');
      const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(prefixed, 'utf16le')]);
      const text = await textOf(zipSync({ ...parts, 'XL/Sheet.xml': utf16 }));
      expect(text).toBe('## Sheet\n\n| a | b |\n|---|---|\n| c | 1 |');
    });

    it('leaves out chart sheets', async () => {
      const parts = unzipSync(
        table([
          ['a', 'b'],
          ['c', 1],
        ]),
      );
      const rels = relations({ a: ['chartsheet', 'sheet.xml'] });
      expect(await textOf(zipSync({ ...parts, 'xl/_rels/workbook.xml.rels': strToU8(rels) }))).toBe('');
    });
  });

  describe('of the older Excel', () => {
    const label = (row: number, column: number, text: string) =>
      record(0x204, [...two(row, column, 0, text.length), ...bytesOf(text)]);

    it('reads texts that go on in another record, and packed numbers', async () => {
      const wide = [...Buffer.from('Ωmega', 'utf16le')];
      const strings = [
        record(0xfc, [
          ...two(3, 0, 3, 0),
          ...two(3),
          0,
          ...bytesOf('one'),
          ...two(9),
          8,
          ...two(1),
          ...bytesOf('half'),
        ]),
        // it goes on in characters of two bytes; its run of looks stands behind it
        record(0x3c, [
          1,
          ...Buffer.from(' Ωhlf', 'utf16le'),
          ...two(0, 0),
          ...two(5),
          5,
          ...two(4, 0),
          ...wide,
          9,
          9,
          9,
          9,
        ]),
      ];
      const shared = (row: number, column: number, index: number) =>
        record(0xfd, two(row, column, 0, index, 0));
      const packed = (value: number) => two(value & 0xffff, value >>> 16);
      const integer = (value: number) => packed((value << 2) | 2);
      const hundredths = (value: number) => packed(((value << 2) | 3) >>> 0);
      const cells = [
        shared(0, 0, 0),
        shared(0, 1, 1),
        shared(0, 2, 2),
        record(0x27e, [...two(1, 0, 0), ...integer(-7)]),
        record(0xbd, [
          ...two(1, 1),
          ...two(0),
          ...hundredths(1234),
          ...two(0),
          ...packed(0x3ff00000),
          ...two(2),
        ]),
        // embedded charts have values of their own
        record(0x809, two(0x600, 0x20, 0, 0)),
        record(0x203, [...two(5, 5, 0), ...float(99)]),
        record(0x0a, []),
        record(0x06, [...two(2, 0, 0), 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...two(0, 0, 0, 0)]),
        record(0x207, [...two(4), 0, ...bytesOf('text')]),
        record(0x06, [...two(2, 1, 0), 1, 0, 1, 0, 0, 0, 0xff, 0xff, ...two(0, 0, 0, 0)]),
        record(0x06, [...two(2, 2, 0), ...float(2.5), ...two(0, 0, 0, 0)]),
        record(0x205, [...two(3, 0, 0), 0x2a, 1]),
        record(0x205, [...two(3, 1, 0), 0, 0]),
      ];
      expect(await textOf(xls(0x600, strings, cells))).toBe(
        [
          '## Sheet\n',
          '| one | half Ωhlf | Ωmega |',
          '|---|---|---|',
          '| -7 | 12.34 | 1 |',
          '| text | TRUE | 2.5 |',
          '| #N/A | FALSE |  |',
        ].join('\n'),
      );
    });

    it('reads texts in the code page of the machine', async () => {
      const russian = String.fromCharCode(0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2);
      const bytes = xls(0x500, [record(0x42, two(1251))], [label(0, 0, russian), label(0, 1, 'b')]);
      expect(loader.recognises(bytes)).toBe(true);
      expect(await textOf(bytes)).toContain('Привет');
    });

    it('refuses files of versions before', async () => {
      const stream = Buffer.concat([record(0x809, two(0x400, 5)), record(0x0a, [])]);
      await expect(load(ole({ '/Book': stream }))).rejects.toThrow('before 5.0');
    });

    it('reads streams in small sectors and in large ones', async () => {
      const rows = Array.from({ length: 1000 }, (_, at) => [
        record(0x203, [...two(at, 0, 0), ...float(at)]),
        record(0x203, [...two(at, 1, 0), ...float(-at)]),
        record(0x203, [...two(at, 2, 0), ...float(1)]),
      ]).flat();
      const [small, large] = [xls(0x600, [], rows.slice(0, 3)), xls(0x600, [], rows)];
      expect(await textOf(small)).toBe('## Sheet\n\n| 0 | 0 | 1 |\n|---|---|---|');
      expect((await textOf(large)).split('\n\n')[1000]).toBe('999; -999; 1');
    });

    it('goes in no circles', async () => {
      const bytes = xls(0x600, [], [label(0, 0, 'x')]);
      const view = new DataView(bytes.buffer);
      // every sector is followed by the first one
      const table = (view.getUint32(76, true) + 1) * 512;
      for (let at = 0; at < 512; at += 4) view.setUint32(table + at, 0, true);
      await expect(load(bytes)).rejects.toBeInstanceOf(UnreadableDocumentError);
      expect(isOleWith(bytes, 'Workbook')).toBe(false);
    });
  });

  describe('of OpenDocument', () => {
    const cell = (text: string, attributes = '') =>
      `<table:table-cell ${attributes}><text:p>${text}</text:p></table:table-cell>`;

    it('reads the texts that cells show, and what is repeated', async () => {
      const sheet = `<table:table table:name="One">
        <table:table-row table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
        <table:table-row>${cell('Name')}${cell('a<text:s text:c="3"/>b<text:line-break/>c</text:p><text:p>d')}${cell('Price')}</table:table-row>
        <table:table-row table:number-rows-repeated="2">${cell('x', 'table:number-columns-repeated="2"')}<table:table-cell office:value="1.5"><office:annotation><text:p>note</text:p></office:annotation><text:p>1.50 €</text:p></table:table-cell></table:table-row>
        <table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
      </table:table>`;
      const meta =
        '<office:document-meta><office:meta><dc:title>Prices</dc:title><meta:initial-creator>Ada</meta:initial-creator></office:meta></office:document-meta>';
      const bytes = ods(sheet, { 'meta.xml': meta });
      expect(loader.recognises(bytes)).toBe(true);
      expect(await load(bytes)).toEqual({
        title: 'Prices',
        metadata: { author: 'Ada' },
        text: '## One\n\n| Name | a b c d | Price |\n|---|---|---|\n| x | x | 1.50 € |\n| x | x | 1.50 € |',
      });
    });

    it('reads merged cells', async () => {
      const sheet = `<table:table table:name="One">
        <table:table-row>${cell('K', 'table:number-rows-spanned="2"')}${cell('Both', 'table:number-columns-spanned="2"')}<table:covered-table-cell/></table:table-row>
        <table:table-row><table:covered-table-cell/>${cell('b')}${cell('c')}</table:table-row>
        <table:table-row>${cell('k')}${cell('1')}${cell('2')}</table:table-row></table:table>`;
      expect(await textOf(ods(sheet))).toBe(
        '## One\n\n| K | Both / b | Both / c |\n|---|---|---|\n| k | 1 | 2 |',
      );
    });

    it('reads no texts of shapes and no tables in tables', async () => {
      const inner =
        '<table:table table:name="inner"><table:table-row><table:table-cell><text:p>no</text:p></table:table-cell></table:table-row></table:table>';
      const shape = '<draw:frame><draw:text-box><text:p>no</text:p></draw:text-box></draw:frame>';
      const sheet = `<table:table table:name="One"><table:shapes>${shape}</table:shapes><table:table-row><table:table-cell>${shape}${inner}<text:p>yes</text:p></table:table-cell></table:table-row></table:table>`;
      expect(await textOf(ods(sheet))).toBe('## One\n\nyes');
    });
  });

  describe('finds the tables of a sheet', () => {
    const sheetOf = async (values: Value[][], merges?: string[]) =>
      (await textOf(table(values, merges))).replace('## Sheet\n\n', '');

    it('with what is above them as their headings, and what is below as texts', async () => {
      const text = await sheetOf([
        ['Sales', null, null],
        ['in thousands', null, null],
        [],
        ['Region', 'Q1', 'Q2'],
        ['North', 1, 2],
        ['Source: own figures'],
        [],
        [],
        [],
        ['Just a remark'],
        [],
        [],
        [],
        [],
        ['a', 'b', 'c'],
        ['d', 5, 6],
      ]);
      expect(text.split('\n\n')).toEqual([
        '### Sales – in thousands',
        '| Region | Q1 | Q2 |\n|---|---|---|\n| North | 1 | 2 |',
        'Source: own figures',
        'Just a remark',
        '| a | b | c |\n|---|---|---|\n| d | 5 | 6 |',
      ]);
    });

    it('and takes a text for the title of the table that is nearer', async () => {
      const one: Value[][] = [['a', 'b'], ['c', 1], []];
      const text = await sheetOf([...one, ['Note on a'], [], [], ...one, [], ['About it'], [], ...one]);
      expect(text.split('\n\n').filter((part) => !part.startsWith('|'))).toEqual([
        'Note on a',
        '### About it',
      ]);
    });

    it('side by side, but no table cut by an empty column', async () => {
      const sideBySide = [
        ['a', 'b', null, null, 'x', 'y'],
        [1, 2, null, null, 3, 4],
        [5, 6, null, null, 7, 8],
      ];
      expect(await sheetOf(sideBySide)).toBe(
        '| a | b |\n|---|---|\n| 1 | 2 |\n| 5 | 6 |\n\n| x | y |\n|---|---|\n| 3 | 4 |\n| 7 | 8 |',
      );
      const statement = [
        ['Item', null, '2023', '2022'],
        ['Sales', null, 5, 4],
        ['Costs', null, 3, 2],
      ];
      expect(await sheetOf(statement)).toBe(
        '| Item | 2023 | 2022 |\n|---|---|---|\n| Sales | 5 | 4 |\n| Costs | 3 | 2 |',
      );
    });

    it('that touch at a corner', async () => {
      const text = await sheetOf([
        ['a', 'b', null, null],
        [1, 2, null, null],
        [null, null, 'c', 'd'],
        [null, null, 3, 4],
      ]);
      expect(text).toBe('| a | b |\n|---|---|\n| 1 | 2 |\n\n| c | d |\n|---|---|\n| 3 | 4 |');
    });

    it('that go on behind an empty row', async () => {
      const rows = (from: number): Value[][] =>
        Array.from({ length: 10 }, (_, at) => [`Item ${from + at}`, 'x', from + at]);
      const text = await sheetOf([
        ['Name', 'Kind', 'Count'],
        [],
        ...rows(0),
        [],
        ...rows(10),
        [],
        ['Name', 'Kind', 'Count'],
        ...rows(20),
      ]);
      expect(text.split('\n\n')).toHaveLength(30);
      expect(text.split('\n\n')[29]).toBe('Name: Item 29; Kind: x; Count: 29');
      const other = await sheetOf([
        ['Name', 'Kind', 'Count'],
        ...rows(0),
        [],
        ['City', 'Land', 'Size'],
        ...rows(10),
      ]);
      expect(other).toContain('| City | Land | Size |');
    });

    it('with merged cells in each of their rows, and long ones once', async () => {
      const long = 'long '.repeat(50).trim();
      const text = await sheetOf(
        [
          ['Group', 'Item', 'Count', 'Note'],
          ['A', 'x', 1, long],
          [null, 'y', 2, null],
          [null, null, null, null],
          [null, 'z', 3, null],
        ],
        ['A2:A5', 'D2:D5'],
      );
      expect(text).toBe(
        `| Group | Item | Count | Note |\n|---|---|---|---|\n| A | x | 1 | ${long} |\n| A | y | 2 |  |\n| A | z | 3 |  |`,
      );
    });

    it('with names on several levels', async () => {
      const rows = [
        ['North', 1, 2, 3, 4],
        ['South', 5, 6, 7, 8],
      ];
      const expected =
        '| Region | 2023 / Q1 | 2023 / Q2 | 2024 / Q1 | 2024 / Q2 |\n|---|---|---|---|---|\n| North | 1 | 2 | 3 | 4 |\n| South | 5 | 6 | 7 | 8 |';
      const head = ['Region', '2023', null, '2024', null];
      const names = [null, 'Q1', 'Q2', 'Q1', 'Q2'];
      expect(await sheetOf([head, names, ...rows], ['A1:A2', 'B1:C1', 'D1:E1'])).toBe(expected);
      expect(await sheetOf([head, names, ...rows])).toBe(expected);
    });

    it('that name the second column in the first', async () => {
      const text = await sheetOf([
        ['Name:', 'Ada'],
        ['Born:', 1815],
        ['City:', 'London'],
        ['Remark', null],
      ]);
      expect(text).toBe('Name: Ada\n\nBorn: 1815\n\nCity: London\n\nRemark');
    });

    it('and no names where there are none', async () => {
      const rows = Array.from({ length: 15 }, (_, at) => ['Berlin', at, 'x']);
      expect((await sheetOf(rows)).split('\n\n')[3]).toBe('Berlin; 3; x');
      const years = Array.from({ length: 15 }, (_, at) => ['Berlin', 2000 + at, at * 31]);
      expect(
        (await sheetOf([['City', 2022, 2023], ...years.map(([city], at) => [city as string, at, at])])).split(
          '\n\n',
        )[1],
      ).toBe('City: Berlin; 2022: 1; 2023: 1');
      expect((await sheetOf(years)).split('\n\n')[0]).toBe('Berlin; 2000; 0');
    });
  });

  describe('is safe from', () => {
    const refuses = async (bytes: Uint8Array, message: string) => {
      const start = performance.now();
      await expect(load(bytes)).rejects.toThrow(message);
      expect(performance.now() - start).toBeLessThan(25_000);
    };

    it('cells that stand for millions', async () => {
      const sheet =
        '<table:table table:name="x"><table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell></table:table-row></table:table>';
      await refuses(ods(sheet), 'It holds more than 5,000,000 cells, the most that is read.');
    });

    it('one long text in many cells', async () => {
      const rows = '<row><c t="s"><v>0</v></c></row>'.repeat(1100);
      const strings = `<si><t>${'x'.repeat(100_000)}</t></si>`;
      await refuses(
        xlsx(rows, { strings }),
        'It holds more than 100,000,000 characters, the most that is read.',
      );
    });

    it('links and merged cells that reach over everything', async () => {
      const after =
        '<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells><hyperlinks><hyperlink ref="A1:XFD1048576"/></hyperlinks>'.repeat(
          100,
        );
      const start = performance.now();
      expect(await textOf(xlsx('<row><c><v>1</v></c></row>', { after }))).toBe('## Sheet\n\n1');
      expect(performance.now() - start).toBeLessThan(5000);
    });

    it('archives that lie about their size', async () => {
      const bytes = table([['a'.repeat(100_000), 'b']]);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      for (let at = 0; at + 46 < bytes.length; at++) {
        if (view.getUint32(at, true) !== 0x02014b50) continue;
        view.setUint32(at + 24, 1000, true);
      }
      await expect(load(bytes)).rejects.toBeInstanceOf(UnreadableDocumentError);
    });

    it('archives that declare more than is read', async () => {
      const bytes = table([['a', 'b']]);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      for (let at = 0; at + 46 < bytes.length; at++)
        if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 0x3fff_ffff, true);
      await expect(load(bytes)).rejects.toThrow('larger than 512 MB');
    });

    it('damage of any kind', async () => {
      const files = (['xlsx', 'xlsb', 'biff8', 'ods'] as const).map(written);
      const damage = fc.record({
        file: fc.constantFrom(...files),
        end: fc.double({ min: 0, max: 3, noNaN: true }),
        changes: fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(255)), {
          maxLength: 20,
        }),
      });
      await fc.assert(
        fc.asyncProperty(damage, async ({ file, end, changes }) => {
          const mutate = (bytes: Uint8Array) => {
            const copy = bytes.slice(0, Math.ceil(bytes.length * Math.min(1, end)));
            for (const [at, value] of changes) copy[Math.floor(at * copy.length)] = value;
            return copy;
          };
          // what is damaged inside of an archive is only seen if the archive itself is intact
          const parts = file[0] === 0x50 ? unzipSync(file) : undefined;
          const damaged =
            parts === undefined
              ? mutate(file)
              : zipSync(
                  Object.fromEntries(
                    Object.entries(parts).map(([name, part]) => [
                      name,
                      /sheet1|content\.xml|styles/.test(name) ? mutate(part) : part,
                    ]),
                  ),
                );
          loader.recognises(damaged);
          const loaded = await load(damaged).catch((error: unknown) => {
            expect(error).toBeInstanceOf(UnreadableDocumentError);
            return { text: '' };
          });
          expect(loaded.text).toBe(normaliseText(loaded.text));
        }),
        { numRuns: 200 },
      );
    });
  });
});
