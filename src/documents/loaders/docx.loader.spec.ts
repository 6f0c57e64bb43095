import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { DocxDocumentLoader } from './docx.loader.js';
import { UnreadableDocumentError } from './loader.js';

const loader = new DocxDocumentLoader();
const PARTS: Record<string, string> = {
  styles: 'styles.xml',
  numbering: 'numbering.xml',
  footnotes: 'footnotes.xml',
  endnotes: 'endnotes.xml',
  chart: 'charts/chart1.xml',
  diagramData: 'diagrams/data1.xml',
};

const relationships = (targets: Record<string, string>) =>
  `<Relationships>${Object.entries(targets)
    .map(
      ([type, target]) =>
        `<Relationship Id="${type}" Type="http://example.test/${type}" Target="${target}"/>`,
    )
    .join('')}</Relationships>`;

/** A document of this body; other parts by the type of their relation to it. */
function docx(body: string, parts: Record<string, string> = {}, properties = ''): Uint8Array {
  const files: Record<string, string> = {
    '[Content_Types].xml': '<Types/>',
    '_rels/.rels': relationships({
      officeDocument: '/word/document.xml',
      'core-properties': 'docProps/core.xml',
    }),
    'docProps/core.xml': `<cp:coreProperties>${properties}</cp:coreProperties>`,
    'word/document.xml': `<w:document><w:body>${body}<w:sectPr/></w:body></w:document>`,
    'word/_rels/document.xml.rels': relationships(PARTS),
  };
  for (const [type, content] of Object.entries(parts)) files[`word/${PARTS[type]}`] = content;
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])));
}

const run = (text: string, properties = '') =>
  `<w:r><w:rPr>${properties}</w:rPr><w:t xml:space="preserve">${text}</w:t></w:r>`;
const paragraph = (content: string, properties = '') =>
  `<w:p><w:pPr>${properties}</w:pPr>${content.startsWith('<') ? content : run(content)}</w:p>`;
const styled = (style: string, content: string, properties = '') =>
  paragraph(content, `<w:pStyle w:val="${style}"/>${properties}`);
const listed = (content: string, list: number, level = 0) =>
  paragraph(content, `<w:numPr><w:ilvl w:val="${level}"/><w:numId w:val="${list}"/></w:numPr>`);
const style = (id: string, name: string, properties = '') =>
  `<w:style w:type="paragraph" w:styleId="${id}"><w:name w:val="${name}"/>${properties}</w:style>`;
const cell = (content: string, properties = '') =>
  `<w:tc><w:tcPr>${properties}</w:tcPr>${content.startsWith('<') ? content : paragraph(content)}</w:tc>`;
const row = (cells: readonly string[], properties = '') =>
  `<w:tr><w:trPr>${properties}</w:trPr>${cells.map((one) => (one.startsWith('<w:tc>') ? one : cell(one))).join('')}</w:tr>`;
const table = (rows: readonly string[], properties = '') =>
  `<w:tbl><w:tblPr>${properties}</w:tblPr>${rows.join('')}</w:tbl>`;

const STYLES = `<w:styles>
  <w:style w:type="paragraph" w:default="1" w:styleId="Standard"><w:name w:val="Normal"/></w:style>
  ${style('Titel', 'Title')}
  ${style('berschrift1', 'heading 1', '<w:pPr><w:outlineLvl w:val="0"/></w:pPr>')}
  ${style('berschrift2', 'heading 2', '<w:pPr><w:outlineLvl w:val="1"/></w:pPr>')}
  ${style('Kapitel', 'Kapitel eigener Art', '<w:basedOn w:val="berschrift2"/>')}
  ${style('Verzeichnis1', 'toc 1')}
  ${style('Quelltext', 'Source Code')}
</w:styles>`;

const level = (at: number, format: string, pattern: string, more = '') =>
  `<w:lvl w:ilvl="${at}"><w:start w:val="1"/><w:numFmt w:val="${format}"/><w:lvlText w:val="${pattern}"/>${more}</w:lvl>`;
const list = (id: number, ...levels: string[]) =>
  `<w:abstractNum w:abstractNumId="${id}">${levels.join('')}</w:abstractNum>`;
const NUMBERING = `<w:numbering>
  ${list(1, level(0, 'bullet', '·'), level(1, 'bullet', 'o'))}
  ${list(2, level(0, 'decimal', '%1.'), level(1, 'decimal', '%1.%2'), level(2, 'lowerLetter', '(%3)'))}
  ${list(3, level(0, 'upperRoman', 'Article %1', '<w:pStyle w:val="berschrift1"/>'))}
  ${list(4, level(0, 'none', ''))}
  <w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>
  <w:num w:numId="2"><w:abstractNumId w:val="2"/></w:num>
  <w:num w:numId="3"><w:abstractNumId w:val="3"/></w:num>
  <w:num w:numId="4"><w:abstractNumId w:val="4"/></w:num>
  <w:num w:numId="5"><w:abstractNumId w:val="2"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>
</w:numbering>`;

async function textOf(body: string, parts: Record<string, string> = {}): Promise<string> {
  return (await loader.load({ bytes: docx(body, { styles: STYLES, numbering: NUMBERING, ...parts }) })).text;
}

describe('the DOCX loader', () => {
  it('recognises documents by their main part', () => {
    expect(loader.recognises(docx(''))).toBe(true);
    expect(loader.recognises(zipSync({ 'word/document2.xml': strToU8('x') }))).toBe(true);
    expect(loader.recognises(zipSync({ 'ppt/presentation.xml': strToU8('x') }))).toBe(false);
    expect(loader.recognises(strToU8('PK'))).toBe(false);
  });

  it('gives paragraphs with their breaks and without needless space', async () => {
    const broken = `<w:r><w:t>line  one</w:t><w:br/><w:t>line</w:t><w:tab/><w:t>two</w:t><w:noBreakHyphen/></w:r>`;
    expect(await textOf(paragraph('first') + paragraph('') + paragraph(broken))).toBe(
      'first\n\nline one\nline two-',
    );
  });

  it('knows headings by their outline level, whatever the style is called', async () => {
    const body =
      styled('berschrift1', 'One') +
      styled('Kapitel', 'Own style') +
      paragraph('Level of its own', '<w:outlineLvl w:val="2"/>') +
      styled('Heading4', 'Style that is not there') +
      styled('berschrift1', 'No longer a heading', '<w:outlineLvl w:val="9"/>') +
      styled('berschrift1', `Too long: ${'clause '.repeat(40)}`);
    expect(await textOf(body)).toBe(
      `# One\n\n## Own style\n\n### Level of its own\n\n#### Style that is not there\n\nNo longer a heading\n\n` +
        `Too long: ${'clause '.repeat(40).trim()}`,
    );
  });

  it('puts the headings below the title where there is one', async () => {
    const body = styled('Titel', 'Handbook') + styled('berschrift1', 'One') + styled('berschrift2', 'Deeper');
    const loaded = await loader.load({ bytes: docx(body, { styles: STYLES }) });
    expect(loaded.text).toBe('# Handbook\n\n## One\n\n### Deeper');
    expect(loaded.title).toBe('Handbook');
  });

  it('nests lists and writes the numbers that the document shows', async () => {
    const body =
      listed('bullet', 1) +
      listed('deeper', 1, 1) +
      paragraph('between') +
      listed('one', 2) +
      listed('one one', 2, 1) +
      listed('a letter', 2, 2) +
      listed('b letter', 2, 2) +
      listed('two', 2) +
      listed('two one', 2, 1) +
      paragraph('between') +
      listed('counts on', 2) +
      listed('begins again', 5) +
      listed('and counts', 5) +
      listed('no mark', 4);
    expect(await textOf(body)).toBe(
      '- bullet\n  - deeper\n\nbetween\n\n' +
        '1. one\n   - 1.1 one one\n     - (a) a letter\n     - (b) b letter\n2. two\n   - 2.1 two one\n\nbetween\n\n' +
        '3. counts on\n7. begins again\n8. and counts\n\nno mark',
    );
  });

  it('numbers headings', async () => {
    const numbered = '<w:numPr><w:numId w:val="3"/></w:numPr>';
    const body = styled('berschrift1', 'Scope', numbered) + styled('berschrift1', 'Terms', numbered);
    expect(await textOf(body)).toBe('# Article I Scope\n\n# Article II Terms');
  });

  it('takes lists from styles, and drops them where a paragraph says so', async () => {
    const styles = `<w:styles>${style('Liste', 'List Bullet', '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>')}</w:styles>`;
    const body = styled('Liste', 'item') + styled('Liste', 'none', '<w:numPr><w:numId w:val="0"/></w:numPr>');
    expect(await textOf(body, { styles })).toBe('- item\n\nnone');
  });

  it('leaves out what is deleted, moved away, hidden or generated, and keeps what is inserted', async () => {
    const body =
      paragraph(
        `${run('kept ')}<w:del><w:r><w:delText>deleted</w:delText></w:r></w:del><w:ins>${run('inserted')}</w:ins>` +
          `<w:moveFrom>${run('away')}</w:moveFrom>${run('hidden', '<w:vanish/>')}${run(' seen', '<w:vanish w:val="0"/>')}`,
      ) +
      styled('Verzeichnis1', 'Chapter 5') +
      `<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr>` +
      `<w:sdtContent>${paragraph('Contents')}</w:sdtContent></w:sdt>`;
    expect(await textOf(body)).toBe('kept inserted seen');
  });

  it('reads content controls, links and the results of fields', async () => {
    const control = (properties: string, content: string) =>
      `<w:sdt><w:sdtPr>${properties}</w:sdtPr><w:sdtContent>${content}</w:sdtContent></w:sdt>`;
    const mark = (type: string) => `<w:r><w:fldChar w:fldCharType="${type}"/></w:r>`;
    const body =
      control('', paragraph(`<w:hyperlink r:id="x">${run('A link')}</w:hyperlink>`)) +
      paragraph(control('<w:showingPlcHdr/>', run('Click here')) + run('to fill')) +
      paragraph(control('<w14:checkbox><w14:checked w14:val="1"/></w14:checkbox>', run('☒')) + run(' done')) +
      paragraph(control('<w14:checkbox><w14:checked w14:val="0"/></w14:checkbox>', run('☐')) + run(' open')) +
      paragraph(
        `${run('in ')}${mark('begin')}<w:r><w:instrText>IF </w:instrText></w:r>${mark('begin')}${mark('separate')}` +
          `${run('condition')}${mark('end')}${mark('separate')}${run('2025')}${mark('end')}${mark('end')}${run('.')}`,
      ) +
      paragraph(
        '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:checked/></w:checkBox></w:ffData></w:fldChar></w:r>' +
          `${mark('end')}${run(' agreed')}`,
      );
    expect(await textOf(body)).toBe('A link\n\nto fill\n\n[x] done\n\n[ ] open\n\nin 2025.\n\n[x] agreed');
  });

  it('puts footnotes and endnotes behind the paragraph or list that refers to them', async () => {
    const reference = (kind: string, id: number) => `<w:r><w:${kind}Reference w:id="${id}"/></w:r>`;
    const notes = (kind: string) =>
      `<w:${kind}s><w:${kind} w:type="separator" w:id="0">${paragraph('line')}</w:${kind}>` +
      [1, 2].map((id) => `<w:${kind} w:id="${id}">${paragraph(`${kind} ${id}`)}</w:${kind}>`).join('') +
      `</w:${kind}s>`;
    const body =
      styled('berschrift1', run('Heading') + reference('footnote', 2)) +
      paragraph(run('Text') + reference('endnote', 1) + reference('footnote', 2)) +
      listed(run('one') + reference('footnote', 1), 1) +
      listed('two', 1) +
      paragraph(run('No such note') + reference('footnote', 9) + reference('footnote', 0));
    expect(await textOf(body, { footnotes: notes('footnote'), endnotes: notes('endnote') })).toBe(
      '# Heading\n\n[^1]: footnote 2\n\nText[^i][^1]\n\n[^i]: endnote 1\n\n- one[^2]\n- two\n\n[^2]: footnote 1\n\n' +
        'No such note',
    );
  });

  it('fences code: of a style for it, or typed and looking like it', async () => {
    const courier = '<w:rFonts w:ascii="Courier New"/>';
    const body =
      styled('Quelltext', 'if (x):') +
      styled('Quelltext', '    ```') +
      paragraph('Prose') +
      paragraph(run('let a = 1;', courier)) +
      '<w:p/>' +
      paragraph(run('  a += 2;', courier)) +
      paragraph('More prose') +
      paragraph(run('Typed like a letter of old.', courier));
    expect(await textOf(body)).toBe(
      '````\nif (x):\n    ```\n````\n\nProse\n\n```\nlet a = 1;\n\n  a += 2;\n```\n\nMore prose\n\n' +
        'Typed like a letter of old.',
    );
  });

  it('writes equations as TeX', async () => {
    const e = (text: string) => `<m:r><m:t>${text}</m:t></m:r>`;
    const square = `<m:sSup><m:e>${e('c')}</m:e><m:sup>${e('2')}</m:sup></m:sSup>`;
    const sum =
      `<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>${e('n=1')}</m:sub><m:sup/>` +
      `<m:e><m:d><m:e><m:f><m:num>${e('1')}</m:num><m:den>${e('n')}</m:den></m:f></m:e></m:d></m:e></m:nary>`;
    const root = `<m:rad><m:radPr><m:degHide m:val="1"/></m:radPr><m:deg/><m:e>${e('𝑥')}</m:e></m:rad>`;
    const limit = `<m:limLow><m:e>${e('lim')}</m:e><m:lim>${e('n→∞')}</m:lim></m:limLow>`;
    const body =
      paragraph(`${run('Energy ')}<m:oMath>${e('E=m')}${square}</m:oMath>${run('.')}`) +
      paragraph(`<m:oMathPara><m:oMath>${sum}${e('+')}${root}</m:oMath></m:oMathPara>`) +
      paragraph(
        `<m:oMath>${limit}<m:func><m:fName>${e('sin')}</m:fName><m:e>${e('n')}</m:e></m:func></m:oMath>`,
      );
    expect(await textOf(body)).toBe(
      String.raw`Energy $E=mc^{2}$ .` +
        '\n\n' +
        String.raw`$$\sum_{n=1} (\frac{1}{n})+\sqrt{x}$$` +
        '\n\n' +
        String.raw`$\lim_{n→∞}\sin n$`,
    );
  });

  it('reads symbols of fonts that have nothing else', async () => {
    const symbol = (font: string, code: string) => `<w:r><w:sym w:font="${font}" w:char="${code}"/></w:r>`;
    const body = paragraph(
      symbol('Symbol', 'F061') + symbol('Wingdings', 'F0FE') + symbol('Wingdings', 'F04A') + run('!'),
    );
    expect(await textOf(body)).toBe('α[x]!');
  });

  it('reads text boxes once, after the paragraph that they are anchored to', async () => {
    const box = `<w:txbxContent>${paragraph('In the box')}${listed('item', 1)}</w:txbxContent>`;
    const body =
      paragraph(
        `${run('Anchor')}<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:txbx>${box}</wps:txbx></w:drawing>` +
          `</mc:Choice><mc:Fallback><w:pict><v:textbox>${box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>`,
      ) +
      paragraph(
        `<mc:AlternateContent><mc:Choice><w:drawing/></mc:Choice><mc:Fallback><w:pict><v:textbox><w:txbxContent>` +
          `${paragraph('Old box')}</w:txbxContent></v:textbox></w:pict></mc:Fallback></mc:AlternateContent>`,
      );
    expect(await textOf(body)).toBe('Anchor\n\nIn the box\n\n- item\n\nOld box');
  });

  it('reads the numbers of charts and the texts of diagrams', async () => {
    const values = (...items: string[]) =>
      `<c:numCache><c:formatCode>General</c:formatCode>${items.map((v, at) => `<c:pt idx="${at}"><c:v>${v}</c:v></c:pt>`).join('')}</c:numCache>`;
    const chart =
      `<c:chartSpace><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Sales</a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea><c:barChart>` +
      `<c:ser><c:tx><c:v>North</c:v></c:tx><c:cat>${values('2023', '2024')}</c:cat><c:val>${values('0.30000000000000004', '2')}</c:val></c:ser>` +
      `<c:ser><c:tx><c:v>South</c:v></c:tx><c:cat>${values('2023', '2024')}</c:cat><c:val>${values('1')}</c:val></c:ser>` +
      `</c:barChart></c:plotArea></c:chart></c:chartSpace>`;
    const point = (id: number, text: string, type = 'node') =>
      `<d:pt modelId="${id}" type="${type}"><d:t><a:p><a:r><a:t>${text}</a:t></a:r></a:p></d:t></d:pt>`;
    const link = (from: number, to: number, order: number) =>
      `<d:cxn srcId="${from}" destId="${to}" srcOrd="${order}"/>`;
    const diagram =
      `<d:dataModel><d:ptLst>${point(0, '', 'doc')}${point(1, 'Second')}${point(2, 'First')}${point(3, 'Below')}${point(4, 'Drawn', 'pres')}</d:ptLst>` +
      `<d:cxnLst>${link(0, 1, 1)}${link(0, 2, 0)}${link(2, 3, 0)}</d:cxnLst></d:dataModel>`;
    const body = paragraph(
      '<w:r><w:drawing><c:chart r:id="chart"/><d:relIds r:dm="diagramData"/></w:drawing></w:r>',
    );
    expect(await textOf(body + body, { chart, diagramData: diagram })).toBe(
      'Sales\n\n|  | North | South |\n|---|---|---|\n| 2023 | 0.3 | 1 |\n| 2024 | 2 |  |\n\n- First\n  - Below\n- Second',
    );
  });

  it('takes its title and metadata from the properties where they say something', async () => {
    const properties =
      '<dc:title>Annual report</dc:title><dc:creator>Ada</dc:creator><cp:keywords>a, b</cp:keywords><dc:subject> </dc:subject>' +
      '<dc:language>en-GB</dc:language><dcterms:created>2024-05-01T10:00:00Z</dcterms:created><dcterms:modified>soon</dcterms:modified>';
    const body = styled('berschrift1', 'Heading');
    const loaded = await loader.load({ bytes: docx(body, { styles: STYLES }, properties) });
    expect(loaded.title).toBe('Annual report');
    expect(loaded.metadata).toEqual({
      author: 'Ada',
      keywords: 'a, b',
      language: 'en-GB',
      created: '2024-05-01T10:00:00.000Z',
    });
    const meaningless = [
      'Word Document',
      'Untitled',
      'Document1',
      '---',
      'PowerPoint-Präsentation',
      'PowerPoint Presentation',
      '',
    ];
    for (const title of meaningless) {
      const bytes = docx(
        body,
        { styles: STYLES },
        `<dc:title>${title}</dc:title><dc:creator>python-docx</dc:creator>`,
      );
      expect(await loader.load({ bytes })).toMatchObject({ title: 'Heading', metadata: {} });
    }
    const printed = docx(body, {}, '<dc:title>Microsoft Word - Letter.doc</dc:title>');
    expect((await loader.load({ bytes: printed })).title).toBe('Letter.doc');
  });

  it('finds parts whose names are written in another case', async () => {
    const bytes = zipSync({
      '_RELS/.rels': strToU8(relationships({ officeDocument: 'word/document.xml' })),
      'Word/Document.xml': strToU8(`<w:document><w:body>${paragraph('found')}</w:body></w:document>`),
    });
    expect(loader.recognises(bytes)).toBe(true);
    expect((await loader.load({ bytes })).text).toBe('found');
  });

  it('reads a document whose other parts are missing or damaged, but not one without its text', async () => {
    expect(await textOf(styled('Heading1', 'Still read'), { styles: '<w:styles', numbering: '' })).toBe(
      '# Still read',
    );
    const lacking = zipSync({ 'word/document9.xml': strToU8('<w:document/>') });
    await expect(loader.load({ bytes: lacking })).rejects.toThrow('It lacks its part "word/document.xml".');
    const other = zipSync({ 'word/document.xml': strToU8('<w:other/>') });
    await expect(loader.load({ bytes: other })).rejects.toThrow('It is no Word document.');
    await expect(loader.load({ bytes: strToU8('text') })).rejects.toBeInstanceOf(UnreadableDocumentError);
  });
});

describe('tables of a DOCX document', () => {
  it('are pipe tables, without deleted rows', async () => {
    const rows = [row(['Name', 'a|b']), row(['x', 'y']), row(['gone', 'gone'], '<w:del/>')];
    expect(await textOf(table(rows))).toBe(String.raw`| Name | a\|b |` + '\n|---|---|\n| x | y |');
  });

  it('repeat cells that reach over several rows, and names that reach over several columns', async () => {
    const merged = (how: string) => `<w:vMerge w:val="${how}"/>`;
    const rows = [
      row([cell('Item', merged('restart')), cell('Price', '<w:gridSpan w:val="2"/>')]),
      row([cell('', merged('continue')), 'net', 'gross']),
      row([cell('Tea', merged('restart')), '1', '2']),
      row([cell('', '<w:vMerge/>'), cell('free', '<w:gridSpan w:val="2"/>')]),
      row(['late'], '<w:gridBefore w:val="1"/>'),
    ];
    expect(await textOf(table(rows))).toBe(
      '| Item | Price / net | Price / gross |\n|---|---|---|\n| Tea | 1 | 2 |\n| Tea | free |  |\n|  | late |  |',
    );
  });

  it('have the lists of their cells in a line, and captions above them', async () => {
    const rows = [
      row([cell('Table 1: Ducks', '<w:gridSpan w:val="2"/>')]),
      row(['Kind', 'Food']),
      row(['Mallard', cell(listed('grass', 1) + listed('corn', 1) + paragraph('and more'))]),
    ];
    expect(await textOf(table(rows))).toBe(
      'Table 1: Ducks\n\n| Kind | Food |\n|---|---|\n| Mallard | - grass - corn and more |',
    );
  });

  it('name the columns in every row when they are long', async () => {
    const names = row(['Town', 'People', 'River']);
    const rows = Array.from({ length: 20 }, (_, at) => row([`Town ${at}`, `${at * 100}`, 'Rhine']));
    expect(await textOf(table([names, ...rows]))).toContain(
      'Town: Town 7; People: 700; River: Rhine\n\nTown: Town 8; People: 800; River: Rhine',
    );
    const unnamed = await textOf(table([names, ...rows], '<w:tblLook w:firstRow="0"/>'));
    expect(unnamed).toContain('Town; People; River\n\nTown 0; 0; Rhine\n\nTown 1; 100; Rhine');
    expect(await textOf(table([names, ...rows], '<w:tblLook w:val="0480"/>'))).toBe(unnamed);
    const title = row(['Town', 'n'.repeat(150), 'River']);
    expect(await textOf(table([title, ...rows]))).toContain('Town 0; 0; Rhine\n\nTown 1; 100; Rhine');
  });

  it('do not take the first of many names and values for those of columns', async () => {
    const rows = Array.from({ length: 20 }, (_, at) => row([`Name ${at}`, `value ${at}`]));
    expect(await textOf(table(rows))).toContain('Name 0; value 0\n\nName 1; value 1');
    const named = 'Name 0: Name 1; value 0: value 1';
    const bold = row(['Name 0', 'value 0'].map((text) => cell(paragraph(run(text, '<w:b/>')))));
    expect(await textOf(table([bold, ...rows.slice(1)]))).toContain(named);
    const shaded = row(['Name 0', 'value 0'].map((text) => cell(text, '<w:shd w:fill="FF0000"/>')));
    expect(await textOf(table([shaded, ...rows.slice(1)]))).toContain(named);
    const styles = `<w:styles><w:style w:styleId="T"><w:tblStylePr w:type="firstRow"/></w:style></w:styles>`;
    expect(await textOf(table(rows, '<w:tblStyle w:val="T"/>'), { styles })).toContain(named);
  });

  it('join the names of several header rows', async () => {
    const header = '<w:tblHeader/>';
    const rows = [row(['Year', 'Income'], header), row(['', 'in EUR'], header), row(['2024', '5'])];
    const joined = '| Year | Income / in EUR |\n|---|---|\n| 2024 | 5 |';
    expect(await textOf(table(rows))).toBe(joined);
    const caption = row([cell('Caption', '<w:gridSpan w:val="2"/>')], header);
    expect(await textOf(table([caption, ...rows]))).toBe(`Caption\n\n${joined}`);
  });

  it('are read as their paragraphs when they only place them', async () => {
    const frame = table([row([cell(styled('berschrift1', 'Framed') + paragraph('text'))])]);
    expect(await textOf(frame)).toBe('# Framed\n\ntext');
    const columns = table([row([paragraph('left '.repeat(500)), 'right'].map((content) => cell(content)))]);
    expect(await textOf(columns)).toBe(`${'left '.repeat(500).trim()}\n\nright`);
    const nested = table([row(['outer', cell(table([row(['a', 'b']), row(['c', 'd'])]))])]);
    expect(await textOf(nested)).toBe('outer\n\n| a | b |\n|---|---|\n| c | d |');
  });
});

describe('a hostile DOCX document', () => {
  it('makes no more text than it has itself, however often it refers to its parts', async () => {
    const reference =
      '<w:r><w:footnoteReference w:id="1"/><w:drawing><c:chart r:id="chart"/></w:drawing></w:r>';
    const footnotes = `<w:footnotes><w:footnote w:id="1">${paragraph('n'.repeat(10_000))}</w:footnote></w:footnotes>`;
    const chart = `<c:chartSpace><c:chart><c:title><c:tx><c:v>${'t'.repeat(10_000)}</c:v></c:tx></c:title></c:chart></c:chartSpace>`;
    const text = await textOf(paragraph(reference).repeat(1000), { footnotes, chart });
    expect(text.length).toBeLessThan(30_000);
  });

  it('makes no large text of wide or numbered rows', async () => {
    const name = cell('n'.repeat(90), '<w:gridSpan w:val="999999999"/>');
    const wide = table([row([name, 'a'], '<w:tblHeader/>'), row(['b', 'c'])]);
    expect((await textOf(wide.repeat(1000))).length).toBeLessThan(1_000_000);
    const endless = `<w:numbering>${list(1, level(0, 'lowerRoman', '%1'.repeat(5000)).replace('"1"', '"999999999"'))}<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num></w:numbering>`;
    expect((await textOf(listed('x', 1), { numbering: endless })).length).toBeLessThan(1000);
  });

  it('may have styles that lean on one another in circles', async () => {
    const styles = `<w:styles>${style('a', 'A', '<w:basedOn w:val="b"/>')}${style('b', 'B', '<w:basedOn w:val="a"/>')}</w:styles>`;
    expect(await textOf(styled('a', 'text'), { styles })).toBe('text');
  });
});
