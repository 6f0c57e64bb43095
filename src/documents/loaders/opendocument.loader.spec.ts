import * as fc from 'fast-check';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { normaliseText } from '../normalize.js';
import { UnreadableDocumentError } from './loader.js';
import { OpenDocumentLoader } from './opendocument.loader.js';

const loader = new OpenDocumentLoader();
const TYPE = 'application/vnd.oasis.opendocument';
const NAMESPACES = [
  'office',
  'style',
  'text',
  'table',
  'draw',
  'presentation',
  'fo',
  'svg',
  'meta',
  'dc',
  'chart',
  'xlink',
  'math',
]
  .map((prefix) => `xmlns:${prefix}="urn:${prefix}"`)
  .join(' ');

/** The parts of a package, beside its content. */
interface Parts {
  automatic?: string;
  styles?: string;
  meta?: string;
  others?: Record<string, string>;
}

function zip(parts: Record<string, string>, kind = 'text'): Uint8Array {
  const bytes = Object.entries({ mimetype: `${TYPE}.${kind}`, ...parts }).map(([name, part]) => [
    name,
    strToU8(part),
  ]);
  return zipSync(Object.fromEntries(bytes), { level: 0 });
}

function build(body: string, { automatic = '', styles = '', meta = '', others = {} }: Parts, kind: string) {
  const root = (name: string, content: string) => `<office:${name} ${NAMESPACES}>${content}</office:${name}>`;
  const content = `<office:automatic-styles>${automatic}</office:automatic-styles><office:body><office:${kind}>${body}</office:${kind}></office:body>`;
  return zip(
    {
      'content.xml': root('document-content', content),
      'styles.xml': root('document-styles', `<office:styles>${styles}</office:styles>`),
      'meta.xml': root('document-meta', `<office:meta>${meta}</office:meta>`),
      ...others,
    },
    kind,
  );
}

const load = (bytes: Uint8Array) => loader.load({ bytes });
const loadText = (body: string, parts: Parts = {}) => load(build(body, parts, 'text'));
const text = async (body: string, parts: Parts = {}) => (await loadText(body, parts)).text;
const slides = (body: string, parts: Parts = {}) => load(build(body, parts, 'presentation'));

const p = (content: string, style = 'Standard') => `<text:p text:style-name="${style}">${content}</text:p>`;
const h = (level: number, content: string) => `<text:h text:outline-level="${level}">${content}</text:h>`;
const item = (content: string) => `<text:list-item>${content}</text:list-item>`;
const list = (style: string, ...items: string[]) =>
  `<text:list text:style-name="${style}">${items.map(item).join('')}</text:list>`;
const row = (...cells: string[]) => `<table:table-row>${cells.join('')}</table:table-row>`;
const cell = (content: string, attributes = '') =>
  `<table:table-cell ${attributes}>${content === '' ? '' : p(content)}</table:table-cell>`;
const table = (...rows: string[]) => `<table:table>${rows.join('')}</table:table>`;
const number = (level: number, format: string, more = '') =>
  `<text:list-level-style-number text:level="${level}" style:num-format="${format}" ${more}/>`;
const style = (name: string, family: string, content: string, more = '') =>
  `<style:style style:name="${name}" style:family="${family}" ${more}>${content}</style:style>`;

describe('OpenDocumentLoader', () => {
  it.each<[string, string, string]>([
    ['headings and paragraphs', h(1, 'A') + p('b') + h(12, 'C') + h(2, ''), '# A\n\nb\n\n###### C'],
    ['white space', p(' a\n  b<text:s text:c="3"/>c<text:tab/>d<text:line-break/>e '), 'a b c d\ne'],
    ['many spaces', p('a<text:s text:c="99999999999"/>b'), 'a b'],
    [
      'spans, links and fields',
      p('a <text:span>b</text:span> <text:a>c</text:a> <text:title>d</text:title>'),
      'a b c d',
    ],
    ['the title', p('A', 'Title') + p('b', 'Subtitle'), '# A\n\nb'],
    [
      'code',
      p('if (a) {', 'Preformatted_20_Text') + p('<text:s text:c="2"/>b();', 'Preformatted_20_Text') + p('c'),
      '```\nif (a) {\n  b();\n```\n\nc',
    ],
    [
      'notes',
      p(
        'a<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>b</text:p><text:p>c</text:p></text:note-body></text:note> d',
      ),
      'a (b c) d',
    ],
    [
      'notes of headings',
      h(1, 'A<text:note><text:note-body><text:p>b</text:p></text:note-body></text:note>'),
      '# A\n\n(b)',
    ],
    [
      'sections',
      `<text:section>${p('a')}</text:section><text:section text:display="none">${p('b')}</text:section>`,
      'a',
    ],
    [
      'comments as nothing',
      p('a<office:annotation><dc:creator>C</dc:creator><text:p>b</text:p></office:annotation>c'),
      'ac',
    ],
    [
      'deleted text as nothing',
      `<text:tracked-changes><text:changed-region><text:deletion>${p('b')}</text:deletion></text:changed-region></text:tracked-changes>${p('a<text:change/>c')}`,
      'ac',
    ],
    [
      'tables of contents as nothing',
      `<text:table-of-content><text:index-body>${p('a')}</text:index-body></text:table-of-content>${p('b')}`,
      'b',
    ],
    [
      'hidden paragraphs as nothing',
      p('a<text:hidden-paragraph text:is-hidden="true"/>') +
        p('b<text:hidden-text text:is-hidden="true">c</text:hidden-text>'),
      'b',
    ],
    [
      'text boxes after their paragraph',
      p(`a<draw:frame><draw:text-box>${p('b')}${p('c')}</draw:text-box></draw:frame>d`),
      'ad\n\nb\n\nc',
    ],
    ['shapes', p(`a<draw:g><draw:custom-shape>${p('b')}</draw:custom-shape></draw:g>`), 'a\n\nb'],
    [
      'pictures as what stands for them',
      p('a<draw:frame><draw:image/><svg:title>t</svg:title><svg:desc>A duck</svg:desc></draw:frame>') +
        p('<draw:frame><draw:image/><svg:desc>duck.png</svg:desc></draw:frame>'),
      'a\n\nA duck',
    ],
    [
      'bases of ruby text',
      p(
        '<text:ruby><text:ruby-base>漢字</text:ruby-base><text:ruby-text>かんじ</text:ruby-text></text:ruby>',
      ),
      '漢字',
    ],
  ])('reads %s', async (_, body, expected) => {
    expect(await text(body)).toBe(expected);
  });

  describe('lists', () => {
    const automatic = `
      <text:list-style style:name="B"><text:list-level-style-bullet text:level="1"/><text:list-level-style-bullet text:level="2"/></text:list-style>
      <text:list-style style:name="N">${number(1, '1', 'style:num-suffix="."')}${number(2, 'a', 'style:num-suffix=")"')}${number(3, 'i', 'text:display-levels="3"')}</text:list-style>
      <text:list-style style:name="E">${number(1, '')}</text:list-style>
      <text:list-style style:name="I">${number(1, 'I', 'style:num-prefix="(" style:num-suffix=")" text:start-value="4"')}</text:list-style>`;
    const plain = (...items: string[]) => `<text:list>${items.map(item).join('')}</text:list>`;

    it.each<[string, string, string]>([
      ['bullets', list('B', p('a') + p('b'), p('c') + plain(p('d'))), '- a\n  b\n- c\n  - d'],
      [
        'numbers',
        list('N', p('a'), p('b') + plain(p('c'), p('d') + plain(p('e')))),
        '1. a\n2. b\n   - a) c\n   - b) d\n     - 2.b.i e',
      ],
      ['other numbers', list('I', p('a'), p('b')), '- (IV) a\n- (V) b'],
      ['lists without marks', list('E', p('a'), p('b')), 'a\n\nb'],
      [
        'headers of lists',
        `<text:list text:style-name="N"><text:list-header>${p('a')}</text:list-header>${item(p('b'))}</text:list>`,
        'a\n\n1. b',
      ],
      ['lists that begin again', list('N', p('a')) + p('b') + list('N', p('c')), '1. a\n\nb\n\n1. c'],
      [
        'lists that go on',
        list('N', p('a')) + p('b') + list('N', p('c')).replace('>', ' text:continue-numbering="true">'),
        '1. a\n\nb\n\n2. c',
      ],
      [
        'items with a number of their own',
        list('N', p('a')).replace('<text:list-item', '<text:list-item text:start-value="7"'),
        '7. a',
      ],
      [
        'numbers too large to be counted',
        list('N', p('a')).replace('<text:list-item', '<text:list-item text:start-value="1e400"'),
        '1. a',
      ],
      [
        'items that only hold another list',
        list('N', p('a'), plain(p('b')), p('c')),
        '1. a\n   - a) b\n2. c',
      ],
      [
        'headings in lists',
        list('N', h(1, 'A')) + list('N', plain(h(2, 'B'))).replace('>', ' text:continue-numbering="true">'),
        '# 1. A\n\n## a) B',
      ],
      ['lists of unknown styles', list('X', p('a')), '- a'],
    ])('reads %s', async (_, body, expected) => {
      expect(await text(body, { automatic })).toBe(expected);
    });

    it('counts headings as the styles say', async () => {
      const level = (at: number, more: string) => `<text:outline-level-style text:level="${at}" ${more}/>`;
      const styles = `<text:outline-style>${level(1, 'style:num-format="1"')}${level(2, 'style:num-format="1" text:display-levels="2"')}${level(3, 'style:num-format=""')}</text:outline-style>`;
      const body = h(1, 'A') + h(2, 'B') + h(2, 'C') + h(3, 'D') + h(1, 'E') + h(2, 'F');
      expect(await text(body, { styles })).toBe(
        '# 1 A\n\n## 1.1 B\n\n## 1.2 C\n\n### D\n\n# 2 E\n\n## 2.1 F',
      );
    });
  });

  describe('styles', () => {
    it('follows what a style is based on', async () => {
      const automatic =
        style('P1', 'paragraph', '', 'style:parent-style-name="Title"') +
        style('P2', 'paragraph', '', 'style:parent-style-name="P3"') +
        style('P3', 'paragraph', '', 'style:parent-style-name="P2"');
      const styles = style('Title', 'paragraph', '');
      expect(await text(p('A', 'P1') + p('b', 'P2'), { automatic, styles })).toBe('# A\n\nb');
    });

    it('leaves out hidden text', async () => {
      const hidden = '<style:text-properties text:display="none"/>';
      const automatic = style('T1', 'text', hidden) + style('P1', 'paragraph', hidden);
      const span = '<text:span text:style-name="T1">b</text:span>';
      expect(await text(p(`a${span}c`) + p('d', 'P1'), { automatic })).toBe('ac');
    });
  });

  describe('tables', () => {
    const covered = '<table:covered-table-cell/>';

    it.each<[string, string, string]>([
      [
        'data',
        table(row(cell('A'), cell('B')), row(cell('1|2'), cell(''))),
        '| A | B |\n|---|---|\n| 1\\|2 |  |',
      ],
      [
        'cells over several columns',
        table(row(cell('A'), cell('B')), row(cell('1', 'table:number-columns-spanned="2"'), covered)),
        '| A | B |\n|---|---|\n| 1 |  |',
      ],
      [
        'cells over several rows',
        table(
          row(cell('A', 'table:number-rows-spanned="2"'), cell('B')),
          row(covered, cell('C')),
          row(cell('D'), cell('E')),
        ),
        '| A | B |\n|---|---|\n| A | C |\n| D | E |',
      ],
      [
        'repeated cells',
        table(
          row(cell('A'), cell('', 'table:number-columns-repeated="2"'), cell('B')),
          row(cell('c', 'table:number-columns-repeated="3"'), cell('d')),
        ),
        '| A |  |  | B |\n|---|---|---|---|\n| c | c | c | d |',
      ],
      [
        'lists in cells',
        table(row(cell('A'), `<table:table-cell>${list('X', p('a'), p('b'))}</table:table-cell>`)),
        '| A | a; b |\n|---|---|',
      ],
      [
        'tables that lay out a page',
        table(row(cell('a'), `<table:table-cell>${h(1, 'B')}${p('c')}</table:table-cell>`)),
        'a\n\n# B\n\nc',
      ],
      ['tables of one column', table(row(cell('a')), row(cell('b'))), 'a\n\nb'],
      [
        'tables in tables',
        table(row(cell('a'), `<table:table-cell>${table(row(cell('b'), cell('c')))}</table:table-cell>`)),
        'a\n\n| b | c |\n|---|---|',
      ],
    ])('reads %s', async (_, body, expected) => {
      expect(await text(body)).toBe(expected);
    });

    it('names the columns in long tables', async () => {
      const header = `<table:table-header-rows>${row(cell('2023'), cell('2024'))}</table:table-header-rows>`;
      const rows = Array.from({ length: 20 }, () => row(cell('a'), cell('b')));
      expect(await text(table(header, ...rows))).toContain('2023: a; 2024: b');
      expect(await text(table(row(cell('2023'), cell('2024')), ...rows))).toContain('2023; 2024\n\na; b');
      expect(await text(table(row(cell('Name'), cell('Size')), ...rows))).toContain('Name: a; Size: b');
    });

    it('repeats cells only so often', async () => {
      const repeated = cell('x'.repeat(150), 'table:number-columns-repeated="99999"');
      const rows = Array.from({ length: 500 }, () => row(repeated));
      expect((await text(table(...rows))).length).toBeLessThan(500 * 150 + 250_000);
    });
  });

  describe('pages', () => {
    const turn = '<text:soft-page-break/>';
    const counted = (pages: number) => ({ meta: `<meta:document-statistic meta:page-count="${pages}"/>` });
    const pagesOf = async (body: string, parts: Parts) => {
      const document = await loadText(body, parts);
      return document.pages?.map(({ start, end, page }) => [page, document.text.slice(start, end)]);
    };

    it('are where the document says that they end', async () => {
      const rows = `${row(cell('e'), cell('f'))}${turn}${row(cell('g'), cell('h'))}`;
      const body = `${p('a')}${turn}${p('b')}${p(`${turn}c`)}${p(`d${turn}d`)}${table(rows)}${p('i')}`;
      expect(await pagesOf(body, counted(5))).toEqual([
        [1, 'a'],
        [2, 'b'],
        [3, 'c\n\ndd'],
        [4, '| e | f |\n|---|---|\n| g | h |'],
        [5, 'i'],
      ]);
    });

    it('begin at breaks made by hand', async () => {
      const automatic =
        style('B', 'paragraph', '<style:paragraph-properties fo:break-before="page"/>') +
        style('A', 'paragraph', '<style:paragraph-properties fo:break-after="page"/>') +
        style('M', 'paragraph', '', 'style:master-page-name="Right"') +
        style(
          'N',
          'paragraph',
          '<style:paragraph-properties fo:break-before="auto"/>',
          'style:parent-style-name="B"',
        ) +
        style('T', 'table', '<style:table-properties fo:break-before="page"/>');
      const body = `${p('a', 'B')}${p('b', 'A')}${p('c', 'N')}${p('d', 'M')}${table(row(cell('e'), cell('f'))).replace('>', ' table:style-name="T">')}${p('g', 'A')}`;
      expect(await pagesOf(body, { automatic, ...counted(4) })).toEqual([
        [1, 'a\n\nb'],
        [2, 'c'],
        [3, 'd'],
        [4, '| e | f |\n|---|---|\n\ng'],
      ]);
    });

    it('are not made up where the breaks do not add up', async () => {
      expect(await pagesOf(`${p('a')}${turn}${p('b')}`, counted(3))).toBeUndefined();
      expect(await pagesOf(`${p('a')}${turn}${p('b')}`, {})).toBeUndefined();
      expect(await pagesOf(p('a'), counted(1))).toBeUndefined();
    });
  });

  describe('objects', () => {
    const frame = (href: string) =>
      `<draw:frame><draw:object xlink:href="./${href}"/><draw:image/></draw:frame>`;
    const math = `<math ${NAMESPACES}><mi>x</mi><annotation>x = y</annotation></math>`;
    const chart = `<office:document-content ${NAMESPACES}><office:body><office:chart><chart:chart>
      <chart:title>${p('Ducks')}</chart:title>
      <table:table><table:table-header-rows>${row(cell(''), cell('2024'))}</table:table-header-rows><table:table-rows>${row(cell('Mallard'), cell('9'))}</table:table-rows></table:table>
      </chart:chart></office:chart></office:body></office:document-content>`;

    it('are read in the text or after it', async () => {
      const others = { 'F/content.xml': math, 'C/content.xml': chart, 'D/content.xml': '<broken' };
      const body = p(`a ${frame('F')} b`) + p(`c${frame('C')}`) + p(frame('D'));
      expect(await text(body, { others })).toBe(
        'a x = y b\n\nc\n\nDucks\n\n|  | 2024 |\n|---|---|\n| Mallard | 9 |',
      );
    });

    it('are read once', async () => {
      const others = { 'C/content.xml': chart };
      expect((await text(p(frame('C').repeat(3)), { others })).match(/Ducks/g)).toHaveLength(1);
    });
  });

  describe('presentations', () => {
    const shape = (kind: string, content: string) =>
      `<draw:frame presentation:class="${kind}"><draw:text-box>${content}</draw:text-box></draw:frame>`;
    const notes = (content: string) =>
      `<presentation:notes>${shape('page-number', p('7'))}${shape('notes', content)}</presentation:notes>`;

    it('are read slide by slide', async () => {
      const data = `<draw:frame>${table(row(cell('a'), cell('b')))}<draw:image/></draw:frame>`;
      const body = `<draw:page>${shape('subtitle', p('Sub'))}${shape('title', p('A') + p('B'))}${shape('footer', p('F'))}${notes(p('n') + p('m'))}</draw:page>
        <draw:page/><draw:page>${data}<draw:custom-shape>${p('c')}</draw:custom-shape>${notes('')}</draw:page>`;
      const document = await slides(body);
      expect(document).toMatchObject({
        text: '## A B\n\nSub\n\nNotes: n\n\nm\n\n| a | b |\n|---|---|\n\nc',
        title: 'A B',
      });
      expect(document.pages).toEqual([
        { start: 0, end: 24, page: 1 },
        { start: 26, end: document.text.length, page: 3 },
      ]);
    });
  });

  it('reads what the document says about itself', async () => {
    const meta = `<dc:title>T</dc:title><meta:initial-creator>A</meta:initial-creator><dc:creator>B</dc:creator>
      <dc:subject>S</dc:subject><meta:keyword>k</meta:keyword><meta:keyword>l</meta:keyword><dc:description>D</dc:description>
      <dc:language>de</dc:language><meta:creation-date>2024-01-02T03:04:05.123456789</meta:creation-date><dc:date>2024-05-06T07:08:09Z</dc:date>`;
    expect(await loadText(h(1, 'H'), { meta })).toEqual({
      text: '# H',
      title: 'T',
      metadata: {
        author: 'A',
        subject: 'S',
        keywords: 'k, l',
        description: 'D',
        language: 'de',
        created: '2024-01-02T03:04:05',
        modified: '2024-05-06T07:08:09Z',
      },
    });
    const bad = '<dc:creator>B</dc:creator><dc:date>2024-99-99</dc:date><dc:title>Untitled</dc:title>';
    expect(await loadText(h(1, 'H'), { meta: bad })).toMatchObject({ title: 'H', metadata: { author: 'B' } });
  });

  it('reads flat files', async () => {
    const flat = `<?xml version="1.0"?>\n<office:document ${NAMESPACES} office:mimetype="${TYPE}.text"><office:meta><dc:title>T</dc:title></office:meta><office:body><office:text>${p('a<draw:frame><draw:image><office:binary-data>AAAA</office:binary-data></draw:image></draw:frame>')}</office:text></office:body></office:document>`;
    expect(loader.recognises(strToU8(flat))).toBe(true);
    expect(await load(strToU8(flat))).toEqual({ text: 'a', title: 'T', metadata: {} });
  });

  it('recognises texts and presentations', () => {
    for (const kind of ['text', 'text-template', 'presentation', 'presentation-template']) {
      expect(loader.recognises(zip({}, kind))).toBe(true);
    }
    expect(loader.recognises(zip({}, 'spreadsheet'))).toBe(false);
    expect(loader.recognises(zipSync({ 'content.xml': strToU8('<a/>') }))).toBe(false);
    expect(loader.recognises(strToU8('<html>'))).toBe(false);
    expect(loader.recognises(new Uint8Array())).toBe(false);
  });

  it('says that a document is protected', async () => {
    const manifest = (path: string) =>
      `<manifest><file-entry full-path="${path}"><encryption-data/></file-entry></manifest>`;
    const parts = (path: string) => ({ 'META-INF/manifest.xml': manifest(path) });
    const message = 'It is protected by a password.';
    await expect(loadText('', { others: parts('content.xml') })).rejects.toThrow(
      new UnreadableDocumentError(message),
    );
    await expect(load(zip(parts('encrypted-package')))).rejects.toThrow(new UnreadableDocumentError(message));
    expect(await text(p('a'), { others: parts('Basic/module.xml') })).toBe('a');
  });

  it.each<[string, Uint8Array]>([
    ['without content', zip({})],
    ['with damaged content', zip({ 'content.xml': '<a>' })],
    ['with other content', zip({ 'content.xml': '<a/>' })],
    ['that is cut off', build(p('a'), {}, 'text').subarray(0, 300)],
    ['that is none', strToU8('text')],
  ])('refuses a file %s', async (_, bytes) => {
    await expect(load(bytes)).rejects.toThrow(UnreadableDocumentError);
  });

  it('reads a document whose other parts are damaged', async () => {
    const others = { 'styles.xml': '<a', 'meta.xml': 'b' };
    expect(await text(p('a'), { others })).toBe('a');
  });

  it('reads anything that is well-formed', async () => {
    const names =
      'p h list list-item list-header table table-row table-cell covered-table-cell frame text-box note note-body span s soft-page-break section page notes object a g'.split(
        ' ',
      );
    const tree = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom('a', '', ' '),
        fc
          .tuple(fc.constantFrom(...names), fc.array(tie('node'), { maxLength: 4 }), fc.nat(3))
          .map(
            ([name, nodes, n]) =>
              `<${name} outline-level="${n}" number-rows-spanned="${n}" c="${n}">${nodes.join('')}</${name}>`,
          ),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.array(tree.node), fc.constantFrom('text', 'presentation'), async (nodes, kind) => {
        const { text: read } = await load(build(nodes.join(''), {}, kind));
        expect(read).toBe(normaliseText(read));
      }),
      { numRuns: 200 },
    );
  });
});
