import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { UnreadableDocumentError } from './loader.js';
import { PdfDocumentLoader } from './pdf.loader.js';

const loader = new PdfDocumentLoader();

type Font = 'regular' | 'bold' | 'code' | 'rightToLeft' | 'gb' | 'sjis';

/** Text at a place on a page: points from the left, and from the bottom. */
interface Piece {
  x: number;
  y: number;
  text: string;
  size?: number;
  font?: Font;
  /** Degrees, anticlockwise. */
  turned?: number;
}

interface PdfParts {
  pages: Piece[][];
  info?: Record<string, string>;
  /** Of every page. */
  rotate?: number;
}

const CHINESE = (encoding: string, ordering: string): string =>
  `<</Type/Font/Subtype/Type0/BaseFont/Song/Encoding/${encoding}/DescendantFonts[<</Type/Font/Subtype/CIDFontType0` +
  `/BaseFont/Song/CIDSystemInfo<</Registry(Adobe)/Ordering(${ordering})/Supplement 2>>/DW 1000/FontDescriptor` +
  '<</Type/FontDescriptor/FontName/Song/Flags 6/FontBBox[0 0 1000 900]/ItalicAngle 0/Ascent 880/Descent -120' +
  '/CapHeight 880/StemV 90>>>>]>>';
/** Shows the letters from `a` on as the Hebrew ones; and alef, lam and alef in one sign, and nun. */
const RIGHT_TO_LEFT_LETTERS =
  '1 begincodespacerange\n<00> <ff>\nendcodespacerange\n1 beginbfrange\n<61> <7a> <05d0>\nendbfrange\n' +
  '3 beginbfchar\n<41> <0627>\n<42> <06440625>\n<43> <0646>\nendbfchar';
const FONTS: Record<Font, string> = {
  regular: '<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>',
  bold: '<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>',
  code: '<</Type/Font/Subtype/Type1/BaseFont/Courier/Encoding/WinAnsiEncoding>>',
  rightToLeft: '<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding/ToUnicode 9 0 R>>',
  gb: CHINESE('UniGB-UCS2-H', 'GB1'),
  sjis: CHINESE('90ms-RKSJ-H', 'Japan1'),
};

/** A PDF file, written as plainly as the format allows. */
function pdf({ pages, info = {}, rotate = 0 }: PdfParts): Uint8Array {
  const objects = ['<</Type/Catalog/Pages 2 0 R/Lang(en-GB)>>', ''];
  for (const font of Object.values(FONTS)) objects.push(font);
  objects.push(stream(RIGHT_TO_LEFT_LETTERS));
  const fonts = Object.keys(FONTS).map((name, at) => `/${name} ${at + 3} 0 R`);
  const kids: string[] = [];
  for (const pieces of pages) {
    objects.push(stream(pieces.map(show).join('\n')));
    objects.push(
      `<</Type/Page/Parent 2 0 R/Rotate ${rotate}/MediaBox[0 0 600 800]/Contents ${objects.length} 0 R` +
        `/Resources<</Font<<${fonts.join('')}>>>>>>`,
    );
    kids.push(`${objects.length} 0 R`);
  }
  objects[1] = `<</Type/Pages/Count ${kids.length}/Kids[${kids.join(' ')}]>>`;
  const values = Object.entries(info).map(([key, value]) => `/${key}(${value})`);
  objects.push(`<<${values.join('')}>>`);
  let body = '%PDF-1.7\n';
  const offsets = objects.map((object, at) => {
    const offset = String(body.length).padStart(10, '0');
    body += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return `${offset} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}`;
  const trailer = `trailer<</Size ${objects.length + 1}/Root 1 0 R/Info ${objects.length} 0 R>>`;
  return Buffer.from(`${body}${table}${trailer}\nstartxref\n${body.length}\n%%EOF`, 'latin1');
}

function stream(data: string): string {
  return `<</Length ${data.length}>>stream\n${data}\nendstream`;
}

function show({ x, y, text, size = 10, font = 'regular', turned = 0 }: Piece): string {
  const [cos, sin] = [
    Math.cos((turned * Math.PI) / 180).toFixed(4),
    Math.sin((turned * Math.PI) / 180).toFixed(4),
  ];
  const hex = Buffer.from(text, 'latin1').toString('hex');
  return `BT /${font} ${size} Tf ${cos} ${sin} -${sin} ${cos} ${x} ${y} Tm <${hex}> Tj ET`;
}

/** Lines one below the other. */
function lines(texts: readonly string[], x: number, y: number, style: Partial<Piece> = {}): Piece[] {
  const size = style.size ?? 10;
  return texts.map((text, at) => ({ ...style, x, y: y - at * 1.2 * size, text }));
}

async function textOf(parts: PdfParts): Promise<string> {
  return (await loader.load({ bytes: pdf(parts) })).text;
}

const PROSE = [
  'The harbour was built in the years after the great storm, when the',
  'council had learned that a single pier could not hold back the sea',
  'in winter. Two more were added, and the old lighthouse was moved to',
  'the end of the longer one.',
];
const JOINED = PROSE.join(' ');

describe('recognising PDF', () => {
  it.each([
    ['the mark at the start', '%PDF-1.4\n', true],
    ['something before it', '\0\0junk\r\n%PDF-1.4\n\0', true],
    ['a text about it', 'A PDF file starts with %PDF-1.4.', false],
    ['another format', 'PK\x03\x04', false],
    ['nothing', '', false],
  ])('%s', (_, content, expected) => {
    expect(loader.recognises(Buffer.from(content, 'latin1'))).toBe(expected);
  });
});

describe('running text', () => {
  it('joins lines to paragraphs, which a gap ends', async () => {
    const text = await textOf({ pages: [[...lines(PROSE, 60, 700), ...lines(PROSE, 60, 640)]] });
    expect(text).toBe(`${JOINED}\n\n${JOINED}`);
  });

  it('begins a paragraph where a line is indented, however full the one above is', async () => {
    const first = [
      ...PROSE.slice(0, 2),
      'in winter. Two more were added, and the old house was pulled down.',
    ];
    const second = lines(PROSE, 60, 664);
    second[0]!.x += 15;
    const text = await textOf({ pages: [[...lines(first, 60, 700), ...second]] });
    expect(text).toBe(`${first.join(' ')}\n\n${JOINED}`);
  });

  it('keeps lines apart that end before the edge', async () => {
    const address = ['Harbour Office', '1 Pier Road', 'Northport'];
    expect(await textOf({ pages: [[...lines(address, 60, 750), ...lines(PROSE, 60, 680)]] })).toBe(
      `${address.join('\n')}\n\n${JOINED}`,
    );
  });

  it('puts broken words together, and leaves the hyphen where it belongs', async () => {
    const broken = [
      'The engineers who built it wrote that the foun-',
      'dations were deeper than those of any long-',
      'lived pier, as only long-lived piers pay, that it',
      'was a state-of-the-art work, up-to-the-',
      'minute in all, and that in the years from 1950-',
      '1960 nothing moved in the whole of the harbour.',
    ];
    expect(await textOf({ pages: [lines(broken, 60, 700)] })).toBe(
      'The engineers who built it wrote that the foundations were deeper than those of any long-lived pier, as only ' +
        'long-lived piers pay, that it was a state-of-the-art work, up-to-the-minute in all, and that in the years from ' +
        '1950-1960 nothing moved in the whole of the harbour.',
    );
  });

  it('puts a space only where there is a gap', async () => {
    const pieces: Piece[] = [
      { x: 60, y: 700, text: 'water' },
      { x: 83.9, y: 700, text: 'way', font: 'bold' },
      { x: 108, y: 700, text: 'H' },
      { x: 115.3, y: 698, text: '2', size: 6 },
      { x: 118.7, y: 700, text: 'O' },
    ];
    expect(await textOf({ pages: [pieces] })).toBe('waterway H2O');
  });

  it('leaves what is raised on its line', async () => {
    const page = lines(PROSE, 60, 700);
    const note = { x: page[1]!.x + 287.6, y: page[1]!.y + 5, text: '7', size: 7 };
    expect(await textOf({ pages: [[...page, note]] })).toBe(JOINED.replace('the sea', 'the sea7'));
  });

  it('prints text once that is printed twice to look bold', async () => {
    const twice = [0, 0.4].map((off) => ({ x: 60 + off, y: 700, text: 'Attention' }));
    expect(await textOf({ pages: [twice] })).toBe('Attention');
  });

  it('does not let lines of text pass for markup', async () => {
    const pieces = [
      ...lines(['# 5 is missing'], 60, 700),
      ...lines(['| stands for or'], 60, 660),
      ...lines(['----'], 60, 600),
    ];
    expect(await textOf({ pages: [pieces] })).toBe(
      String.raw`\# 5 is missing` + '\n\n' + String.raw`\| stands for or`,
    );
  });
});

describe('the order of reading', () => {
  const LEFT = [
    'The first column tells of the time',
    'before the storm, when boats lay on',
    'the open beach and were drawn up by',
    'hand in autumn; nobody thought that',
    'it would ever be otherwise, and so',
  ];
  const RIGHT = [
    'nothing was done. The other column',
    'tells of the years after it, and of',
    'the men who carried stones from the',
    'quarry, which took them the better',
    'part of nine years to finish.',
  ];

  it('reads columns one after the other, and what spans them before', async () => {
    const title = {
      x: 60,
      y: 740,
      text: 'The history of the harbour from its beginning to the present day, in two parts',
    };
    const text = await textOf({ pages: [[title, ...lines(LEFT, 60, 700), ...lines(RIGHT, 300, 700)]] });
    expect(text).toBe(`${title.text}\n\n${[...LEFT, ...RIGHT].join(' ')}`);
  });

  it('reads columns right whatever the order in which they are written', async () => {
    const mixed = LEFT.flatMap((_, at) => [
      { x: 300, y: 700 - 12 * at, text: RIGHT[at]! },
      { x: 60, y: 700 - 12 * at, text: LEFT[at]! },
    ]);
    expect(await textOf({ pages: [mixed.reverse()] })).toBe([...LEFT, ...RIGHT].join(' '));
  });

  it('turns pages and text upright', async () => {
    const turned = PROSE.map((text, at) => ({ x: 60 + 12 * at, y: 100, text, turned: 90 }));
    expect(await textOf({ pages: [turned], rotate: 90 })).toBe(JOINED);
    expect(await textOf({ pages: [turned] })).toBe(JOINED);
    expect(
      await textOf({
        pages: [[{ x: 20, y: 300, text: 'in the margin', turned: 90 }, ...lines(PROSE, 60, 700)]],
      }),
    ).toBe(`${JOINED}\n\nin the margin`);
  });

  it('reads scripts from right to left in the order of their letters', async () => {
    const visual = { x: 100, y: 700, text: 'gfe dcba', font: 'rightToLeft' as const };
    const number = { x: 80, y: 700, text: '12' };
    expect(await textOf({ pages: [[number, visual]] })).toBe(
      '\u05d0\u05d1\u05d2\u05d3 \u05d4\u05d5\u05d6 12',
    );
  });

  it('keeps the letters of an Arabic ligature in order', async () => {
    expect(await textOf({ pages: [[{ x: 100, y: 700, text: 'CBA', font: 'rightToLeft' }]] })).toBe(
      '\u0627\u0644\u0625\u0646',
    );
  });

  it('knows East Asian encodings', async () => {
    const [gb, sjis] = [
      Buffer.from('\u4e2d\u6587', 'utf16le').swap16(),
      Buffer.from([0x93, 0xfa, 0x96, 0x7b]),
    ];
    const pieces: Piece[] = [
      { x: 60, y: 700, text: gb.toString('latin1'), font: 'gb' },
      { x: 60, y: 600, text: sjis.toString('latin1'), font: 'sjis' },
    ];
    expect(await textOf({ pages: [pieces] })).toBe('\u4e2d\u6587\n\n\u65e5\u672c');
  });
});

describe('structure', () => {
  it('takes large and bold text for headings, the larger the higher', async () => {
    const pieces: Piece[] = [
      { x: 60, y: 760, text: 'Harbours', size: 20 },
      { x: 60, y: 720, text: '1 History', size: 14 },
      ...lines(PROSE, 60, 695),
      { x: 60, y: 640, text: 'Early years', font: 'bold' },
      ...lines(PROSE, 60, 625),
      { x: 60, y: 560, text: '2 Present', size: 14 },
      ...lines(PROSE, 60, 535),
    ];
    expect(await textOf({ pages: [pieces] })).toBe(
      `# Harbours\n\n## 1 History\n\n${JOINED}\n\n### Early years\n\n${JOINED}\n\n## 2 Present\n\n${JOINED}`,
    );
  });

  it('takes no running text for a heading', async () => {
    const pieces = [
      ...lines(PROSE, 60, 750, { size: 12 }),
      { x: 60, y: 680, text: 'Ask before you anchor in the bay.', font: 'bold' as const },
      ...lines([...PROSE, ...PROSE], 60, 650),
    ];
    expect(await textOf({ pages: [pieces] })).not.toMatch(/^#/m);
  });

  it('writes list items', async () => {
    const pieces: Piece[] = [
      ...lines(PROSE, 60, 760),
      { x: 60, y: 700, text: '\x95' },
      { x: 75, y: 700, text: 'fog signals, of which there are as many as there are ships in' },
      { x: 75, y: 688, text: 'the harbour' },
      { x: 60, y: 676, text: '\x95' },
      { x: 75, y: 676, text: 'lamps' },
      { x: 60, y: 640, text: '1.' },
      { x: 75, y: 640, text: 'First' },
      { x: 60, y: 628, text: '2.' },
      { x: 75, y: 628, text: 'Second' },
    ];
    expect(await textOf({ pages: [pieces] })).toBe(
      `${JOINED}\n\n- fog signals, of which there are as many as there are ships in the harbour\n- lamps\n\n1. First\n2. Second`,
    );
  });

  it('writes tables', async () => {
    const rows = [
      ['Ship', 'Length', 'Flag'],
      ['Aurora', '120', 'NO'],
      ['Boreas, formerly', '95', 'DE'],
      ['Cirrus', '', 'FR'],
    ];
    const cells = rows.flatMap((row, at) =>
      row.map((text, column) => ({ x: 60 + 120 * column, y: 700 - 15 * at, text })),
    );
    expect(await textOf({ pages: [[...lines(PROSE, 60, 780), ...cells, ...lines(PROSE, 60, 600)]] })).toBe(
      `${JOINED}\n\n| Ship | Length | Flag |\n|---|---|---|\n| Aurora | 120 | NO |\n| Boreas, formerly | 95 | DE |\n` +
        `| Cirrus |  | FR |\n\n${JOINED}`,
    );
  });

  it('joins the lines of a cell', async () => {
    const table: Piece[] = [
      ...['Term', 'Meaning', 'Since'].map((text, column) => ({ x: 60 + 150 * column, y: 700, text })),
      ...['Berth', 'where a ship lies', '1901'].map((text, column) => ({
        x: 60 + 150 * column,
        y: 680,
        text,
      })),
      { x: 210, y: 668, text: 'in the harbour' },
      ...['Quay', 'a wall to lie at', '1902'].map((text, column) => ({ x: 60 + 150 * column, y: 648, text })),
    ];
    expect(await textOf({ pages: [table] })).toContain('| Berth | where a ship lies in the harbour | 1901 |');
  });

  it('keeps what stands apart on a line apart', async () => {
    const letterhead = [
      { x: 60, y: 750, text: 'Harbour Office' },
      { x: 400, y: 750, text: 'Northport, 3 May' },
    ];
    expect(await textOf({ pages: [[...letterhead, ...lines(PROSE, 60, 700)]] })).toBe(
      `Harbour Office | Northport, 3 May\n\n${JOINED}`,
    );
  });

  it('keeps code as it is written', async () => {
    const code = [
      { x: 60, y: 620, text: '# the tide', font: 'code' as const },
      { x: 60, y: 608, text: 'for hour in day:', font: 'code' as const },
      { x: 84, y: 596, text: 'print(hour)', font: 'code' as const },
    ];
    expect(await textOf({ pages: [[...lines([...PROSE, ...PROSE], 60, 740), ...code]] })).toContain(
      '\n\n```\n# the tide\nfor hour in day:\n    print(hour)\n```',
    );
  });
});

describe('pages', () => {
  it('says where each page is', async () => {
    const { text, pages } = await loader.load({
      bytes: pdf({ pages: [lines(['one'], 60, 400), [], lines(['three'], 60, 400)] }),
    });
    expect(pages?.map(({ page, start, end }) => [page, text.slice(start, end)])).toEqual([
      [1, 'one'],
      [3, 'three'],
    ]);
  });

  const numbered = (count: number, shift = 0): Piece[][] =>
    Array.from({ length: count }, (_, at) => [
      { x: 60, y: 770, text: `Harbour report, chapter ${at}` },
      ...lines([`Page text ${'abcde'.charAt(at)} stands here`], 60, 700),
      { x: 300, y: 30, text: String(at + 1 + shift) },
    ]);

  it('leaves out headers, footers and page numbers', async () => {
    expect(await textOf({ pages: numbered(4, 10) })).toBe(
      'Page text a stands here\n\nPage text b stands here\n\nPage text c stands here\n\nPage text d stands here',
    );
  });

  it('leaves out headers that differ from chapter to chapter, by their page numbers', async () => {
    const pages = ['Winds', 'Tides', 'Ships', 'Lights'].map((chapter, at) => [
      { x: 60, y: 770, text: chapter },
      { x: 500, y: 770, text: String(at + 21) },
      ...lines([`Of ${chapter.toLowerCase()}`], 60, 700),
    ]);
    expect(await textOf({ pages })).toBe('Of winds\n\nOf tides\n\nOf ships\n\nOf lights');
  });

  it('knows a page by its own number, but no chapter', async () => {
    const page = (top: string, bottom: string): Piece[] => [
      { x: 60, y: 770, text: top },
      ...lines(PROSE, 60, 700),
      { x: 300, y: 30, text: bottom },
    ];
    const pages = [page('Chapter 1', '- 1 -'), page('Chapter 2', 'Page 2 of 2')];
    expect(await textOf({ pages })).toBe(`Chapter 1\n\n${JOINED}\n\nChapter 2\n\n${JOINED}`);
  });

  it('leaves in what is repeated on two pages, or in the middle of pages', async () => {
    const two = await textOf({ pages: numbered(2, 10) });
    expect(two.match(/Harbour report/g)).toHaveLength(2);
    const middle = await textOf({ pages: [1, 2, 3, 4].map(() => lines(['Sign here'], 60, 400)) });
    expect(middle.match(/Sign here/g)).toHaveLength(4);
  });
});

describe('what a document says about itself', () => {
  it('becomes title and metadata', async () => {
    const info = {
      Title: 'Harbour report',
      Author: 'A. Pilot',
      Subject: 'Harbours',
      Keywords: 'pier, quay',
      CreationDate: "D:20240131123000+01'00'",
      ModDate: 'D:2024',
      Producer: 'by hand',
    };
    const { title, metadata } = await loader.load({ bytes: pdf({ pages: [lines(PROSE, 60, 700)], info }) });
    expect(title).toBe('Harbour report');
    expect(metadata).toEqual({
      author: 'A. Pilot',
      subject: 'Harbours',
      keywords: 'pier, quay',
      language: 'en-GB',
      created: '2024-01-31T11:30:00.000Z',
      modified: '2024-01-01T00:00:00.000Z',
    });
  });

  it.each([
    '',
    'untitled',
    'Microsoft Word - report.doc',
    'my report.docx',
    'Document1',
    'file:///tmp/x',
    '2024-05',
  ])('has no title in %j, so the largest heading is it', async (Title) => {
    const page = [{ x: 60, y: 760, text: 'Rules of the harbour', size: 18 }, ...lines(PROSE, 60, 700)];
    const { title } = await loader.load({ bytes: pdf({ pages: [page], info: { Title } }) });
    expect(title).toBe('Rules of the harbour');
  });

  it.each([
    ['Node.js', 'Node.js'],
    ['\xfe\xff\x62\xa5\x54\x4a', '\u62a5\u544a'],
  ])('has a title in %j', async (Title, expected) => {
    const { title } = await loader.load({ bytes: pdf({ pages: [lines(PROSE, 60, 700)], info: { Title } }) });
    expect(title).toBe(expected);
  });

  it('may hold no title and no valid date', async () => {
    const { title, metadata } = await loader.load({
      bytes: pdf({
        pages: [lines(PROSE, 60, 700)],
        info: { CreationDate: 'D:20249931', ModDate: 'yesterday' },
      }),
    });
    expect(title).toBeUndefined();
    expect(metadata).toEqual({ language: 'en-GB' });
  });
});

/** `Secret text`, to be opened with the password `secret`; and the same to be opened by anybody. */
const LOCKED =
  'JVBERi0xLjQKJb/3ov4KMSAwIG9iago8PCAvUGFnZXMgMiAwIFIgL1R5cGUgL0NhdGFsb2cgPj4KZW5kb2JqCjIgMCBvYmoKPDwg' +
  'L0NvdW50IDEgL0tpZHMgWyAzIDAgUiBdIC9UeXBlIC9QYWdlcyA+PgplbmRvYmoKMyAwIG9iago8PCAvQ29udGVudHMgNCAwIFIg' +
  'L01lZGlhQm94IFsgMCAwIDYxMiA3OTIgXSAvUGFyZW50IDIgMCBSIC9SZXNvdXJjZXMgPDwgL0ZvbnQgPDwgL0YxIDUgMCBSID4+' +
  'ID4+IC9UeXBlIC9QYWdlID4+CmVuZG9iago0IDAgb2JqCjw8IC9GaWx0ZXIgL0ZsYXRlRGVjb2RlIC9MZW5ndGggNTAgPj4Kc3Ry' +
  'ZWFtCuD5y3cYMWn5TV9CDArH5OlMHJ0rZlB0A5ph141HaEX4UdrCtQUdpkvxZagKCXEZsvlRZW5kc3RyZWFtCmVuZG9iago1IDAg' +
  'b2JqCjw8IC9CYXNlRm9udCAvSGVsdmV0aWNhIC9TdWJ0eXBlIC9UeXBlMSAvVHlwZSAvRm9udCA+PgplbmRvYmoKNiAwIG9iago8' +
  'PCAvRmlsdGVyIC9TdGFuZGFyZCAvTGVuZ3RoIDQwIC9PIDw5MmZlMGY0NDU0YWQ0Yzk2NDQ2OTNmMzNjMDdjYjU0ZjU4N2RjZTFl' +
  'MjY4MmZlOWVjZWE2MTA3YTFlZjYzMGRkPiAvUCAtNCAvUiAyIC9VIDw3OGI1MGVlZWFkZDVmYzVhMzJhYjNlZmIxNDk5NTc0ZjE1' +
  'ZTIxYTM3NjVjMDQ4NDhiMzJiNWRmNThlYTUxNTkwPiAvViAxID4+CmVuZG9iagp4cmVmCjAgNwowMDAwMDAwMDAwIDY1NTM1IGYg' +
  'CjAwMDAwMDAwMTUgMDAwMDAgbiAKMDAwMDAwMDA2NCAwMDAwMCBuIAowMDAwMDAwMTIzIDAwMDAwIG4gCjAwMDAwMDAyNTEgMDAw' +
  'MDAgbiAKMDAwMDAwMDM3MSAwMDAwMCBuIAowMDAwMDAwNDQxIDAwMDAwIG4gCnRyYWlsZXIgPDwgL1Jvb3QgMSAwIFIgL1NpemUg' +
  'NyAvSUQgWzxkZGQ5MDUyMGI3YThlMmU3ZWEyNGMxZjhlODg2ZDU3Nz48ZDM2OTUwNzk0MTU3MzcwYWM1Y2FhMDZlOWExZTljYjI+' +
  'XSAvRW5jcnlwdCA2IDAgUiA+PgpzdGFydHhyZWYKNjQ3CiUlRU9GCg==';
const OPEN_TO_ALL =
  'JVBERi0xLjQKJb/3ov4KMSAwIG9iago8PCAvUGFnZXMgMiAwIFIgL1R5cGUgL0NhdGFsb2cgPj4KZW5kb2JqCjIgMCBvYmoKPDwg' +
  'L0NvdW50IDEgL0tpZHMgWyAzIDAgUiBdIC9UeXBlIC9QYWdlcyA+PgplbmRvYmoKMyAwIG9iago8PCAvQ29udGVudHMgNCAwIFIg' +
  'L01lZGlhQm94IFsgMCAwIDYxMiA3OTIgXSAvUGFyZW50IDIgMCBSIC9SZXNvdXJjZXMgPDwgL0ZvbnQgPDwgL0YxIDUgMCBSID4+' +
  'ID4+IC9UeXBlIC9QYWdlID4+CmVuZG9iago0IDAgb2JqCjw8IC9GaWx0ZXIgL0ZsYXRlRGVjb2RlIC9MZW5ndGggNTAgPj4Kc3Ry' +
  'ZWFtCvrJiqfrCbTvu1eSKCcnNXkl3B3MTUN5vpHSnMjJe0ahzt8qcKYQ2tRncDlBGQoQ/JSTZW5kc3RyZWFtCmVuZG9iago1IDAg' +
  'b2JqCjw8IC9CYXNlRm9udCAvSGVsdmV0aWNhIC9TdWJ0eXBlIC9UeXBlMSAvVHlwZSAvRm9udCA+PgplbmRvYmoKNiAwIG9iago8' +
  'PCAvRmlsdGVyIC9TdGFuZGFyZCAvTGVuZ3RoIDQwIC9PIDxjOTI0MjI2ODdmYWNlZTY4NmUzNzNmMTBiNWM3ZDA0NzM4MDUzMTUy' +
  'ZjdlMmVlMzBlMTFjNjllYzQ0MjU3NmFiPiAvUCAtNCAvUiAyIC9VIDwxYTBmNjQ2ZDRmMzdiNTk4OGNiOTBkMWQ1Yzg4ZWNjZjE2' +
  'NDYwYWVhOTFiMDA0ZTNmMTE3ZGIyZWI0MGFhZmE2PiAvViAxID4+CmVuZG9iagp4cmVmCjAgNwowMDAwMDAwMDAwIDY1NTM1IGYg' +
  'CjAwMDAwMDAwMTUgMDAwMDAgbiAKMDAwMDAwMDA2NCAwMDAwMCBuIAowMDAwMDAwMTIzIDAwMDAwIG4gCjAwMDAwMDAyNTEgMDAw' +
  'MDAgbiAKMDAwMDAwMDM3MSAwMDAwMCBuIAowMDAwMDAwNDQxIDAwMDAwIG4gCnRyYWlsZXIgPDwgL1Jvb3QgMSAwIFIgL1NpemUg' +
  'NyAvSUQgWzxkZGQ5MDUyMGI3YThlMmU3ZWEyNGMxZjhlODg2ZDU3Nz48N2ExNjA2ZjMwMGQzNmRlM2RjNmI4ZTk2YTAwZmQ2OWE+' +
  'XSAvRW5jcnlwdCA2IDAgUiA+PgpzdGFydHhyZWYKNjQ3CiUlRU9GCg==';

describe('what cannot be read', () => {
  const reading = (bytes: Uint8Array): Promise<unknown> => loader.load({ bytes });

  it('is a document with a password, but not one that only forbids changes', async () => {
    await expect(reading(Buffer.from(LOCKED, 'base64'))).rejects.toThrow(
      new UnreadableDocumentError('It is protected by a password.'),
    );
    expect((await loader.load({ bytes: Buffer.from(OPEN_TO_ALL, 'base64') })).text).toBe('Secret text');
  });

  it('is a document without text', async () => {
    await expect(reading(pdf({ pages: [[], []] }))).rejects.toThrow(
      new UnreadableDocumentError('It holds images of pages, but no text; it needs OCR first.'),
    );
  });

  it('is a document without pages, or with too many', async () => {
    await expect(reading(pdf({ pages: [] }))).rejects.toThrow(
      new UnreadableDocumentError('It has no pages.'),
    );
    await expect(reading(pdf({ pages: Array.from({ length: 10_001 }, () => []) }))).rejects.toThrow(
      /more than 10000 pages/,
    );
  });

  it.each(['', '%PDF-', '%PDF-1.7\nnothing more', 'text'])('is no PDF: %j', async (content) => {
    await expect(reading(Buffer.from(content))).rejects.toThrow(UnreadableDocumentError);
  });

  describe('when damaged', () => {
    // the runner reports all that is left to nobody; without it, that would end the process
    const reports = process.listeners('unhandledRejection');
    beforeAll(() => void process.removeAllListeners('unhandledRejection'));
    afterAll(() => reports.forEach((report) => process.on('unhandledRejection', report)));

    it('never ends in another error, and prints nothing', async () => {
      const written = (['log', 'warn', 'info', 'error'] as const).map((name) => vi.spyOn(console, name));
      const bytes = pdf({ pages: [lines(PROSE, 60, 700)], info: { Title: 'Harbours' } });
      const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
      await fc.assert(
        fc.asyncProperty(fc.array(change, { maxLength: 20 }), fc.nat(bytes.length), async (changes, end) => {
          const damaged = Uint8Array.from(bytes);
          for (const [at, byte] of changes) damaged[at] = byte;
          const error = await reading(damaged.subarray(0, Math.max(end, bytes.length / 2))).then(
            () => undefined,
            (reason: unknown) => reason,
          );
          expect(error === undefined || error instanceof UnreadableDocumentError).toBe(true);
        }),
        { numRuns: 60 },
      );
      for (const spy of written) expect(spy).not.toHaveBeenCalled();
      vi.restoreAllMocks();
    });

    it('is read as far as it goes, even where its pages are not where it says', async () => {
      const bytes = pdf({ pages: Array.from({ length: 9 }, (_, at) => lines([`Text ${at + 1}`], 60, 400)) });
      let entry = 0;
      // every other page's entry in the table of objects
      const astray = Buffer.from(bytes)
        .toString('latin1')
        .replace(/\d{10} 00000 n/g, (whole) =>
          ++entry > 14 && entry % 4 === 1 ? '0000000020 00000 n' : whole,
        );
      const { text } = await loader.load({ bytes: Buffer.from(astray, 'latin1') });
      expect(text).toContain('Text 9');
    });
  });

  it('leaves the bytes to the caller', async () => {
    const bytes = new Uint8Array(pdf({ pages: [lines(PROSE, 60, 700)] }));
    const before = Uint8Array.from(bytes);
    await reading(bytes);
    expect(bytes).toEqual(before);
  });
});
